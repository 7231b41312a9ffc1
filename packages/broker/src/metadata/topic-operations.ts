// SPDX-License-Identifier: Apache-2.0
import { type ErrorName, ProtocolError } from '@millrace/protocol'
import { ConfigError } from '../config/config-definition.ts'
import { type BrokerLayers, checkTopicConfig } from '../config/topic-config.ts'
import { collidesWith, isReservedTopic, topicNameError } from '../topic-name.ts'
import { ConfigResourceType, type MetadataImage } from './metadata-image.ts'
import type { NewMetadataRecord } from './metadata-record.ts'
import { partitionRecordVersion } from './metadata-version.ts'

export interface NewTopic {
  readonly name: string
  /** -1: the default, unless there are assignments. */
  readonly numPartitions: number
  readonly replicationFactor: number
  readonly assignments: readonly {
    readonly partitionIndex: number
    readonly brokerIds: readonly number[]
  }[]
  readonly configs: readonly { readonly name: string; readonly value: string | null }[]
}

export interface TopicDefaults {
  readonly nodeId: number
  readonly directoryId: string
  readonly numPartitions: number
  readonly replicationFactor: number
  /** Whether no log directory accepts new partitions, see `cordoned.log.dirs`. */
  readonly isCordoned: boolean
}

export interface TopicResult {
  readonly error: ErrorName
  readonly message: string | null
  readonly topicId: string
  readonly numPartitions: number
}

const NO_ID = 'AAAAAAAAAAAAAAAAAAAAAA'
const MAX_PARTITIONS = 10_000

export function failedTopic(error: unknown): TopicResult {
  if (!(error instanceof ProtocolError)) throw error
  return { error: error.code, message: error.message, topicId: NO_ID, numPartitions: -1 }
}

/**
 * Records that create a topic; throws `ProtocolError` with Kafka's code if the request is invalid.
 */
export function createTopic(
  image: MetadataImage,
  topic: NewTopic,
  context: {
    readonly defaults: TopicDefaults
    readonly topicId: string
    readonly layers: BrokerLayers
  },
): { readonly records: NewMetadataRecord[]; readonly result: TopicResult } {
  const { defaults, topicId } = context
  if (isReservedTopic(topic.name)) {
    throw new ProtocolError(
      'INVALID_REQUEST',
      `Creation of internal topic ${topic.name} is prohibited.`,
    )
  }
  const nameError = topicNameError(topic.name)
  if (nameError !== undefined) throw new ProtocolError('INVALID_TOPIC_EXCEPTION', nameError)
  if (image.topics.has(topic.name)) {
    throw new ProtocolError('TOPIC_ALREADY_EXISTS', `Topic '${topic.name}' already exists.`)
  }
  const other = collidesWith(topic.name, image.topics.keys())
  if (other !== undefined) {
    throw new ProtocolError(
      'INVALID_TOPIC_EXCEPTION',
      `Topic '${topic.name}' collides with existing topic: ${other}`,
    )
  }
  const numPartitions = partitionCount(topic, defaults)
  checkConfigs(topic, context.layers)
  const records: NewMetadataRecord[] = [
    { kind: 'TopicRecord', version: 0, data: { name: topic.name, topicId } },
  ]
  for (const { name, value } of topic.configs) {
    records.push({
      kind: 'ConfigRecord',
      version: 0,
      data: { resourceType: ConfigResourceType.topic, resourceName: topic.name, name, value },
    })
  }
  for (let index = 0; index < numPartitions; index++) {
    records.push(partitionRecord(image, { topicId, index, defaults }))
  }
  return { records, result: { error: 'NONE', message: null, topicId, numPartitions } }
}

function checkConfigs(topic: NewTopic, layers: BrokerLayers): void {
  const values = new Map<string, string>()
  for (const { name, value } of topic.configs) {
    if (value === null) {
      throw new ProtocolError(
        'INVALID_CONFIG',
        `Null value not supported for topic configs: ${name}`,
      )
    }
    values.set(name, value)
  }
  try {
    checkTopicConfig(values, layers)
  } catch (error) {
    if (error instanceof ConfigError) throw new ProtocolError('INVALID_CONFIG', error.message)
    throw error
  }
}

function partitionCount(topic: NewTopic, defaults: TopicDefaults): number {
  const { assignments, replicationFactor } = topic
  if (assignments.length > 0) {
    if (topic.numPartitions !== -1 || replicationFactor !== -1) {
      throw new ProtocolError(
        'INVALID_REQUEST',
        'A manual partition assignment was specified, but numPartitions or replicationFactor was not set to -1.',
      )
    }
    checkAssignments(assignments, { first: 0, defaults })
    return assignments.length
  }
  const replicas = replicationFactor === -1 ? defaults.replicationFactor : replicationFactor
  if (replicas <= 0) {
    throw new ProtocolError(
      'INVALID_REPLICATION_FACTOR',
      'Replication factor must be larger than 0, or -1 to use the default value.',
    )
  }
  if (replicas > 1) {
    throw new ProtocolError(
      'INVALID_REPLICATION_FACTOR',
      `Unable to replicate the partition ${replicas} time(s): The target replication factor of ${replicas} cannot be reached because only 1 broker(s) are registered.`,
    )
  }
  throwIfCordoned(defaults)
  const count = topic.numPartitions === -1 ? defaults.numPartitions : topic.numPartitions
  if (count <= 0) {
    throw new ProtocolError(
      'INVALID_PARTITIONS',
      'Number of partitions must be larger than 0, or -1 to use the default value.',
    )
  }
  if (count > MAX_PARTITIONS) {
    throw new ProtocolError(
      'POLICY_VIOLATION',
      `Excessively large number of partitions per request: ${count}, at most ${MAX_PARTITIONS} are allowed.`,
    )
  }
  return count
}

