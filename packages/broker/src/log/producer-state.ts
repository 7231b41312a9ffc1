// SPDX-License-Identifier: Apache-2.0
import { MillraceError } from '@millrace/base'
import { crc32c, incrementSequence, ProtocolError, type RecordBatch } from '@millrace/protocol'
import type { EndMarker } from './control-batch.ts'
import type { AbortedTransaction } from './transaction-index.ts'

/** Number of batches per producer that are kept to detect retries. */
const BATCHES_KEPT = 5
const SNAPSHOT_VERSION = 1
const SNAPSHOT_ENTRY_SIZE = 46

interface BatchMetadata {
  readonly lastSequence: number
  readonly lastOffset: bigint
  readonly offsetDelta: number
  readonly timestamp: bigint
}

export interface ProducerEntry {
  readonly producerId: bigint
  producerEpoch: number
  coordinatorEpoch: number
  lastTimestamp: bigint
  /** First offset of the open transaction, if there is one. */
  currentTransactionFirstOffset: bigint | undefined
  /** The newest is last. */
  batches: BatchMetadata[]
}

export interface CompletedTransaction extends Omit<AbortedTransaction, 'lastStableOffset'> {
  readonly isAborted: boolean
}

/**
 * State of each producer in the log: enough to reject gaps, to detect retries and to know open
 * transactions.
 */
export class ProducerState {
  readonly #producers = new Map<bigint, ProducerEntry>()
  /** First offsets of open transactions by producer. Insertion order is offset order. */
  readonly #openTransactions = new Map<bigint, bigint>()

  get producers(): ReadonlyMap<bigint, ProducerEntry> {
    return this.#producers
  }

  /** First offset of the oldest open transaction. */
  get firstUnstableOffset(): bigint | undefined {
    return this.#openTransactions.values().next().value
  }

  clear(): void {
    this.#producers.clear()
    this.#openTransactions.clear()
  }

  /**
   * Checks a client's batch against its producer's earlier ones. Returns the last offset of the
   * batch that it repeats, or undefined if it is new. Throws `INVALID_PRODUCER_EPOCH` or
   * `OUT_OF_ORDER_SEQUENCE_NUMBER`.
   */
  check(
    batch: RecordBatch,
    partition: string,
  ): { readonly baseOffset: bigint; readonly lastOffset: bigint } | undefined {
    const { producerId, producerEpoch: epoch, baseSequence } = batch
    const entry = this.#producers.get(producerId)
    if (entry === undefined) return undefined
    if (entry.currentTransactionFirstOffset !== undefined && !batch.isTransactional) {
      throw new ProtocolError(
        'INVALID_TXN_STATE',
        `producer ${producerId} has a transaction open in ${partition}, and sent a batch outside of it`,
      )
    }
    if (epoch < entry.producerEpoch) {
      throw new ProtocolError(
        'INVALID_PRODUCER_EPOCH',
        `producer ${producerId} has epoch ${epoch} at ${partition}, but ${entry.producerEpoch} was seen`,
      )
    }
    const newest = entry.batches.at(-1)
    if (epoch > entry.producerEpoch) {
      if (baseSequence !== 0 && newest !== undefined) {
        throw outOfOrder(batch, partition, 0)
      }
      return undefined
    }
    for (const known of entry.batches) {
      if (
        known.lastSequence === batch.lastSequence &&
        known.offsetDelta === batch.lastOffsetDelta
      ) {
        return {
          baseOffset: known.lastOffset - BigInt(known.offsetDelta),
          lastOffset: known.lastOffset,
        }
      }
    }
    if (newest !== undefined && incrementSequence(newest.lastSequence, 1) !== baseSequence) {
      throw outOfOrder(batch, partition, incrementSequence(newest.lastSequence, 1))
    }
    return undefined
  }

