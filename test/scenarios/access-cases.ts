// SPDX-License-Identifier: Apache-2.0
import * as p from '@millrace/protocol'

/** Names and ids of the objects that the setup creates, for the requests of the cases. */
export interface Fixture {
  /** By topic name. */
  readonly topicIds: ReadonlyMap<string, string>
  readonly nodeId: number
  readonly logDirectory: string
}

/** One request and its outcome, depending on the client's rights. */
export interface AccessCase {
  readonly api: p.ApiName
  /** Distinguishes cases of one API. */
  readonly about?: string
  /** Default: all versions of the API. */
  readonly versions?: p.VersionRange
  /** Fields that a version does not have are omitted. */
  readonly request: (fixture: Fixture) => object
  /** `READ topic orders`: all permissions that are needed. */
  readonly rights: readonly string[]
  /** Other rights that also suffice. */
  readonly alternatives?: readonly (readonly string[])[]
  /** Outcome without any right, in every version. */
  readonly denied: string
  /** Outcomes in the newest version if only the named right is missing; default `denied`. */
  readonly lacking?: Readonly<Record<string, string>>
  /** Outcome in the newest version with all rights. */
  readonly granted: string
}

/** Existing topics; each case that deletes a topic uses a separate one. */
export const TOPICS = ['orders', 'notes', 'old', 'older', 'grows', 'fixed'] as const
/** A topic for which no case has a right, so lists must not contain it. */
export const SECRET_TOPIC = 'secret-plans'
/** A group with committed offsets. */
export const GROUP = 'readers'
/** A group that a case deletes. */
export const DELETED_GROUP = 'leavers'
/** An existing transactional id. */
export const TRANSACTIONAL_ID = 'payments'
/** Names that answers must not reveal. */
export const NAMES: readonly string[] = [
  ...TOPICS,
  SECRET_TOPIC,
  GROUP,
  DELETED_GROUP,
  TRANSACTIONAL_ID,
]

const FETCH_ALL = { maxWaitMs: 0, minBytes: 0, maxBytes: 1_000_000 }

function batch(): Buffer {
  return p.buildBatch([{ timestamp: 1n, key: null, value: Buffer.from('x') }])
}

function transactionalBatch(): Buffer {
  return p.buildBatch([{ timestamp: 1n, key: null, value: Buffer.from('x') }], {
    producerId: 12_345n,
    producerEpoch: 0,
    baseSequence: 0,
    isTransactional: true,
  })
}

function produced(records: () => Buffer, transactionalId: string | null): AccessCase['request'] {
  return ({ topicIds }) => ({
    transactionalId,
    acks: -1,
    timeoutMs: 1000,
    topicData: [
      {
        name: 'orders',
        topicId: topicIds.get('orders'),
        partitionData: [{ index: 0, records: records() }],
      },
    ],
  })
}

function named(name: string, { topicIds }: Fixture) {
  return { name, topic: name, topicName: name, topicId: topicIds.get(name) ?? p.ZERO_UUID }
}

const MEMBER = 'AAAAAAAAAAAAAAAAAAAAAQ'
const OTHER = 'BAAAAAAAAAAAAAAAAAAAAQ'
const anOffset = { partitionIndex: 0, committedOffset: 0n, committedMetadata: '' }

/** Changes of the quorum. A single node refuses valid ones, too: how depends on its quorum. */
const quorumChanges: readonly AccessCase[] = (
  [
    ['', {}, '*'],
    ['of another cluster', { clusterId: 'another' }, '104'],
    ['without a directory', { voterDirectoryId: p.ZERO_UUID }, '42'],
    ['of a negative id', { voterId: -1 }, '42'],
  ] as const
).flatMap(([about, changes, granted]) =>
  (['AddRaftVoter', 'RemoveRaftVoter'] as const).map((api) => ({
    api,
    ...(about === '' ? {} : { about }),
    request: () => ({
      clusterId: null,
      timeoutMs: 1000,
      voterId: 99,
      voterDirectoryId: OTHER,
      listeners: [{ name: 'CONTROLLER', host: '127.0.0.1', port: 1 }],
      ...changes,
    }),
    rights: ['ALTER cluster kafka-cluster'],
    denied: '31',
    granted,
  })),
)

