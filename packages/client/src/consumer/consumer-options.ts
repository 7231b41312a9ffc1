// SPDX-License-Identifier: Apache-2.0
import {
  type ClientOptions,
  choiceOption,
  clientOptionNames,
  InvalidOptionError,
  numberOption,
  rejectUnknownOptions,
} from '../options.ts'
import type { Topic } from '../serde/topic.ts'
import type { ConsumerRecord, Deserializers } from './consumer-record.ts'
import type { FetchOptions } from './fetcher.ts'
import type { Assignor } from './group/assignor.ts'
import { rangeAssignor } from './group/range-assignor.ts'
import { roundRobinAssignor } from './group/round-robin-assignor.ts'
import { cooperativeStickyAssignor, stickyAssignor } from './group/sticky-assignor.ts'
import type { ResetTarget } from './partition-state.ts'

/** Assignors that are built in; Java's of the same names. */
export type AssignorName = 'range' | 'roundrobin' | 'sticky' | 'cooperative-sticky'

/**
 * Where to start if a group has no offset, or one that was deleted. `by_duration:PT1H` is an ISO
 * 8601 duration before now (KIP-1106).
 */
export type AutoOffsetReset = 'earliest' | 'latest' | 'none' | `by_duration:${string}`

/**
 * Options of a `Consumer`: those of every client, and its own. Names and defaults are Java's unless
 * noted.
 */
export interface ConsumerOptions extends ClientOptions {
  /** Group id; required to subscribe and to commit, not for `assign`. */
  readonly groupId?: string
  /**
   * Makes the member static: within `sessionTimeoutMs` it may restart without a rebalance
   * (KIP-345).
   */
  readonly groupInstanceId?: string
  /** Topics to subscribe to from the start. Typed topics give records their types. */
  readonly topics?: readonly (string | Topic<unknown, unknown>)[]
  /** Deserializers of topics without types. Default: Buffers. */
  readonly deserializers?: Deserializers<unknown, unknown>
  /** Where to start without a committed offset. Default `latest`, as in Java. */
  readonly autoOffsetReset?: AutoOffsetReset
  /**
   * Whether handled records are committed every `autoCommitIntervalMs` and before partitions are
   * revoked. Default true.
   */
  readonly enableAutoCommit?: boolean
  /** Time between two automatic commits. Default 5000. */
  readonly autoCommitIntervalMs?: number
  /**
   * `read_committed` omits records of open and aborted transactions. Default `read_uncommitted`.
   */
  readonly isolationLevel?: 'read_uncommitted' | 'read_committed'
  /** Maximum number of records that `poll` returns. Default 500. */
  readonly maxPollRecords?: number
  /**
   * Maximum time without a poll, or in one handler of `run`, before the member leaves its group.
   * Default 300,000.
   */
  readonly maxPollIntervalMs?: number
  /**
   * `consumer` is the protocol of KIP-848, in which the broker assigns; `classic` the older one.
   * Default: `consumer` if the cluster has it, unless an option of the classic protocol is set.
   */
  readonly groupProtocol?: 'consumer' | 'classic'
  /** Assignor of the broker for this group: `uniform` or `range`. Consumer protocol only. */
  readonly groupRemoteAssignor?: string
  /**
   * Time without a heartbeat after which the member is removed. Classic protocol only; the broker
   * decides in the other. Default 45,000.
   */
  readonly sessionTimeoutMs?: number
  /** Time between two heartbeats. Classic protocol only. Default 3000. */
  readonly heartbeatIntervalMs?: number
  /**
   * Assignors in order of preference; all members must have one in common. Classic protocol only.
   * Default `['range', 'cooperative-sticky']`.
   */
  readonly partitionAssignmentStrategy?: readonly (AssignorName | Assignor)[]
  /**
   * Minimum size of a fetch reply; with less, the broker waits up to `fetchMaxWaitMs`. Default 1.
   */
  readonly fetchMinBytes?: number
  /** Maximum size of a fetch reply, bytes. Default 52,428,800. */
  readonly fetchMaxBytes?: number
  /** Maximum time that a broker may hold a fetch. Default 500. */
  readonly fetchMaxWaitMs?: number
  /**
   * Maximum bytes of one partition in a reply; up to twice as many are buffered. Default 1,048,576.
   */
  readonly maxPartitionFetchBytes?: number
  /** Maximum bytes buffered for all partitions together. Default 64 MiB. */
  readonly maxPrefetchBytes?: number
  /** Whether checksums of batches are verified. Default true. */
  readonly checkCrcs?: boolean
  /**
   * Rack of this client: it reads from replicas in the same rack (KIP-392), and assignors use it.
   */
  readonly clientRack?: string
  /** Time-out of calls such as `commit` and `offsetsForTimes`. Default 60,000. */
  readonly defaultApiTimeoutMs?: number
  /** Whether requesting a topic that does not exist may create it. Default true. */
  readonly allowAutoCreateTopics?: boolean
  /** Whether a pattern leaves out topics such as `__consumer_offsets`. Default true. */
  readonly excludeInternalTopics?: boolean
}

