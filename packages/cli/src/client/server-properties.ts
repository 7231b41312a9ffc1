// SPDX-License-Identifier: Apache-2.0
import { readFileSync } from 'node:fs'
import { parseProperties, systemErrorCode } from '@millrace/base'
import { UsageError } from '../usage-error.ts'

/** Reads Kafka's `server.properties`; throws `UsageError` for a file that is not for KRaft. */
export function readServerProperties(path: string): Map<string, string> {
  let settings: Map<string, string>
  try {
    settings = parseProperties(readFileSync(path, 'utf8'))
  } catch (error) {
    throw new UsageError(`cannot read --config ${path}: ${systemErrorCode(error) ?? error}`)
  }
  if (!settings.has('zookeeper.connect')) return settings
  throw new UsageError(
    'zookeeper.connect is set: ZooKeeper is gone since Kafka 4.0; use a KRaft file with process.roles and node.id',
  )
}
