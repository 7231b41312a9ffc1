// SPDX-License-Identifier: Apache-2.0
import { MillraceError } from '@millrace/base'
import { hasWholeBatch, ProtocolError, RecordBatch } from '@millrace/protocol'
import { type ConsumerRecord, type Deserializers, decodeRecords } from './consumer-record.ts'

/** Start of a control record's key: a version, then 0 for abort and 1 for commit. */
const ABORT_MARKER = 0

/** Records of one partition from one fetch, decoded batch by batch on demand. */
export class FetchedData {
  readonly #buffer: Buffer
  #at = 0
  /** Producers whose transactions were aborted, by first offset. */
  readonly #aborted: { readonly producerId: bigint; readonly firstOffset: bigint }[]
  readonly #abortedProducers = new Set<bigint>()
  readonly size: number
  /** The offset after the last whole batch. */
  readonly endOffset: bigint

  constructor(
    buffer: Buffer,
    aborted: readonly { readonly producerId: bigint; readonly firstOffset: bigint }[],
  ) {
    this.#buffer = buffer
    this.#aborted = aborted.toSorted((a, b) => Number(a.firstOffset - b.firstOffset))
    let at = 0
    let endOffset = -1n
    while (hasWholeBatch(buffer, at)) {
      const batch = new RecordBatch(buffer, at)
      endOffset = batch.nextOffset
      at += batch.size
    }
    this.size = at
    this.endOffset = endOffset
  }

  get isEmpty(): boolean {
    return this.#at >= this.size
  }

  get remaining(): number {
    return this.size - this.#at
  }

  /**
   * Decodes the next batch from offset `from`; `next` is the offset of the batch after it. The list
   * is empty for a batch of markers, of an aborted transaction, or one that was compacted away.
   * Throws `CORRUPT_MESSAGE` if the CRC does not match.
   */
  next(options: {
    readonly topic: string
    readonly partition: number
    readonly from: bigint
    readonly checkCrcs: boolean
    readonly isReadCommitted: boolean
    readonly deserializers: Deserializers<unknown, unknown>
  }): { readonly records: ConsumerRecord<unknown, unknown>[]; readonly next: bigint } {
    const batch = new RecordBatch(this.#buffer, this.#at)
    const where = `${options.topic}-${options.partition} at offset ${batch.baseOffset}`
    if (batch.magic !== 2) {
      throw new MillraceError(
        'MILLRACE_OLD_FORMAT',
        `${where} has records of format ${batch.magic}, from before Kafka 0.11`,
      )
    }
    if (options.checkCrcs && batch.crc !== batch.computeCrc()) {
      throw new ProtocolError('CORRUPT_MESSAGE', `${where} has a CRC that does not match its bytes`)
    }
    const next = batch.nextOffset
    const isHidden =
      batch.lastOffset < options.from ||
      (options.isReadCommitted && this.#isAborted(batch)) ||
      batch.isControl
    const records = isHidden ? [] : decodeRecords(batch, options)
    // Removed only now: an unreadable batch stays in front and cannot be skipped unnoticed.
    this.#at += batch.size
    return { records, next }
  }

  #isAborted(batch: RecordBatch): boolean {
    if (!batch.hasProducerId) return false
    const { lastOffset } = batch
    while (this.#aborted[0] !== undefined && this.#aborted[0].firstOffset <= lastOffset) {
      this.#abortedProducers.add((this.#aborted.shift() as { producerId: bigint }).producerId)
    }
    if (batch.isControl) {
      if (isAbortMarker(batch)) this.#abortedProducers.delete(batch.producerId)
      return false
    }
    return batch.isTransactional && this.#abortedProducers.has(batch.producerId)
  }
}

function isAbortMarker(batch: RecordBatch): boolean {
  const [record] = decodeRecords(batch, {
    topic: '',
    partition: 0,
    from: 0n,
    deserializers: { key: { deserialize: (data) => data }, value: { deserialize: (data) => data } },
  })
  const key = record?.keyBytes
  return key !== undefined && key !== null && key.length >= 4 && key.readInt16BE(2) === ABORT_MARKER
}
