// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import {
  CreatePartitionsRequest,
  CreatePartitionsResponse,
  CreateTopicsRequest,
  CreateTopicsResponse,
  DeleteRecordsRequest,
  DeleteRecordsResponse,
  DeleteTopicsRequest,
  DeleteTopicsResponse,
  DescribeTopicPartitionsRequest,
  DescribeTopicPartitionsResponse,
  MetadataRequest,
  ZERO_UUID,
} from '@millrace/protocol'
import { ScriptedCluster } from '../testing/scripted-cluster.ts'
import { Admin } from './admin.ts'
import { PartialFailureError } from './caller.ts'
import type { NewTopic } from './topics.ts'

const ID = 'AAAAAAAAAAAAAAAAAAAAAA'

function setUp(nodes = 1): { readonly cluster: ScriptedCluster; readonly admin: Admin } {
  const cluster = new ScriptedCluster(nodes)
  return { cluster, admin: new Admin({ ...cluster.options, defaultApiTimeoutMs: 5000 }) }
}

/** The partial failure that the work ends with. */
async function partialFailure(
  cluster: ScriptedCluster,
  work: Promise<unknown>,
): Promise<PartialFailureError> {
  const error = await cluster.failure(work)
  assert.ok(error instanceof PartialFailureError, `${error}`)
  return error
}

describe('createTopics', () => {
  const created = (name: string, errorCode = 0, errorMessage: string | null = null) => ({
    name,
    topicId: ID,
    errorCode,
    errorMessage,
    topicConfigErrorCode: 0,
    numPartitions: 3,
    replicationFactor: 1,
    configs: null,
  })

  /** A topic, the version of the request, and the numbers and replicas that are sent. */
  const rows: readonly (readonly [
    topic: Omit<NewTopic, 'name'>,
    version: number,
    partitions: number,
    replicas: number,
    assignments: readonly (readonly number[])[],
  ])[] = [
    // The broker's defaults are -1 (KIP-464), which old brokers refuse.
    [{}, 7, -1, -1, []],
    [{}, 4, -1, -1, []],
    [{}, 3, 1, 1, []],
    [{ numPartitions: 5 }, 7, 5, -1, []],
    [{ numPartitions: 5, replicationFactor: 3 }, 2, 5, 3, []],
    // With replicas, the numbers must be -1.
    [{ assignments: [[1, 2], [2]] }, 7, -1, -1, [[1, 2], [2]]],
    [{ assignments: [[1]], numPartitions: 9, replicationFactor: 9 }, 2, -1, -1, [[1]]],
  ]
  for (const [topic, version, partitions, replicas, assignments] of rows) {
    it(`sends ${JSON.stringify(topic)} in version ${version}`, async () => {
      const { cluster, admin } = setUp()
      cluster.maxVersions.set('CreateTopics', version)
      cluster.answer(CreateTopicsRequest, CreateTopicsResponse, { topics: [created('t')] })
      await cluster.run(admin.createTopics([{ name: 't', ...topic }]))
      const [sent] = cluster.requests(CreateTopicsRequest)
      const [only] = sent?.message.topics ?? []
      assert.deepEqual(
        [sent?.version, only?.numPartitions, only?.replicationFactor],
        [version, partitions, replicas],
      )
      assert.deepEqual(
        only?.assignments.map(({ brokerIds }) => brokerIds),
        assignments,
      )
    })
  }

  it('sends the configuration and whether to validate only', async () => {
    const { cluster, admin } = setUp()
    cluster.answer(CreateTopicsRequest, CreateTopicsResponse, { topics: [created('t')] })
    const configs = { 'retention.ms': '5' }
    await cluster.run(admin.createTopics([{ name: 't', configs }], { validateOnly: true }))
    const [sent] = cluster.requests(CreateTopicsRequest)
    assert.equal(sent?.message.validateOnly, true)
    assert.equal(sent?.message.timeoutMs, 5000)
    assert.deepEqual(sent?.message.topics[0]?.configs, [{ name: 'retention.ms', value: '5' }])
  })

  it('rejects with the failures, and has the topics that were created', async () => {
    const { cluster, admin } = setUp()
    cluster.answer(CreateTopicsRequest, CreateTopicsResponse, {
      topics: [created('a'), created('b', 36, "Topic 'b' already exists."), created('c', 17)],
    })
    const error = await partialFailure(
      cluster,
      admin.createTopics([{ name: 'a' }, { name: 'b' }, { name: 'c' }]),
    )
    assert.equal(error.code, 'TOPIC_ALREADY_EXISTS')
    assert.equal(error.message, "b: Topic 'b' already exists. (and 1 more)")
    assert.deepEqual(
      [...error.errors].map(([name, { code }]) => [name, code]),
      [
        ['b', 'TOPIC_ALREADY_EXISTS'],
        ['c', 'INVALID_TOPIC_EXCEPTION'],
      ],
    )
    assert.deepEqual([...error.results.keys()], ['a'])
  })
})

