// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { handlers } from '@millrace/broker'
import * as p from '@millrace/protocol'
import { seededRandom, WireClient } from '@millrace/testkit'
import { type Peer, startKafka, startMillrace } from './peers.ts'

const NO_TOPIC = 'AAAAAAAAAAAAAAAAAAAABg'
const one = p.buildBatch([
  { timestamp: 1_700_000_000_000n, key: Buffer.from('k'), value: Buffer.from('v') },
])

function changed(change: (data: Buffer) => void): Buffer {
  const data = Buffer.from(one)
  change(data)
  return data
}

function produceTo(name: string, records: Buffer | null, acks = -1, index = 0): object {
  return { acks, timeoutMs: 1000, topicData: [{ name, partitionData: [{ index, records }] }] }
}

function fetchFrom(topic: string, partition: object): object {
  return {
    maxWaitMs: 0,
    minBytes: 0,
    topics: [
      {
        topic,
        partitions: [{ partition: 0, fetchOffset: 0n, partitionMaxBytes: 1000, ...partition }],
      },
    ],
    forgottenTopicsData: [],
  }
}

function joining(changes: object): object {
  return {
    groupId: 'wire-join',
    sessionTimeoutMs: 10_000,
    rebalanceTimeoutMs: 10_000,
    memberId: '',
    protocolType: 'consumer',
    protocols: [{ name: 'range', metadata: Buffer.from([0]) }],
    ...changes,
  }
}

function creating(changes: object): object {
  return {
    topics: [
      {
        name: 'wire-refused',
        numPartitions: 1,
        replicationFactor: 1,
        assignments: [],
        configs: [],
        ...changes,
      },
    ],
  }
}

function committing(changes: object, partition: object = {}): object {
  return {
    groupId: 'wire-commit',
    topics: [
      {
        name: 'wire',
        partitions: [
          { partitionIndex: 0, committedOffset: 3n, committedMetadata: '', ...partition },
        ],
      },
    ],
    ...changes,
  }
}

type Case = readonly [what: string, key: number, version: number, message: object]

