// SPDX-License-Identifier: Apache-2.0
import type { Clock } from '@millrace/base'
import type { Admin } from '@millrace/client'
import { isMissingTopic } from './destination-log.ts'

/** Largest record a destination's topic takes, bytes. */
export const MAX_RECORD_BYTES = 104_857_600

/**
 * Configuration of topics that the provider creates. What waits must not be deleted for its age or size, and not be compacted,
 * whatever the broker's defaults are: the provider deletes what was consumed.
 */
const topicConfig = {
  'cleanup.policy': 'delete',
  'retention.ms': '-1',
  'retention.bytes': '-1',
  'max.message.bytes': String(MAX_RECORD_BYTES),
} as const

/**
 * Size of segments, unless brokers have smaller ones: a segment is deleted as a whole, so that consumed messages take up to so much
 * space. A batch must fit into a segment.
 */
const SEGMENT_BYTES = 134_217_728

/** What an earlier version set. */
const earlierConfig = ['retention.ms', 'max.message.bytes'] as const

/** An id that says nothing: of a cluster that does not tell the ids of topics. */
const NO_ID = 'A'.repeat(22)
/** A topic is gone when its id was not found this many times. A single broker may lag behind. */
const LOOKS = 3
const LOOK_INTERVAL_MS = 150

/** A Kafka topic that is there. */
export interface FoundTopic {
  readonly topic: string
  /** Undefined where the cluster does not tell ids. */
  readonly topicId: string | undefined
  readonly partitions: number
}

/** Finds, creates and deletes the Kafka topics of destinations. */
export class TopicAdmin {
  readonly #admin: Admin
  readonly #clock: Clock
  readonly #replicationFactor: number | undefined
  #segments: Promise<Readonly<Record<string, string>>> | undefined

  constructor(
    admin: Admin,
    options: { readonly clock: Clock; readonly replicationFactor: number | undefined },
  ) {
    this.#admin = admin
    this.#clock = options.clock
    this.#replicationFactor = options.replicationFactor
  }

  /** Undefined when there is no such topic. */
  async find(topic: string): Promise<FoundTopic | undefined> {
    try {
      const described = (await this.#admin.describeTopics([topic])).get(topic)
      if (described === undefined) return undefined
      const { id, partitions } = described
      return { topic, topicId: idOf(id), partitions: partitions.length }
    } catch (error) {
      if (isMissingTopic(error)) return undefined
      throw error
    }
  }

  /** Ids of all topics of the cluster, by name. */
  async list(): Promise<Map<string, string | undefined>> {
    const topics = await this.#admin.listTopics({ listInternal: true })
    return new Map(topics.map(({ name, topicId }) => [name, idOf(topicId)]))
  }

  /** Creates a topic for a destination. `isOwn` is false when somebody else has just created it. */
  async create(
    topic: string,
    partitions: number,
  ): Promise<FoundTopic & { readonly isOwn: boolean }> {
    for (;;) {
      try {
        const created = await this.#admin.createTopics([
          {
            name: topic,
            numPartitions: partitions,
            ...(this.#replicationFactor === undefined
              ? {}
              : { replicationFactor: this.#replicationFactor }),
            configs: { ...topicConfig, ...(await this.#segmentConfig()) },
          },
        ])
        const topicId = idOf(created.get(topic)?.topicId ?? NO_ID)
        return { topic, topicId, partitions, isOwn: true }
      } catch (error) {
        if ((error as { readonly code?: string }).code !== 'TOPIC_ALREADY_EXISTS') throw error
      }
      const found = await this.find(topic)
      // It may have been created by an attempt whose answer was lost.
      if (found !== undefined) return { ...found, isOwn: await this.isCreatedHere(topic) }
    }
  }

  #segmentConfig(): Promise<Readonly<Record<string, string>>> {
    this.#segments ??= this.#askSegmentBytes().then(
      (bytes): Record<string, string> =>
        bytes < SEGMENT_BYTES ? {} : { 'segment.bytes': String(SEGMENT_BYTES) },
      () => ({ 'segment.bytes': String(SEGMENT_BYTES) }),
    )
    return this.#segments
  }

  /** Size of segments that brokers have by default. */
  async #askSegmentBytes(): Promise<number> {
    const { nodes } = await this.#admin.describeCluster()
    const keys = ['log.segment.bytes']
    const described = await this.#admin.describeConfigs([
      { type: 'broker', name: String(nodes[0]?.id), keys },
    ])
    const [entry] = [...described.values()].flat()
    return Number(entry?.value ?? SEGMENT_BYTES)
  }

  /** Whether a topic has the configuration of those that the provider creates. */
  async isCreatedHere(topic: string): Promise<boolean> {
    const configs = await this.#configsOf(topic)
    return earlierConfig.every((key) => configs.get(key) === topicConfig[key])
  }

  /** Configuration that was set for a topic, by key. */
  async #configsOf(topic: string): Promise<Map<string, string | null>> {
    const described = await this.#admin.describeConfigs([{ type: 'topic', name: topic }])
    const entries = [...described.values()].flat()
    return new Map(
      entries
        .filter(({ source }) => source === 'DYNAMIC_TOPIC_CONFIG')
        .map(({ name, value }) => [name, value]),
    )
  }

  /** Whether the topic with an id is there no longer. */
  async isGone(topicId: string): Promise<boolean> {
    for (let look = 0; look < LOOKS; look++) {
      try {
        await this.#admin.describeTopics({ topicIds: [topicId] })
        return false
      } catch (error) {
        if (!isMissingTopic(error)) throw error
      }
      await new Promise<void>((resolve) => this.#clock.setTimer(LOOK_INTERVAL_MS, resolve))
    }
    return true
  }

  async delete({ topic, topicId }: Pick<FoundTopic, 'topic' | 'topicId'>): Promise<void> {
    try {
      await this.#admin.deleteTopics(topicId === undefined ? [topic] : { topicIds: [topicId] })
    } catch (error) {
      if (!isMissingTopic(error)) throw error
    }
  }
}

function idOf(id: string): string | undefined {
  return id === NO_ID ? undefined : id
}
