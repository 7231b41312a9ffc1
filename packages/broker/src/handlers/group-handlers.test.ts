// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import * as p from '@millrace/protocol'
import { ShareStateCoordinator } from '../coordinator/share/share-state-coordinator.ts'
import { BrokerBench } from './testing/broker-bench.ts'

let bench: BrokerBench
let topicId = ''
before(async () => {
  bench = await BrokerBench.start()
  await bench.createTopic('t', { numPartitions: 2 })
  topicId = await bench.topicId('t')
  for (let i = 0; i < 3; i++) await bench.produce('t', [i])
})
after(() => bench.close())

const name = ({ errorCode }: { readonly errorCode: number }): string => p.errorName(errorCode)

describe('ConsumerGroupHeartbeat on the wire', () => {
  const beat = async (
    more: Partial<p.MessageInput<typeof p.ConsumerGroupHeartbeatRequest>> = {},
  ): Promise<p.MessageOf<typeof p.ConsumerGroupHeartbeatResponse>> =>
    bench.client.request(p.ConsumerGroupHeartbeatRequest, p.ConsumerGroupHeartbeatResponse, {
      groupId: 'g',
      memberId: 'm',
      memberEpoch: 0,
      instanceId: null,
      rackId: null,
      rebalanceTimeoutMs: 1000,
      subscribedTopicNames: ['t'],
      serverAssignor: null,
      topicPartitions: [],
      ...more,
    })

  const invalid: readonly (readonly [
    what: string,
    more: Parameters<typeof beat>[0],
    error: string,
  ])[] = [
    ['no group id', { groupId: '' }, 'INVALID_REQUEST'],
    ['no member id', { memberId: '' }, 'INVALID_REQUEST'],
    ['an empty instance id', { instanceId: '' }, 'INVALID_REQUEST'],
    ['an empty rack', { rackId: '' }, 'INVALID_REQUEST'],
    ['joining without a time to rebalance', { rebalanceTimeoutMs: -1 }, 'INVALID_REQUEST'],
    ['joining without a report', { topicPartitions: null }, 'INVALID_REQUEST'],
    [
      'joining with partitions',
      { topicPartitions: [{ topicId: p.ZERO_UUID, partitions: [0] }] },
      'INVALID_REQUEST',
    ],
    ['joining without a subscription', { subscribedTopicNames: null }, 'INVALID_REQUEST'],
    ['an assignor that does not exist', { serverAssignor: 'x' }, 'UNSUPPORTED_ASSIGNOR'],
    ['an epoch below -2', { memberEpoch: -3 }, 'INVALID_REQUEST'],
    ['leaving for a while without an instance id', { memberEpoch: -2 }, 'INVALID_REQUEST'],
  ]
  for (const [what, more, error] of invalid) {
    it(`${what}: ${error}`, async () => assert.equal(name(await beat(more)), error))
  }

  it('assigns all partitions to the first member', async () => {
    const reply = await beat()
    assert.equal(name(reply), 'NONE')
    assert.deepEqual(
      reply.assignment?.topicPartitions.map((topic) => [topic.topicId, topic.partitions]),
      [[topicId, [0, 1]]],
    )
    const again = await beat({
      memberEpoch: reply.memberEpoch,
      subscribedTopicNames: null,
      topicPartitions: null,
    })
    assert.equal(again.assignment, null)
    assert.equal(
      name(await beat({ memberEpoch: 99, topicPartitions: null })),
      'FENCED_MEMBER_EPOCH',
    )
  })

  it('of a member is described with its assignment', async () => {
    const { groups } = await bench.client.request(
      p.ConsumerGroupDescribeRequest,
      p.ConsumerGroupDescribeResponse,
      { groupIds: ['g'], includeAuthorizedOperations: false },
    )
    const [group] = groups
    assert.equal(group?.groupState, 'Stable')
    assert.deepEqual(
      group?.members[0]?.assignment.topicPartitions.map((topic) => [
        topic.topicName,
        topic.partitions,
      ]),
      [['t', [0, 1]]],
    )
  })

  it('excludes classic requests for the group, and the other way round', async () => {
    const commit = await bench.client.request(
      p.OffsetCommitRequest,
      p.OffsetCommitResponse,
      {
        groupId: 'g',
        generationIdOrMemberEpoch: -1,
        memberId: '',
        topics: [
          {
            name: 't',
            partitions: [
              {
                partitionIndex: 0,
                committedOffset: 1n,
                committedLeaderEpoch: -1,
                committedMetadata: '',
              },
            ],
          },
        ],
      },
      9,
    )
    assert.equal(
      commit.topics[0]?.partitions.map(name).join(),
      'UNKNOWN_MEMBER_ID',
      'a stranger commits',
    )
    const heartbeat = await bench.client.request(p.HeartbeatRequest, p.HeartbeatResponse, {
      groupId: 'g',
      generationId: 1,
      memberId: 'm',
      groupInstanceId: null,
    })
    assert.equal(name(heartbeat), 'UNKNOWN_MEMBER_ID')
    const share = await bench.client.request(
      p.ShareGroupHeartbeatRequest,
      p.ShareGroupHeartbeatResponse,
      { groupId: 'g', memberId: 's', memberEpoch: 0, rackId: null, subscribedTopicNames: ['t'] },
    )
    assert.equal(name(share), 'GROUP_ID_NOT_FOUND')
  })
})

