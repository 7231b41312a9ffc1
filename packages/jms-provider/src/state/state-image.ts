// SPDX-License-Identifier: Apache-2.0
import {
  type DestinationRecord,
  decodeKey,
  type OwnerRecord,
  type StateKey,
  type SubscriptionRecord,
} from './state-record.ts'

/**
 * A value of the state topic and the id of the Kafka topic that it belongs to; undefined in records
 * of earlier versions.
 */
export interface Owned<T> {
  readonly topicId: string | undefined
  readonly value: T
}

/**
 * Progress of a subscription in one partition, as recorded in the state topic. Parts of it may
 * belong to a deleted topic.
 */
export interface PartitionProgress {
  floor: Owned<number> | undefined
  readonly chunks: Map<number, Owned<Buffer>>
}

/** Header of a state record with the epoch of the owner that wrote it. */
export const EPOCH_HEADER = 'epoch'
/** Header of floors and chunks with the id of the Kafka topic that they belong to. */
export const TOPIC_ID_HEADER = 'topic-id'

/** The replayed state topic. */
export class StateImage {
  owner: OwnerRecord | undefined
  readonly destinations = new Map<string, DestinationRecord>()
  readonly subscriptions = new Map<string, SubscriptionRecord>()
  readonly #progress = new Map<string, Map<number, PartitionProgress>>()

  /**
   * Applies one record. Records that a former owner wrote after the current one took over are
   * ignored.
   */
  apply(
    keyText: string,
    value: Buffer | null,
    { epoch, topicId }: { readonly epoch: number; readonly topicId?: string | undefined },
  ): void {
    const key = decodeKey(keyText)
    if (key === undefined || epoch < (this.owner?.epoch ?? 0)) return
    this.#applyKey(key, value, topicId)
  }

  #applyKey(key: StateKey, value: Buffer | null, topicId: string | undefined): void {
    switch (key.kind) {
      case 'owner':
        if (value !== null) this.owner = JSON.parse(value.toString('utf8')) as OwnerRecord
        return
      case 'destination': {
        const name = `${key.destinationKind}/${key.name}`
        if (value === null) this.destinations.delete(name)
        else this.destinations.set(name, JSON.parse(value.toString('utf8')) as DestinationRecord)
        return
      }
      case 'subscription':
        if (value !== null) {
          const record = JSON.parse(value.toString('utf8')) as SubscriptionRecord
          this.subscriptions.set(key.id, record)
          return
        }
        this.subscriptions.delete(key.id)
        this.#progress.delete(key.id)
        return
      case 'floor': {
        const progress = this.#progressOf(key.id, key.partition)
        const floor = value === null ? Number.NaN : Number(value.toString('utf8'))
        progress.floor = Number.isSafeInteger(floor) ? { topicId, value: floor } : undefined
        return
      }
      default: {
        const { chunks } = this.#progressOf(key.id, key.partition)
        if (value === null) chunks.delete(key.number)
        else chunks.set(key.number, { topicId, value: Buffer.from(value) })
      }
    }
  }

  #progressOf(id: string, partition: number): PartitionProgress {
    let partitions = this.#progress.get(id)
    if (partitions === undefined) {
      partitions = new Map()
      this.#progress.set(id, partitions)
    }
    let progress = partitions.get(partition)
    if (progress === undefined) {
      progress = { floor: undefined, chunks: new Map() }
      partitions.set(partition, progress)
    }
    return progress
  }

  /** Progress of a subscription, by partition. */
  progressOf(id: string): ReadonlyMap<number, PartitionProgress> {
    return this.#progress.get(id) ?? new Map()
  }

  /** Drops the progress of a subscription after its index was restored from it. */
  forgetProgress(id: string): void {
    this.#progress.delete(id)
  }
}
