// SPDX-License-Identifier: Apache-2.0
import { MillraceError } from '@millrace/base'
import type { Destination } from '../destination/destination.ts'
import { EngineError } from '../destination/destination-errors.ts'
import type { NewRecord } from '../mapping/to-record.ts'
import type { Acquired } from '../subscription/subscription-host.ts'

/** A message that a commit sends, with the body that logs in memory need. */
export interface Send {
  readonly destination: Destination
  readonly record: NewRecord
}

/** A message that a commit sends to a Kafka topic. */
export interface TopicSend {
  readonly destination: Destination
  readonly record: Pick<NewRecord, 'key' | 'value' | 'headers'>
}

/** Messages that a commit sends, in order. */
export interface Sends {
  readonly count: number
  /** Approximate size of the records, in bytes. */
  readonly bytes: number
  /** All messages, if there are few enough to keep in memory. */
  readonly whole: readonly Send[] | undefined
  /** Messages to temporary destinations. */
  readonly temporary: readonly Send[]
  /**
   * Messages to Kafka topics, in blocks, so that a large transaction is never completely in memory.
   * Can be iterated several times.
   */
  topicSends(): Iterable<readonly TopicSend[]>
}

/** Sends and receipts that are committed atomically. */
export interface Commit {
  readonly sends: Sends
  readonly receipts: readonly Acquired[]
}

/** Sends of the provider itself: few messages, in memory. */
export function sendsOf(sends: readonly Send[]): Sends {
  const temporary = sends.filter(({ destination }) => destination.isTemporary)
  const topicSends = sends.filter(({ destination }) => !destination.isTemporary)
  let bytes = 0
  for (const { record } of sends) bytes += recordSize(record)
  return {
    count: sends.length,
    bytes,
    whole: sends,
    temporary,
    topicSends: () => (topicSends.length === 0 ? [] : [topicSends]),
  }
}

/** Approximate size of a record in a log, in bytes. */
export function recordSize({ key, value, headers }: TopicSend['record']): number {
  let size = 70 + (key?.length ?? 0) + (value?.length ?? 0)
  for (const header of headers) size += header.key.length + header.value.length + 10
  return size
}

/** The outcome of a commit is unknown. Only a restart, which reads the logs, can determine it. */
export class OutcomeUnknownError extends MillraceError {
  override readonly name = 'OutcomeUnknownError'

  constructor(cause: unknown) {
    const why = cause instanceof Error ? cause.message : String(cause)
    super('MILLRACE_OUTCOME_UNKNOWN', `the outcome of the commit is unknown: ${why}`, { cause })
  }
}

/** The topic of a destination was deleted: none of the messages to it were written. */
export class TopicMissingError extends MillraceError {
  override readonly name = 'TopicMissingError'
  readonly destination: Destination

  constructor(destination: Destination, cause?: unknown) {
    const { kind, name, topic } = destination
    super('UNKNOWN_TOPIC_ID', `topic ${topic} of ${kind} ${name} was deleted`, { cause })
    this.destination = destination
  }
}

/** Client error codes for records that were never sent to a broker. */
const neverSent: ReadonlySet<string> = new Set([
  'MILLRACE_INVALID_RECORD',
  'MILLRACE_INVALID_PARTITION',
  'MILLRACE_SERDE',
  'MILLRACE_BUFFER_FULL',
  EngineError.gone,
])

/**
 * Whether a producer error means that the records are certainly not in the log: a broker refused
 * them or never received them.
 */
export function isRefusal(error: unknown): boolean {
  if (!(error instanceof MillraceError)) return false
  if (error.code.startsWith('MILLRACE_')) return neverSent.has(error.code)
  return !error.retriable
}