/** Invalid and untimely requests, and some valid ones. */
const cases: readonly Case[] = [
  ['create', p.ApiKey.CreateTopics, 7, creating({ name: 'wire', numPartitions: 2 })],
  [
    'create compacted',
    p.ApiKey.CreateTopics,
    7,
    creating({ name: 'wire.compacted', configs: [{ name: 'cleanup.policy', value: 'compact' }] }),
  ],
  [
    'create with more in-sync replicas than there are',
    p.ApiKey.CreateTopics,
    7,
    creating({ name: 'wire.isr', configs: [{ name: 'min.insync.replicas', value: '2' }] }),
  ],
  ['create again', p.ApiKey.CreateTopics, 7, creating({ name: 'wire' })],
  ['create colliding', p.ApiKey.CreateTopics, 7, creating({ name: 'wire_compacted' })],
  ['create without a name', p.ApiKey.CreateTopics, 7, creating({ name: '' })],
  ['create ..', p.ApiKey.CreateTopics, 7, creating({ name: '..' })],
  ['create too long', p.ApiKey.CreateTopics, 7, creating({ name: 'x'.repeat(250) })],
  ['create with -2 partitions', p.ApiKey.CreateTopics, 7, creating({ numPartitions: -2 })],
  ['create with 0 replicas', p.ApiKey.CreateTopics, 7, creating({ replicationFactor: 0 })],
  ['create with 2 replicas', p.ApiKey.CreateTopics, 7, creating({ replicationFactor: 2 })],
  [
    'create with a null config',
    p.ApiKey.CreateTopics,
    7,
    creating({ configs: [{ name: 'retention.ms', value: null }] }),
  ],
  [
    'create with an unknown config',
    p.ApiKey.CreateTopics,
    7,
    creating({ configs: [{ name: 'no.such', value: '1' }] }),
  ],
  [
    'create with a small segment',
    p.ApiKey.CreateTopics,
    7,
    creating({ configs: [{ name: 'segment.bytes', value: '14' }] }),
  ],
  [
    'create with a bad policy',
    p.ApiKey.CreateTopics,
    7,
    creating({ configs: [{ name: 'cleanup.policy', value: 'burn' }] }),
  ],
  [
    'create with both kinds of assignment',
    p.ApiKey.CreateTopics,
    7,
    creating({ assignments: [{ partitionIndex: 0, brokerIds: [1] }] }),
  ],
  [
    'create with a gap',
    p.ApiKey.CreateTopics,
    7,
    creating({
      numPartitions: -1,
      replicationFactor: -1,
      assignments: [{ partitionIndex: 1, brokerIds: [1] }],
    }),
  ],
  [
    'create with an unknown broker',
    p.ApiKey.CreateTopics,
    7,
    creating({
      numPartitions: -1,
      replicationFactor: -1,
      assignments: [{ partitionIndex: 0, brokerIds: [7] }],
    }),
  ],
  [
    'grow',
    p.ApiKey.CreatePartitions,
    3,
    {
      topics: [{ name: 'wire', count: 3, assignments: null }],
      timeoutMs: 1000,
      validateOnly: false,
    },
  ],
  [
    'grow to the same',
    p.ApiKey.CreatePartitions,
    3,
    {
      topics: [{ name: 'wire', count: 3, assignments: null }],
      timeoutMs: 1000,
      validateOnly: false,
    },
  ],
  [
    'grow a missing one',
    p.ApiKey.CreatePartitions,
    3,
    {
      topics: [{ name: 'nowhere', count: 3, assignments: null }],
      timeoutMs: 1000,
      validateOnly: false,
    },
  ],
  [
    'grow with too few assignments',
    p.ApiKey.CreatePartitions,
    3,
    {
      topics: [{ name: 'wire', count: 6, assignments: [{ brokerIds: [1] }] }],
      timeoutMs: 1000,
      validateOnly: false,
    },
  ],
  [
    'delete a missing one',
    p.ApiKey.DeleteTopics,
    6,
    { topics: [{ name: 'nowhere' }], timeoutMs: 1000 },
  ],
  [
    'delete a missing id',
    p.ApiKey.DeleteTopics,
    6,
    { topics: [{ name: null, topicId: NO_TOPIC }], timeoutMs: 1000 },
  ],
  [
    'delete by both',
    p.ApiKey.DeleteTopics,
    6,
    { topics: [{ name: 'wire', topicId: NO_TOPIC }], timeoutMs: 1000 },
  ],
  ['delete by neither', p.ApiKey.DeleteTopics, 6, { topics: [{ name: null }], timeoutMs: 1000 }],

  ['produce', p.ApiKey.Produce, 9, produceTo('wire', one)],
  ['produce more', p.ApiKey.Produce, 3, produceTo('wire', one)],
  ['produce with acks all to more replicas', p.ApiKey.Produce, 9, produceTo('wire.isr', one)],
  ['produce nothing', p.ApiKey.Produce, 9, produceTo('wire', Buffer.alloc(0))],
  ['produce to a missing topic', p.ApiKey.Produce, 9, produceTo('nowhere', one)],
  ['produce to a missing partition', p.ApiKey.Produce, 9, produceTo('wire', one, -1, 40)],
  [
    'produce to a missing id',
    p.ApiKey.Produce,
    13,
    {
      acks: -1,
      timeoutMs: 1000,
      topicData: [{ topicId: NO_TOPIC, partitionData: [{ index: 0, records: one }] }],
    },
  ],
  ['produce with acks 5', p.ApiKey.Produce, 9, produceTo('wire', one, 5)],
  [
    'produce a bad checksum',
    p.ApiKey.Produce,
    9,
    produceTo(
      'wire',
      changed((data) => data.writeUInt8(9, data.length - 1)),
    ),
  ],
  ['produce two batches', p.ApiKey.Produce, 9, produceTo('wire', Buffer.concat([one, one]))],
  [
    'produce magic 1',
    p.ApiKey.Produce,
    9,
    produceTo(
      'wire',
      changed((data) => data.writeInt8(1, 16)),
    ),
  ],
  [
    'produce a control batch',
    p.ApiKey.Produce,
    9,
    produceTo(
      'wire',
      p.buildBatch([{ timestamp: 1n, key: null, value: null }], { isControl: true }),
    ),
  ],
  [
    'produce without a key to a compacted topic',
    p.ApiKey.Produce,
    9,
    produceTo(
      'wire.compacted',
      p.buildBatch([{ timestamp: 1n, key: null, value: Buffer.from('v') }]),
    ),
  ],
  [
    'produce from the far future',
    p.ApiKey.Produce,
    9,
    produceTo(
      'wire',
      p.buildBatch([{ timestamp: 9_000_000_000_000n, key: null, value: Buffer.from('v') }]),
    ),
  ],
  [
    'produce a large batch',
    p.ApiKey.Produce,
    9,
    produceTo('wire', p.buildBatch([{ timestamp: 1n, key: null, value: Buffer.alloc(1_100_000) }])),
  ],
  [
    'produce out of order',
    p.ApiKey.Produce,
    9,
    produceTo(
      'wire',
      p.buildBatch([{ timestamp: 1n, key: null, value: null }], {
        producerId: 77n,
        producerEpoch: 0,
        baseSequence: 3,
      }),
    ),
  ],
  [
    'produce the next',
    p.ApiKey.Produce,
    9,
    produceTo(
      'wire',
      p.buildBatch([{ timestamp: 1n, key: null, value: null }], {
        producerId: 77n,
        producerEpoch: 0,
        baseSequence: 4,
      }),
    ),
  ],
  [
    'produce it again',
    p.ApiKey.Produce,
    9,
    produceTo(
      'wire',
      p.buildBatch([{ timestamp: 1n, key: null, value: null }], {
        producerId: 77n,
        producerEpoch: 0,
        baseSequence: 4,
      }),
    ),
  ],
  [
    'produce with a gap',
    p.ApiKey.Produce,
    9,
    produceTo(
      'wire',
      p.buildBatch([{ timestamp: 1n, key: null, value: null }], {
        producerId: 77n,
        producerEpoch: 0,
        baseSequence: 9,
      }),
    ),
  ],
  [
    'produce a new epoch',
    p.ApiKey.Produce,
    9,
    produceTo(
      'wire',
      p.buildBatch([{ timestamp: 1n, key: null, value: null }], {
        producerId: 77n,
        producerEpoch: 1,
        baseSequence: 0,
      }),
    ),
  ],
  [
    'produce the old epoch',
    p.ApiKey.Produce,
    9,
    produceTo(
      'wire',
      p.buildBatch([{ timestamp: 1n, key: null, value: null }], {
        producerId: 77n,
        producerEpoch: 0,
        baseSequence: 5,
      }),
    ),
  ],
  [
    'produce a new epoch from 3',
    p.ApiKey.Produce,
    9,
    produceTo(
      'wire',
      p.buildBatch([{ timestamp: 1n, key: null, value: null }], {
        producerId: 77n,
        producerEpoch: 2,
        baseSequence: 3,
      }),
    ),
  ],

  ['fetch', p.ApiKey.Fetch, 12, fetchFrom('wire', {})],
  ['fetch v4', p.ApiKey.Fetch, 4, fetchFrom('wire', {})],
  ['fetch beyond', p.ApiKey.Fetch, 12, fetchFrom('wire', { fetchOffset: 1000n })],
  ['fetch before', p.ApiKey.Fetch, 12, fetchFrom('wire', { fetchOffset: -5n })],
  ['fetch a missing topic', p.ApiKey.Fetch, 12, fetchFrom('nowhere', {})],
  ['fetch a missing partition', p.ApiKey.Fetch, 12, fetchFrom('wire', { partition: 40 })],
  ['fetch in a future epoch', p.ApiKey.Fetch, 12, fetchFrom('wire', { currentLeaderEpoch: 9 })],
  [
    'fetch in an unknown session',
    p.ApiKey.Fetch,
    12,
    { ...fetchFrom('wire', {}), sessionId: 123, sessionEpoch: 4 },
  ],
  [
    'fetch a missing id',
    p.ApiKey.Fetch,
    17,
    {
      ...fetchFrom('', {}),
      topics: [
        {
          topicId: NO_TOPIC,
          partitions: [{ partition: 0, fetchOffset: 0n, partitionMaxBytes: 10 }],
        },
      ],
    },
  ],
  [
    'list latest',
    p.ApiKey.ListOffsets,
    8,
    {
      replicaId: -1,
      topics: [{ name: 'wire', partitions: [{ partitionIndex: 0, timestamp: -1n }] }],
    },
  ],
  [
    'list earliest',
    p.ApiKey.ListOffsets,
    8,
    {
      replicaId: -1,
      topics: [{ name: 'wire', partitions: [{ partitionIndex: 0, timestamp: -2n }] }],
    },
  ],
  [
    'list max timestamp',
    p.ApiKey.ListOffsets,
    8,
    {
      replicaId: -1,
      topics: [{ name: 'wire', partitions: [{ partitionIndex: 0, timestamp: -3n }] }],
    },
  ],
  [
    'list max timestamp in version 5',
    p.ApiKey.ListOffsets,
    5,
    {
      replicaId: -1,
      topics: [{ name: 'wire', partitions: [{ partitionIndex: 0, timestamp: -3n }] }],
    },
  ],
  [
    'list by time',
    p.ApiKey.ListOffsets,
    8,
    {
      replicaId: -1,
      topics: [
        { name: 'wire', partitions: [{ partitionIndex: 0, timestamp: 1_600_000_000_000n }] },
      ],
    },
  ],
  [
    'list past all times',
    p.ApiKey.ListOffsets,
    8,
    {
      replicaId: -1,
      topics: [
        { name: 'wire', partitions: [{ partitionIndex: 0, timestamp: 1_900_000_000_000n }] },
      ],
    },
  ],
  [
    'list an empty partition',
    p.ApiKey.ListOffsets,
    8,
    {
      replicaId: -1,
      topics: [{ name: 'wire', partitions: [{ partitionIndex: 1, timestamp: -3n }] }],
    },
  ],
  [
    'list tiered',
    p.ApiKey.ListOffsets,
    11,
    {
      replicaId: -1,
      topics: [{ name: 'wire', partitions: [{ partitionIndex: 0, timestamp: -5n }] }],
    },
  ],
  [
    'list a missing one',
    p.ApiKey.ListOffsets,
    8,
    {
      replicaId: -1,
      topics: [{ name: 'nowhere', partitions: [{ partitionIndex: 0, timestamp: -1n }] }],
    },
  ],
  [
    'list one twice',
    p.ApiKey.ListOffsets,
    8,
    {
      replicaId: -1,
      topics: [
        {
          name: 'wire',
          partitions: [
            { partitionIndex: 0, timestamp: -1n },
            { partitionIndex: 0, timestamp: -2n },
          ],
        },
      ],
    },
  ],
  [
    'epoch end',
    p.ApiKey.OffsetForLeaderEpoch,
    4,
    { topics: [{ topic: 'wire', partitions: [{ partition: 0, leaderEpoch: 0 }] }] },
  ],
  [
    'epoch from the future',
    p.ApiKey.OffsetForLeaderEpoch,
    4,
    { topics: [{ topic: 'wire', partitions: [{ partition: 0, leaderEpoch: 8 }] }] },
  ],
  [
    'epoch of a missing one',
    p.ApiKey.OffsetForLeaderEpoch,
    4,
    { topics: [{ topic: 'nowhere', partitions: [{ partition: 0, leaderEpoch: 0 }] }] },
  ],
  [
    'delete records',
    p.ApiKey.DeleteRecords,
    2,
    {
      topics: [{ name: 'wire', partitions: [{ partitionIndex: 0, offset: 1n }] }],
      timeoutMs: 1000,
    },
  ],
  [
    'delete records beyond',
    p.ApiKey.DeleteRecords,
    2,
    {
      topics: [{ name: 'wire', partitions: [{ partitionIndex: 0, offset: 1000n }] }],
      timeoutMs: 1000,
    },
  ],
  [
    'delete records at -7',
    p.ApiKey.DeleteRecords,
    2,
    {
      topics: [{ name: 'wire', partitions: [{ partitionIndex: 0, offset: -7n }] }],
      timeoutMs: 1000,
    },
  ],
  [
    'delete records of a compacted topic',
    p.ApiKey.DeleteRecords,
    2,
    {
      topics: [{ name: 'wire.compacted', partitions: [{ partitionIndex: 0, offset: 0n }] }],
      timeoutMs: 1000,
    },
  ],
  ['fetch what was deleted', p.ApiKey.Fetch, 12, fetchFrom('wire', { fetchOffset: 0n })],

  [
    'metadata of a missing topic',
    p.ApiKey.Metadata,
    12,
    { topics: [{ name: 'nowhere' }], allowAutoTopicCreation: false },
  ],
  [
    'metadata of a bad name',
    p.ApiKey.Metadata,
    12,
    { topics: [{ name: 'a/b' }], allowAutoTopicCreation: true },
  ],
  [
    'metadata of a missing id',
    p.ApiKey.Metadata,
    12,
    { topics: [{ name: null, topicId: NO_TOPIC }], allowAutoTopicCreation: false },
  ],
  [
    'metadata of all',
    p.ApiKey.Metadata,
    8,
    {
      topics: null,
      allowAutoTopicCreation: false,
      includeTopicAuthorizedOperations: true,
      includeClusterAuthorizedOperations: true,
    },
  ],
  [
    'describe partitions',
    p.ApiKey.DescribeTopicPartitions,
    0,
    { topics: [{ name: 'nowhere' }, { name: 'wire' }], responsePartitionLimit: 2 },
  ],
  [
    'describe cluster',
    p.ApiKey.DescribeCluster,
    1,
    { includeClusterAuthorizedOperations: true, endpointType: 1 },
  ],
  [
    'describe controllers',
    p.ApiKey.DescribeCluster,
    1,
    { includeClusterAuthorizedOperations: false, endpointType: 2 },
  ],
  [
    'describe producers',
    p.ApiKey.DescribeProducers,
    0,
    { topics: [{ name: 'wire', partitionIndexes: [0, 9] }] },
  ],
  [
    'elect',
    p.ApiKey.ElectLeaders,
    2,
    { electionType: 0, topicPartitions: [{ topic: 'wire', partitions: [0, 9] }], timeoutMs: 1000 },
  ],
  [
    'elect all',
    p.ApiKey.ElectLeaders,
    2,
    { electionType: 0, topicPartitions: null, timeoutMs: 1000 },
  ],
  [
    'reassign',
    p.ApiKey.AlterPartitionReassignments,
    0,
    {
      topics: [
        {
          name: 'wire',
          partitions: [
            { partitionIndex: 0, replicas: [] },
            { partitionIndex: 1, replicas: [1] },
            { partitionIndex: 2, replicas: [9] },
            { partitionIndex: 7, replicas: [1] },
          ],
        },
      ],
    },
  ],
  [
    'cancel a reassignment',
    p.ApiKey.AlterPartitionReassignments,
    0,
    { topics: [{ name: 'wire', partitions: [{ partitionIndex: 0, replicas: null }] }] },
  ],
  ['list reassignments', p.ApiKey.ListPartitionReassignments, 0, {}],
  [
    'describe an unknown broker',
    p.ApiKey.DescribeConfigs,
    4,
    { resources: [{ resourceType: 4, resourceName: '9', configurationKeys: null }] },
  ],
  [
    'describe an unknown resource',
    p.ApiKey.DescribeConfigs,
    4,
    { resources: [{ resourceType: 99, resourceName: 'x', configurationKeys: null }] },
  ],
  [
    'alter a missing topic',
    p.ApiKey.IncrementalAlterConfigs,
    1,
    {
      resources: [
        {
          resourceType: 2,
          resourceName: 'nowhere',
          configs: [{ name: 'retention.ms', configOperation: 0, value: '1' }],
        },
      ],
      validateOnly: false,
    },
  ],
  [
    'append to a number',
    p.ApiKey.IncrementalAlterConfigs,
    1,
    {
      resources: [
        {
          resourceType: 2,
          resourceName: 'wire',
          configs: [{ name: 'retention.ms', configOperation: 2, value: '1' }],
        },
      ],
      validateOnly: false,
    },
  ],
  [
    'alter one key twice',
    p.ApiKey.IncrementalAlterConfigs,
    1,
    {
      resources: [
        {
          resourceType: 2,
          resourceName: 'wire',
          configs: [
            { name: 'retention.ms', configOperation: 0, value: '1' },
            { name: 'retention.ms', configOperation: 0, value: '2' },
          ],
        },
      ],
      validateOnly: false,
    },
  ],
  [
    'alter a fixed broker key',
    p.ApiKey.IncrementalAlterConfigs,
    1,
    {
      resources: [
        {
          resourceType: 4,
          resourceName: '1',
          configs: [{ name: 'node.id', configOperation: 0, value: '7' }],
        },
      ],
      validateOnly: false,
    },
  ],
  [
    'alter a dynamic broker key',
    p.ApiKey.IncrementalAlterConfigs,
    1,
    {
      resources: [
        {
          resourceType: 4,
          resourceName: '1',
          configs: [{ name: 'log.retention.ms', configOperation: 0, value: '1000000' }],
        },
      ],
      validateOnly: false,
    },
  ],
  [
    'alter an unknown resource',
    p.ApiKey.IncrementalAlterConfigs,
    1,
    { resources: [{ resourceType: 77, resourceName: '1', configs: [] }], validateOnly: false },
  ],

  [
    'find a coordinator of an unknown type',
    p.ApiKey.FindCoordinator,
    2,
    { key: 'wire-commit', keyType: 9 },
  ],
  [
    'find a coordinator',
    p.ApiKey.FindCoordinator,
    4,
    { keyType: 0, coordinatorKeys: ['wire-commit'] },
  ],
  ['join without a group', p.ApiKey.JoinGroup, 5, joining({ groupId: '' })],
  ['join with a short session', p.ApiKey.JoinGroup, 5, joining({ sessionTimeoutMs: 10 })],
  ['join as a stranger', p.ApiKey.JoinGroup, 5, joining({ memberId: 'stranger' })],
  ['join without protocols', p.ApiKey.JoinGroup, 5, joining({ protocols: [] })],
  ['join without a type', p.ApiKey.JoinGroup, 5, joining({ protocolType: '' })],
  [
    'sync as a stranger',
    p.ApiKey.SyncGroup,
    3,
    { groupId: 'wire-join', generationId: 1, memberId: 'x', assignments: [] },
  ],
  [
    'sync without a protocol',
    p.ApiKey.SyncGroup,
    5,
    { groupId: 'wire-join', generationId: 1, memberId: 'x', assignments: [] },
  ],
  [
    'heartbeat of a stranger',
    p.ApiKey.Heartbeat,
    4,
    { groupId: 'wire-join', generationId: 1, memberId: 'x' },
  ],
  [
    'heartbeat without a group',
    p.ApiKey.Heartbeat,
    4,
    { groupId: '', generationId: 1, memberId: 'x' },
  ],
  [
    'leave as a stranger',
    p.ApiKey.LeaveGroup,
    3,
    { groupId: 'wire-join', members: [{ memberId: 'x' }] },
  ],
  [
    'leave as a stranger, version 1',
    p.ApiKey.LeaveGroup,
    1,
    { groupId: 'wire-join', memberId: 'x' },
  ],
  ['commit', p.ApiKey.OffsetCommit, 8, committing({})],
  [
    'commit to a missing topic',
    p.ApiKey.OffsetCommit,
    8,
    committing({
      topics: [
        {
          name: 'nowhere',
          partitions: [{ partitionIndex: 0, committedOffset: 1n, committedMetadata: '' }],
        },
      ],
    }),
  ],
  [
    'commit as a stranger',
    p.ApiKey.OffsetCommit,
    8,
    committing({ generationIdOrMemberEpoch: 4, memberId: 'x' }),
  ],
  [
    'commit as a stranger to no group',
    p.ApiKey.OffsetCommit,
    9,
    committing({ groupId: 'none', generationIdOrMemberEpoch: 4, memberId: 'x' }),
  ],
  [
    'commit much metadata',
    p.ApiKey.OffsetCommit,
    8,
    committing({}, { committedMetadata: 'x'.repeat(5000) }),
  ],
  ['commit without a group', p.ApiKey.OffsetCommit, 8, committing({ groupId: '' })],
  [
    'fetch offsets',
    p.ApiKey.OffsetFetch,
    7,
    {
      groupId: 'wire-commit',
      topics: [
        { name: 'wire', partitionIndexes: [0, 1] },
        { name: 'nowhere', partitionIndexes: [0] },
      ],
    },
  ],
  [
    'fetch all offsets',
    p.ApiKey.OffsetFetch,
    8,
    {
      groups: [
        { groupId: 'wire-commit', topics: null },
        { groupId: 'none', topics: null },
      ],
    },
  ],
  [
    'fetch offsets of a missing id',
    p.ApiKey.OffsetFetch,
    10,
    {
      groups: [{ groupId: 'wire-commit', topics: [{ topicId: NO_TOPIC, partitionIndexes: [0] }] }],
    },
  ],
  [
    'describe groups',
    p.ApiKey.DescribeGroups,
    5,
    { groups: ['wire-commit', 'none', ''], includeAuthorizedOperations: true },
  ],
  [
    'describe groups, version 6',
    p.ApiKey.DescribeGroups,
    6,
    { groups: ['wire-commit', 'none'], includeAuthorizedOperations: false },
  ],
  [
    'list groups in no state',
    p.ApiKey.ListGroups,
    5,
    { statesFilter: ['Nonsense'], typesFilter: [] },
  ],
  [
    'list stable classic groups',
    p.ApiKey.ListGroups,
    5,
    { statesFilter: ['stable'], typesFilter: ['Classic'] },
  ],
  [
    'delete offsets of an unknown group',
    p.ApiKey.OffsetDelete,
    0,
    { groupId: 'none', topics: [{ name: 'wire', partitions: [{ partitionIndex: 0 }] }] },
  ],
  [
    'delete offsets',
    p.ApiKey.OffsetDelete,
    0,
    {
      groupId: 'wire-commit',
      topics: [{ name: 'wire', partitions: [{ partitionIndex: 0 }, { partitionIndex: 99 }] }],
    },
  ],
  ['delete groups', p.ApiKey.DeleteGroups, 2, { groupsNames: ['wire-commit', 'none', ''] }],
  [
    'transactional id of nothing',
    p.ApiKey.InitProducerId,
    4,
    { transactionalId: '', transactionTimeoutMs: 1 },
  ],
]

