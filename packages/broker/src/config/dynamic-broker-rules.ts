// SPDX-License-Identifier: Apache-2.0
// Validates changes of a running broker's configuration (KIP-226), with Apache Kafka 4.4.0's
// limits.
import { BrokerConfig, type BrokerConfigKey, checkReferences } from './broker-config.ts'
import { brokerConfigDefinitions, runtimeConfigDefinitions } from './broker-config-definitions.ts'
import { BrokerValues } from './broker-rules.ts'
import { type ConfigDefinition, ConfigError, invalidValue } from './config-definition.ts'
import { numberOf, splitList, validateValue } from './config-value.ts'

/** Every key that is dynamic, and the keys that only a file can set. */
export const brokerDefinitions: Readonly<Record<string, ConfigDefinition>> = {
  ...brokerConfigDefinitions,
  ...runtimeConfigDefinitions,
}

/** Certificates can change only for a single listener. */
const ONLY_WITH_LISTENER: ReadonlySet<string> = new Set([
  'ssl.key.password',
  'ssl.keystore.certificate.chain',
  'ssl.keystore.key',
  'ssl.keystore.location',
  'ssl.keystore.password',
  'ssl.keystore.type',
  'ssl.truststore.certificates',
  'ssl.truststore.location',
  'ssl.truststore.password',
  'ssl.truststore.type',
])

const THREADS: ReadonlySet<string> = new Set([
  'background.threads',
  'log.cleaner.threads',
  'num.io.threads',
  'num.network.threads',
  'num.recovery.threads.per.data.dir',
  'num.replica.fetchers',
  'remote.log.manager.copier.thread.pool.size',
  'remote.log.manager.expiration.thread.pool.size',
  'remote.log.manager.follower.thread.pool.size',
  'remote.log.reader.threads',
])

/** Keys that set the same value in different units: setting one removes the others. */
const synonyms: readonly (readonly string[])[] = [
  ['log.retention.ms', 'log.retention.minutes', 'log.retention.hours'],
  ['log.roll.ms', 'log.roll.hours'],
  ['log.roll.jitter.ms', 'log.roll.jitter.hours'],
  ['log.flush.interval.ms', 'log.flush.scheduler.interval.ms'],
]

const JMX_REPORTER = 'org.apache.kafka.common.metrics.JmxReporter'

/** The synonyms of a key, itself included, most specific first. */
export function synonymsOf(key: string): readonly string[] {
  return synonyms.find((names) => names.includes(key)) ?? [key]
}

/** `listener.name.<listener>.<key>`: a value of one listener. */
export function splitListenerKey(name: string): {
  readonly listener?: string
  readonly key: string
} {
  const [, listener, key] = /^listener\.name\.([^.]*)\.(.*)$/.exec(name) ?? []
  return listener === undefined || key === undefined ? { key: name } : { listener, key }
}

/** A proposed change: all values of one level, a single broker's or the cluster-wide default. */
export interface DynamicChange {
  /** The file's values. */
  readonly given: ReadonlyMap<string, string>
  /** Configuration of the running broker; undefined while stored values are checked at start-up. */
  readonly running: BrokerConfig | undefined
  readonly proposed: ReadonlyMap<string, string>
  /** Current values of the other level. */
  readonly other: ReadonlyMap<string, string>
  /** Whether the change is to the cluster-wide default. */
  readonly isDefault: boolean
}

/** Throws `ConfigError` unless a running broker can change to the proposed values. */
export function checkDynamicChange(change: DynamicChange): void {
  const { given, running, other, isDefault } = change
  checkReferences(change.proposed)
  // As in Kafka, the names of config providers serve only to resolve references.
  const proposed = new Map(
    [...change.proposed].filter(([name]) => !/^config\.providers/.test(name)),
  )
  checkLevels(proposed, isDefault)
  const [lower, upper] = isDefault ? [proposed, other] : [other, proposed]
  const merged = mergeLevels(given, lower, upper)
  const next = new BrokerConfig(merged)
  for (const [name, value] of proposed) checkValue(name, value, next)
  if (running !== undefined) {
    for (const [name, value] of merged) checkThreads(name, value, running)
    checkListeners(running, next)
    running.checkProposal(next)
  }
  checkLocalRetention(proposed, merged)
}

/** Checks that depend on the keys only. */
function checkLevels(proposed: ReadonlyMap<string, string>, isDefault: boolean): void {
  for (const name of proposed.keys()) {
    const definition = brokerDefinitions[name]
    if (definition !== undefined && definition.dynamic === undefined) {
      throw new ConfigError(name, `Cannot update these configs dynamically: ${name}`)
    }
    if (ONLY_WITH_LISTENER.has(name)) {
      throw new ConfigError(
        name,
        `Cannot update ${name} for all listeners: expected listener.name.<listener>.${name}`,
      )
    }
  }
  for (const [name, value] of proposed) {
    const { key } = splitListenerKey(name)
    const definition = brokerDefinitions[key]
    if (definition?.dynamic !== undefined) validateValue(key, value, definition, true)
  }
  for (const name of proposed.keys()) {
    if (isDefault && isPerBroker(name)) {
      throw new ConfigError(
        name,
        `Cannot update these configs at default cluster level, broker id must be specified: ${name}`,
      )
    }
  }
}

