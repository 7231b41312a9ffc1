// SPDX-License-Identifier: Apache-2.0
import { CompressionType } from '@millrace/protocol'
import {
  type ClientOptions,
  choiceOption,
  clientOptionNames,
  InvalidOptionError,
  numberOption,
  rejectUnknownOptions,
} from '../options.ts'
import type { Serializer } from '../serde/serde.ts'
import { type Partitioner, type PartitionerName, partitionerNames } from './partitioner.ts'

/**
 * Options of a `Producer`: those of every client, and its own. Names and defaults are Java's unless
 * noted.
 */
export interface ProducerOptions<K = Uint8Array | string, V = Uint8Array | string>
  extends ClientOptions {
  /** Serializers of topics without types. Default: strings and bytes as they are. */
  readonly serializers?: { readonly key: Serializer<K>; readonly value: Serializer<V> }
  /**
   * Replicas that must have a record before it counts as sent: `'all'` in sync, the leader (1), or
   * none (0). Default `'all'`.
   */
  readonly acks?: 0 | 1 | 'all'
  /** Whether retries keep each record once and in order. Default true, unless `acks` is 0 or 1. */
  readonly enableIdempotence?: boolean
  /**
   * How long a record may wait for others to share its batch. Default 0: sends of the same turn of
   * the event loop, or while requests are in flight, still share one.
   */
  readonly lingerMs?: number
  /**
   * Maximum size of a batch, bytes before compression; a larger record is sent alone. Default
   * 131,072: batches grow as needed, so a large limit costs nothing.
   */
  readonly batchSize?: number
  /**
   * Maximum bytes of records that wait to be sent; beyond it `send` waits for `maxBlockMs`. Default
   * 32 MiB.
   */
  readonly bufferMemory?: number
  /** Maximum time that `send` waits for metadata and for memory. Default 60,000. */
  readonly maxBlockMs?: number
  /** Time-out from `send` to the outcome, all attempts included. Default 120,000. */
  readonly deliveryTimeoutMs?: number
  /** Attempts after the first one. Default 2147483647: only time limits them. */
  readonly retries?: number
  /**
   * Requests in flight to one broker. Default 5, which is also the maximum of an idempotent
   * producer.
   */
  readonly maxInFlightRequestsPerConnection?: number
  /** Maximum size of a request and, before compression, of a record, bytes. Default 1,048,576. */
  readonly maxRequestSize?: number
  /** Codec of batches. Default none. */
  readonly compression?: CompressionType
  /**
   * Level of the codec: gzip 1 to 9, zstd -131072 to 22; snappy and lz4 have none. Default: the
   * codec's own.
   */
  readonly compressionLevel?: number
  /**
   * Chooses the partition of records without one. Default `default`: murmur2 of the key as in Java,
   * else sticky.
   */
  readonly partitioner?: PartitionerName | Partitioner
  /**
   * Makes the producer transactional. A producer that starts with the id of another fences it and
   * aborts its open transaction.
   */
  readonly transactionalId?: string
  /**
   * Time after which the coordinator aborts an open transaction. Default 60,000; brokers allow up
   * to 900,000.
   */
  readonly transactionTimeoutMs?: number
  /** Whether the broker may create topics that do not exist. Default true. */
  readonly allowAutoCreateTopics?: boolean
}

const ownNames: readonly (keyof ProducerOptions)[] = [
  'serializers',
  'acks',
  'enableIdempotence',
  'lingerMs',
  'batchSize',
  'bufferMemory',
  'maxBlockMs',
  'deliveryTimeoutMs',
  'retries',
  'maxInFlightRequestsPerConnection',
  'maxRequestSize',
  'compression',
  'compressionLevel',
  'partitioner',
  'transactionalId',
  'transactionTimeoutMs',
  'allowAutoCreateTopics',
]
export const producerOptionNames = [...clientOptionNames, ...ownNames]

