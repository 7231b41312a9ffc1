// SPDX-License-Identifier: Apache-2.0
import * as p from '@millrace/protocol'

const id = '0123456789abcdef0123456789abcdef'

/** Topic names that a client may send: some valid, most invalid, and internal ones. */
export const hostileNames: readonly string[] = [
  '__cluster_metadata',
  '__consumer_offsets',
  '__transaction_state',
  '__share_group_state',
  '.',
  '..',
  '/',
  'a/b',
  '../up',
  '..\\up',
  '/tmp/absolute',
  'a\0b',
  'a\nb',
  '',
  'x'.repeat(249),
  'y'.repeat(250),
  'ok.name',
  'ok_name',
  '__proto__',
  'constructor',
  '__cluster_metadata-1',
  '__cluster.metadata',
  'ä',
  `x.${id}-delete`,
  `x-0.${id}-delete`,
  'q-stray',
]

/** A request that names a topic. */
export interface NamedAsk {
  readonly label: string
  readonly key: number
  readonly version: number
  readonly message: (topic: string) => object
}

const one = p.buildBatch([{ timestamp: -1n, key: Buffer.from('k'), value: Buffer.from('v') }])

function creating(name: string): object {
  return {
    topics: [{ name, numPartitions: 1, replicationFactor: 1, assignments: [], configs: [] }],
    timeoutMs: 5000,
  }
}

/** One request of each API that names a topic, in an order in which a name could do damage. */
export const asks: readonly NamedAsk[] = [
  {
    label: 'describe',
    key: p.ApiKey.Metadata,
    version: 12,
    message: (name) => ({ topics: [{ name }], allowAutoTopicCreation: false }),
  },
  {
    label: 'delete before it exists',
    key: p.ApiKey.DeleteTopics,
    version: 6,
    message: (name) => ({ topics: [{ name }], timeoutMs: 1000 }),
  },
  { label: 'create', key: p.ApiKey.CreateTopics, version: 7, message: creating },
  {
    label: 'create with validateOnly',
    key: p.ApiKey.CreateTopics,
    version: 7,
    message: (name) => ({ ...creating(name), validateOnly: true }),
  },
  {
    label: 'create by metadata',
    key: p.ApiKey.Metadata,
    version: 12,
    message: (name) => ({ topics: [{ name }], allowAutoTopicCreation: true }),
  },
  {
    label: 'produce',
    key: p.ApiKey.Produce,
    version: 9,
    message: (name) => ({
      acks: -1,
      timeoutMs: 1000,
      topicData: [{ name, partitionData: [{ index: 0, records: Buffer.from(one) }] }],
    }),
  },
  {
    label: 'fetch',
    key: p.ApiKey.Fetch,
    version: 12,
    message: (topic) => ({
      maxWaitMs: 0,
      minBytes: 0,
      topics: [{ topic, partitions: [{ partition: 0, fetchOffset: 0n, partitionMaxBytes: 1000 }] }],
      forgottenTopicsData: [],
    }),
  },
  {
    label: 'list offsets',
    key: p.ApiKey.ListOffsets,
    version: 8,
    message: (name) => ({
      replicaId: -1,
      isolationLevel: 0,
      topics: [{ name, partitions: [{ partitionIndex: 0, timestamp: -1n }] }],
    }),
  },
  {
    label: 'delete records',
    key: p.ApiKey.DeleteRecords,
    version: 2,
    message: (name) => ({
      topics: [{ name, partitions: [{ partitionIndex: 0, offset: -1n }] }],
      timeoutMs: 1000,
    }),
  },
  {
    label: 'grow',
    key: p.ApiKey.CreatePartitions,
    version: 3,
    message: (name) => ({
      topics: [{ name, count: 90, assignments: null }],
      timeoutMs: 1000,
      validateOnly: true,
    }),
  },
  {
    label: 'describe configs',
    key: p.ApiKey.DescribeConfigs,
    version: 4,
    message: (resourceName) => ({
      resources: [{ resourceType: 2, resourceName, configurationKeys: ['retention.ms'] }],
    }),
  },
  {
    label: 'alter configs',
    key: p.ApiKey.IncrementalAlterConfigs,
    version: 1,
    message: (resourceName) => ({
      resources: [
        {
          resourceType: 2,
          resourceName,
          configs: [{ name: 'retention.ms', configOperation: 0, value: '86400000' }],
        },
      ],
      validateOnly: true,
    }),
  },
  {
    label: 'move',
    key: p.ApiKey.AlterReplicaLogDirs,
    version: 2,
    message: (name) => ({ dirs: [{ path: '/nowhere', topics: [{ name, partitions: [0] }] }] }),
  },
  {
    label: 'describe log directories',
    key: p.ApiKey.DescribeLogDirs,
    version: 4,
    message: (topic) => ({ topics: [{ topic, partitions: [0] }] }),
  },
  {
    label: 'offset for leader epoch',
    key: p.ApiKey.OffsetForLeaderEpoch,
    version: 4,
    message: (topic) => ({
      replicaId: -1,
      topics: [{ topic, partitions: [{ partition: 0, currentLeaderEpoch: -1, leaderEpoch: 0 }] }],
    }),
  },
  {
    label: 'describe producers',
    key: p.ApiKey.DescribeProducers,
    version: 0,
    message: (name) => ({ topics: [{ name, partitionIndexes: [0] }] }),
  },
  {
    label: 'describe partitions',
    key: p.ApiKey.DescribeTopicPartitions,
    version: 0,
    message: (name) => ({ topics: [{ name }], responsePartitionLimit: 1, cursor: null }),
  },
  {
    label: 'write transaction markers',
    key: p.ApiKey.WriteTxnMarkers,
    version: 1,
    message: (name) => ({
      markers: [
        {
          producerId: 9000n,
          producerEpoch: 0,
          transactionResult: false,
          coordinatorEpoch: 0,
          topics: [{ name, partitionIndexes: [0] }],
        },
      ],
    }),
  },
  {
    label: 'elect',
    key: p.ApiKey.ElectLeaders,
    version: 2,
    message: (topic) => ({
      electionType: 0,
      topicPartitions: [{ topic, partitions: [0] }],
      timeoutMs: 1000,
    }),
  },
  {
    label: 'reassign',
    key: p.ApiKey.AlterPartitionReassignments,
    version: 0,
    message: (name) => ({
      timeoutMs: 1000,
      topics: [{ name, partitions: [{ partitionIndex: 0, replicas: [1] }] }],
    }),
  },
  {
    label: 'delete',
    key: p.ApiKey.DeleteTopics,
    version: 6,
    message: (name) => ({ topics: [{ name }], timeoutMs: 5000 }),
  },
]
