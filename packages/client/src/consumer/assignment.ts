// SPDX-License-Identifier: Apache-2.0
import { MillraceError } from '@millrace/base'
import { comparePartitions, partitionName, type TopicPartition } from '../topic-partition.ts'
import type { ConsumerRecord } from './consumer-record.ts'
import { type DecodeOptions, PartitionState } from './partition-state.ts'

/** A partition to read; with a `topicId`, only of the topic of that id. */
export type WantedPartition = TopicPartition & { readonly topicId?: string }

/** The partitions that a consumer reads, and the order in which it reads them. */
export class Assignment {
  #states = new Map<string, PartitionState>()
  #rotation: readonly PartitionState[] = []

  /** States of the assigned partitions. */
  get states(): Iterable<PartitionState> {
    return this.#states.values()
  }

  /** States in the order in which they are read next. */
  get rotation(): readonly PartitionState[] {
    return this.#rotation
  }

  /** Assigned partitions, by topic and index. */
  get partitions(): readonly TopicPartition[] {
    return placesOf([...this.states]).sort(comparePartitions)
  }

  /** State of a partition; undefined if it is not assigned. */
  get(partition: TopicPartition): PartitionState | undefined {
    return this.#states.get(partitionName(partition))
  }

  /** State of a partition. Throws `MILLRACE_NOT_ASSIGNED`. */
  require(partition: TopicPartition): PartitionState {
    const state = this.get(partition)
    if (state !== undefined) return state
    throw new MillraceError(
      'MILLRACE_NOT_ASSIGNED',
      `${partitionName(partition)} is not assigned to this consumer`,
    )
  }

  /** Reads exactly these partitions; those assigned already keep position and buffered records. */
  replace(partitions: readonly WantedPartition[]): void {
    const states = partitions.map(({ topic, partition, topicId }) => {
      const known = this.get({ topic, partition })
      return known !== undefined && known.topicId === topicId
        ? known
        : new PartitionState(topic, partition, topicId)
    })
    for (const state of this.states) if (!states.includes(state)) state.revoke()
    this.#set(states)
  }

  /** Adds partitions; returns the states of those that were not assigned before. */
  add(partitions: readonly TopicPartition[]): readonly PartitionState[] {
    const added = partitions
      .filter((partition) => this.get(partition) === undefined)
      .map(({ topic, partition }) => new PartitionState(topic, partition))
    this.#set([...this.states, ...added])
    return added
  }

  /** Revokes partitions; holders of their states must stop using them. */
  revoke(states: readonly PartitionState[]): void {
    for (const state of states) state.revoke()
    this.#set([...this.states].filter((state) => !states.includes(state)))
  }

  #set(states: readonly PartitionState[]): void {
    this.#states = new Map(states.map((state) => [partitionName(state), state]))
    this.#rotation = [...states]
  }

  /** The next records of a partition, at most `max`; the partition is read last from now on. */
  take(
    state: PartitionState,
    max: number,
    options: DecodeOptions,
  ): ConsumerRecord<unknown, unknown>[] {
    const records = state.take(max, options)
    const at = this.#rotation.indexOf(state)
    if (this.#rotation.length > 1 && at >= 0 && at < this.#rotation.length - 1) {
      this.#rotation = [...this.#rotation.toSpliced(at, 1), state]
    }
    return records
  }
}

/** Topics and partitions of states. */
export function placesOf(states: readonly PartitionState[]): TopicPartition[] {
  return states.map(({ topic, partition }) => ({ topic, partition }))
}