/** Requires every partition from `first` on to be assigned to this node and no other. */
function checkAssignments(
  assignments: readonly {
    readonly partitionIndex: number
    readonly brokerIds: readonly number[]
  }[],
  expected: { readonly first: number; readonly defaults: TopicDefaults },
): void {
  const { nodeId, isCordoned } = expected.defaults
  const indexes = assignments.map((entry) => entry.partitionIndex).sort((a, b) => a - b)
  indexes.forEach((index, i) => {
    if (index !== expected.first + i) {
      throw new ProtocolError(
        'INVALID_REPLICA_ASSIGNMENT',
        'partitions should be a consecutive 0-based integer sequence',
      )
    }
  })
  for (const { partitionIndex, brokerIds } of assignments) {
    if (brokerIds.length === 0) {
      throw new ProtocolError(
        'INVALID_REPLICA_ASSIGNMENT',
        `The manual partition assignment for partition ${partitionIndex} includes an empty replica list.`,
      )
    }
    if (new Set(brokerIds).size !== brokerIds.length) {
      throw new ProtocolError(
        'INVALID_REPLICA_ASSIGNMENT',
        `The manual partition assignment includes the broker ${brokerIds[0]} more than once.`,
      )
    }
    const unknown = brokerIds.find((id) => id !== nodeId)
    if (unknown !== undefined) {
      throw new ProtocolError(
        'INVALID_REPLICA_ASSIGNMENT',
        `The manual partition assignment includes broker ${unknown}, but no such broker is registered.`,
      )
    }
    if (isCordoned) {
      throw new ProtocolError(
        'INVALID_REPLICA_ASSIGNMENT',
        `The manual partition assignment includes broker ${nodeId}, but all its log directories are cordoned.`,
      )
    }
  }
}

function throwIfCordoned({ isCordoned }: TopicDefaults): void {
  if (!isCordoned) return
  throw new ProtocolError(
    'INVALID_REPLICATION_FACTOR',
    'Unable to replicate the partition 1 time(s): All brokers are currently fenced, or have all their log directories cordoned.',
  )
}

function partitionRecord(
  image: MetadataImage,
  options: { readonly topicId: string; readonly index: number; readonly defaults: TopicDefaults },
): NewMetadataRecord {
  const { topicId, index, defaults } = options
  const { nodeId, directoryId } = defaults
  const version = partitionRecordVersion(image.metadataVersion)
  return {
    kind: 'PartitionRecord',
    version,
    data: {
      partitionId: index,
      topicId,
      replicas: [nodeId],
      isr: [nodeId],
      removingReplicas: [],
      addingReplicas: [],
      leader: nodeId,
      leaderEpoch: 0,
      partitionEpoch: 0,
      directories: version >= 1 ? [directoryId] : [],
    },
  }
}

/** Records that increase the number of partitions to `count`. */
export function addPartitions(
  image: MetadataImage,
  request: {
    readonly name: string
    readonly count: number
    readonly assignments: readonly { readonly brokerIds: readonly number[] }[] | null
  },
  defaults: TopicDefaults,
): NewMetadataRecord[] {
  const topic = image.topics.get(request.name)
  if (topic === undefined) {
    throw new ProtocolError(
      'UNKNOWN_TOPIC_OR_PARTITION',
      'This server does not host this topic-partition.',
    )
  }
  const current = topic.partitions.length
  if (request.count === current) {
    throw new ProtocolError('INVALID_PARTITIONS', `Topic already has ${current} partition(s).`)
  }
  if (request.count < current) {
    throw new ProtocolError(
      'INVALID_PARTITIONS',
      `The topic ${request.name} currently has ${current} partition(s); ${request.count} would not be an increase.`,
    )
  }
  if (request.count > current + MAX_PARTITIONS) {
    throw new ProtocolError(
      'POLICY_VIOLATION',
      `Excessively large number of partitions per request: ${request.count - current}, at most ${MAX_PARTITIONS} are allowed.`,
    )
  }
  if (request.assignments !== null) {
    const added = request.count - current
    if (request.assignments.length !== added) {
      throw new ProtocolError(
        'INVALID_REPLICA_ASSIGNMENT',
        `Attempted to add ${added} additional partition(s), but only ${request.assignments.length} assignment(s) were specified.`,
      )
    }
    checkAssignments(
      request.assignments.map((entry, i) => ({
        partitionIndex: current + i,
        brokerIds: entry.brokerIds,
      })),
      { first: current, defaults },
    )
  } else throwIfCordoned(defaults)
  return Array.from({ length: request.count - current }, (_, i) =>
    partitionRecord(image, { topicId: topic.id, index: current + i, defaults }),
  )
}
