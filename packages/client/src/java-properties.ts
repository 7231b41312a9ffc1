// SPDX-License-Identifier: Apache-2.0
import {
  isProviderKey,
  MillraceError,
  nearestSpelling,
  parseProperties,
  resolveReferences,
} from '@millrace/base'
import type { AdminOptions } from './admin/admin.ts'
import type { ConsumerOptions } from './consumer/consumer-options.ts'
import type { ProducerOptions } from './producer/producer-options.ts'
import { javaOnlySecurityKeys, readSecurity, securityKeys } from './security-properties.ts'

/** Options by kind of client. */
export interface ClientKinds {
  /** Options of a producer. */
  readonly producer: ProducerOptions
  /** Options of a consumer. */
  readonly consumer: ConsumerOptions
  /** Options of an admin client. */
  readonly admin: AdminOptions
}

/** Settings of `fromJavaProperties`. */
export interface JavaPropertiesSettings {
  /**
   * Whether references such as `${file:path:key}` are resolved by the `config.providers` of the
   * properties. False for properties that others than the operator may write: they could read
   * files and environment variables. Default true.
   */
  readonly resolvesReferences?: boolean
}

type Reader = (value: string, key: string) => Readonly<Record<string, unknown>>

function refuse(key: string, value: string, allowed: string): never {
  throw new MillraceError('MILLRACE_INVALID_CONFIG', `invalid ${key}=${value}: expected ${allowed}`)
}

const text =
  (option: string): Reader =>
  (value) => ({ [option]: value })

const number =
  (option: string): Reader =>
  (value, key) => {
    const parsed = Number(value)
    if (value.trim() === '' || !Number.isFinite(parsed)) refuse(key, value, 'a number')
    return { [option]: parsed }
  }

const boolean =
  (option: string): Reader =>
  (value, key) => {
    const lower = value.trim().toLowerCase()
    if (lower !== 'true' && lower !== 'false') refuse(key, value, 'true or false')
    return { [option]: lower === 'true' }
  }

const list = (value: string): string[] =>
  value
    .split(',')
    .map((part) => part.trim())
    .filter((part) => part !== '')

/** The simple name of a Java class is enough. */
const simpleName = (className: string): string => className.trim().split(/[.$]/).at(-1) ?? ''

const assignors: Readonly<Record<string, string>> = {
  RangeAssignor: 'range',
  RoundRobinAssignor: 'roundrobin',
  StickyAssignor: 'sticky',
  CooperativeStickyAssignor: 'cooperative-sticky',
}

const common: Readonly<Record<string, Reader>> = {
  'bootstrap.servers': (value) => ({ bootstrapServers: list(value) }),
  'client.id': text('clientId'),
  'request.timeout.ms': number('requestTimeoutMs'),
  'socket.connection.setup.timeout.ms': number('socketConnectionSetupTimeoutMs'),
  'retry.backoff.ms': number('retryBackoffMs'),
  'retry.backoff.max.ms': number('retryBackoffMaxMs'),
  'reconnect.backoff.ms': number('reconnectBackoffMs'),
  'reconnect.backoff.max.ms': number('reconnectBackoffMaxMs'),
  'metadata.max.age.ms': number('metadataMaxAgeMs'),
  'connections.max.idle.ms': number('connectionsMaxIdleMs'),
}

const producer: Readonly<Record<string, Reader>> = {
  acks(value, key) {
    const acks = { all: 'all', '-1': 'all', '0': 0, '1': 1 }[value.trim()]
    return { acks: acks ?? refuse(key, value, 'all, -1, 0, 1') }
  },
  'enable.idempotence': boolean('enableIdempotence'),
  'linger.ms': number('lingerMs'),
  'batch.size': number('batchSize'),
  'buffer.memory': number('bufferMemory'),
  'max.block.ms': number('maxBlockMs'),
  'delivery.timeout.ms': number('deliveryTimeoutMs'),
  retries: number('retries'),
  'max.in.flight.requests.per.connection': number('maxInFlightRequestsPerConnection'),
  'max.request.size': number('maxRequestSize'),
  'compression.type': text('compression'),
  'partitioner.ignore.keys': (value, key) => {
    const { ignore } = boolean('ignore')(value, key)
    return ignore === true ? { partitioner: 'sticky' } : {}
  },
  'partitioner.class': (value, key) => {
    const name = simpleName(value)
    if (name === 'RoundRobinPartitioner') return { partitioner: 'roundRobin' }
    if (name === '' || name === 'DefaultPartitioner') return {}
    return refuse(key, value, 'RoundRobinPartitioner; give other partitioners as functions')
  },
}