  /** Whether the producer has an open transaction in this partition, in this epoch. */
  hasOpenTransaction(producerId: bigint, producerEpoch: number): boolean {
    const entry = this.#producers.get(producerId)
    return (
      entry?.currentTransactionFirstOffset !== undefined && entry.producerEpoch === producerEpoch
    )
  }

  /** Throws `INVALID_PRODUCER_EPOCH` or `TRANSACTION_COORDINATOR_FENCED` for an outdated marker. */
  checkMarker(marker: EndMarker, partition: string): void {
    const entry = this.#producers.get(marker.producerId)
    if (entry === undefined) return
    const { producerEpoch: epoch, coordinatorEpoch } = marker
    const isOpen = entry.currentTransactionFirstOffset !== undefined
    // A repeated marker, after its reply was lost or the coordinator restarted, is accepted.
    const isRepeated = epoch === entry.producerEpoch && (!isOpen || epoch === 32767)
    const isPast =
      marker.transactionVersion >= 2
        ? epoch <= entry.producerEpoch && !isRepeated
        : epoch < entry.producerEpoch
    if (isPast) {
      throw new ProtocolError(
        'INVALID_PRODUCER_EPOCH',
        `marker of producer ${marker.producerId} for ${partition} has epoch ${epoch}, but ${entry.producerEpoch} was seen`,
      )
    }
    if (coordinatorEpoch < entry.coordinatorEpoch) {
      throw new ProtocolError(
        'TRANSACTION_COORDINATOR_FENCED',
        `marker of producer ${marker.producerId} for ${partition} has coordinator epoch ${coordinatorEpoch}, but ${entry.coordinatorEpoch} was seen`,
      )
    }
  }

  /** Records a data batch that is in the log. */
  update(batch: RecordBatch): void {
    if (!batch.hasProducerId || batch.isControl) return
    const entry = this.#entryFor(batch.producerId, batch.producerEpoch)
    entry.lastTimestamp = batch.maxTimestamp
    if (batch.baseSequence >= 0) {
      entry.batches.push({
        lastSequence: batch.lastSequence,
        lastOffset: batch.lastOffset,
        offsetDelta: batch.lastOffsetDelta,
        timestamp: batch.maxTimestamp,
      })
      if (entry.batches.length > BATCHES_KEPT) entry.batches.shift()
    }
    if (batch.isTransactional && entry.currentTransactionFirstOffset === undefined) {
      entry.currentTransactionFirstOffset = batch.baseOffset
      this.#openTransactions.set(batch.producerId, batch.baseOffset)
    }
  }

  /** Records a transaction marker that is in the log; returns the transaction that it ended. */
  complete(
    marker: RecordBatch,
    options: { readonly isAborted: boolean; readonly coordinatorEpoch: number },
  ): CompletedTransaction | undefined {
    const entry = this.#entryFor(marker.producerId, marker.producerEpoch)
    entry.coordinatorEpoch = options.coordinatorEpoch
    entry.lastTimestamp = marker.maxTimestamp
    const firstOffset = entry.currentTransactionFirstOffset
    entry.currentTransactionFirstOffset = undefined
    this.#openTransactions.delete(marker.producerId)
    if (firstOffset === undefined) return undefined
    return {
      producerId: marker.producerId,
      firstOffset,
      lastOffset: marker.lastOffset,
      isAborted: options.isAborted,
    }
  }

