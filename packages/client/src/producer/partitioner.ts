// SPDX-License-Identifier: Apache-2.0
import type { Random } from '@millrace/base'
import type { TopicMetadata } from '../metadata/metadata.ts'
import { murmur2 } from './murmur2.ts'

/** What a partitioner gets. */
export interface PartitionerInput {
  /** Topic of the record. */
  readonly topic: string
  /** Serialized key, or null. */
  readonly keyBytes: Uint8Array | null
  /** Serialized value, or null. */
  readonly valueBytes: Uint8Array | null
  /** Number of partitions of the topic. */
  readonly partitionCount: number
}

/** Chooses the partition of a record that does not name one. */
export type Partitioner = (input: PartitionerInput) => number

/**
 * - `default`: Java's. Records with a key are placed by murmur2 of the key, records without one
 *   stay with a partition until
 * about 16 KiB were sent to it, then move to another (KIP-794).
 * - `sticky`: the same, but keys are ignored (`partitioner.ignore.keys`).
 * - `roundRobin`: one after the other, with or without keys.
 */
export type PartitionerName = 'default' | 'sticky' | 'roundRobin'
export const partitionerNames: readonly PartitionerName[] = ['default', 'sticky', 'roundRobin']

const STICKY_BYTES = 16_384

/** Java's partition of a key. */
export function partitionForKey(key: Uint8Array, partitionCount: number): number {
  return (murmur2(key) & 0x7fffffff) % partitionCount
}

/** The built-in partitioner of one topic, with its state. */
export class TopicPartitioner {
  readonly #kind: PartitionerName
  readonly #random: Random
  #current = -1
  #bytes = 0

  constructor(kind: PartitionerName, random: Random) {
    this.#kind = kind
    this.#random = random
  }

  choose(metadata: TopicMetadata, keyBytes: Uint8Array | null, size: number): number {
    const { partitions } = metadata
    if (this.#kind === 'default' && keyBytes !== null) {
      return partitionForKey(keyBytes, partitions.length)
    }
    if (this.#kind === 'roundRobin') {
      this.#current = this.#next(metadata, this.#current)
      return this.#current
    }
    const isUsable = (partitions[this.#current]?.leader ?? -1) >= 0
    if (!isUsable || this.#bytes >= STICKY_BYTES) {
      this.#current = this.#other(metadata)
      this.#bytes = 0
    }
    this.#bytes += size
    return this.#current
  }

  /** The next partition with a leader, or just the next if none has one. */
  #next({ partitions }: TopicMetadata, from: number): number {
    for (let step = 1; step <= partitions.length; step++) {
      const candidate = (from + step) % partitions.length
      if ((partitions[candidate]?.leader ?? -1) >= 0) return candidate
    }
    return (from + 1) % partitions.length
  }

  /** A random other partition with a leader. */
  #other({ partitions }: TopicMetadata): number {
    const led = partitions.filter(({ leader }) => leader >= 0)
    const choices = (led.length > 0 ? led : partitions).map(({ partition }) => partition)
    const others = choices.filter((partition) => partition !== this.#current)
    const from = others.length > 0 ? others : choices
    return from[this.#random.integer(from.length)] ?? 0
  }
}