describe('the classic protocol on the wire', () => {
  const join = (memberId: string, more: object = {}) =>
    bench.client.request(p.JoinGroupRequest, p.JoinGroupResponse, {
      groupId: 'classic',
      sessionTimeoutMs: 10_000,
      rebalanceTimeoutMs: 10_000,
      memberId,
      groupInstanceId: null,
      protocolType: 'consumer',
      protocols: [{ name: 'range', metadata: Buffer.alloc(6) }],
      reason: null,
      ...more,
    })

  it('joins in two steps, syncs, beats and leaves', async () => {
    const refused = await join('')
    assert.equal(name(refused), 'MEMBER_ID_REQUIRED')
    const joined = await join(refused.memberId)
    assert.deepEqual([name(joined), joined.generationId, joined.protocolName], ['NONE', 1, 'range'])
    const { memberId } = joined
    const synced = await bench.client.request(p.SyncGroupRequest, p.SyncGroupResponse, {
      groupId: 'classic',
      generationId: 1,
      memberId,
      groupInstanceId: null,
      protocolType: 'consumer',
      protocolName: 'range',
      assignments: [{ memberId, assignment: Buffer.from('mine') }],
    })
    assert.deepEqual([name(synced), String(synced.assignment)], ['NONE', 'mine'])
    const beat = async (generationId: number) =>
      name(
        await bench.client.request(p.HeartbeatRequest, p.HeartbeatResponse, {
          groupId: 'classic',
          generationId,
          memberId,
          groupInstanceId: null,
        }),
      )
    assert.deepEqual([await beat(1), await beat(2)], ['NONE', 'ILLEGAL_GENERATION'])
    const left = await bench.client.request(p.LeaveGroupRequest, p.LeaveGroupResponse, {
      groupId: 'classic',
      members: [
        { memberId, groupInstanceId: null, reason: null },
        { memberId: 'x', groupInstanceId: null, reason: null },
      ],
    })
    assert.deepEqual(left.members.map(name), ['NONE', 'UNKNOWN_MEMBER_ID'])
    assert.equal(await beat(1), 'UNKNOWN_MEMBER_ID')
  })

  it('names an unknown type of protocol, and a bad session', async () => {
    assert.equal(name(await join('', { protocolType: '' })), 'INCONSISTENT_GROUP_PROTOCOL')
    assert.equal(name(await join('', { sessionTimeoutMs: 1 })), 'INVALID_SESSION_TIMEOUT')
    assert.equal(name(await join('', { groupId: '' })), 'INVALID_GROUP_ID')
  })
})