const records: readonly AccessCase[] = [
  {
    api: 'Produce',
    request: produced(batch, null),
    rights: ['WRITE topic orders'],
    denied: '29',
    granted: '',
  },
  {
    api: 'Produce',
    about: 'transactional',
    request: produced(transactionalBatch, TRANSACTIONAL_ID),
    rights: ['WRITE transactionalId payments', 'WRITE topic orders'],
    denied: '53',
    lacking: { 'WRITE topic orders': '29' },
    // The producer has another id.
    granted: '49',
  },
  {
    api: 'Fetch',
    request: (fixture) => ({
      ...FETCH_ALL,
      topics: [
        { ...named('orders', fixture), partitions: [{ fetchOffset: 0n, partitionMaxBytes: 1000 }] },
      ],
    }),
    rights: ['READ topic orders'],
    denied: '29',
    granted: '',
  },
  {
    api: 'Fetch',
    about: 'by a replica',
    versions: '15+',
    request: (fixture) => ({
      ...FETCH_ALL,
      replicaState: { replicaId: 7, replicaEpoch: -1n },
      topics: [
        { ...named('notes', fixture), partitions: [{ fetchOffset: 0n, partitionMaxBytes: 1000 }] },
      ],
    }),
    rights: ['CLUSTER_ACTION cluster kafka-cluster'],
    denied: '29',
    // The sender is not a replica, which Kafka checks.
    granted: '*',
  },
  {
    api: 'ListOffsets',
    request: (fixture) => ({
      replicaId: -1,
      topics: [
        { ...named('orders', fixture), partitions: [{ partitionIndex: 0, timestamp: -1n }] },
      ],
    }),
    rights: ['DESCRIBE topic orders'],
    alternatives: [['READ topic orders'], ['ALTER topic orders'], ['ALL topic orders']],
    denied: '29',
    granted: '',
  },
  {
    api: 'OffsetForLeaderEpoch',
    request: (fixture) => ({
      topics: [{ ...named('orders', fixture), partitions: [{ partition: 0, leaderEpoch: 0 }] }],
    }),
    rights: ['DESCRIBE topic orders'],
    alternatives: [['CLUSTER_ACTION cluster kafka-cluster']],
    denied: '29',
    granted: '',
  },
  {
    api: 'DeleteRecords',
    request: (fixture) => ({
      timeoutMs: 1000,
      topics: [{ ...named('orders', fixture), partitions: [{ partitionIndex: 0, offset: 0n }] }],
    }),
    rights: ['DELETE topic orders'],
    denied: '29',
    granted: '',
  },
  {
    api: 'DescribeProducers',
    request: (fixture) => ({ topics: [{ ...named('orders', fixture), partitionIndexes: [0] }] }),
    rights: ['READ topic orders'],
    denied: '29',
    granted: '',
  },
]

