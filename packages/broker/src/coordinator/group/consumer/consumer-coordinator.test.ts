// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { ByteWriter } from '@millrace/base'
import { ConsumerProtocolSubscription, codecOf } from '@millrace/protocol'
import type { JoinReply, JoinRequest, SyncReply } from '../classic/classic-requests.ts'
import type { TopicPartitions } from '../modern/assignment.ts'
import { FakeTopics, ShardBench } from '../testing/shard-bench.ts'
import type { ConsumerHeartbeat, ConsumerHeartbeatReply } from './consumer-requests.ts'

/** A member that follows its assignment: it revokes at once and reports what it owns. */
class Member {
  readonly bench: Bench
  readonly id: string
  readonly options: Partial<ConsumerHeartbeat>
  epoch = 0
  owned: readonly TopicPartitions[] = []
  constructor(bench: Bench, id: string, options: Partial<ConsumerHeartbeat> = {}) {
    this.bench = bench
    this.id = id
    this.options = options
  }

  /** Sends one heartbeat and applies the reply. */
  beat(changes: Partial<ConsumerHeartbeat> = {}): ConsumerHeartbeatReply {
    const isJoining = this.epoch === 0
    const reply = this.bench.send({
      memberId: this.id,
      memberEpoch: this.epoch,
      owned: isJoining ? [] : this.owned,
      ...(isJoining
        ? { rebalanceTimeoutMs: 30_000, subscribedTopicNames: ['orders'], ...this.options }
        : {}),
      ...changes,
    })
    this.epoch = reply.memberEpoch
    if (reply.assignment !== undefined) {
      this.owned = [...reply.assignment].map(([topicId, partitions]) => ({
        topicId,
        partitions: [...partitions.keys()].sort((a, b) => a - b),
      }))
    }
    return reply
  }

  get partitions(): readonly number[] {
    return this.owned.flatMap(({ partitions }) => partitions).sort((a, b) => a - b)
  }
}

class Bench extends ShardBench {
  send(request: Partial<ConsumerHeartbeat>): ConsumerHeartbeatReply {
    return this.step((fx) =>
      this.shard.consumers.heartbeat(
        fx,
        {
          groupId: 'g',
          memberId: 'm',
          memberEpoch: 0,
          instanceId: null,
          rackId: null,
          clientId: 'client',
          clientHost: '/127.0.0.1',
          rebalanceTimeoutMs: -1,
          subscribedTopicNames: null,
          subscribedTopicRegex: null,
          serverAssignor: null,
          owned: null,
          ...request,
        },
        this.nowMs,
      ),
    )
  }

  member(id: string, options: Partial<ConsumerHeartbeat> = {}): Member {
    return new Member(this, id, options)
  }

  get group() {
    const group = this.shard.consumerGroup('g')
    assert.ok(group)
    return group
  }

  settle(...members: readonly Member[]): void {
    for (let round = 0; round < 6; round++) for (const member of members) member.beat()
    assert.equal(this.group.state, 'Stable')
  }
}

function withOrders(partitions = 6): Bench {
  const bench = new Bench()
  bench.topics.set('orders', partitions)
  return bench
}