  #entryFor(producerId: bigint, producerEpoch: number): ProducerEntry {
    let entry = this.#producers.get(producerId)
    if (entry === undefined) {
      entry = {
        producerId,
        producerEpoch,
        coordinatorEpoch: -1,
        lastTimestamp: -1n,
        currentTransactionFirstOffset: undefined,
        batches: [],
      }
      this.#producers.set(producerId, entry)
    }
    if (producerEpoch > entry.producerEpoch) {
      entry.producerEpoch = producerEpoch
      entry.batches = []
    }
    return entry
  }

  /** Removes producers that wrote nothing since `before` and have no open transaction. */
  expire(before: bigint): void {
    for (const [producerId, entry] of this.#producers) {
      if (entry.currentTransactionFirstOffset === undefined && entry.lastTimestamp < before) {
        this.#producers.delete(producerId)
      }
    }
  }

  /**
   * Kafka's producer snapshot: version, CRC-32C of the rest, count, then one fixed-size entry per
   * producer.
   */
  snapshot(): Buffer {
    const data = Buffer.alloc(10 + this.#producers.size * SNAPSHOT_ENTRY_SIZE)
    data.writeInt16BE(SNAPSHOT_VERSION, 0)
    data.writeInt32BE(this.#producers.size, 6)
    let at = 10
    for (const entry of this.#producers.values()) {
      const newest = entry.batches.at(-1)
      data.writeBigInt64BE(entry.producerId, at)
      data.writeInt16BE(entry.producerEpoch, at + 8)
      data.writeInt32BE(newest?.lastSequence ?? -1, at + 10)
      data.writeBigInt64BE(newest?.lastOffset ?? -1n, at + 14)
      data.writeInt32BE(newest?.offsetDelta ?? 0, at + 22)
      data.writeBigInt64BE(entry.lastTimestamp, at + 26)
      data.writeInt32BE(entry.coordinatorEpoch, at + 34)
      data.writeBigInt64BE(entry.currentTransactionFirstOffset ?? -1n, at + 38)
      at += SNAPSHOT_ENTRY_SIZE
    }
    data.writeUInt32BE(crc32c(data.subarray(6)), 2)
    return data
  }

  /** Replaces the state by a snapshot; throws if it is corrupt. */
  restore(data: Buffer): void {
    this.clear()
    if (data.length < 10 || data.readInt16BE(0) !== SNAPSHOT_VERSION) {
      throw new MillraceError('MILLRACE_CORRUPT_FILE', 'producer snapshot has an unknown version')
    }
    const count = data.readInt32BE(6)
    if (
      data.readUInt32BE(2) !== crc32c(data.subarray(6)) ||
      data.length !== 10 + count * SNAPSHOT_ENTRY_SIZE
    ) {
      throw new MillraceError('MILLRACE_CORRUPT_FILE', 'producer snapshot fails its checksum')
    }
    for (let at = 10; at < data.length; at += SNAPSHOT_ENTRY_SIZE) this.#restoreEntry(data, at)
    const open = [...this.#producers.values()]
      .flatMap((entry) =>
        entry.currentTransactionFirstOffset === undefined
          ? []
          : [{ producerId: entry.producerId, offset: entry.currentTransactionFirstOffset }],
      )
      .sort((a, b) => (a.offset < b.offset ? -1 : 1))
    for (const { producerId, offset } of open) this.#openTransactions.set(producerId, offset)
  }

  #restoreEntry(data: Buffer, at: number): void {
    const producerId = data.readBigInt64BE(at)
    const lastSequence = data.readInt32BE(at + 10)
    const timestamp = data.readBigInt64BE(at + 26)
    const firstOffset = data.readBigInt64BE(at + 38)
    this.#producers.set(producerId, {
      producerId,
      producerEpoch: data.readInt16BE(at + 8),
      coordinatorEpoch: data.readInt32BE(at + 34),
      lastTimestamp: timestamp,
      currentTransactionFirstOffset: firstOffset < 0n ? undefined : firstOffset,
      batches:
        lastSequence < 0
          ? []
          : [
              {
                lastSequence,
                lastOffset: data.readBigInt64BE(at + 14),
                offsetDelta: data.readInt32BE(at + 22),
                timestamp,
              },
            ],
    })
  }
}

function outOfOrder(batch: RecordBatch, partition: string, expected: number): ProtocolError {
  return new ProtocolError(
    'OUT_OF_ORDER_SEQUENCE_NUMBER',
    `producer ${batch.producerId} sent sequence ${batch.baseSequence} to ${partition}, expected ${expected}`,
  )
}
