// SPDX-License-Identifier: Apache-2.0
import {
  Consumer,
  type ConsumerOptions,
  type ConsumerRecord,
  type RebalanceListener,
  type TopicPartition,
} from '@millrace/client'

/** A member that polls until it is stopped. */
export class GroupMember {
  readonly consumer: Consumer
  readonly seen: ConsumerRecord[] = []
  readonly events: string[] = []
  #isStopped = false
  readonly polling: Promise<void>

  constructor(options: ConsumerOptions, topics: readonly string[] | RegExp) {
    this.consumer = new Consumer(options)
    const listener: RebalanceListener = {
      onPartitionsAssigned: (partitions) => this.#note('assigned', partitions),
      onPartitionsRevoked: (partitions) => this.#note('revoked', partitions),
      onPartitionsLost: (partitions) => this.#note('lost', partitions),
    }
    this.consumer.subscribe(topics, listener)
    this.polling = this.#poll()
  }

  #note(what: string, partitions: readonly TopicPartition[]): void {
    this.events.push(
      `${what} ${partitions
        .map(({ partition }) => partition)
        .sort()
        .join(',')}`,
    )
  }

  async #poll(): Promise<void> {
    while (!this.#isStopped) this.seen.push(...(await this.consumer.poll(50)))
  }

  /** Partition numbers, sorted. */
  get partitions(): number[] {
    return this.consumer.assignment.map(({ partition }) => partition)
  }

  async stop(): Promise<void> {
    this.#isStopped = true
    await this.polling
    await this.consumer.close()
  }
}