describe('consumer groups', () => {
  it('assign all partitions to the first member in its first heartbeat', () => {
    const bench = withOrders(3)
    const a = bench.member('a')
    const reply = a.beat()
    assert.equal(reply.memberEpoch, 2, 'the epoch of a new group is 1, as in Kafka 4.4')
    assert.deepEqual(a.owned, [{ topicId: FakeTopics.idOf('orders'), partitions: [0, 1, 2] }])
    assert.equal(bench.group.state, 'Stable')
  })

  it('assign a partition to its next owner only when the previous one has revoked it', () => {
    const bench = withOrders(4)
    const [a, b] = [bench.member('a'), bench.member('b')]
    a.beat()
    b.beat()
    assert.deepEqual(b.partitions, [], 'a still has all')
    assert.equal(bench.group.state, 'Reconciling')
    const before = a.epoch
    a.beat({ owned: a.owned })
    assert.equal(a.partitions.length, 2, 'asked to revoke two')
    assert.equal(a.epoch, before, 'its epoch is unchanged until it has revoked them')
    b.beat()
    assert.deepEqual(b.partitions, [])
    a.beat()
    assert.ok(a.epoch > before)
    b.beat()
    assert.deepEqual([...a.partitions, ...b.partitions].sort(), [0, 1, 2, 3])
    assert.equal(bench.group.state, 'Stable')
  })

  it('return a short heartbeat interval while a rebalance runs, and the configured one afterwards', () => {
    const bench = withOrders()
    const a = bench.member('a')
    assert.equal(a.beat().heartbeatIntervalMs, 100)
    bench.pass(4000)
    assert.equal(a.beat().heartbeatIntervalMs, 5000)
  })

  it('fence unknown epochs, and repeat the reply to a repeated heartbeat', () => {
    const bench = withOrders()
    const [a, b] = [bench.member('a'), bench.member('b')]
    a.beat()
    const old = { epoch: a.epoch, owned: a.owned }
    b.beat()
    bench.settle(a, b)
    assert.throws(() => bench.send({ memberId: 'a', memberEpoch: a.epoch + 1 }), {
      code: 'FENCED_MEMBER_EPOCH',
    })
    assert.throws(() => bench.send({ memberId: 'a', memberEpoch: old.epoch, owned: old.owned }), {
      code: 'FENCED_MEMBER_EPOCH',
    })
    const previous = bench.group.members.get('a')?.previousMemberEpoch ?? -1
    const again = bench.send({ memberId: 'a', memberEpoch: previous, owned: a.owned })
    assert.equal(again.memberEpoch, a.epoch)
    assert.throws(() => bench.send({ memberId: 'x', memberEpoch: 3 }), {
      code: 'UNKNOWN_MEMBER_ID',
    })
    assert.throws(() => bench.send({ groupId: 'none', memberEpoch: 3 }), {
      code: 'GROUP_ID_NOT_FOUND',
    })
  })

  it('reassign the partitions of a member that leaves', () => {
    const bench = withOrders()
    const [a, b] = [bench.member('a'), bench.member('b')]
    a.beat()
    b.beat()
    bench.settle(a, b)
    bench.send({ memberId: 'a', memberEpoch: -1 })
    bench.settle(b)
    assert.equal(b.partitions.length, 6)
    bench.send({ memberId: 'b', memberEpoch: -1 })
    assert.equal(bench.group.state, 'Empty')
  })

  it('remove a member that does not heartbeat, and one that does not revoke in time', () => {
    const bench = withOrders()
    const [a, b] = [bench.member('a'), bench.member('b')]
    a.beat()
    b.beat()
    bench.settle(a, b)
    for (let i = 0; i < 5; i++) {
      bench.pass(10_000)
      a.beat()
    }
    assert.deepEqual([...bench.group.members.keys()], ['a'])
    bench.settle(a)
    const c = bench.member('c')
    c.beat()
    // It heartbeats but never reports its owned partitions.
    for (let i = 0; i < 6; i++) {
      bench.send({ memberId: 'a', memberEpoch: a.epoch })
      c.beat()
      bench.pass(5000)
    }
    assert.deepEqual([...bench.group.members.keys()], ['c'])
  })

  it('keep the partitions of a static member for its return', () => {
    const bench = withOrders()
    const instanceId = 'i'
    const [a, b] = [bench.member('a', { instanceId }), bench.member('b')]
    a.beat()
    b.beat()
    for (let round = 0; round < 6; round++) {
      a.beat({ instanceId })
      b.beat()
    }
    const had = a.partitions
    assert.equal(had.length, 3)
    assert.throws(() => bench.member('a2', { instanceId }).beat(), {
      code: 'UNRELEASED_INSTANCE_ID',
    })
    bench.send({ memberId: 'a', instanceId, memberEpoch: -2 })
    const epoch = bench.group.groupEpoch
    const back = bench.member('a2', { instanceId })
    back.beat()
    assert.deepEqual(back.partitions, had)
    assert.equal(bench.group.groupEpoch, epoch, 'no other member was affected')
    assert.throws(() => bench.send({ memberId: 'a', instanceId, memberEpoch: a.epoch }), {
      code: 'FENCED_INSTANCE_ID',
    })
  })

  it('follow new and growing topics, by name and by pattern', () => {
    const bench = withOrders(2)
    const a = bench.member('a', { subscribedTopicNames: null, subscribedTopicRegex: 'order.*' })
    a.beat()
    assert.deepEqual(a.partitions, [0, 1])
    bench.topics.set('orders', 4)
    a.beat()
    assert.deepEqual(a.partitions, [0, 1, 2, 3])
    bench.topics.set('orders-eu', 1)
    bench.topics.set('others', 1)
    a.beat()
    assert.deepEqual(
      a.owned.map(({ topicId }) => topicId).sort(),
      ['orders', 'orders-eu'].map(FakeTopics.idOf).sort(),
    )
    assert.throws(() => bench.member('b', { subscribedTopicRegex: '(' }).beat(), {
      code: 'INVALID_REGULAR_EXPRESSION',
    })
  })

  it('are the same after a restart', () => {
    const bench = withOrders()
    const [a, b] = [bench.member('a', { serverAssignor: 'range' }), bench.member('b')]
    a.beat()
    b.beat()
    bench.settle(a, b)
    const before = JSON.stringify(
      [...bench.group.members.values()].map((m) => [m.memberId, m.memberEpoch]),
    )
    bench.restart()
    const after = JSON.stringify(
      [...bench.group.members.values()].map((m) => [m.memberId, m.memberEpoch]),
    )
    assert.equal(after, before)
    a.beat()
    b.beat()
    assert.equal(bench.group.state, 'Stable')
    bench.pass(46_000)
    assert.equal(bench.group.state, 'Empty', 'sessions continue')
  })

  it('accept commits for partitions that a member owns, also with the previous epoch (KIP-1251)', () => {
    const bench = withOrders()
    const [a, b] = [bench.member('a'), bench.member('b')]
    a.beat()
    b.beat()
    bench.settle(a, b)
    const topicId = FakeTopics.idOf('orders')
    const commit = (generationId: number, partition: number): string | undefined =>
      bench.step((fx) =>
        bench.shard.offsetRequests.commit(
          fx,
          {
            groupId: 'g',
            memberId: 'a',
            groupInstanceId: null,
            generationId,
            version: 10,
            retentionMs: -1n,
            offsets: [
              { topic: 'orders', topicId, partition, offset: 1n, leaderEpoch: -1, metadata: '' },
            ],
          },
          bench.nowMs,
        ),
      )[0]
    const [kept] = a.partitions
    assert.equal(commit(a.epoch, kept ?? 0), 'NONE')
    assert.equal(commit(2, kept ?? 0), 'NONE', 'owned since epoch 2')
    assert.equal(commit(2, b.partitions[0] ?? 0), 'STALE_MEMBER_EPOCH')
    assert.equal(commit(a.epoch + 1, kept ?? 0), 'STALE_MEMBER_EPOCH')
  })
})