describe('deleteTopics', () => {
  const deleted = (name: string | null, topicId: string, errorCode = 0) => ({
    name,
    topicId,
    errorCode,
    errorMessage: null,
  })

  /** Topics, the version of the request, and what it has. */
  const rows: readonly (readonly [
    topics: readonly string[] | { readonly topicIds: readonly string[] },
    version: number,
    sent: object,
  ])[] = [
    [['a'], 6, { topics: [{ name: 'a', topicId: ZERO_UUID }] }],
    [['a', 'b'], 5, { topicNames: ['a', 'b'] }],
    [{ topicIds: [ID] }, 6, { topics: [{ name: null, topicId: ID }] }],
  ]
  for (const [topics, version, expected] of rows) {
    it(`sends ${JSON.stringify(topics)} in version ${version}`, async () => {
      const { cluster, admin } = setUp()
      cluster.maxVersions.set('DeleteTopics', version)
      cluster.answer(DeleteTopicsRequest, DeleteTopicsResponse, { responses: [deleted('a', ID)] })
      await cluster.run(admin.deleteTopics(topics))
      const [sent] = cluster.requests(DeleteTopicsRequest)
      const found = Object.entries(sent?.message ?? {}).filter(([key]) => key in expected)
      assert.deepEqual(Object.fromEntries(found), expected)
    })
  }

  it('by id is not possible with a broker that knows names only', async () => {
    const { cluster, admin } = setUp()
    cluster.maxVersions.set('DeleteTopics', 5)
    cluster.answer(DeleteTopicsRequest, DeleteTopicsResponse, { responses: [] })
    const { code } = await cluster.failure(admin.deleteTopics({ topicIds: [ID] }))
    assert.equal(code, 'UNSUPPORTED_VERSION')
  })

  for (const [topics, name] of [
    [['a'], 'a'],
    [{ topicIds: [ID] }, ID],
  ] as const) {
    it(`names a failure by ${name}, like the request`, async () => {
      const { cluster, admin } = setUp()
      cluster.answer(DeleteTopicsRequest, DeleteTopicsResponse, {
        responses: [deleted('a', ID, 29)],
      })
      const error = await partialFailure(cluster, admin.deleteTopics(topics))
      assert.deepEqual([...error.errors.keys()], [name])
      assert.equal(error.code, 'TOPIC_AUTHORIZATION_FAILED')
    })
  }
})