export interface ResolvedProducerOptions {
  /** On the wire: 0, 1 or -1 for all. */
  readonly acks: 0 | 1 | -1
  readonly isIdempotent: boolean
  readonly lingerMs: number
  readonly batchSize: number
  readonly bufferMemory: number
  readonly maxBlockMs: number
  readonly deliveryTimeoutMs: number
  readonly retries: number
  readonly maxInFlight: number
  readonly maxRequestSize: number
  readonly compression: CompressionType
  readonly compressionLevel: number | undefined
  readonly partitioner: PartitionerName | Partitioner
  readonly transactionalId: string | undefined
  readonly transactionTimeoutMs: number
}

export function resolveProducerOptions<K, V>(
  options: ProducerOptions<K, V>,
  requestTimeoutMs: number,
): ResolvedProducerOptions {
  rejectUnknownOptions(options, producerOptionNames)
  const number = (name: keyof ProducerOptions, fallback: number, min = 0): number =>
    numberOption(name, options[name] as number | undefined, { fallback, min })
  const acks = choiceOption('acks', options.acks, { fallback: 'all', allowed: [0, 1, 'all'] })
  const isIdempotent = options.enableIdempotence ?? acks === 'all'
  if (isIdempotent && acks !== 'all') {
    throw new InvalidOptionError('acks', acks, "'all' when enableIdempotence is true")
  }
  const { transactionalId } = options
  if (transactionalId !== undefined) {
    if (typeof transactionalId !== 'string' || transactionalId === '') {
      throw new InvalidOptionError('transactionalId', transactionalId, 'a string that is not empty')
    }
    if (!isIdempotent) {
      throw new InvalidOptionError(
        'enableIdempotence',
        false,
        "true with a transactionalId, and acks 'all'",
      )
    }
  }
  const maxInFlight = number('maxInFlightRequestsPerConnection', 5, 1)
  if (isIdempotent && maxInFlight > 5) {
    throw new InvalidOptionError(
      'maxInFlightRequestsPerConnection',
      maxInFlight,
      'at most 5 when enableIdempotence is true: brokers remember the last 5 batches',
    )
  }
  const lingerMs = number('lingerMs', 0)
  const deliveryTimeoutMs = number('deliveryTimeoutMs', 120_000, 1)
  if (deliveryTimeoutMs < lingerMs + requestTimeoutMs && options.deliveryTimeoutMs !== undefined) {
    throw new InvalidOptionError(
      'deliveryTimeoutMs',
      deliveryTimeoutMs,
      `at least lingerMs + requestTimeoutMs, ${lingerMs + requestTimeoutMs}`,
    )
  }
  const { partitioner = 'default' } = options
  if (typeof partitioner !== 'function' && !partitionerNames.includes(partitioner)) {
    throw new InvalidOptionError(
      'partitioner',
      partitioner,
      `${partitionerNames.join(', ')} or a function`,
    )
  }
  const compression = choiceOption<CompressionType>('compression', options.compression, {
    fallback: 'none',
    allowed: Object.keys(CompressionType) as CompressionType[],
  })
  return {
    acks: acks === 'all' ? -1 : acks,
    isIdempotent,
    lingerMs,
    batchSize: number('batchSize', 131_072),
    bufferMemory: number('bufferMemory', 32 * 1024 * 1024),
    maxBlockMs: number('maxBlockMs', 60_000),
    deliveryTimeoutMs,
    retries: number('retries', 2 ** 31 - 1),
    maxInFlight,
    maxRequestSize: number('maxRequestSize', 1_048_576, 1),
    compression,
    compressionLevel: checkLevel(compression, options.compressionLevel),
    partitioner,
    transactionalId,
    transactionTimeoutMs: number('transactionTimeoutMs', 60_000, 1),
  }
}

function checkLevel(compression: CompressionType, level: number | undefined): number | undefined {
  if (level === undefined) return undefined
  const bounds = { gzip: [1, 9], zstd: [-131_072, 22] } as const
  const allowed = compression === 'gzip' || compression === 'zstd' ? bounds[compression] : undefined
  if (allowed === undefined) {
    throw new InvalidOptionError('compressionLevel', level, `unset: ${compression} has no levels`)
  }
  if (!Number.isInteger(level) || level < allowed[0] || level > allowed[1]) {
    throw new InvalidOptionError(
      'compressionLevel',
      level,
      `a whole number of ${allowed[0]} to ${allowed[1]} for ${compression}`,
    )
  }
  return level
}
