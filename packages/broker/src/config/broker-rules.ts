// SPDX-License-Identifier: Apache-2.0
// Limits between keys of a broker, as Apache Kafka 4.4.0 checks them when it loads a configuration.
import type { BrokerConfigKey } from './broker-config.ts'
import { brokerConfigDefinitions } from './broker-config-definitions.ts'
import { ConfigError, invalidValue } from './config-definition.ts'
import { parseConnectionOverrides } from './config-forms.ts'
import { listItems, parseInteger, splitList } from './config-value.ts'

type Key = BrokerConfigKey

/** Requires the first key to be at least, at most or less than the second. */
type Comparison = readonly [key: Key, is: 'at least' | 'at most' | 'less than', other: Key]

function groupComparisons(kind: 'consumer' | 'share' | 'streams'): Comparison[] {
  const limited = (name: 'heartbeat.interval' | 'session.timeout' | 'assignment.interval') => {
    const key = `group.${kind}.${name}.ms` as const
    const min = `group.${kind}.min.${name}.ms` as const
    const max = `group.${kind}.max.${name}.ms` as const
    return [
      [max, 'at least', min],
      [key, 'at least', min],
      [key, 'at most', max],
    ] as const
  }
  return [
    ...limited('heartbeat.interval'),
    ...limited('session.timeout'),
    [`group.${kind}.heartbeat.interval.ms`, 'less than', `group.${kind}.session.timeout.ms`],
    ...limited('assignment.interval'),
  ]
}

const comparisons: readonly Comparison[] = [
  ...groupComparisons('consumer'),
  ...groupComparisons('share'),
  ...groupComparisons('streams'),
  ['group.share.delivery.count.limit', 'at most', 'group.share.max.delivery.count.limit'],
  ['group.share.delivery.count.limit', 'at least', 'group.share.min.delivery.count.limit'],
  [
    'group.share.partition.max.record.locks',
    'at most',
    'group.share.max.partition.max.record.locks',
  ],
  [
    'group.share.partition.max.record.locks',
    'at least',
    'group.share.min.partition.max.record.locks',
  ],
  ['group.share.record.lock.duration.ms', 'at most', 'group.share.max.record.lock.duration.ms'],
  ['group.share.record.lock.duration.ms', 'at least', 'group.share.min.record.lock.duration.ms'],
  ['group.share.max.share.sessions', 'at least', 'group.share.max.size'],
  ['group.streams.num.standby.replicas', 'at most', 'group.streams.max.standby.replicas'],
  ['group.streams.num.warmup.replicas', 'at most', 'group.streams.max.warmup.replicas'],
  [
    'group.streams.task.offset.interval.ms',
    'at least',
    'group.streams.min.task.offset.interval.ms',
  ],
  ['replica.fetch.wait.max.ms', 'at most', 'replica.socket.timeout.ms'],
  ['replica.fetch.wait.max.ms', 'at most', 'replica.lag.time.max.ms'],
]

/**
 * Throws `ConfigError` for the first violated limit between keys. Unset keys count with Kafka's
 * defaults, so every file that Kafka accepts is accepted.
 */
export function checkBrokerRules(given: ReadonlyMap<string, string>): void {
  const values = new BrokerValues(given)
  checkNodeId(given)
  for (const comparison of comparisons) checkComparison(values, comparison)
  checkLogs(values)
  checkConnections(values)
  checkGroups(values)
  checkDirectories(values)
  checkAudit(values)
}

/** Values of the file over Kafka's defaults. */
export class BrokerValues {
  readonly #given: ReadonlyMap<string, string>
  constructor(given: ReadonlyMap<string, string>) {
    this.#given = given
  }
  text(key: Key): string | null {
    return this.#given.get(key)?.trim() ?? brokerConfigDefinitions[key].default
  }
  /** Undefined if the key has neither value nor default. */
  integer(key: Key): bigint | undefined {
    return parseInteger(this.text(key) ?? '')
  }
  list(key: Key): string[] {
    return splitList(this.text(key) ?? '')
  }
  has(key: Key): boolean {
    return this.#given.has(key)
  }
  refuse(key: Key, expected: string): never {
    throw invalidValue(key, this.text(key) ?? '', expected)
  }
}

function checkComparison(values: BrokerValues, [key, is, other]: Comparison): void {
  const value = values.integer(key) ?? 0n
  const limit = values.integer(other) ?? 0n
  const holds =
    is === 'at least' ? value >= limit : is === 'at most' ? value <= limit : value < limit
  if (holds) return
  // Report the key that was set: that is the one to change.
  if (values.has(key) || !values.has(other))
    values.refuse(key, `${is} ${limit}, the value of ${other}`)
  const opposite = { 'at least': 'at most', 'at most': 'at least', 'less than': 'more than' }[is]
  values.refuse(other, `${opposite} ${value}, the value of ${key}`)
}

