// SPDX-License-Identifier: Apache-2.0
import { readFileSync } from 'node:fs'
import { isReadableByOthers, parseProperties, systemErrorCode } from '@millrace/base'
import { UsageError } from '../usage-error.ts'

/** Keys of passwords and private keys. */
const SECRET =
  /password|\bsecret|jaas\.config|ssl\.keystore\.key$|^amqp\.users$|^bootstrap\.scram\.users$|basic\.auth\.user\.info$|bearer\.auth\.token$/

/** Warns of a file with secrets that other accounts of the machine may read. */
export function warnIfReadable(path: string, entries: ReadonlyMap<string, string>): void {
  const secrets = [...entries].filter(
    ([key, value]) => SECRET.test(key) && value !== '' && !isReference(value, entries),
  )
  const [first] = secrets
  if (first === undefined || !isReadableByOthers(path)) return
  process.stderr.write(
    `millrace: ${path} contains secrets (${first[0]}) and is readable by others; chmod 600 ${path}\n`,
  )
}

/** Whether a value comes from a config provider as a whole. */
function isReference(value: string, entries: ReadonlyMap<string, string>): boolean {
  return entries.has('config.providers') && /^\$\{[^}]+\}$/.test(value.trim())
}

/** Reads Kafka's `server.properties`; throws `UsageError` for a file that is not for KRaft. */
export function readServerProperties(path: string): Map<string, string> {
  let settings: Map<string, string>
  try {
    settings = parseProperties(readFileSync(path, 'utf8'))
    warnIfReadable(path, settings)
  } catch (error) {
    throw new UsageError(`cannot read --config ${path}: ${systemErrorCode(error) ?? error}`)
  }
  if (!settings.has('zookeeper.connect')) return settings
  throw new UsageError(
    'zookeeper.connect is set: ZooKeeper is gone since Kafka 4.0; use a KRaft file with process.roles and node.id',
  )
}