/** The records that a consumer with these options returns. */
export type RecordOf<O extends ConsumerOptions> = O extends {
  readonly topics: readonly (infer T)[]
}
  ? RecordOfTopic<T, O>
  : RecordOfTopic<string, O>

type RecordOfTopic<T, O> = T extends {
  readonly name: infer N extends string
  readonly key: { deserialize(...args: never[]): infer K }
  readonly value: { deserialize(...args: never[]): infer V }
}
  ? ConsumerRecord<K, V, N>
  : O extends {
        readonly deserializers: {
          readonly key: { deserialize(...args: never[]): infer K }
          readonly value: { deserialize(...args: never[]): infer V }
        }
      }
    ? ConsumerRecord<K, V>
    : ConsumerRecord<Buffer, Buffer>

const ownNames: readonly (keyof ConsumerOptions)[] = [
  'groupId',
  'groupInstanceId',
  'topics',
  'deserializers',
  'autoOffsetReset',
  'enableAutoCommit',
  'autoCommitIntervalMs',
  'isolationLevel',
  'maxPollRecords',
  'maxPollIntervalMs',
  'groupProtocol',
  'groupRemoteAssignor',
  'sessionTimeoutMs',
  'heartbeatIntervalMs',
  'partitionAssignmentStrategy',
  'fetchMinBytes',
  'fetchMaxBytes',
  'fetchMaxWaitMs',
  'maxPartitionFetchBytes',
  'maxPrefetchBytes',
  'checkCrcs',
  'clientRack',
  'defaultApiTimeoutMs',
  'allowAutoCreateTopics',
  'excludeInternalTopics',
]
export const consumerOptionNames = [...clientOptionNames, ...ownNames]

export interface ResolvedConsumerOptions {
  readonly groupId: string | undefined
  readonly groupInstanceId: string | undefined
  /** Position to reset to; undefined for `none`. */
  readonly reset: ResetTarget | { readonly beforeNowMs: number } | undefined
  readonly enableAutoCommit: boolean
  readonly autoCommitIntervalMs: number
  readonly maxPollRecords: number
  readonly maxPollIntervalMs: number
  /** Group protocol; undefined for the best one that the cluster has. */
  readonly groupProtocol: 'consumer' | 'classic' | undefined
  readonly groupRemoteAssignor: string | undefined
  readonly sessionTimeoutMs: number
  readonly heartbeatIntervalMs: number
  readonly assignors: readonly Assignor[]
  readonly fetch: FetchOptions
  readonly checkCrcs: boolean
  readonly defaultApiTimeoutMs: number
  readonly excludeInternalTopics: boolean
}

const builtInAssignors: Readonly<Record<AssignorName, Assignor>> = {
  range: rangeAssignor,
  roundrobin: roundRobinAssignor,
  sticky: stickyAssignor,
  'cooperative-sticky': cooperativeStickyAssignor,
}

