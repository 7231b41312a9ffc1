// SPDX-License-Identifier: Apache-2.0
import { NO_TIMESTAMP, type RecordBatch, type RecordCursor } from '@millrace/protocol'
import type { LogConfig } from './log-config.ts'

const MAX_LONG = 0x7fffffffffffffffn

/** A configured limit as Kafka's `long`; the largest is not exact as a number. */
function asLong(value: number): bigint {
  return value >= Number(MAX_LONG) ? MAX_LONG : BigInt(Math.trunc(value))
}

/**
 * Checks the timestamps of a batch's records against the topic's limits, and computes the maximum.
 * Numbers are used while they are exact, which holds for every timestamp of a real clock; beyond,
 * Kafka's 64-bit arithmetic with its overflows.
 */
export class RecordTimestamps {
  readonly #batch: RecordBatch
  readonly #isCreateTime: boolean
  readonly #isPartial: boolean
  readonly #nowMs: number
  readonly #beforeMaxMs: number
  readonly #afterMaxMs: number
  /** Replaces the records' own timestamps if the client set the `LogAppendTime` bit. */
  readonly #stamp: bigint | undefined
  #newest = NO_TIMESTAMP
  /**
   * Fast path for most records: if `base` plus the delta is a timestamp from `oldest` to `latest`,
   * `check` is not needed. `base` is NaN, which compares false, if the sum would not be the
   * record's timestamp.
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

  /** Maximum timestamp of the checked records, -1 for none. */
  get newest(): bigint {
    return this.#newest
  }

  /** Why the cursor's record is rejected, or undefined if it is valid. */
  check(cursor: RecordCursor): string | undefined {
    const delta = cursor.hasWideTimestamp
      ? cursor.wideTimestampDelta
      : BigInt(cursor.timestampDelta)
    const own = BigInt.asIntN(64, this.#batch.baseTimestamp + delta)
    const timestamp = this.#stamp ?? own
    if (this.#isCreateTime && timestamp !== NO_TIMESTAMP) {
      if (this.#isOutOfRange(timestamp)) return this.#outOfRange(timestamp, cursor)
      // In a topic with create times the bit is cleared, and the records have their own timestamps
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

  /** Formats the record as Kafka's messages do. */
  #describe(timestamp: bigint, { offsetDelta, keySize, valueSize }: RecordCursor): string {
    const [name, least] = this.#isPartial ? ['PartialDefaultRecord', -1] : ['DefaultRecord', 0]
    const size = (bytes: number): number => Math.max(bytes, least as number)
    return `${name}(offset=${offsetDelta}, timestamp=${timestamp}, key=${size(keySize)} bytes, value=${size(valueSize)} bytes)`
  }
}