/** Fields whose values differ between brokers. */
const OWN =
  /^(throttleTimeMs|topicId|memberId|sessionId|clusterId|host|port|logAppendTimeMs|lastTimestamp|producerId|documentation|errorMessage|batchIndexErrorMessage|controllerId|highWatermarkOwn)$/

function comparable(value: unknown): unknown {
  if (typeof value === 'bigint') return `${value}n`
  if (value instanceof Uint8Array) return Buffer.from(value).toString('hex')
  if (Array.isArray(value)) {
    const items = value.map(comparable)
    return items.sort((a, b) => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1))
  }
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(
    Object.entries(value)
      .filter(([name]) => !OWN.test(name))
      .map(([name, field]) => [name, comparable(field)]),
  )
}

describe('Apache Kafka 4.4.0 and millrace reply alike:', () => {
  let kafka: Peer
  let millrace: Peer

  before(async () => {
    kafka = await startKafka()
    millrace = await startMillrace()
    for (const { address } of [kafka, millrace]) {
      // Kafka creates the offsets topic on the first request, and is not ready at once.
      const client = await WireClient.connect(address)
      for (let attempt = 0; attempt < 100; attempt++) {
        const found = await client.request(
          p.FindCoordinatorRequest,
          p.FindCoordinatorResponse,
          { keyType: 0, coordinatorKeys: ['wire-commit', 'wire-join'] },
          4,
        )
        const heartbeat = await client.request(p.HeartbeatRequest, p.HeartbeatResponse, {
          groupId: 'wire-join',
          generationId: 1,
          memberId: 'x',
        })
        const offsets = await client.request(
          p.OffsetFetchRequest,
          p.OffsetFetchResponse,
          { groups: [{ groupId: 'wire-commit', topics: [] }] },
          8,
        )
        const isReady =
          found.coordinators.every(({ errorCode }) => errorCode === 0) &&
          offsets.groups[0]?.errorCode === 0
        if (isReady && heartbeat.errorCode === p.ErrorCode.UNKNOWN_MEMBER_ID) break
        await new Promise((resolve) => setTimeout(resolve, 100))
      }
      client.close()
    }
  })
  after(async () => {
    await kafka?.stop()
    await millrace?.stop()
  })

  async function ask(address: string, [, key, version, message]: Case): Promise<unknown> {
    const api = p.apis.get(key)
    assert.ok(api)
    const client = await WireClient.connect(address)
    try {
      return comparable(await client.request(api.request, api.response, message, version))
    } catch (error) {
      return (error as Error).message
    } finally {
      client.close()
    }
  }

  for (const each of cases) {
    it(each[0], async () => {
      assert.deepEqual(await ask(millrace.address, each), await ask(kafka.address, each))
      // Kafka applies decisions of its controller with a delay.
      if (/create|grow|alter/.test(each[0]))
        await new Promise((resolve) => setTimeout(resolve, 120))
    })
  }

  it('bodies of random bytes, with a reply or by closing the connection', async () => {
    const random = seededRandom(11)
    const quiet = [...handlers.keys()].filter((key) => key !== p.ApiKey.Produce)
    let closed = 0
    for (let round = 0; round < 300; round++) {
      const api = p.apis.get(quiet[random.integer(quiet.length)] ?? 0)
      assert.ok(api)
      const [first, last] = p.versionBounds(api.request.versions)
      const version = first + random.integer(last - first + (api.latestVersionUnstable ? 0 : 1))
      const body = random.bytes(random.integer(24))
      const outcomes: string[] = []
      for (const { address } of [kafka, millrace]) {
        const client = await WireClient.connect(address)
        const reply = client.exchange(api, version, body).then(
          () => 'answered',
          () => 'closed',
        )
        const late = new Promise<string>((resolve) =>
          setTimeout(() => resolve('answered'), 700).unref(),
        )
        outcomes.push(await Promise.race([reply, late]))
        client.close()
      }
      if (outcomes[0] === 'closed') closed++
      assert.equal(outcomes[1], outcomes[0], `${api.name} v${version} ${body.toString('hex')}`)
    }
    assert.ok(closed > 100)
  })
})
