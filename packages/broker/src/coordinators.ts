// SPDX-License-Identifier: Apache-2.0
import type { Logger, World } from '@millrace/base'
import { ProtocolError } from '@millrace/protocol'
import type { BrokerServices } from './broker-services.ts'
import type { BrokerConfig } from './config/broker-config.ts'
import { shortAssignorName } from './config/config-forms.ts'
import { groupSettings } from './config/group-settings.ts'
import type { MigrationPolicy } from './coordinator/group/group-config.ts'
import { GroupCoordinator } from './coordinator/group/group-coordinator.ts'
import type { KnownTopic, TopicsView } from './coordinator/group/modern/topics-view.ts'
import { ShareStateCoordinator } from './coordinator/share/share-state-coordinator.ts'
import { TransactionAdmission } from './coordinator/transaction/transaction-admission.ts'
import { TransactionCoordinator } from './coordinator/transaction/transaction-coordinator.ts'
import { TransactionMarkers } from './coordinator/transaction/transaction-markers.ts'
import type { MetadataStore } from './metadata/metadata-store.ts'
import type { NewTopic } from './metadata/topic-operations.ts'
import type { ProducerIds } from './producer-ids.ts'
import type { Authorization } from './security/authorization.ts'
import { DeadLetterQueue } from './share/dead-letter-queue.ts'
import { ShareGroups } from './share/share-groups.ts'
import { SharePartitions } from './share/share-partitions.ts'
import { ShareSessions } from './share/share-sessions.ts'
import type { Topic, Topics } from './topics.ts'

export interface CoordinatorParts {
  readonly world: World
  readonly logger: Logger
  readonly config: BrokerConfig
  readonly topics: Topics
  readonly metadata: MetadataStore
  /** Topics that members of groups are authorized to describe; undefined for all. */
  readonly authorization: Authorization | undefined
  readonly producerIds: ProducerIds
  readonly createTopic: (topic: NewTopic) => Promise<void>
}

type Coordinators = Pick<
  BrokerServices,
  | 'groups'
  | 'transactions'
  | 'transactionMarkers'
  | 'transactionAdmission'
  | 'shareStates'
  | 'shareGroups'
  | 'sharePartitions'
  | 'shareSessions'
>

/** Creates the coordinators of one broker from its configuration. */
export function openCoordinators(parts: CoordinatorParts): Coordinators {
  const { topics, world, config, logger } = parts
  // Clients retry until the topic can be created: only the first failure of each is logged.
  const failed = new Set<string>()
  const createTopic = async (topic: NewTopic): Promise<void> => {
    try {
      await parts.createTopic(topic)
    } catch (error) {
      if (!(error instanceof ProtocolError) || error.code !== 'TOPIC_ALREADY_EXISTS') {
        if (!failed.has(topic.name)) {
          failed.add(topic.name)
          logger.error('could not create an internal topic', { topic: topic.name, error })
        }
        throw error
      }
    }
    failed.delete(topic.name)
  }
  const groups = openGroups(parts, createTopic)
  const transactionMarkers = new TransactionMarkers({ topics, groups, clock: world.clock })
  const transactions = openTransactions(parts, { createTopic, markers: transactionMarkers })
  const transactionAdmission = new TransactionAdmission({
    coordinator: transactions,
    topics,
    verifies: () => config.boolean('transaction.partition.verification.enable'),
  })
  return {
    groups,
    transactions,
    transactionMarkers,
    transactionAdmission,
    ...openShares(parts, { createTopic, groups }),
  }
}

function openGroups(
  { world, logger, topics, config, metadata, authorization }: CoordinatorParts,
  createTopic: (topic: NewTopic) => Promise<void>,
): GroupCoordinator {
  return new GroupCoordinator({
    world,
    logger,
    topics,
    topicsView: viewOf(topics, authorization),
    createTopic,
    expiryIntervalMs: config.number('offsets.retention.check.interval.ms'),
    offsetsTopic: {
      numPartitions: config.number('offsets.topic.num.partitions'),
      replicationFactor: config.number('offsets.topic.replication.factor'),
      assignments: [],
      configs: [
        { name: 'cleanup.policy', value: 'compact' },
        { name: 'compression.type', value: 'producer' },
        { name: 'segment.bytes', value: config.string('offsets.topic.segment.bytes') },
      ],
    },
    config: {
      minSessionTimeoutMs: config.number('group.min.session.timeout.ms'),
      maxSessionTimeoutMs: config.number('group.max.session.timeout.ms'),
      initialRebalanceDelayMs: config.number('group.initial.rebalance.delay.ms'),
      maxSize: config.number('group.max.size'),
      consumer: {
        maxSize: config.number('group.consumer.max.size'),
        assignors: config.list('group.consumer.assignors').map(shortAssignorName),
        migrationPolicy: migrationPolicyOf(config),
      },
      share: { maxSize: config.number('group.share.max.size') },
      streams: { maxSize: config.number('group.streams.max.size') },
      settings: groupSettings(metadata.image, config),
      offsetMetadataMaxBytes: config.number('offset.metadata.max.bytes'),
      offsetsRetentionMs: config.number('offsets.retention.minutes') * 60_000,
    },
  })
}

