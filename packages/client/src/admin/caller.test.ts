// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import {
  DeleteGroupsRequest,
  DeleteGroupsResponse,
  DescribeConfigsRequest,
  DescribeConfigsResponse,
  FindCoordinatorRequest,
  IncrementalAlterConfigsRequest,
  IncrementalAlterConfigsResponse,
  ListGroupsRequest,
  ListGroupsResponse,
  OffsetDeleteRequest,
  OffsetDeleteResponse,
} from '@millrace/protocol'
import { ScriptedCluster } from '../testing/scripted-cluster.ts'
import { Admin } from './admin.ts'
import { PartialFailureError } from './caller.ts'
import {
  AclOperation,
  AlterConfigOperation,
  ConfigResourceType,
  codeOf,
  nameOf,
  operationsOf,
} from './names.ts'

function setUp(nodes = 1): { readonly cluster: ScriptedCluster; readonly admin: Admin } {
  const cluster = new ScriptedCluster(nodes)
  return { cluster, admin: new Admin({ ...cluster.options, defaultApiTimeoutMs: 5000 }) }
}

describe('a request to a coordinator', () => {
  const deleted = (errorCode: number) => ({ results: [{ groupId: 'g', errorCode }] })

  /** Error codes of the replies, the number of lookups of the coordinator, and the outcome. */
  const rows: readonly (readonly [
    title: string,
    codes: readonly number[],
    lookups: number,
    outcome: string | undefined,
  ])[] = [
    ['succeeds', [0], 1, undefined],
    ['is sent to the new coordinator', [16, 0], 2, undefined],
    ['waits while the coordinator loads', [14, 14, 0], 3, undefined],
    ['fails for good', [68], 1, 'NON_EMPTY_GROUP'],
    ['fails for good after a retry', [16, 69], 2, 'GROUP_ID_NOT_FOUND'],
  ]
  for (const [title, codes, lookups, outcome] of rows) {
    it(title, async () => {
      const { cluster, admin } = setUp(2)
      cluster.queue(DeleteGroupsRequest, DeleteGroupsResponse, ...codes.map(deleted))
      const work = admin.deleteConsumerGroups(['g'])
      if (outcome === undefined) await cluster.run(work)
      else assert.equal((await cluster.failure(work)).code, outcome)
      assert.equal(cluster.requests(DeleteGroupsRequest).length, codes.length)
      assert.equal(cluster.requests(FindCoordinatorRequest).length, lookups)
    })
  }

  it('is repeated until the time-out, and then has the last error', async () => {
    const { cluster, admin } = setUp()
    cluster.answer(DeleteGroupsRequest, DeleteGroupsResponse, deleted(15))
    const { code } = await cluster.failure(admin.deleteConsumerGroups(['g']))
    assert.equal(code, 'COORDINATOR_NOT_AVAILABLE')
    assert.ok(cluster.nowMs >= 5000 && cluster.nowMs < 8000, `${cluster.nowMs}`)
  })

  it('fails for its group only', async () => {
    const { cluster, admin } = setUp()
    cluster.answer(DeleteGroupsRequest, DeleteGroupsResponse, ({ groupsNames }) => ({
      results: groupsNames.map((groupId) => ({ groupId, errorCode: groupId === 'b' ? 68 : 0 })),
    }))
    const error = await cluster.failure(admin.deleteConsumerGroups(['a', 'b', 'c']))
    assert.ok(error instanceof PartialFailureError)
    assert.equal(error.code, 'NON_EMPTY_GROUP')
    assert.match(error.message, /^group b: /)
    assert.deepEqual([...error.errors.keys()], ['b'])
    assert.deepEqual([...error.results.keys()].toSorted(), ['a', 'c'])
  })
})

describe('a request to all brokers', () => {
  it('joins their replies, sorted', async () => {
    const { cluster, admin } = setUp(3)
    cluster.answer(ListGroupsRequest, ListGroupsResponse, (_request, { node }) => ({
      errorCode: 0,
      groups: [`z${node}`, `a${node}`].map((groupId) => ({
        groupId,
        protocolType: 'consumer',
        groupState: 'Stable',
        groupType: 'Classic',
      })),
    }))
    const groups = await cluster.run(admin.listGroups({ states: ['Stable'], types: ['classic'] }))
    assert.deepEqual(
      groups.map(({ groupId }) => groupId),
      ['a1', 'a2', 'a3', 'z1', 'z2', 'z3'],
    )
    assert.deepEqual(
      cluster
        .requests(ListGroupsRequest)
        .map(({ node }) => node)
        .toSorted(),
      [1, 2, 3],
    )
    const [sent] = cluster.requests(ListGroupsRequest)
    assert.deepEqual(
      [sent?.message.statesFilter, sent?.message.typesFilter],
      [['Stable'], ['classic']],
    )
  })

  it('fails if one of them fails', async () => {
    const { cluster, admin } = setUp(2)
    cluster.answer(ListGroupsRequest, ListGroupsResponse, (_request, { node }) => ({
      errorCode: node === 2 ? 30 : 0,
      groups: [],
    }))
    const { code, message } = await cluster.failure(admin.listGroups())
    assert.equal(code, 'GROUP_AUTHORIZATION_FAILED')
    assert.match(message, /^ListGroups: /)
  })
})