export function resolveConsumerOptions(options: ConsumerOptions): ResolvedConsumerOptions {
  rejectUnknownOptions(options, consumerOptionNames)
  const number = (name: keyof ConsumerOptions, fallback: number, min = 0): number =>
    numberOption(name, options[name] as number | undefined, { fallback, min })
  if (options.groupId === '') throw new InvalidOptionError('groupId', '', 'a name')
  const sessionTimeoutMs = number('sessionTimeoutMs', 45_000, 1)
  const heartbeatIntervalMs = number(
    'heartbeatIntervalMs',
    Math.min(3000, Math.floor(sessionTimeoutMs / 3)),
    1,
  )
  if (heartbeatIntervalMs >= sessionTimeoutMs) {
    throw new InvalidOptionError(
      'heartbeatIntervalMs',
      heartbeatIntervalMs,
      `less than sessionTimeoutMs ${sessionTimeoutMs}, ideally a third of it`,
    )
  }
  const isolationLevel = choiceOption('isolationLevel', options.isolationLevel, {
    fallback: 'read_uncommitted',
    allowed: ['read_uncommitted', 'read_committed'],
  })
  const strategy = options.partitionAssignmentStrategy ?? ['range', 'cooperative-sticky']
  if (strategy.length === 0) {
    throw new InvalidOptionError('partitionAssignmentStrategy', strategy, 'one or more assignors')
  }
  return {
    groupId: options.groupId,
    groupInstanceId: options.groupInstanceId,
    reset: parseReset(options.autoOffsetReset ?? 'latest'),
    enableAutoCommit: options.enableAutoCommit ?? options.groupId !== undefined,
    autoCommitIntervalMs: number('autoCommitIntervalMs', 5000),
    maxPollRecords: number('maxPollRecords', 500, 1),
    maxPollIntervalMs: number('maxPollIntervalMs', 300_000, 1),
    groupProtocol: protocolOf(options),
    groupRemoteAssignor: options.groupRemoteAssignor,
    sessionTimeoutMs,
    heartbeatIntervalMs,
    assignors: strategy.map(assignorOf),
    fetch: {
      fetchMinBytes: number('fetchMinBytes', 1),
      fetchMaxBytes: number('fetchMaxBytes', 52_428_800, 1),
      fetchMaxWaitMs: number('fetchMaxWaitMs', 500),
      maxPartitionFetchBytes: number('maxPartitionFetchBytes', 1_048_576, 1),
      maxPrefetchBytes: number('maxPrefetchBytes', 64 * 1024 * 1024, 1),
      isReadCommitted: isolationLevel === 'read_committed',
      clientRack: options.clientRack ?? '',
    },
    checkCrcs: options.checkCrcs ?? true,
    defaultApiTimeoutMs: number('defaultApiTimeoutMs', 60_000, 1),
    excludeInternalTopics: options.excludeInternalTopics ?? true,
  }
}

const ofClassicProtocol = [
  'sessionTimeoutMs',
  'heartbeatIntervalMs',
  'partitionAssignmentStrategy',
] as const

function protocolOf(options: ConsumerOptions): 'consumer' | 'classic' | undefined {
  const given = ofClassicProtocol.find((name) => options[name] !== undefined)
  if (options.groupProtocol === undefined) return given === undefined ? undefined : 'classic'
  const protocol = choiceOption('groupProtocol', options.groupProtocol, {
    fallback: 'consumer',
    allowed: ['consumer', 'classic'],
  })
  if (protocol === 'consumer' && given !== undefined) {
    throw new InvalidOptionError(
      given,
      options[given],
      'unset with groupProtocol consumer: the broker decides it there',
    )
  }
  return protocol
}

function assignorOf(given: AssignorName | Assignor): Assignor {
  if (typeof given === 'object') return given
  const known = Object.hasOwn(builtInAssignors, given) ? builtInAssignors[given] : undefined
  if (known !== undefined) return known
  throw new InvalidOptionError(
    'partitionAssignmentStrategy',
    given,
    `${Object.keys(builtInAssignors).join(', ')} or an Assignor`,
  )
}

const ISO_DURATION = /^P(?:(\d+)D)?(?:T(?:(\d+)H)?(?:(\d+)M)?(?:(\d+(?:\.\d+)?)S)?)?$/

/**
 * Milliseconds of an ISO 8601 duration of days, hours, minutes and seconds, as Java's Duration
 * reads it.
 */
export function parseDuration(text: string): number | undefined {
  const match = ISO_DURATION.exec(text)
  if (match === null || !/\d/.test(text) || text.endsWith('T')) return undefined
  const [days, hours, minutes, seconds] = match.slice(1).map((part) => Number(part ?? 0))
  const inMinutes = ((days ?? 0) * 24 + (hours ?? 0)) * 60 + (minutes ?? 0)
  return inMinutes * 60_000 + (seconds ?? 0) * 1000
}

function parseReset(policy: AutoOffsetReset): ResolvedConsumerOptions['reset'] {
  if (policy === 'earliest' || policy === 'latest') return policy
  if (policy === 'none') return undefined
  const duration = policy.startsWith('by_duration:')
    ? parseDuration(policy.slice('by_duration:'.length))
    : undefined
  if (duration !== undefined) return { beforeNowMs: duration }
  throw new InvalidOptionError(
    'autoOffsetReset',
    policy,
    'earliest, latest, none or by_duration: with an ISO 8601 duration like PT1H',
  )
}