const topics: readonly AccessCase[] = [
  {
    api: 'Metadata',
    about: 'all topics',
    versions: '1+',
    request: () => ({ topics: null, allowAutoTopicCreation: true }),
    rights: ['DESCRIBE topic orders'],
    denied: '',
    granted: '+orders',
  },
  {
    api: 'Metadata',
    about: 'by name',
    request: () => ({
      topics: [{ name: 'orders' }, { name: 'no-such' }],
      allowAutoTopicCreation: false,
    }),
    rights: ['DESCRIBE topic orders', 'DESCRIBE topic no-such'],
    denied: '29',
    lacking: { 'DESCRIBE topic orders': '3,29', 'DESCRIBE topic no-such': '29' },
    granted: '3',
  },
  {
    api: 'Metadata',
    about: 'by id',
    versions: '12+',
    request: ({ topicIds }) => ({
      topics: [{ topicId: topicIds.get('orders'), name: null }],
      allowAutoTopicCreation: false,
    }),
    rights: ['DESCRIBE topic orders'],
    denied: '29',
    granted: '+orders',
  },
  {
    api: 'Metadata',
    about: 'auto-creation',
    versions: '4+',
    request: () => ({ topics: [{ name: 'fresh' }], allowAutoTopicCreation: true }),
    rights: ['DESCRIBE topic fresh', 'CREATE topic fresh'],
    denied: '29',
    lacking: { 'DESCRIBE topic fresh': '29', 'CREATE topic fresh': '29' },
    // Kafka creates it after its answer.
    granted: '*',
  },
  {
    api: 'DescribeTopicPartitions',
    about: 'by name',
    request: () => ({ topics: [{ name: 'orders' }, { name: 'no-such' }] }),
    rights: ['DESCRIBE topic orders', 'DESCRIBE topic no-such'],
    denied: '29',
    lacking: { 'DESCRIBE topic orders': '3,29', 'DESCRIBE topic no-such': '29' },
    granted: '3',
  },
  {
    api: 'DescribeTopicPartitions',
    about: 'all topics',
    request: () => ({ topics: [] }),
    rights: ['DESCRIBE topic orders'],
    denied: '',
    granted: '+orders',
  },
  {
    api: 'CreateTopics',
    request: () => ({
      timeoutMs: 1000,
      validateOnly: true,
      topics: [{ name: 'brand-new', numPartitions: 1, replicationFactor: 1 }],
    }),
    rights: ['CREATE topic brand-new', 'DESCRIBE_CONFIGS topic brand-new'],
    alternatives: [['CREATE cluster kafka-cluster', 'DESCRIBE_CONFIGS topic brand-new']],
    denied: '29',
    lacking: { 'DESCRIBE_CONFIGS topic brand-new': '29' },
    granted: '',
  },
  {
    api: 'DeleteTopics',
    about: 'by name',
    request: () => ({ timeoutMs: 1000, topicNames: ['old'], topics: [{ name: 'old' }] }),
    rights: ['DELETE topic old'],
    denied: '29',
    granted: '',
  },
  {
    api: 'DeleteTopics',
    about: 'by id',
    versions: '6+',
    request: ({ topicIds }) => ({
      timeoutMs: 1000,
      topics: [{ name: null, topicId: topicIds.get('older') }],
    }),
    rights: ['DELETE topic older'],
    denied: '29',
    granted: '+older',
  },
  {
    api: 'DeleteTopics',
    about: 'that does not exist',
    request: () => ({ timeoutMs: 1000, topicNames: ['no-such'], topics: [{ name: 'no-such' }] }),
    rights: ['DELETE topic no-such'],
    denied: '29',
    granted: '3',
  },
  {
    api: 'CreatePartitions',
    request: () => ({
      timeoutMs: 1000,
      validateOnly: true,
      topics: [{ name: 'grows', count: 2, assignments: null }],
    }),
    rights: ['ALTER topic grows'],
    denied: '29',
    granted: '',
  },
]

const asked = (type: number, name: string) => ({
  resourceType: type,
  resourceName: name,
  configs: [],
})
const CONFIG_TYPES = { topic: 2, broker: 4, brokerLogger: 8, clientMetrics: 16, group: 32 }

function configCases(): AccessCase[] {
  const resources = [
    ['topic', 'fixed', 'topic fixed', '29'],
    ['group', GROUP, `group ${GROUP}`, '30'],
    ['broker', '1', 'cluster kafka-cluster', '31'],
    ['brokerLogger', '1', 'cluster kafka-cluster', '31'],
    ['clientMetrics', 'm', 'cluster kafka-cluster', '31'],
  ] as const
  return resources.flatMap(([kind, name, resource, denied]): AccessCase[] => {
    const type = CONFIG_TYPES[kind]
    const isLogger = kind === 'brokerLogger'
    // An empty list of changes has no effect.
    const describes: AccessCase = {
      api: 'DescribeConfigs',
      about: kind,
      request: () => ({ resources: [{ ...asked(type, name), configurationKeys: null }] }),
      rights: [`DESCRIBE_CONFIGS ${resource}`],
      alternatives: [[`ALTER_CONFIGS ${resource}`]],
      denied,
      granted: '',
    }
    const alters: AccessCase = {
      api: 'IncrementalAlterConfigs',
      about: kind,
      versions: kind === 'clientMetrics' || kind === 'group' ? '1+' : '0+',
      request: () => ({ validateOnly: true, resources: [asked(type, name)] }),
      rights: [`ALTER_CONFIGS ${resource}`],
      denied,
      granted: '',
    }
    if (isLogger) return [describes]
    const replaces: AccessCase = { ...alters, api: 'AlterConfigs' }
    return kind === 'topic' || kind === 'broker'
      ? [describes, alters, replaces]
      : [describes, alters]
  })
}