describe('describeTopics', () => {
  const partition = (partitionIndex: number) => ({
    errorCode: 0,
    partitionIndex,
    leaderId: 1,
    leaderEpoch: 2,
    replicaNodes: [1],
    isrNodes: [1],
    eligibleLeaderReplicas: null,
    lastKnownElr: null,
    offlineReplicas: [],
  })
  const page = (
    topics: readonly (readonly [name: string, partitions: readonly number[], errorCode?: number])[],
    next?: readonly [topicName: string, partitionIndex: number],
  ) => ({
    topics: topics.map(([name, partitions, errorCode = 0]) => ({
      errorCode,
      name,
      topicId: ID,
      isInternal: false,
      partitions: partitions.map(partition),
      topicAuthorizedOperations: 1 << 3,
    })),
    nextCursor: next === undefined ? null : { topicName: next[0], partitionIndex: next[1] },
  })

  it('follows the cursors, and asks for the topics that are left', async () => {
    const { cluster, admin } = setUp()
    cluster.queue(
      DescribeTopicPartitionsRequest,
      DescribeTopicPartitionsResponse,
      page(
        [
          ['a', [0]],
          ['b', [0, 1]],
        ],
        ['b', 2],
      ),
      page([['b', [2, 3]]], ['c', 0]),
      page([['c', [0]]]),
    )
    const found = await cluster.run(admin.describeTopics(['c', 'a', 'b', 'a']))
    assert.deepEqual(
      [...found].map(([name, { partitions }]) => [name, partitions.map((each) => each.partition)]),
      [
        ['a', [0]],
        ['b', [0, 1, 2, 3]],
        ['c', [0]],
      ],
    )
    const sent = cluster
      .requests(DescribeTopicPartitionsRequest)
      .map(({ message }) => [
        message.topics.map(({ name }) => name).join(''),
        message.cursor?.partitionIndex,
      ])
    assert.deepEqual(sent, [
      ['abc', undefined],
      ['bc', 2],
      ['c', 0],
    ])
  })

  for (const [isRequested, expected] of [
    [true, ['read']],
    [false, undefined],
  ] as const) {
    it(`has operations if they are requested: ${isRequested}`, async () => {
      const { cluster, admin } = setUp()
      cluster.answer(
        DescribeTopicPartitionsRequest,
        DescribeTopicPartitionsResponse,
        page([['a', [0]]]),
      )
      const found = await cluster.run(
        admin.describeTopics(['a'], { includeAuthorizedOperations: isRequested }),
      )
      assert.deepEqual(found.get('a')?.authorizedOperations, expected)
    })
  }

  it('reports topics that do not exist, with the others', async () => {
    const { cluster, admin } = setUp()
    cluster.answer(
      DescribeTopicPartitionsRequest,
      DescribeTopicPartitionsResponse,
      page([
        ['a', [0]],
        ['x', [], 3],
      ]),
    )
    const error = await partialFailure(cluster, admin.describeTopics(['a', 'x']))
    assert.equal(error.errors.get('x')?.code, 'UNKNOWN_TOPIC_OR_PARTITION')
    assert.deepEqual([...error.results.keys()], ['a'])
  })

  it('by id uses Metadata', async () => {
    const { cluster, admin } = setUp()
    cluster.topic('a', [1, 1])
    cluster.queue(MetadataRequest, undefined as never, () =>
      cluster.metadata(['a'].map((name) => ({ name }))),
    )
    const found = await cluster.run(admin.describeTopics({ topicIds: [ID] }))
    assert.equal(found.get('a')?.partitions.length, 2)
    assert.equal(cluster.requests(DescribeTopicPartitionsRequest).length, 0)
  })
})

describe('createPartitions', () => {
  it('sends a total, with or without replicas', async () => {
    const { cluster, admin } = setUp()
    cluster.answer(CreatePartitionsRequest, CreatePartitionsResponse, {
      results: [
        { name: 'a', errorCode: 0, errorMessage: null },
        { name: 'b', errorCode: 37, errorMessage: 'already has 5' },
      ],
    })
    const error = await partialFailure(
      cluster,
      admin.createPartitions({ a: 4, b: { totalCount: 5, assignments: [[2, 1]] } }),
    )
    assert.equal(error.message, 'b: already has 5')
    assert.deepEqual(cluster.requests(CreatePartitionsRequest)[0]?.message.topics, [
      { name: 'a', count: 4, assignments: null },
      { name: 'b', count: 5, assignments: [{ brokerIds: [2, 1] }] },
    ])
  })
})

describe('deleteRecords', () => {
  it('asks each leader, and again where the leader moved', async () => {
    const { cluster, admin } = setUp(2)
    cluster.topic('t', [1, 2, 1])
    let isFirst = true
    cluster.answer(DeleteRecordsRequest, DeleteRecordsResponse, ({ topics }, { node }) => {
      const moved = isFirst && node === 2
      if (moved) {
        isFirst = false
        cluster.topic('t', [1, 1, 1])
      }
      return {
        topics: topics.map(({ name, partitions }) => ({
          name,
          partitions: partitions.map(({ partitionIndex, offset }) => ({
            partitionIndex,
            lowWatermark: moved ? -1n : offset + 100n,
            errorCode: moved ? 6 : 0,
          })),
        })),
      }
    })
    const low = await cluster.run(
      admin.deleteRecords([
        { topic: 't', partition: 2, offset: 2n },
        { topic: 't', partition: 1, offset: 1n },
        { topic: 't', partition: 0, offset: 0n },
      ]),
    )
    assert.deepEqual(low, [102n, 101n, 100n])
    const asked = cluster
      .requests(DeleteRecordsRequest)
      .map(
        ({ node, message }) =>
          `${node}:${message.topics[0]?.partitions.map((each) => each.partitionIndex)}`,
      )
    assert.deepEqual(asked.toSorted(), ['1:1', '1:2,0', '2:1'])
  })
})
