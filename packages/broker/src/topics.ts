// SPDX-License-Identifier: Apache-2.0
import { ProtocolError } from '@millrace/protocol'
import type { DynamicBrokerConfig } from './config/dynamic-broker-config.ts'
import { type BrokerLayers, resolveLogConfig } from './config/topic-config.ts'
import type { LogConfig } from './log/log-config.ts'
import type { LogManager, NewPartition } from './log/log-manager.ts'
import type { PartitionLog } from './log/partition-log.ts'
import { ConfigResourceType, type MetadataImage } from './metadata/metadata-image.ts'
import type { MetadataRecord, NewMetadataRecord } from './metadata/metadata-record.ts'

/** One partition as request handlers see it. */
export class Partition {
  readonly topic: Topic
  readonly index: number
  /** `topic-partition`, which is also the directory name. */
  readonly name: string
  leaderEpoch: number
  readonly #logs: LogManager
  #log: PartitionLog | undefined

  constructor(topic: Topic, index: number, leaderEpoch: number, logs: LogManager) {
    this.topic = topic
    this.index = index
    this.name = `${topic.name}-${index}`
    this.leaderEpoch = leaderEpoch
    this.#logs = logs
  }

  /**
   * Opened on first use, which may recover it after an unclean shutdown. Throws
   * `KAFKA_STORAGE_ERROR` while its directory is offline.
   */
  get log(): PartitionLog {
    if (this.#log === undefined || this.#log.failure !== undefined) {
      this.#log = this.#logs.log(this.name)
    }
    return this.#log
  }

  /** Whether the log's directory has failed. */
  get isOffline(): boolean {
    return this.#logs.failureOf(this.name) !== undefined
  }

  /** Throws `FENCED_LEADER_EPOCH` or `UNKNOWN_LEADER_EPOCH`; clients older than KIP-320 send -1. */
  checkLeaderEpoch(epoch: number): void {
    if (epoch < 0 || epoch === this.leaderEpoch) return
    const code = epoch < this.leaderEpoch ? 'FENCED_LEADER_EPOCH' : 'UNKNOWN_LEADER_EPOCH'
    throw new ProtocolError(
      code,
      `${this.name} is at leader epoch ${this.leaderEpoch}, not ${epoch}`,
    )
  }
}

export class Topic {
  readonly name: string
  readonly id: string
  readonly partitions: Partition[] = []
  config: LogConfig

  constructor(name: string, id: string, config: LogConfig) {
    this.name = name
    this.id = id
    this.config = config
  }

  get isInternal(): boolean {
    return isInternalTopic(this.name)
  }
}

export const GROUP_METADATA_TOPIC = '__consumer_offsets'
export const TRANSACTION_STATE_TOPIC = '__transaction_state'
export const SHARE_GROUP_STATE_TOPIC = '__share_group_state'

export function isInternalTopic(name: string): boolean {
  return (
    name === GROUP_METADATA_TOPIC ||
    name === TRANSACTION_STATE_TOPIC ||
    name === SHARE_GROUP_STATE_TOPIC
  )
}

/** Topics and partitions by name and id, kept in sync with the metadata. */
export class Topics {
  readonly #byName = new Map<string, Topic>()
  readonly #byId = new Map<string, Topic>()
  readonly #image: MetadataImage
  readonly #logs: LogManager
  readonly #config: DynamicBrokerConfig
  #version = 0
  readonly #onDelete: ((names: ReadonlySet<string>) => void)[] = []

