// SPDX-License-Identifier: Apache-2.0
import { MillraceError } from '@millrace/base'
import type { BatchResult } from './producer-batch.ts'

/** Headers; names may repeat, order is kept. A value may be null. */
export type HeadersInput =
  | readonly { readonly key: string; readonly value: Uint8Array | string | null }[]
  | Readonly<Record<string, HeaderValue | readonly HeaderValue[]>>

type HeaderValue = Uint8Array | string | null

/** A record to be sent. */
export interface ProducerRecord<K = Uint8Array | string, V = Uint8Array | string> {
  /** Topic. */
  readonly topic: string
  /**
   * Id that the topic must have. A topic that was deleted and created again has another id: the
   * record is not written to it, and its send fails with `UNKNOWN_TOPIC_ID`, or
   * `UNKNOWN_TOPIC_OR_PARTITION` if there is no topic of that name. Default: any.
   */
  readonly topicId?: string
  /** Partition. Default: the partitioner's choice. */
  readonly partition?: number
  /** Key; records of the same key are in one partition. Default null. */
  readonly key?: K | null
  /** Value; null is a tombstone. */
  readonly value: V | null
  /** Headers, as an object or a list of pairs. Default none. */
  readonly headers?: HeadersInput
  /** Timestamp, milliseconds since 1970. Default: now. */
  readonly timestamp?: number
}

/** Where a record was written. */
export class RecordMetadata {
  #batch: BatchResult
  #index: number

  /** Created by `Producer.send`. */
  constructor(batch: BatchResult, index: number) {
    this.#batch = batch
    this.#index = index
  }

  /** Follows a batch that was split. */
  #locate(): BatchResult {
    for (let { parts } = this.#batch; parts !== undefined; { parts } = this.#batch) {
      this.#batch = this.#index < parts.middle ? parts.first : parts.second
      if (this.#batch === parts.second) this.#index -= parts.middle
    }
    return this.#batch
  }

  /** Topic. */
  get topic(): string {
    return this.#batch.topic
  }
  /** Partition. */
  get partition(): number {
    return this.#batch.partition
  }
  /**
   * Offset; -1 if it is unknown: with acks=0, or if the broker only knows that it has the record.
   */
  get offset(): bigint {
    const { baseOffset } = this.#locate()
    return baseOffset < 0n ? -1n : baseOffset + BigInt(this.#index)
  }
  /**
   * The broker's time if the topic is configured so, else the record's own, milliseconds since
   * 1970.
   */
  get timestamp(): number {
    const { logAppendTimeMs, timestamps } = this.#locate()
    return logAppendTimeMs >= 0 ? logAppendTimeMs : (timestamps[this.#index] ?? -1)
  }

  /** A plain object for `JSON.stringify`; the offset is text. */
  toJSON(): Record<string, unknown> {
    const { topic, partition, offset, timestamp } = this
    return { topic, partition, offset: offset.toString(), timestamp }
  }

  [Symbol.for('nodejs.util.inspect.custom')](): unknown {
    const { topic, partition, offset, timestamp } = this
    return { topic, partition, offset, timestamp }
  }
}

/**
 * One header per pair, in the order given. Throws `MILLRACE_INVALID_RECORD` for anything but an
 * object of values or a list of `{ key, value }`.
 */
export function headerList(
  headers: HeadersInput | undefined,
): readonly { readonly key: string; readonly value: Uint8Array | string | null }[] {
  if (headers === undefined || headers === null) return []
  if (typeof headers !== 'object') throw invalidHeaders(`headers are ${typeof headers}`)
  const list = Array.isArray(headers) ? headers : pairsOf(headers)
  for (const [i, header] of list.entries()) {
    const { key, value }: { readonly key?: unknown; readonly value?: unknown } = header ?? {}
    if (typeof key !== 'string') throw invalidHeaders(`header ${i} has no key`)
    const isValue = value === null || typeof value === 'string' || value instanceof Uint8Array
    if (!isValue) throw invalidHeaders(`the value of header ${key} is ${typeof value}`)
  }
  return list
}

function pairsOf(headers: object): { readonly key: string; readonly value: HeaderValue }[] {
  return Object.entries(
    headers as Readonly<Record<string, HeaderValue | readonly HeaderValue[]>>,
  ).flatMap(([key, value]) =>
    Array.isArray(value)
      ? value.map((each: HeaderValue) => ({ key, value: each }))
      : [{ key, value: value as HeaderValue }],
  )
}

function invalidHeaders(found: string): MillraceError {
  return new MillraceError(
    'MILLRACE_INVALID_RECORD',
    `${found}: expected { name: value } or [{ key, value }], each value a string, bytes or null`,
  )
}