/** Listener limits that may have a default. */
const LISTENER_LIMITS: readonly string[] = [
  'max.connections',
  'max.connection.creation.rate',
  'num.network.threads',
]

function isPerBroker(name: string): boolean {
  const { listener, key } = splitListenerKey(name)
  if (listener !== undefined) return !LISTENER_LIMITS.includes(key)
  return brokerDefinitions[name]?.dynamic === 'per-broker'
}

/** Values of the file under both dynamic levels. */
export function mergeLevels(
  given: ReadonlyMap<string, string>,
  ...levels: readonly ReadonlyMap<string, string>[]
): Map<string, string> {
  const merged = new Map(given)
  for (const level of levels) {
    for (const [name, value] of level) {
      for (const synonym of synonymsOf(name)) merged.delete(synonym)
      merged.set(name, value)
    }
  }
  return merged
}

/** Throws `ConfigError` for a value that is valid in a file only. */
function checkValue(name: string, value: string, next: BrokerConfig): void {
  const { listener, key } = splitListenerKey(name)
  const isKnownListener =
    listener === undefined ||
    next.listeners.some(({ listenerName }) => listenerName === listener.toUpperCase())
  if (!isKnownListener) return
  if (key === 'max.connections' || key === 'max.connection.creation.rate') {
    if (numberOf(value) < 1) throw invalidValue(name, value, 'at least 1')
  }
  const isReporter = (text: string): boolean => text !== JMX_REPORTER
  if (key === 'metric.reporters' && splitList(value).some(isReporter)) {
    throw invalidValue(name, value, `${JMX_REPORTER}: other Java classes cannot be loaded`)
  }
}

/** Throws `ConfigError` if the number of threads would change by more than a factor of two. */
function checkThreads(name: string, value: string, running: BrokerConfig): void {
  const { listener, key } = splitListenerKey(name)
  if (!THREADS.has(key)) return
  if (listener !== undefined && key !== 'num.network.threads') return
  const current = running.number(key as BrokerConfigKey)
  const [min, max] = [Math.max(1, Math.floor(current / 2)), current * 2]
  const count = numberOf(value)
  if (count >= min && count <= max) return
  throw invalidValue(
    name,
    value,
    `at least half and at most double the current value ${current}, ${min} to ${max}`,
  )
}

/** Throws `ConfigError` if a listener would be added, removed or change its security protocol. */
function checkListeners(running: BrokerConfig, next: BrokerConfig): void {
  const shown = ({ listeners }: BrokerConfig): string =>
    listeners
      .map(({ listenerName, securityProtocol }) => `${listenerName}:${securityProtocol}`)
      .sort()
      .join(',')
  if (shown(running) === shown(next)) return
  const namesOf = ({ listeners }: BrokerConfig): string =>
    listeners
      .map(({ listenerName }) => listenerName)
      .sort()
      .join(',')
  throw invalidValue(
    namesOf(running) === namesOf(next) ? 'listener.security.protocol.map' : 'listeners',
    shown(next),
    `${shown(running)}: listeners of a running broker cannot change`,
  )
}

/** Checks that local retention does not exceed total retention, for the changed keys. */
function checkLocalRetention(
  proposed: ReadonlyMap<string, string>,
  merged: ReadonlyMap<string, string>,
): void {
  const isOfLogs = (name: string): boolean => /^log\.|^(compression|message|min\.insync)/.test(name)
  if (![...proposed.keys()].some(isOfLogs)) return
  const values = new BrokerValues(merged)
  const big = (key: BrokerConfigKey): bigint => values.integer(key) ?? 0n
  const retentionMs = retentionOf(values)
  for (const [unit, retention] of [
    ['ms', retentionMs],
    ['bytes', big('log.retention.bytes')],
  ] as const) {
    const local = big(`log.local.retention.${unit}`)
    const isTooMuch = local !== -2n && retention >= 0n && (local === -1n || local > retention)
    if (isTooMuch) {
      throw invalidValue(
        `log.local.retention.${unit}`,
        String(local),
        `-2, or at most ${retention}, the value of log.retention.${unit}`,
      )
    }
    const effective = local === -2n ? retention : local
    const lag = big(`log.remote.copy.lag.${unit}`)
    if (lag > 0n && effective >= 0n && lag > effective) {
      throw invalidValue(
        `log.remote.copy.lag.${unit}`,
        String(lag),
        `at most ${effective}, the value of log.local.retention.${unit}`,
      )
    }
  }
}

const RETENTION_UNITS = [
  ['log.retention.ms', 1n],
  ['log.retention.minutes', 60_000n],
  ['log.retention.hours', 3_600_000n],
] as const

function retentionOf(values: BrokerValues): bigint {
  for (const [key, factor] of RETENTION_UNITS) {
    const value = values.integer(key)
    if (value === undefined) continue
    const retention = value * factor
    return retention < 0n ? -1n : retention
  }
  return -1n
}
