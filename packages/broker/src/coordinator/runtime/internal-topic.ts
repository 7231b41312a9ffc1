// SPDX-License-Identifier: Apache-2.0
import type { NewTopic } from '../../metadata/topic-operations.ts'
import type { Topics } from '../../topics.ts'

/** The topic that holds a coordinator's state; created on first use. */
export class InternalTopic {
  readonly #topic: NewTopic
  readonly #topics: Topics
  readonly #createTopic: (topic: NewTopic) => Promise<void>
  #creating: Promise<void> | undefined

  constructor(
    topic: NewTopic,
    options: {
      readonly topics: Topics
      readonly createTopic: (topic: NewTopic) => Promise<void>
    },
  ) {
    this.#topic = topic
    this.#topics = options.topics
    this.#createTopic = options.createTopic
  }

  /**
   * 0 if the topic does not exist. Coordinators use this count instead of the configured one,
   * because the topic may be older than the configuration.
   */
  get partitionCount(): number {
    return this.#topics.get(this.#topic.name)?.partitions.length ?? 0
  }

  async ensure(): Promise<void> {
    if (this.partitionCount > 0) return
    this.#creating ??= this.#createTopic(this.#topic).finally(() => {
      this.#creating = undefined
    })
    await this.#creating
  }
}