function checkNodeId(given: ReadonlyMap<string, string>): void {
  const [node, broker] = [given.get('node.id'), given.get('broker.id')]
  if (node === undefined || broker === undefined) return
  if (parseInteger(node) === parseInteger(broker)) return
  throw invalidValue('broker.id', broker, `${node.trim()}, the value of node.id, which replaces it`)
}

/** The smallest buffer of a log cleaner thread. */
const CLEANER_BUFFER_BYTES = 1_048_576n

function checkLogs(values: BrokerValues): void {
  const jitter = values.integer('log.roll.jitter.ms')
  if (jitter !== undefined && jitter < 0n) values.refuse('log.roll.jitter.ms', 'at least 0')
  const roll = values.integer('log.roll.ms')
  if (roll !== undefined && roll < 1n) values.refuse('log.roll.ms', 'at least 1')
  const retention = (
    ['log.retention.ms', 'log.retention.minutes', 'log.retention.hours'] as const
  ).find((key) => values.text(key) !== null)
  if (retention !== undefined && values.integer(retention) === 0n) {
    values.refuse(retention, 'at least 1, or -1 for no limit')
  }
  const threads = values.integer('log.cleaner.threads') ?? 1n
  if (threads < 1n) values.refuse('log.cleaner.threads', 'at least 1')
  const buffer = values.integer('log.cleaner.dedupe.buffer.size') ?? 0n
  if (buffer / threads <= CLEANER_BUFFER_BYTES) {
    values.refuse(
      'log.cleaner.dedupe.buffer.size',
      `more than ${CLEANER_BUFFER_BYTES} for each of the ${threads} threads of log.cleaner.threads`,
    )
  }
}

function checkConnections(values: BrokerValues): void {
  const queued = values.integer('queued.max.request.bytes') ?? -1n
  const largest = values.integer('socket.request.max.bytes') ?? 0n
  if (queued > 0n && queued < largest) {
    values.refuse(
      'queued.max.request.bytes',
      `at least ${largest}, the value of socket.request.max.bytes, or -1`,
    )
  }
  const overrides = parseConnectionOverrides(values.text('max.connections.per.ip.overrides') ?? '')
  if (overrides === undefined) {
    values.refuse(
      'max.connections.per.ip.overrides',
      'a list of host:count, as localhost:100,127.0.0.1:200',
    )
  }
  if (values.integer('max.connections.per.ip') === 0n && overrides.size === 0) {
    values.refuse('max.connections.per.ip', 'at least 1 without max.connections.per.ip.overrides')
  }
  const idle = values.integer('connections.max.idle.ms') ?? 0n
  const delay = values.integer('connection.failed.authentication.delay.ms') ?? 0n
  if (idle >= 0n && delay >= idle) {
    values.refuse(
      'connections.max.idle.ms',
      `more than ${delay}, the value of connection.failed.authentication.delay.ms, or -1`,
    )
  }
}

function checkGroups(values: BrokerValues): void {
  if (!values.list('group.coordinator.rebalance.protocols').includes('classic')) {
    values.refuse('group.coordinator.rebalance.protocols', 'a list with classic')
  }
  if (values.list('group.share.assignors').length !== 1) {
    values.refuse('group.share.assignors', 'exactly one assignor')
  }
  checkTags(
    'group.streams.rack.aware.assignment.tags',
    values.text('group.streams.rack.aware.assignment.tags') ?? '',
  )
}

/** Throws `ConfigError` if rack tags are repeated. */
export function checkTags(key: string, text: string): void {
  const tags = listItems(text)
  if (new Set(tags).size !== tags.length)
    throw invalidValue(key, text, 'a list without repetitions')
}

function checkAudit(values: BrokerValues): void {
  const hasFile = (values.text('audit.log.file') ?? '') !== ''
  if (hasFile && (values.text('authorizer.class.name') ?? '') === '') {
    values.refuse('audit.log.file', 'no file without an authorizer (authorizer.class.name)')
  }
  if (!hasFile && values.text('audit.log.allowed')?.toLowerCase() === 'true') {
    values.refuse('audit.log.allowed', 'false without audit.log.file')
  }
}

function checkDirectories(values: BrokerValues): void {
  const cordoned = values.list('cordoned.log.dirs')
  if (cordoned.includes('*')) {
    if (cordoned.length > 1) values.refuse('cordoned.log.dirs', '* alone, or a list of directories')
    return
  }
  const directories = values.list(values.text('log.dirs') === null ? 'log.dir' : 'log.dirs')
  const unknown = cordoned.find((directory) => !directories.includes(directory))
  if (unknown !== undefined) {
    throw new ConfigError(
      'cordoned.log.dirs',
      `Invalid value ${unknown} for configuration cordoned.log.dirs: expected directories of log.dirs, ${directories.join(', ')}`,
    )
  }
}
