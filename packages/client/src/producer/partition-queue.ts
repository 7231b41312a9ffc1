// SPDX-License-Identifier: Apache-2.0
import { incrementSequence } from '@millrace/protocol'
import type { ProducerBatch } from './producer-batch.ts'

const MAX_EPOCH = 0x7fff

/**
 * The batches of one partition, oldest first, and its state in the idempotent protocol. A batch
 * keeps its sequence number over all attempts. If the broker proves that a sequence number is
 * permanently missing, the epoch is increased and numbers restart at 0, for this partition only: a
 * broker keeps a producer's epoch per partition.
 */
export class PartitionQueue {
  readonly topic: string
  readonly partition: number
  /** Batches to send; those that were sent before are first, by sequence number. */
  readonly waiting: ProducerBatch[] = []
  /** Batches in flight, by sequence number. */
  readonly inFlight: ProducerBatch[] = []
  /** Monotonic time before which nothing is sent, after a failure. */
  retryAt = 0
  /** Size of the last batch, as an estimate for the next. */
  sizeHint = 1024
  #producerId = -1n
  #epoch = -1
  #nextSequence = 0

  constructor(topic: string, partition: number) {
    this.topic = topic
    this.partition = partition
  }

  /** The batch that accepts new records, if there is one. */
  get open(): ProducerBatch | undefined {
    const last = this.waiting.at(-1)
    return last === undefined || last.isClosed ? undefined : last
  }

  /**
   * Whether the first batch may be sent now: one that failed is sent alone, so that none overtakes
   * it.
   */
  get mayLead(): boolean {
    const [head] = this.waiting
    if (head === undefined) return false
    return head.attempts === 0 || this.inFlight.length === 0
  }

  /**
   * Assigns sequence numbers to a batch, unless it has them from an earlier attempt. A
   * transactional producer has one epoch for all partitions, and sequence numbers restart with
   * each.
   */
  identify(
    batch: ProducerBatch,
    producer: {
      readonly producerId: bigint
      readonly producerEpoch: number
      readonly isTransactional: boolean
    },
  ): void {
    if (batch.identity !== undefined) return
    const { producerId, producerEpoch, isTransactional } = producer
    const isOther = this.#producerId !== producerId || this.#epoch !== producerEpoch
    if (this.#producerId === -1n || (isTransactional && isOther)) {
      this.#producerId = producerId
      this.#epoch = producerEpoch
      this.#nextSequence = 0
    }
    batch.identity = {
      producerId: this.#producerId,
      producerEpoch: this.#epoch,
      baseSequence: this.#nextSequence,
      isTransactional,
    }
    this.#nextSequence = incrementSequence(this.#nextSequence, batch.recordCount)
  }

  /**
   * Whether this is the oldest batch without an outcome, so that a gap before it will never close.
   */
  isOldest(batch: ProducerBatch): boolean {
    const first = batch.identity?.baseSequence ?? 0
    const isOlder = (other: ProducerBatch): boolean =>
      other !== batch &&
      other.identity !== undefined &&
      sequenceBefore(other.identity.baseSequence, first)
    return !this.inFlight.some(isOlder) && !this.waiting.some(isOlder)
  }

  /** Back in front, by sequence number. */
  requeue(batch: ProducerBatch): void {
    let at = 0
    if (batch.identity !== undefined) {
      const first = batch.identity.baseSequence
      while (at < this.waiting.length) {
        const other = this.waiting[at]?.identity
        if (other === undefined || !sequenceBefore(other.baseSequence, first)) break
        at++
      }
    } else while ((this.waiting[at]?.createdAt ?? Number.POSITIVE_INFINITY) < batch.createdAt) at++
    this.waiting.splice(at, 0, batch)
  }

  /**
   * Starts a new epoch: none of the waiting batches is in the log. Without epochs left a new
   * producer id is needed, which `newId` reports.
   */
  startEpoch(): { readonly newId: boolean } {
    const newId = this.#epoch >= MAX_EPOCH
    if (newId) {
      this.#producerId = -1n
      this.#epoch = -1
    } else this.#epoch++
    this.#nextSequence = 0
    for (const batch of this.waiting) batch.identity = undefined
    return { newId }
  }
}

/** Whether sequence `a` comes before `b`; they wrap after 2³¹ - 1. */
function sequenceBefore(a: number, b: number): boolean {
  const distance = (b - a) | 0
  return distance > 0 ? distance < 0x40000000 : distance < -0x40000000
}
