// SPDX-License-Identifier: Apache-2.0
import type { Clock } from '@millrace/base'
import type { Admin } from '@millrace/client'
import { pause } from '../pause.ts'
import { isMissingTopic } from './destination-log.ts'

/** Largest record that a destination's topic accepts, in bytes. */
export const MAX_RECORD_BYTES = 104_857_600

/**
 * Configuration of topics that the provider creates. Waiting messages must not be deleted by time
 * or size or compacted, whatever the broker's defaults are: the provider deletes consumed messages.
 */
const topicConfig = {
  'cleanup.policy': 'delete',
  'retention.ms': '-1',
  'retention.bytes': '-1',
  'max.message.bytes': String(MAX_RECORD_BYTES),
} as const

/**
 * Segment size of a new topic, unless the broker default is smaller. Only whole segments are
 * deleted, and Apache Kafka keeps the last one, so consumed messages take up to this much space.
 */
const SEGMENT_BYTES = 33_554_432
/** Segment size of a topic with large messages: a batch must fit into a segment. */
const LARGE_SEGMENT_BYTES = 134_217_728
/**
 * Encoded size from which a message needs large segments. As a record it can take several times as
 * much: the body, its rendering as JSON, and headers.
 */
export const LARGE_MESSAGE_BYTES = SEGMENT_BYTES / 8
/** Brokers apply a configuration shortly after the controller has accepted it. */
const CONFIG_DELAY_MS = 500

/** Configuration that an earlier version set. */
const earlierConfig = ['retention.ms', 'max.message.bytes'] as const

/** Placeholder id used by clusters without topic ids. */
const NO_ID = 'A'.repeat(22)
/**
 * A topic counts as deleted if this many lookups do not find its id: a single broker may lag
 * behind.
 */
const LOOKUP_ATTEMPTS = 3
const LOOKUP_INTERVAL_MS = 150

/** An existing Kafka topic. */
export interface FoundTopic {
  readonly topic: string
  /** Undefined for clusters without topic ids. */
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

  /** Returns undefined if the topic does not exist. */
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

  /** Creates a topic for a destination. `isOwn` is false if another client created it first. */
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
      // An earlier attempt whose response was lost may have created it.
      if (found !== undefined) return { ...found, isOwn: await this.isCreatedHere(topic) }
    }
  }

  #segmentConfig(): Promise<Readonly<Record<string, string>>> {
    this.#segments ??= this.#defaultSegmentBytes().then(
      (bytes): Record<string, string> =>
        bytes < SEGMENT_BYTES ? {} : { 'segment.bytes': String(SEGMENT_BYTES) },
      () => ({ 'segment.bytes': String(SEGMENT_BYTES) }),
    )
    return this.#segments
  }

  /** Default segment size of the brokers. */
  async #defaultSegmentBytes(): Promise<number> {
    const { nodes } = await this.#admin.describeCluster()
    const keys = ['log.segment.bytes']
    const described = await this.#admin.describeConfigs([
      { type: 'broker', name: String(nodes[0]?.id), keys },
    ])
    const [entry] = [...described.values()].flat()
    return Number(entry?.value ?? SEGMENT_BYTES)
  }

  /** Raises the segment size of a topic, so that the largest message fits into a segment. */
  async enlargeSegments(topic: string): Promise<void> {
    const described = await this.#admin.describeConfigs([
      { type: 'topic', name: topic, keys: ['segment.bytes'] },
    ])
    const [entry] = [...described.values()].flat()
    if (Number(entry?.value ?? LARGE_SEGMENT_BYTES) >= LARGE_SEGMENT_BYTES) return
    const changes = [{ name: 'segment.bytes', value: String(LARGE_SEGMENT_BYTES) }]
    await this.#admin.incrementalAlterConfigs([{ type: 'topic', name: topic, changes }])
    await pause(this.#clock, CONFIG_DELAY_MS)
  }

  /** Whether a topic has the configuration of topics that the provider creates. */
  async isCreatedHere(topic: string): Promise<boolean> {
    const configs = await this.#configsOf(topic)
    return earlierConfig.every((key) => configs.get(key) === topicConfig[key])
  }

  /** Configuration that was set explicitly for a topic, by key. */
  async #configsOf(topic: string): Promise<Map<string, string | null>> {
    const described = await this.#admin.describeConfigs([{ type: 'topic', name: topic }])
    const entries = [...described.values()].flat()
    return new Map(
      entries
        .filter(({ source }) => source === 'DYNAMIC_TOPIC_CONFIG')
        .map(({ name, value }) => [name, value]),
    )
  }

  /** Whether the topic with an id no longer exists. */
  async isGone(topicId: string): Promise<boolean> {
    for (let look = 0; look < LOOKUP_ATTEMPTS; look++) {
      try {
        await this.#admin.describeTopics({ topicIds: [topicId] })
        return false
      } catch (error) {
        if (!isMissingTopic(error)) throw error
      }
      await pause(this.#clock, LOOKUP_INTERVAL_MS)
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
