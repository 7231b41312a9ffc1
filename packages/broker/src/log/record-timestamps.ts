// SPDX-License-Identifier: Apache-2.0
import { NO_TIMESTAMP, type RecordBatch, type RecordCursor } from '@millrace/protocol'
import type { LogConfig } from './log-config.ts'

const MAX_LONG = 0x7fffffffffffffffn

/** A limit of the configuration as Kafka's `long`; the largest is not exact as a number. */
function asLong(value: number): bigint {
  return value >= Number(MAX_LONG) ? MAX_LONG : BigInt(Math.trunc(value))
}

/**
 * Checks the timestamps of a batch's records against the topic's bounds, and computes the newest.
 * Numbers are used as long as they are exact, which is for every timestamp that a clock shows;
 * beyond, Kafka's 64-bit arithmetic with its overflows.
 */
export class RecordTimestamps {
  readonly #batch: RecordBatch
  readonly #isCreateTime: boolean
  readonly #isPartial: boolean
  readonly #nowMs: number
  readonly #beforeMaxMs: number
  readonly #afterMaxMs: number
  /** In place of the records' own timestamps, when the client set the bit of `LogAppendTime`. */
  readonly #stamp: bigint | undefined
  #newest = NO_TIMESTAMP
  /**
   * For a quick look at most records: with `base` added to its delta, a timestamp from `oldest` to
   * `latest` is in order and needs no `check`. `base` is NaN, which is in no order, when the sum
   * would not be the record's timestamp.
   */
  readonly base: number
  readonly oldest: number
  readonly latest: number

  constructor(
    batch: RecordBatch,
    context: { readonly config: LogConfig; readonly nowMs: number; readonly isRebuilt: boolean },
  ) {
    const { config, nowMs } = context
    this.#batch = batch
    this.#isCreateTime = config.messageTimestampType === 'CreateTime'
    this.#isPartial = batch.compression !== 'none' && !context.isRebuilt
    this.#nowMs = nowMs
    this.#beforeMaxMs = config.messageTimestampBeforeMaxMs
    this.#afterMaxMs = config.messageTimestampAfterMaxMs
    this.#stamp = batch.hasLogAppendTime ? batch.maxTimestamp : undefined
    const base = Number(batch.baseTimestamp)
    this.base = Number.isSafeInteger(base) && this.#stamp === undefined ? base : Number.NaN
    this.oldest = this.#isCreateTime ? nowMs - this.#beforeMaxMs : Number.NEGATIVE_INFINITY
    this.latest = this.#isCreateTime ? nowMs + this.#afterMaxMs : Number.POSITIVE_INFINITY
  }

  /** Newest timestamp of the records that were checked, -1 for none. */
  get newest(): bigint {
    return this.#newest
  }

  /** Why the cursor's record is refused, or undefined when it is not. */
  check(cursor: RecordCursor): string | undefined {
    const delta = cursor.hasWideTimestamp
      ? cursor.wideTimestampDelta
      : BigInt(cursor.timestampDelta)
    const own = BigInt.asIntN(64, this.#batch.baseTimestamp + delta)
    const timestamp = this.#stamp ?? own
    if (this.#isCreateTime && timestamp !== NO_TIMESTAMP) {
      if (this.#isOutOfRange(timestamp)) return this.#outOfRange(timestamp, cursor)
      // In a topic of creation times the bit is cleared, and the records have their own timestamps
      // again.
      if (own !== NO_TIMESTAMP && this.#isOutOfRange(own)) return this.#outOfRange(own, cursor)
    } else if (this.#stamp !== undefined) {
      return `Invalid timestamp type in message ${this.#describe(timestamp, cursor)}. Producer should not set timestamp type to LogAppendTime.`
    }
    if (own > this.#newest) this.#newest = own
    return undefined
  }

  #isOutOfRange(timestamp: bigint): boolean {
    const age = BigInt.asIntN(64, BigInt(this.#nowMs) - timestamp)
    return age > asLong(this.#beforeMaxMs) || BigInt.asIntN(64, -age) > asLong(this.#afterMaxMs)
  }

  #outOfRange(timestamp: bigint, cursor: RecordCursor): string {
    const now = BigInt(this.#nowMs)
    const oldest = BigInt.asIntN(64, now - asLong(this.#beforeMaxMs))
    const newest = BigInt.asIntN(64, now + asLong(this.#afterMaxMs))
    return `Timestamp ${timestamp} of message with offset ${cursor.offsetDelta} is out of range. The timestamp should be within [${oldest}, ${newest}]`
  }

  /** The record as Kafka's messages show it. */
  #describe(timestamp: bigint, { offsetDelta, keySize, valueSize }: RecordCursor): string {
    const [name, least] = this.#isPartial ? ['PartialDefaultRecord', -1] : ['DefaultRecord', 0]
    const size = (bytes: number): number => Math.max(bytes, least as number)
    return `${name}(offset=${offsetDelta}, timestamp=${timestamp}, key=${size(keySize)} bytes, value=${size(valueSize)} bytes)`
  }
}