const cluster: readonly AccessCase[] = [
  {
    api: 'DescribeCluster',
    request: () => ({ includeClusterAuthorizedOperations: true }),
    rights: [],
    denied: '',
    granted: '',
  },
  {
    api: 'ListConfigResources',
    request: () => ({}),
    rights: ['DESCRIBE_CONFIGS cluster kafka-cluster'],
    denied: '31',
    granted: '*',
  },
  {
    api: 'DescribeLogDirs',
    versions: '3+',
    request: () => ({ topics: null }),
    rights: ['DESCRIBE cluster kafka-cluster'],
    denied: '31',
    granted: '*',
  },
  {
    api: 'DescribeLogDirs',
    about: 'without a code',
    versions: '1-2',
    request: () => ({ topics: null }),
    rights: ['DESCRIBE cluster kafka-cluster'],
    denied: '',
    granted: '*',
  },
  {
    api: 'AlterReplicaLogDirs',
    request: ({ logDirectory }) => ({
      dirs: [{ path: logDirectory, topics: [{ name: 'orders', partitions: [0] }] }],
    }),
    rights: ['ALTER cluster kafka-cluster'],
    denied: '31',
    granted: '',
  },
  {
    api: 'ElectLeaders',
    request: () => ({
      electionType: 0,
      timeoutMs: 1000,
      topicPartitions: [{ topic: 'orders', partitions: [0] }],
    }),
    rights: ['ALTER cluster kafka-cluster'],
    denied: '31',
    granted: '84',
  },
  {
    api: 'AlterPartitionReassignments',
    request: () => ({
      timeoutMs: 1000,
      topics: [{ name: 'orders', partitions: [{ partitionIndex: 0, replicas: [77] }] }],
    }),
    rights: ['ALTER cluster kafka-cluster'],
    denied: '31',
    granted: '39',
  },
  {
    api: 'ListPartitionReassignments',
    request: () => ({ timeoutMs: 1000, topics: null }),
    rights: ['DESCRIBE cluster kafka-cluster'],
    denied: '31',
    granted: '',
  },
  {
    api: 'DescribeQuorum',
    request: () => ({
      topics: [{ topicName: '__cluster_metadata', partitions: [{ partitionIndex: 0 }] }],
    }),
    rights: ['DESCRIBE cluster kafka-cluster'],
    denied: '31',
    granted: '',
  },
  {
    api: 'UpdateFeatures',
    request: () => ({ timeoutMs: 1000, featureUpdates: [] }),
    rights: ['ALTER cluster kafka-cluster'],
    denied: '31',
    granted: '',
  },
  {
    api: 'UnregisterBroker',
    request: () => ({ brokerId: 99 }),
    rights: ['ALTER cluster kafka-cluster'],
    denied: '31',
    granted: '102',
  },
  {
    api: 'UnregisterController',
    request: () => ({ controllerId: 99 }),
    rights: ['ALTER cluster kafka-cluster'],
    denied: '31',
    granted: '136',
  },
  ...quorumChanges,
  {
    api: 'DescribeClientQuotas',
    request: () => ({ components: [], strict: false }),
    rights: ['DESCRIBE_CONFIGS cluster kafka-cluster'],
    denied: '31',
    granted: '',
  },
  {
    api: 'AlterClientQuotas',
    request: () => ({
      validateOnly: true,
      entries: [
        {
          entity: [{ entityType: 'user', entityName: 'u' }],
          ops: [{ key: 'consumer_byte_rate', value: 5, remove: false }],
        },
      ],
    }),
    rights: ['ALTER_CONFIGS cluster kafka-cluster'],
    denied: '31',
    granted: '',
  },
]