  constructor(options: {
    readonly image: MetadataImage
    readonly logs: LogManager
    readonly config: DynamicBrokerConfig
  }) {
    this.#image = options.image
    this.#logs = options.logs
    this.#config = options.config
    for (const name of this.#image.topics.keys()) this.#sync(name)
  }

  get all(): ReadonlyMap<string, Topic> {
    return this.#byName
  }

  /** Increases with every topic that is created, deleted or gets more partitions. */
  get version(): number {
    return this.#version
  }

  get(name: string): Topic | undefined {
    return this.#byName.get(name)
  }

  byId(id: string): Topic | undefined {
    return this.#byId.get(id)
  }

  /** Called with the names of deleted topics. */
  onDelete(listener: (names: ReadonlySet<string>) => void): void {
    this.#onDelete.push(listener)
  }

  /** Throws `UNKNOWN_TOPIC_OR_PARTITION`. */
  partition(topicName: string, index: number): Partition {
    const partition = this.#byName.get(topicName)?.partitions[index]
    if (partition === undefined) {
      throw new ProtocolError('UNKNOWN_TOPIC_OR_PARTITION', `no partition ${topicName}-${index}`)
    }
    return partition
  }

  /**
   * Throws `UNKNOWN_TOPIC_ID`, or `UNKNOWN_TOPIC_OR_PARTITION` for a missing partition of a known
   * topic.
   */
  partitionById(topicId: string, index: number): Partition {
    const topic = this.#byId.get(topicId)
    if (topic === undefined) {
      throw new ProtocolError('UNKNOWN_TOPIC_ID', `no topic with id ${topicId}`)
    }
    return this.partition(topic.name, index)
  }

  get brokerLayers(): BrokerLayers {
    return this.#config.layers
  }

  overrides(topic: string): ReadonlyMap<string, string> {
    return this.#image.configs(ConfigResourceType.topic, topic)
  }

  /**
   * Creates the directories of partitions that are about to be added. Throws `KAFKA_STORAGE_ERROR`
   * if that fails, and then nothing has changed; returns a function that reverts it if the records
   * are not appended.
   */
  prepare(records: readonly NewMetadataRecord[]): () => void {
    const names = new Map<string, string>()
    const created: NewPartition[] = []
    const undo = (): void => {
      for (const partition of created) this.#logs.discard(partition)
    }
    try {
      for (const record of records) {
        if (record.kind === 'TopicRecord') names.set(record.data.topicId, record.data.name)
        if (record.kind !== 'PartitionRecord') continue
        const { topicId, partitionId } = record.data
        const topic = names.get(topicId) ?? this.#image.topicById(topicId)?.name
        if (topic === undefined) continue
        const partition = { topic, partition: partitionId ?? 0, topicId }
        this.#logs.create(partition)
        created.push(partition)
      }
    } catch (error) {
      undo()
      throw error
    }
    return undo
  }

  /** Processes records that were applied to the image. */
  follow(records: readonly MetadataRecord[]): void {
    const touched = new Set<string>()
    let allConfigs = false
    for (const record of records) {
      if (record.kind === 'TopicRecord') touched.add(record.data.name)
      else if (record.kind === 'PartitionRecord' || record.kind === 'PartitionChangeRecord') {
        const name = this.#image.topicById(record.data.topicId)?.name
        if (name !== undefined) touched.add(name)
      } else if (record.kind === 'RemoveTopicRecord') {
        const name = this.#byId.get(record.data.topicId)?.name
        if (name !== undefined) touched.add(name)
      } else if (record.kind === 'ConfigRecord') {
        if (record.data.resourceType === ConfigResourceType.topic)
          touched.add(record.data.resourceName)
        else allConfigs = true
      }
    }
    const removed = new Set<string>()
    if (touched.size > 0) this.#version++
    for (const name of touched) if (!this.#sync(name)) removed.add(name)
    if (removed.size > 0) for (const listener of this.#onDelete) listener(removed)
    if (allConfigs) for (const name of this.#byName.keys()) this.#sync(name)
  }

  /** Updates one topic from the image; false if it was deleted. */
  #sync(name: string): boolean {
    const image = this.#image.topics.get(name)
    let topic = this.#byName.get(name)
    if (topic !== undefined && topic.id !== image?.id) {
      this.#byName.delete(name)
      this.#byId.delete(topic.id)
      for (const partition of topic.partitions) this.#logs.remove(partition.name)
      topic = undefined
    }
    if (image === undefined) return false
    const config = resolveLogConfig(this.overrides(name), this.brokerLayers)
    if (topic === undefined) {
      topic = new Topic(name, image.id, config)
      this.#byName.set(name, topic)
      this.#byId.set(image.id, topic)
    }
    topic.config = config
    const current = topic
    for (const partition of image.partitions) {
      const known = topic.partitions[partition.index]
      if (known !== undefined) {
        known.leaderEpoch = partition.leaderEpoch
        this.#logs.reconfigure(known.name)
        continue
      }
      const added = new Partition(topic, partition.index, partition.leaderEpoch, this.#logs)
      this.#logs.register({
        topic: name,
        partition: added.index,
        topicId: image.id,
        config: () => current.config,
      })
      topic.partitions[partition.index] = added
    }
    return true
  }
}