describe('a share group on the wire (KIP-932)', () => {
  const beat = (memberEpoch: number, subscribedTopicNames: string[] | null = null) =>
    bench.client.request(p.ShareGroupHeartbeatRequest, p.ShareGroupHeartbeatResponse, {
      groupId: 'share',
      memberId: 'member-of-22-letters-x',
      memberEpoch,
      rackId: null,
      subscribedTopicNames,
    })
  const fetch = async (epoch: number, more: object = {}) =>
    bench.client.request(p.ShareFetchRequest, p.ShareFetchResponse, {
      groupId: 'share',
      memberId: 'member-of-22-letters-x',
      shareSessionEpoch: epoch,
      maxWaitMs: 0,
      minBytes: 0,
      maxBytes: 1_000_000,
      maxRecords: 10,
      batchSize: 10,
      topics:
        epoch === 0
          ? [{ topicId, partitions: [{ partitionIndex: 0, acknowledgementBatches: [] }] }]
          : [],
      forgottenTopicsData: [],
      ...more,
    })
  const acknowledge = async (epoch: number, first: bigint, last: bigint, type: number) => {
    const reply = await bench.client.request(
      p.ShareAcknowledgeRequest,
      p.ShareAcknowledgeResponse,
      {
        groupId: 'share',
        memberId: 'member-of-22-letters-x',
        shareSessionEpoch: epoch,
        topics: [
          {
            topicId,
            partitions: [
              {
                partitionIndex: 0,
                acknowledgementBatches: [
                  { firstOffset: first, lastOffset: last, acknowledgeTypes: [type] },
                ],
              },
            ],
          },
        ],
      },
    )
    return reply.errorCode === 0
      ? (reply.responses[0]?.partitions ?? []).map(name).join()
      : name(reply)
  }

  it('assigns partitions in the first heartbeat, with one epoch for each of the two steps', async () => {
    const reply = await beat(0, ['t'])
    assert.equal(reply.memberEpoch, 3)
    assert.deepEqual(reply.assignment?.topicPartitions, [{ topicId, partitions: [0, 1] }])
    assert.equal(name(await beat(2)), 'NONE', 'the epoch before')
    assert.equal(name(await beat(-1)), 'NONE')
  })

  it('has a member without partitions while their state cannot be initialized', async (t) => {
    const other = (memberEpoch: number, subscribedTopicNames: string[] | null = null) =>
      bench.client.request(p.ShareGroupHeartbeatRequest, p.ShareGroupHeartbeatResponse, {
        groupId: 'share-late',
        memberId: 'member-of-22-letters-x',
        memberEpoch,
        rackId: null,
        subscribedTopicNames,
      })
    const failed = t.mock.method(ShareStateCoordinator.prototype, 'initialize', () =>
      Promise.reject(new p.ProtocolError('COORDINATOR_NOT_AVAILABLE', 'for the test')),
    )
    const joined = await other(0, ['t'])
    assert.deepEqual([name(joined), joined.memberEpoch], ['NONE', 2])
    assert.deepEqual(joined.assignment?.topicPartitions, [])
    assert.ok(failed.mock.callCount() > 0)
    failed.mock.restore()
    const next = await other(2)
    assert.equal(next.memberEpoch, 3)
    assert.deepEqual(next.assignment?.topicPartitions, [{ topicId, partitions: [0, 1] }])
  })

  it('acquires records, and redelivers released ones', async () => {
    await bench.client.request(
      p.IncrementalAlterConfigsRequest,
      p.IncrementalAlterConfigsResponse,
      {
        resources: [
          {
            resourceType: 32,
            resourceName: 'share',
            configs: [{ name: 'share.auto.offset.reset', configOperation: 0, value: 'earliest' }],
          },
        ],
        validateOnly: false,
      },
    )
    let joined = await beat(0, ['t'])
    while (joined.assignment === null || joined.assignment.topicPartitions.length === 0) {
      joined = await beat(joined.memberEpoch)
    }
    const acquired = (reply: Awaited<ReturnType<typeof fetch>>) =>
      (reply.responses[0]?.partitions[0]?.acquiredRecords ?? [])
        .map(
          ({ firstOffset, lastOffset, deliveryCount }) =>
            `${firstOffset}-${lastOffset}:${deliveryCount}`,
        )
        .join(' ')
    assert.equal(acquired(await fetch(0)), '0-2:1')
    assert.equal(name(await fetch(5)), 'INVALID_SHARE_SESSION_EPOCH')
    assert.equal(await acknowledge(1, 0n, 0n, 1), 'NONE')
    assert.equal(await acknowledge(2, 1n, 1n, 2), 'NONE')
    assert.equal(await acknowledge(3, 0n, 0n, 1), 'NONE', 'done long ago')
    assert.equal(await acknowledge(4, 1n, 1n, 1), 'INVALID_RECORD_STATE', 'it was released')
    assert.equal(acquired(await fetch(5)), '1-1:2')
    assert.equal(await acknowledge(6, 7n, 9n, 1), 'INVALID_REQUEST')
    assert.equal(await acknowledge(9, 1n, 1n, 1), 'INVALID_SHARE_SESSION_EPOCH')
    assert.equal(await acknowledge(-1, 1n, 2n, 1), 'NONE', 'the last request of the session')
    assert.equal(await acknowledge(7, 1n, 1n, 1), 'SHARE_SESSION_NOT_FOUND')
  })

  it('has offsets that are described, and changed only without members', async () => {
    const described = await bench.client.request(
      p.DescribeShareGroupOffsetsRequest,
      p.DescribeShareGroupOffsetsResponse,
      { groups: [{ groupId: 'share', topics: [{ topicName: 't', partitions: [0] }] }] },
    )
    // The start that was written last: the last request moved it further only in memory.
    assert.equal(described.groups[0]?.topics[0]?.partitions[0]?.startOffset, 1n)
    const alter = async () => {
      const reply = await bench.client.request(
        p.AlterShareGroupOffsetsRequest,
        p.AlterShareGroupOffsetsResponse,
        {
          groupId: 'share',
          topics: [{ topicName: 't', partitions: [{ partitionIndex: 0, startOffset: 1n }] }],
        },
      )
      return reply.errorCode === 0
        ? (reply.responses[0]?.partitions ?? []).map(name).join()
        : name(reply)
    }
    assert.equal(await alter(), 'NON_EMPTY_GROUP')
    await beat(-1)
    assert.equal(await alter(), 'NONE')
  })

  it('refuses a fetch of a member without a session', async () => {
    assert.equal(
      name(await fetch(3, { memberId: 'nobody-of-22-letters-xx' })),
      'SHARE_SESSION_NOT_FOUND',
    )
  })
})