const ANY_ACL = {
  resourceTypeFilter: 1,
  resourceNameFilter: null,
  patternTypeFilter: 1,
  principalFilter: 'User:nobody',
  hostFilter: null,
  operation: 1,
  permissionType: 1,
}

const security: readonly AccessCase[] = [
  {
    api: 'DescribeAcls',
    request: () => ANY_ACL,
    rights: ['DESCRIBE cluster kafka-cluster'],
    denied: '31',
    granted: '',
  },
  {
    api: 'CreateAcls',
    request: () => ({
      creations: [
        {
          resourceType: 2,
          resourceName: 'unused',
          resourcePatternType: 3,
          principal: 'User:somebody',
          host: '*',
          operation: 3,
          permissionType: 3,
        },
      ],
    }),
    rights: ['ALTER cluster kafka-cluster'],
    denied: '31',
    granted: '',
  },
  {
    api: 'DeleteAcls',
    request: () => ({ filters: [ANY_ACL] }),
    rights: ['ALTER cluster kafka-cluster'],
    denied: '31',
    granted: '',
  },
  {
    api: 'DescribeUserScramCredentials',
    // Kafka never answers a denied request about all users.
    request: () => ({ users: [{ name: 'nobody' }] }),
    rights: ['DESCRIBE cluster kafka-cluster'],
    denied: '31',
    granted: '91',
  },
  {
    api: 'AlterUserScramCredentials',
    request: () => ({ deletions: [{ name: 'nobody', mechanism: 1 }], upsertions: [] }),
    rights: ['ALTER cluster kafka-cluster'],
    denied: '31',
    granted: '91',
  },
]