const consumer: Readonly<Record<string, Reader>> = {
  'default.api.timeout.ms': number('defaultApiTimeoutMs'),
  'group.id': text('groupId'),
  'group.instance.id': text('groupInstanceId'),
  'group.protocol': (value, key) =>
    value.trim().toLowerCase() === 'classic' ? {} : refuse(key, value, 'classic'),
  'auto.offset.reset': text('autoOffsetReset'),
  'enable.auto.commit': boolean('enableAutoCommit'),
  'auto.commit.interval.ms': number('autoCommitIntervalMs'),
  'isolation.level': text('isolationLevel'),
  'max.poll.records': number('maxPollRecords'),
  'max.poll.interval.ms': number('maxPollIntervalMs'),
  'session.timeout.ms': number('sessionTimeoutMs'),
  'heartbeat.interval.ms': number('heartbeatIntervalMs'),
  'partition.assignment.strategy': (value, key) => ({
    partitionAssignmentStrategy: list(value).map(
      (name) => assignors[simpleName(name)] ?? refuse(key, name, Object.keys(assignors).join(', ')),
    ),
  }),
  'fetch.min.bytes': number('fetchMinBytes'),
  'fetch.max.bytes': number('fetchMaxBytes'),
  'fetch.max.wait.ms': number('fetchMaxWaitMs'),
  'max.partition.fetch.bytes': number('maxPartitionFetchBytes'),
  'check.crcs': boolean('checkCrcs'),
  'client.rack': text('clientRack'),
  'allow.auto.create.topics': boolean('allowAutoCreateTopics'),
  'exclude.internal.topics': boolean('excludeInternalTopics'),
}

const readers: Readonly<Record<keyof ClientKinds, Readonly<Record<string, Reader>>>> = {
  producer: { ...common, ...producer },
  consumer: { ...common, ...consumer },
  admin: { ...common, 'default.api.timeout.ms': number('defaultApiTimeoutMs') },
}

const compressionLevels = [
  'compression.gzip.level',
  'compression.zstd.level',
  'compression.lz4.level',
]

/** Keys that apply to Java only. */
const javaOnly = new Set([
  ...javaOnlySecurityKeys,
  'key.serializer',
  'value.serializer',
  'key.deserializer',
  'value.deserializer',
  'interceptor.classes',
  'metric.reporters',
  'metrics.num.samples',
  'metrics.recording.level',
  'metrics.sample.window.ms',
  'enable.metrics.push',
  'client.dns.lookup',
  'send.buffer.bytes',
  'receive.buffer.bytes',
  'auto.include.jmx.reporter',
  'metadata.recovery.strategy',
  'metadata.recovery.rebootstrap.trigger.ms',
])

/**
 * Converts a Java client's configuration to options: the text of `client.properties`, or a map of
 * its keys. References to config providers are resolved. `warnings` names keys that have no effect.
 * Throws `MILLRACE_INVALID_CONFIG` for invalid values, `INVALID_CONFIG` for invalid references.
 */
export function fromJavaProperties<Kind extends keyof ClientKinds>(
  kind: Kind,
  properties: string | ReadonlyMap<string, string> | Readonly<Record<string, string>>,
  settings: JavaPropertiesSettings = {},
): { readonly options: ClientKinds[Kind]; readonly warnings: readonly string[] } {
  const entries =
    typeof properties === 'string'
      ? parseProperties(properties)
      : properties instanceof Map
        ? (properties as ReadonlyMap<string, string>)
        : new Map(Object.entries(properties as Readonly<Record<string, string>>))
  const given = settings.resolvesReferences === false ? entries : resolveReferences(entries)
  const options: Record<string, unknown> = {}
  const warnings: string[] = []
  const known = readers[kind]
  for (const [key, value] of given) {
    const read = Object.hasOwn(known, key) ? known[key] : undefined
    if (read !== undefined) Object.assign(options, read(value, key))
    else if (isRead(key)) continue
    else if (isOfAnotherKind(key)) warnings.push(`${key} has no effect on a ${kind}`)
    else if (javaOnly.has(key)) warnings.push(`${key} has no effect outside Java`)
    else {
      const nearest = nearestSpelling(key, [...Object.keys(known), ...securityKeys])
      const hint = nearest === undefined ? '' : `; did you mean ${nearest}?`
      warnings.push(`unknown key ${key}${hint}`)
    }
  }
  const level = given.get(`compression.${options.compression}.level`)
  if (kind === 'producer' && level !== undefined && options.compression !== 'lz4') {
    Object.assign(
      options,
      number('compressionLevel')(level, `compression.${options.compression}.level`),
    )
  }
  Object.assign(options, readSecurity(given))
  return { options: options as unknown as ClientKinds[Kind], warnings }
}

/** Whether a key is read together with others. */
function isRead(key: string): boolean {
  return securityKeys.includes(key) || compressionLevels.includes(key) || isProviderKey(key)
}

function isOfAnotherKind(key: string): boolean {
  return Object.values(readers).some((keys) => Object.hasOwn(keys, key))
}