function subscription(topics: readonly string[]): Buffer {
  const writer = new ByteWriter(64)
  writer.int16(1)
  codecOf(ConsumerProtocolSubscription, 1).encode(writer, { topics, userData: null })
  return Buffer.from(writer.toBuffer())
}

describe('a group that changes its protocol', () => {
  function classicJoin(
    bench: Bench,
    memberId: string,
    changes: Partial<JoinRequest> = {},
  ): JoinReply {
    const token = bench.nextToken()
    bench.step((fx) =>
      bench.shard.join(
        fx,
        {
          token,
          groupId: 'g',
          memberId,
          groupInstanceId: null,
          clientId: 'client',
          clientHost: '/127.0.0.1',
          sessionTimeoutMs: 10_000,
          rebalanceTimeoutMs: 30_000,
          protocolType: 'consumer',
          protocols: [{ name: 'range', metadata: subscription(['orders']) }],
          requireKnownMemberId: false,
          supportsSkippingAssignment: true,
          reason: null,
          newId: `classic-${token}`,
          ...changes,
        },
        bench.nowMs,
      ),
    )
    return bench.replies.get(token) as JoinReply
  }

  function classicSync(bench: Bench, { memberId, generationId }: JoinReply): SyncReply {
    const token = bench.nextToken()
    bench.step((fx) =>
      bench.shard.sync(
        fx,
        {
          token,
          groupId: 'g',
          memberId,
          generationId,
          groupInstanceId: null,
          protocolType: 'consumer',
          protocolName: 'range',
          assignments: [],
        },
        bench.nowMs,
      ),
    )
    return bench.replies.get(token) as SyncReply
  }

  it('keeps its classic members when a member of the consumer protocol joins, and is converted back when it leaves', () => {
    const bench = withOrders(4)
    const first = classicJoin(bench, '')
    assert.equal(first.error, 'NONE')
    classicSync(bench, first)
    assert.equal(bench.shard.groups.get('g')?.kind, 'classic')

    const modern = bench.member('modern')
    modern.beat()
    assert.equal(bench.shard.groups.get('g')?.kind, 'consumer')
    assert.equal(bench.group.members.size, 2)
    const heartbeat = (generationId: number) =>
      bench.step((fx) =>
        bench.shard.heartbeat(
          fx,
          { groupId: 'g', memberId: first.memberId, generationId, groupInstanceId: null },
          bench.nowMs,
        ),
      )
    assert.equal(heartbeat(first.generationId), 'REBALANCE_IN_PROGRESS')
    const again = classicJoin(bench, first.memberId)
    assert.equal(again.error, 'NONE')
    const synced = classicSync(bench, again)
    assert.equal(synced.error, 'NONE')
    assert.ok(synced.assignment.length > 6, 'its partitions, as a classic member decodes them')
    bench.settle(modern)
    assert.equal(modern.partitions.length, 2)
    bench.restart()
    assert.equal(bench.group.members.size, 2)

    bench.send({ memberId: 'modern', memberEpoch: -1 })
    assert.equal(bench.shard.groups.get('g')?.kind, 'classic')
    assert.equal(bench.shard.classicGroup('g')?.members.size, 1)
    assert.equal(
      heartbeat(bench.shard.classicGroup('g')?.generationId ?? 0),
      'REBALANCE_IN_PROGRESS',
    )
    bench.restart()
    assert.equal(bench.shard.groups.get('g')?.kind, 'classic')
  })

  it('is not replaced by a request that is refused', () => {
    const rows: readonly (readonly [string, string, Partial<JoinRequest>])[] = [
      ['UNKNOWN_MEMBER_ID', 'unknown', {}],
      ['INVALID_SESSION_TIMEOUT', '', { sessionTimeoutMs: 1 }],
      ['INVALID_SESSION_TIMEOUT', '', { sessionTimeoutMs: 10_000_000 }],
      ['INCONSISTENT_GROUP_PROTOCOL', '', { protocols: [] }],
      ['INCONSISTENT_GROUP_PROTOCOL', '', { protocolType: '' }],
    ]
    for (const [error, memberId, changes] of rows) {
      const bench = withOrders(2)
      bench.member('a').beat()
      bench.send({ memberId: 'a', memberEpoch: -1 })
      assert.ok(bench.group.isEmpty)
      assert.equal(classicJoin(bench, memberId, changes).error, error)
      assert.equal(bench.shard.groups.get('g')?.kind, 'consumer', error)
      bench.restart()
      assert.equal(bench.shard.groups.get('g')?.kind, 'consumer', error)
    }
  })

  it('is classic when its only member, a static one, joins by the classic protocol', () => {
    for (const memberId of ['', 'a']) {
      const bench = withOrders(2)
      const instanceId = 'i'
      bench.member('a', { instanceId }).beat()
      const joined = classicJoin(bench, memberId, { groupInstanceId: instanceId })
      assert.equal(joined.error, 'NONE')
      assert.equal(bench.shard.groups.get('g')?.kind, 'classic', memberId)
      bench.restart()
      assert.equal(bench.shard.classicGroup('g')?.members.size, 1)
    }
  })

  it('is replaced when it is empty', () => {
    const bench = withOrders(2)
    const first = classicJoin(bench, '')
    classicSync(bench, first)
    bench.step((fx) =>
      bench.shard.leave(
        fx,
        { groupId: 'g', members: [{ memberId: first.memberId, groupInstanceId: null }] },
        bench.nowMs,
      ),
    )
    bench.member('modern').beat()
    assert.equal(bench.shard.groups.get('g')?.kind, 'consumer')
    bench.send({ memberId: 'modern', memberEpoch: -1 })
    assert.equal(classicJoin(bench, '').error, 'NONE')
    assert.equal(bench.shard.groups.get('g')?.kind, 'classic')
    bench.restart()
  })
})