const classicGroups: readonly AccessCase[] = [
  {
    api: 'FindCoordinator',
    about: 'of a group',
    request: () => ({ key: GROUP, keyType: 0, coordinatorKeys: [GROUP] }),
    rights: [`DESCRIBE group ${GROUP}`],
    alternatives: [[`READ group ${GROUP}`], [`DELETE group ${GROUP}`]],
    denied: '30',
    granted: '',
  },
  {
    api: 'FindCoordinator',
    about: 'of a transactional id',
    versions: '1+',
    request: () => ({ key: TRANSACTIONAL_ID, keyType: 1, coordinatorKeys: [TRANSACTIONAL_ID] }),
    rights: ['DESCRIBE transactionalId payments'],
    alternatives: [['WRITE transactionalId payments']],
    denied: '53',
    granted: '',
  },
  {
    api: 'FindCoordinator',
    about: 'of a share partition',
    versions: '6+',
    request: ({ topicIds }) => ({
      keyType: 2,
      coordinatorKeys: [`sharers:${topicIds.get('orders')}:0`],
    }),
    rights: ['CLUSTER_ACTION cluster kafka-cluster'],
    denied: '31',
    // Kafka creates the coordinator's topic after its answer.
    granted: '*',
  },
  {
    api: 'OffsetCommit',
    request: (fixture) => ({
      groupId: GROUP,
      generationIdOrMemberEpoch: -1,
      memberId: '',
      topics: [{ ...named('orders', fixture), partitions: [anOffset] }],
    }),
    rights: [`READ group ${GROUP}`, 'READ topic orders'],
    denied: '30',
    lacking: { 'READ topic orders': '29' },
    granted: '',
  },
  {
    api: 'OffsetFetch',
    about: 'by topic',
    request: (fixture) => ({
      groupId: GROUP,
      topics: [{ ...named('orders', fixture), partitionIndexes: [0] }],
      groups: [
        { groupId: GROUP, topics: [{ ...named('orders', fixture), partitionIndexes: [0] }] },
      ],
    }),
    rights: [`DESCRIBE group ${GROUP}`, 'DESCRIBE topic orders'],
    denied: '30',
    lacking: { 'DESCRIBE topic orders': '29' },
    granted: '',
  },
  {
    api: 'OffsetFetch',
    about: 'all topics',
    versions: '2-9',
    request: () => ({ groupId: GROUP, topics: null, groups: [{ groupId: GROUP, topics: null }] }),
    rights: [`DESCRIBE group ${GROUP}`, 'DESCRIBE topic notes'],
    denied: '30',
    lacking: { 'DESCRIBE topic notes': '' },
    granted: '+notes',
  },
  {
    api: 'OffsetDelete',
    request: () => ({
      groupId: GROUP,
      topics: [{ name: 'fixed', partitions: [{ partitionIndex: 0 }] }],
    }),
    rights: [`DELETE group ${GROUP}`, 'READ topic fixed'],
    denied: '30',
    lacking: { 'READ topic fixed': '29' },
    granted: '',
  },
  {
    api: 'JoinGroup',
    request: () => ({
      groupId: GROUP,
      sessionTimeoutMs: 10_000,
      rebalanceTimeoutMs: 10_000,
      memberId: '',
      protocolType: 'consumer',
      protocols: [{ name: 'range', metadata: Buffer.alloc(0) }],
    }),
    rights: [`READ group ${GROUP}`],
    denied: '30',
    // MEMBER_ID_REQUIRED: the client retries with the assigned id.
    granted: '79',
  },
  {
    api: 'Heartbeat',
    request: () => ({ groupId: GROUP, generationId: 1, memberId: MEMBER }),
    rights: [`READ group ${GROUP}`],
    denied: '30',
    granted: '25',
  },
  {
    api: 'LeaveGroup',
    request: () => ({ groupId: GROUP, memberId: MEMBER, members: [{ memberId: MEMBER }] }),
    rights: [`READ group ${GROUP}`],
    denied: '30',
    granted: '25',
  },
  {
    api: 'SyncGroup',
    request: () => ({
      groupId: GROUP,
      generationId: 1,
      memberId: MEMBER,
      protocolType: 'consumer',
      protocolName: 'range',
      assignments: [],
    }),
    rights: [`READ group ${GROUP}`],
    denied: '30',
    granted: '25',
  },
  {
    api: 'ListGroups',
    request: () => ({}),
    rights: [`DESCRIBE group ${GROUP}`],
    denied: '',
    granted: `+${GROUP}`,
  },
  {
    api: 'ListGroups',
    about: 'all of them',
    request: () => ({}),
    rights: ['DESCRIBE cluster kafka-cluster'],
    denied: '',
    granted: '*',
  },
  {
    api: 'DescribeGroups',
    request: () => ({ groups: [GROUP], includeAuthorizedOperations: true }),
    rights: [`DESCRIBE group ${GROUP}`],
    denied: '30',
    granted: '',
  },
  {
    api: 'DeleteGroups',
    request: () => ({ groupsNames: [DELETED_GROUP] }),
    rights: [`DELETE group ${DELETED_GROUP}`],
    denied: '30',
    granted: '',
  },
]

