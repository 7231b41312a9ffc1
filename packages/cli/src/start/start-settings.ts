// SPDX-License-Identifier: Apache-2.0
import { readServerProperties } from '../client/server-properties.ts'
import type { ParsedOptions } from '../options.ts'
import { UsageError } from '../usage-error.ts'

/** The file, then `--set`, then the dedicated options. */
export function startSettings(parsed: ParsedOptions): Map<string, string> {
  const file = parsed.value('config')
  const settings = file === undefined ? new Map<string, string>() : readServerProperties(file)
  // As in Kafka, a file without listeners listens on all interfaces.
  if (file !== undefined && !settings.has('listeners'))
    settings.set('listeners', 'PLAINTEXT://:9092')
  for (const pair of parsed.values('set')) {
    const at = pair.indexOf('=')
    if (at <= 0) throw new UsageError(`invalid --set ${pair}: expected KEY=VALUE`)
    settings.set(pair.slice(0, at).trim(), pair.slice(at + 1))
  }
  const auditLog = parsed.value('audit-log')
  if (auditLog !== undefined) settings.set('audit.log.file', auditLog)
  if (parsed.has('insecure')) settings.set('allow.insecure.listeners', 'true')
  const listen = parsed.value('listen')
  if (listen !== undefined) settings.set('listeners', listenersWith(settings, listen))
  if (!settings.has('listeners')) settings.set('listeners', 'PLAINTEXT://127.0.0.1:9092')
  const data = parsed.value('data')
  if (parsed.has('ephemeral')) {
    if (data !== undefined) throw new UsageError('--ephemeral and --data exclude each other')
    settings.delete('log.dirs')
    settings.delete('log.dir')
    settings.delete('metadata.log.dir')
    return settings
  }
  if (data !== undefined) {
    settings.delete('log.dir')
    settings.set('log.dirs', data)
  }
  if (!settings.has('log.dirs') && !settings.has('log.dir'))
    settings.set('log.dirs', './millrace-data')
  return settings
}

/** Replaces the listeners for clients, and keeps those of a controller. */
function listenersWith(settings: ReadonlyMap<string, string>, listen: string): string {
  const match = /^(\[[^\]]*\]|[^:]*):(\d{1,5})$/.exec(listen)
  if (match === null) {
    throw new UsageError(
      `invalid --listen ${listen}: expected HOST:PORT, with an IPv6 host in brackets`,
    )
  }
  const controllers = new Set(
    (settings.get('controller.listener.names') ?? 'CONTROLLER')
      .split(',')
      .map((name) => name.trim()),
  )
  const kept = (settings.get('listeners') ?? '')
    .split(',')
    .map((text) => text.trim())
    .filter((text) => controllers.has(text.slice(0, text.indexOf(':'))))
  return [`PLAINTEXT://${listen}`, ...kept].join(',')
}
