// SPDX-License-Identifier: Apache-2.0
import { MillraceError } from '@millrace/base'
import type { Destination } from '../destination/destination.ts'
import { EngineError } from '../destination/destination-errors.ts'
import type { NewRecord } from '../mapping/to-record.ts'
import type { Acquired } from '../subscription/subscription.ts'

/** A message that a commit sends, whole, as logs in memory need it. */
export interface Send {
  readonly destination: Destination
  readonly record: NewRecord
}

/** A message that a commit sends to a Kafka topic. */
export interface LastingSend {
  readonly destination: Destination
  readonly record: Pick<NewRecord, 'key' | 'value' | 'headers'>
}

/** What a commit sends, in its order. */
export interface Sends {
  readonly count: number
  /** Bytes of the records, near enough. */
  readonly bytes: number
  /** All of them, when there are few enough to be in memory. */
  readonly whole: readonly Send[] | undefined
  /** Those to temporary destinations. */
  readonly temporary: readonly Send[]
  /** Those to Kafka topics in pieces, so that a large transaction is never in memory as a whole. May be read several times. */
  lasting(): Iterable<readonly LastingSend[]>
}

/** Sends and receipts that become final together, or not at all. */
export interface Commit {
  readonly sends: Sends
  readonly receipts: readonly Acquired[]
}

/** What the provider itself sends: few messages, in memory. */
export function sendsOf(sends: readonly Send[]): Sends {
  const temporary = sends.filter(({ destination }) => destination.isTemporary)
  const lasting = sends.filter(({ destination }) => !destination.isTemporary)
  let bytes = 0
  for (const { record } of sends) bytes += recordSize(record)
  return {
    count: sends.length,
    bytes,
    whole: sends,
    temporary,
    lasting: () => (lasting.length === 0 ? [] : [lasting]),
  }
}

/** Bytes that a record takes in a log, near enough. */
export function recordSize({ key, value, headers }: LastingSend['record']): number {
  let size = 70 + (key?.length ?? 0) + (value?.length ?? 0)
  for (const header of headers) size += header.key.length + header.value.length + 10
  return size
}

/** Nobody knows whether a commit happened. Only a new start, which reads what is in the logs, can tell. */
export class OutcomeUnknownError extends MillraceError {
  override readonly name = 'OutcomeUnknownError'

  constructor(cause: unknown) {
    const why = cause instanceof Error ? cause.message : String(cause)
    super('MILLRACE_OUTCOME_UNKNOWN', `the outcome is not known: ${why}`, { cause })
  }
}

/** The topic of a destination was deleted: nothing of what was sent there was written. */
export class TopicMissingError extends MillraceError {
  override readonly name = 'TopicMissingError'
  readonly destination: Destination

  constructor(destination: Destination, cause?: unknown) {
    const { kind, name, topic } = destination
    super('UNKNOWN_TOPIC_ID', `topic ${topic} of ${kind} ${name} was deleted`, { cause })
    this.destination = destination
  }
}

/** Codes of ours that say that a record was never handed to a broker. */
const neverSent: ReadonlySet<string> = new Set([
  'MILLRACE_INVALID_RECORD',
  'MILLRACE_INVALID_PARTITION',
  'MILLRACE_SERDE',
  'MILLRACE_BUFFER_FULL',
  EngineError.gone,
])

/** Whether an error of a producer says for certain that the records are not in the log: a broker refused them, or never got them. */
export function isRefusal(error: unknown): boolean {
  if (!(error instanceof MillraceError)) return false
  if (error.code.startsWith('MILLRACE_')) return neverSent.has(error.code)
  return !error.retriable
}