const modernGroups: readonly AccessCase[] = [
  {
    api: 'ConsumerGroupHeartbeat',
    request: () => ({
      groupId: 'moderns',
      memberId: MEMBER,
      memberEpoch: 0,
      rebalanceTimeoutMs: 1000,
      subscribedTopicNames: ['orders', 'no-such'],
      topicPartitions: [],
    }),
    rights: ['READ group moderns', 'DESCRIBE topic orders', 'DESCRIBE topic no-such'],
    denied: '30',
    lacking: { 'DESCRIBE topic orders': '29', 'DESCRIBE topic no-such': '29' },
    granted: '',
  },
  {
    api: 'ConsumerGroupDescribe',
    request: () => ({ groupIds: [GROUP], includeAuthorizedOperations: true }),
    rights: [`DESCRIBE group ${GROUP}`],
    denied: '30',
    granted: '69',
  },
  {
    api: 'ShareGroupHeartbeat',
    request: () => ({
      groupId: 'sharers',
      memberId: MEMBER,
      memberEpoch: 0,
      subscribedTopicNames: ['notes'],
    }),
    rights: ['READ group sharers', 'DESCRIBE topic notes'],
    denied: '30',
    lacking: { 'DESCRIBE topic notes': '29' },
    granted: '',
  },
  {
    api: 'ShareGroupDescribe',
    request: () => ({ groupIds: ['absent'], includeAuthorizedOperations: true }),
    rights: ['DESCRIBE group absent'],
    denied: '30',
    granted: '69',
  },
  {
    api: 'ShareFetch',
    request: (fixture) => ({
      ...FETCH_ALL,
      groupId: 'sharers',
      memberId: MEMBER,
      shareSessionEpoch: 0,
      maxRecords: 10,
      batchSize: 10,
      topics: [{ ...named('notes', fixture), partitions: [{ partitionIndex: 0 }] }],
    }),
    rights: ['READ group sharers', 'READ topic notes'],
    denied: '30',
    lacking: { 'READ topic notes': '29' },
    granted: '',
  },
  {
    api: 'ShareAcknowledge',
    request: () => ({ groupId: 'sharers', memberId: OTHER, shareSessionEpoch: 5, topics: [] }),
    rights: ['READ group sharers'],
    denied: '30',
    // No such session exists.
    granted: '122',
  },
  {
    api: 'DescribeShareGroupOffsets',
    request: () => ({
      groups: [{ groupId: 'sharers', topics: [{ topicName: 'fixed', partitions: [0] }] }],
    }),
    rights: ['DESCRIBE group sharers', 'DESCRIBE topic fixed'],
    denied: '30',
    lacking: { 'DESCRIBE topic fixed': '29' },
    granted: '',
  },
  {
    api: 'AlterShareGroupOffsets',
    request: () => ({
      groupId: 'idle',
      topics: [{ topicName: 'fixed', partitions: [{ partitionIndex: 0, startOffset: 0n }] }],
    }),
    rights: ['READ group idle', 'READ topic fixed'],
    denied: '30',
    lacking: { 'READ topic fixed': '29' },
    granted: '*',
  },
  {
    api: 'DeleteShareGroupOffsets',
    request: () => ({ groupId: 'idle', topics: [{ topicName: 'fixed' }] }),
    rights: ['DELETE group idle', 'READ topic fixed'],
    denied: '30',
    lacking: { 'READ topic fixed': '29' },
    granted: '*',
  },
  {
    api: 'StreamsGroupHeartbeat',
    request: () => ({
      groupId: 'streamers',
      memberId: MEMBER,
      memberEpoch: 0,
      rebalanceTimeoutMs: 1000,
      activeTasks: [],
      standbyTasks: [],
      warmupTasks: [],
      processId: 'p',
      topology: {
        epoch: 0,
        subtopologies: [
          {
            subtopologyId: '0',
            sourceTopics: ['orders'],
            sourceTopicRegex: [],
            stateChangelogTopics: [],
            repartitionSinkTopics: [],
            repartitionSourceTopics: [],
            copartitionGroups: [],
          },
        ],
      },
    }),
    rights: ['READ group streamers', 'DESCRIBE topic orders'],
    denied: '30',
    lacking: { 'DESCRIBE topic orders': '29' },
    granted: '',
  },
  {
    api: 'StreamsGroupDescribe',
    request: () => ({ groupIds: ['absent'], includeAuthorizedOperations: true }),
    rights: ['DESCRIBE group absent'],
    denied: '30',
    granted: '69',
  },
]

const aProducer = { producerId: 12_345n, producerEpoch: 0 }
const WRITES_ID = 'WRITE transactionalId payments'