describe('security requests of a broker without an authorizer', () => {
  it('are refused: ACLs need one', async () => {
    const described = await bench.client.request(p.DescribeAclsRequest, p.DescribeAclsResponse, {
      resourceTypeFilter: 1,
      resourceNameFilter: null,
      patternTypeFilter: 1,
      principalFilter: null,
      hostFilter: null,
      operation: 1,
      permissionType: 1,
    })
    assert.equal(name(described), 'SECURITY_DISABLED')
  })

  it('keep SCRAM credentials, whose secrets are not returned', async () => {
    const alter = async (iterations: number) => {
      const { results } = await bench.client.request(
        p.AlterUserScramCredentialsRequest,
        p.AlterUserScramCredentialsResponse,
        {
          deletions: [],
          upsertions: [
            {
              name: 'u',
              mechanism: 1,
              iterations,
              salt: Buffer.from('salt'),
              saltedPassword: Buffer.alloc(32),
            },
          ],
        },
      )
      return results.map(name).join()
    }
    assert.equal(await alter(4096), 'NONE')
    assert.equal(await alter(4095), 'UNACCEPTABLE_CREDENTIAL')
    assert.equal(await alter(16_385), 'UNACCEPTABLE_CREDENTIAL')
    const { results } = await bench.client.request(
      p.DescribeUserScramCredentialsRequest,
      p.DescribeUserScramCredentialsResponse,
      { users: [{ name: 'u' }, { name: 'nobody' }] },
    )
    assert.deepEqual(results.map(name), ['NONE', 'RESOURCE_NOT_FOUND'])
    assert.deepEqual(results[0]?.credentialInfos, [{ mechanism: 1, iterations: 4096 }])
  })

  it('keep quotas', async () => {
    const entity = [{ entityType: 'user', entityName: 'u' }]
    const altered = await bench.client.request(
      p.AlterClientQuotasRequest,
      p.AlterClientQuotasResponse,
      {
        entries: [{ entity, ops: [{ key: 'producer_byte_rate', value: 1024, remove: false }] }],
        validateOnly: false,
      },
    )
    assert.deepEqual(altered.entries.map(name), ['NONE'])
    const described = await bench.client.request(
      p.DescribeClientQuotasRequest,
      p.DescribeClientQuotasResponse,
      { components: [{ entityType: 'user', matchType: 0, match: 'u' }], strict: true },
    )
    assert.deepEqual(
      described.entries?.flatMap(({ values }) => values.map(({ key, value }) => `${key}=${value}`)),
      ['producer_byte_rate=1024'],
    )
  })
})

describe('ApiVersions', () => {
  it('lists ranges, features and no unstable version', async () => {
    const reply = await bench.client.request(p.ApiVersionsRequest, p.ApiVersionsResponse, {
      clientSoftwareName: 'test',
      clientSoftwareVersion: '1.0',
    })
    assert.equal(name(reply), 'NONE')
    for (const { apiKey, minVersion, maxVersion } of reply.apiKeys) {
      const api = p.apis.get(apiKey)
      assert.ok(api)
      const [oldest, newest] = p.versionBounds(api.request.versions)
      // Of Produce version 0 is listed, for old clients that look for it.
      if (api.name !== 'Produce') assert.ok(minVersion >= oldest, api.name)
      assert.ok(maxVersion <= newest, api.name)
      if (api.latestVersionUnstable) assert.ok(maxVersion < newest, api.name)
    }
    const features = new Map(
      reply.finalizedFeatures.map((feature) => [feature.name, feature.maxVersionLevel]),
    )
    assert.deepEqual(
      ['group.version', 'transaction.version', 'share.version'].map((each) => features.get(each)),
      [1, 2, 2],
    )
  })

  it('refuses a client name that is not a name', async () => {
    const reply = await bench.client.request(p.ApiVersionsRequest, p.ApiVersionsResponse, {
      clientSoftwareName: ' ',
      clientSoftwareVersion: '1.0',
    })
    assert.equal(name(reply), 'INVALID_REQUEST')
  })
})