describe('a configuration', () => {
  /** Resources of a request, and the brokers that are asked for them. */
  const rows: readonly (readonly [resources: readonly string[], asked: readonly string[]])[] = [
    [['topic t', 'topic u'], ['any: topic t, topic u']],
    // The configuration of a broker is what that broker has loaded.
    [['broker 2'], ['2: broker 2']],
    [
      ['broker 1', 'topic t', 'broker 2', 'broker 1'],
      ['1: broker 1, broker 1', '2: broker 2', 'any: topic t'],
    ],
    [['broker-logger 2'], ['2: broker-logger 2']],
    [['broker '], ['any: broker ']],
    [['group g', 'client-metrics m'], ['any: group g, client-metrics m']],
  ]
  for (const [resources, asked] of rows) {
    it(`of ${resources.join(', ')}`, async () => {
      const { cluster, admin } = setUp(2)
      cluster.answer(DescribeConfigsRequest, DescribeConfigsResponse, (request) => ({
        results: request.resources.map(({ resourceType, resourceName }) => ({
          errorCode: 0,
          errorMessage: null,
          resourceType,
          resourceName,
          configs: [],
        })),
      }))
      const given = resources.map((text) => {
        const [type = '', name = ''] = text.split(' ')
        return { type: type as ConfigResourceType, name }
      })
      await cluster.run(admin.describeConfigs(given))
      const found = cluster.requests(DescribeConfigsRequest).map(({ node, message }) => {
        const names = message.resources.map(
          ({ resourceType, resourceName }) =>
            `${nameOf(ConfigResourceType, resourceType)} ${resourceName}`,
        )
        const isOfNode = names.every((name) => /^broker(-logger)? \d/.test(name))
        return `${isOfNode ? node : 'any'}: ${names.join(', ')}`
      })
      assert.deepEqual(found.toSorted(), asked)
    })
  }

  /** A change, and the operation and value that are sent. */
  const changes: readonly (readonly [
    change: { readonly value?: string | null; readonly operation?: AlterConfigOperation },
    operation: number,
    value: string | null,
  ])[] = [
    [{ value: '5' }, 0, '5'],
    [{ value: '' }, 0, ''],
    [{}, 1, null],
    [{ value: null }, 1, null],
    [{ operation: 'append', value: 'compact' }, 2, 'compact'],
    [{ operation: 'subtract', value: 'delete' }, 3, 'delete'],
    [{ operation: 'delete', value: '5' }, 1, '5'],
  ]
  for (const [change, operation, value] of changes) {
    it(`is changed by ${JSON.stringify(change)}`, async () => {
      const { cluster, admin } = setUp()
      cluster.answer(IncrementalAlterConfigsRequest, IncrementalAlterConfigsResponse, {
        responses: [{ errorCode: 0, errorMessage: null, resourceType: 2, resourceName: 't' }],
      })
      const resource = { type: 'topic', name: 't', changes: [{ name: 'k', ...change }] } as const
      await cluster.run(admin.incrementalAlterConfigs([resource]))
      const [sent] = cluster.requests(IncrementalAlterConfigsRequest)
      assert.deepEqual(sent?.message.resources[0]?.configs, [
        { name: 'k', configOperation: operation, value },
      ])
    })
  }
})

describe('offsets of a group', () => {
  it('that cannot be deleted are named', async () => {
    const { cluster, admin } = setUp()
    cluster.answer(OffsetDeleteRequest, OffsetDeleteResponse, {
      errorCode: 0,
      topics: [
        {
          name: 't',
          partitions: [
            { partitionIndex: 0, errorCode: 0 },
            { partitionIndex: 1, errorCode: 86 },
          ],
        },
      ],
    })
    const { code, message } = await cluster.failure(
      admin.deleteConsumerGroupOffsets('g', [
        { topic: 't', partition: 0 },
        { topic: 't', partition: 1 },
      ]),
    )
    assert.equal(code, 'GROUP_SUBSCRIBED_TO_TOPIC')
    assert.match(message, /^g: t-1: /)
  })
})

describe('names of codes', () => {
  it('are those of Kafka, and numbers of later versions are texts', () => {
    assert.equal(codeOf('type', ConfigResourceType, 'group'), 32)
    assert.equal(nameOf(ConfigResourceType, 32), 'group')
    assert.equal(nameOf(ConfigResourceType, 64), '64')
    for (const name of ['Topic', 'toString', '2']) {
      assert.throws(
        () => codeOf('type', ConfigResourceType, name as 'topic'),
        /topic, broker/,
        name,
      )
    }
    assert.throws(() => codeOf('operation', AlterConfigOperation, 'add' as 'append'), /subtract/)
  })

  const bits: readonly (readonly [number, readonly AclOperation[] | undefined])[] = [
    [-2147483648, undefined],
    [0, []],
    [1 << 3, ['read']],
    [(1 << 3) | (1 << 8), ['read', 'describe']],
    [1 << AclOperation.twoPhaseCommit, ['twoPhaseCommit']],
  ]
  for (const [value, expected] of bits) {
    it(`of the operations ${value}`, () => assert.deepEqual(operationsOf(value), expected))
  }
})