function openShares(
  { world, logger, topics, config, metadata, createTopic: makeTopic }: CoordinatorParts,
  options: {
    readonly createTopic: (topic: NewTopic) => Promise<void>
    readonly groups: GroupCoordinator
  },
): Pick<Coordinators, 'shareStates' | 'shareGroups' | 'sharePartitions' | 'shareSessions'> {
  const { createTopic, groups } = options
  const { clock } = world
  const states = new ShareStateCoordinator({
    world,
    logger,
    topics,
    createTopic,
    stateTopic: {
      numPartitions: config.number('share.coordinator.state.topic.num.partitions'),
      replicationFactor: config.number('share.coordinator.state.topic.replication.factor'),
      assignments: [],
      configs: [
        { name: 'cleanup.policy', value: 'delete' },
        { name: 'compression.type', value: 'producer' },
        {
          name: 'min.insync.replicas',
          value: config.string('share.coordinator.state.topic.min.isr'),
        },
        { name: 'retention.ms', value: '-1' },
        {
          name: 'segment.bytes',
          value: config.string('share.coordinator.state.topic.segment.bytes'),
        },
      ],
    },
    updatesPerSnapshot: config.number('share.coordinator.snapshot.update.records.per.snapshot'),
    coldSnapshotMs: config.number('share.coordinator.cold.partition.snapshot.interval.ms'),
    pruneIntervalMs: config.number('share.coordinator.state.topic.prune.interval.ms'),
  })
  const deadLetters = new DeadLetterQueue({
    topics,
    clock,
    logger,
    prefix: () => config.string('errors.deadletterqueue.topic.name.prefix'),
    creates: () => config.boolean('errors.deadletterqueue.auto.create.topics.enable'),
    createTopic: makeTopic,
    topicDefaults: {
      numPartitions: config.number('num.partitions'),
      replicationFactor: config.number('default.replication.factor'),
      assignments: [],
    },
  })
  const settings = groupSettings(metadata.image, config)
  const partitions = new SharePartitions({ topics, states, settings, deadLetters, clock, logger })
  return {
    shareStates: states,
    sharePartitions: partitions,
    shareSessions: new ShareSessions(config.number('group.share.max.share.sessions')),
    shareGroups: new ShareGroups({ groups, states, partitions, topics, logger }),
  }
}

function migrationPolicyOf(config: BrokerConfig): MigrationPolicy {
  // One of the four: the key's definition rejects other values.
  return config.string('group.consumer.migration.policy').toLowerCase() as MigrationPolicy
}

function viewOf(topics: Topics, authorization: Authorization | undefined): TopicsView {
  const known = (topic: Topic | undefined): KnownTopic | undefined =>
    topic === undefined
      ? undefined
      : { id: topic.id, name: topic.name, partitionCount: topic.partitions.length }
  return {
    byName: (name) => known(topics.get(name)),
    byId: (id) => known(topics.byId(id)),
    names: () => topics.all.keys(),
    get version() {
      return topics.version + (authorization?.revision ?? 0)
    },
  }
}

function openTransactions(
  { world, logger, topics, config, metadata, producerIds }: CoordinatorParts,
  options: {
    readonly createTopic: (topic: NewTopic) => Promise<void>
    readonly markers: TransactionMarkers
  },
): TransactionCoordinator {
  return new TransactionCoordinator({
    world,
    logger,
    topics,
    ...options,
    stateTopic: {
      numPartitions: config.number('transaction.state.log.num.partitions'),
      replicationFactor: config.number('transaction.state.log.replication.factor'),
      assignments: [],
      configs: [
        { name: 'cleanup.policy', value: 'compact' },
        { name: 'compression.type', value: 'uncompressed' },
        { name: 'segment.bytes', value: config.string('transaction.state.log.segment.bytes') },
        {
          name: 'min.insync.replicas',
          value: config.string('transaction.state.log.min.isr'),
        },
        { name: 'unclean.leader.election.enable', value: 'false' },
      ],
    },
    newProducerId: () => producerIds.next(),
    transactionVersion: () => metadata.image.features.get('transaction.version') ?? 0,
    maxTimeoutMs: config.number('transaction.max.timeout.ms'),
    isTwoPhaseCommitEnabled: config.boolean('transaction.two.phase.commit.enable'),
    idExpirationMs: config.number('transactional.id.expiration.ms'),
    expiryIntervalMs: config.number('transaction.remove.expired.transaction.cleanup.interval.ms'),
  })
}