const transactions: readonly AccessCase[] = [
  {
    api: 'InitProducerId',
    about: 'idempotent',
    request: () => ({ transactionalId: null, transactionTimeoutMs: 1000 }),
    rights: ['IDEMPOTENT_WRITE cluster kafka-cluster'],
    alternatives: [['WRITE topic whatever']],
    denied: '31',
    granted: '',
  },
  {
    api: 'InitProducerId',
    about: 'transactional',
    request: () => ({ transactionalId: 'payments-2', transactionTimeoutMs: 1000 }),
    rights: ['WRITE transactionalId payments-2'],
    denied: '53',
    granted: '',
  },
  {
    api: 'AddPartitionsToTxn',
    versions: '0-3',
    request: () => ({
      v3AndBelowTransactionalId: TRANSACTIONAL_ID,
      v3AndBelowProducerId: 12_345n,
      v3AndBelowProducerEpoch: 0,
      v3AndBelowTopics: [
        { name: 'orders', partitions: [0] },
        { name: 'notes', partitions: [0] },
      ],
    }),
    rights: [WRITES_ID, 'WRITE topic orders', 'WRITE topic notes'],
    denied: '53',
    lacking: { 'WRITE topic orders': '29,55', 'WRITE topic notes': '29,55' },
    granted: '49',
  },
  {
    api: 'AddPartitionsToTxn',
    about: 'by brokers',
    versions: '4+',
    request: () => ({
      transactions: [
        {
          ...aProducer,
          transactionalId: TRANSACTIONAL_ID,
          verifyOnly: true,
          topics: [{ name: 'orders', partitions: [0] }],
        },
      ],
    }),
    rights: ['CLUSTER_ACTION cluster kafka-cluster'],
    denied: '31',
    granted: '49',
  },
  {
    api: 'AddOffsetsToTxn',
    request: () => ({ ...aProducer, transactionalId: TRANSACTIONAL_ID, groupId: GROUP }),
    rights: [WRITES_ID, `READ group ${GROUP}`],
    denied: '53',
    lacking: { [`READ group ${GROUP}`]: '30' },
    granted: '49',
  },
  {
    api: 'EndTxn',
    request: () => ({ ...aProducer, transactionalId: TRANSACTIONAL_ID, committed: true }),
    rights: [WRITES_ID],
    denied: '53',
    granted: '49',
  },
  {
    api: 'TxnOffsetCommit',
    request: (fixture) => ({
      ...aProducer,
      transactionalId: TRANSACTIONAL_ID,
      groupId: GROUP,
      topics: [{ ...named('orders', fixture), partitions: [anOffset] }],
    }),
    rights: [WRITES_ID, `READ group ${GROUP}`, 'READ topic orders'],
    denied: '53',
    lacking: { [`READ group ${GROUP}`]: '30', 'READ topic orders': '29' },
    granted: '49',
  },
  {
    api: 'WriteTxnMarkers',
    request: () => ({
      markers: [
        {
          ...aProducer,
          transactionResult: false,
          coordinatorEpoch: 0,
          topics: [{ name: 'notes', partitionIndexes: [0] }],
        },
      ],
    }),
    rights: ['ALTER cluster kafka-cluster'],
    alternatives: [['CLUSTER_ACTION cluster kafka-cluster']],
    denied: '31',
    granted: '',
  },
  {
    api: 'DescribeTransactions',
    request: () => ({ transactionalIds: [TRANSACTIONAL_ID] }),
    rights: ['DESCRIBE transactionalId payments'],
    denied: '53',
    granted: '',
  },
  {
    api: 'ListTransactions',
    request: () => ({}),
    rights: ['DESCRIBE transactionalId payments'],
    denied: '',
    granted: '+payments',
  },
]

/** At least one case for each API with permissions. */
export const accessCases: readonly AccessCase[] = [
  ...records,
  ...topics,
  ...configCases(),
  ...cluster,
  ...security,
  ...classicGroups,
  ...modernGroups,
  ...transactions,
]

/** APIs without a permission: every client may log in, and tokens have owners. */
export const openApis: readonly p.ApiName[] = [
  'ApiVersions',
  'SaslHandshake',
  'SaslAuthenticate',
  'CreateDelegationToken',
  'RenewDelegationToken',
  'ExpireDelegationToken',
  'DescribeDelegationToken',
]
