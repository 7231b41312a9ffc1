// SPDX-License-Identifier: Apache-2.0

import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { ShardBench } from '../testing/shard-bench.ts'
import type { JoinReply, JoinRequest, SyncReply } from './classic-requests.ts'

/** Sends requests of the classic protocol to one group. */
class Bench extends ShardBench {
  join(memberId: string, options: Partial<JoinRequest> = {}): () => JoinReply | undefined {
    const token = this.nextToken()
    this.step((fx) =>
      this.shard.classic.join(
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
          protocols: [{ name: 'range', metadata: Buffer.from('subscription') }],
          requireKnownMemberId: false,
          supportsSkippingAssignment: true,
          reason: null,
          newId: `member-${token}`,
          ...options,
        },
        this.nowMs,
      ),
    )
    return () => this.replies.get(token) as JoinReply | undefined
  }

  sync(
    memberId: string,
    generationId: number,
    assignments: Readonly<Record<string, string>> = {},
  ): () => SyncReply | undefined {
    const token = this.nextToken()
    this.step((fx) =>
      this.shard.classic.sync(
        fx,
        {
          token,
          groupId: 'g',
          memberId,
          generationId,
          groupInstanceId: null,
          protocolType: 'consumer',
          protocolName: 'range',
          assignments: Object.entries(assignments).map(([id, text]) => ({
            memberId: id,
            assignment: Buffer.from(text),
          })),
        },
        this.nowMs,
      ),
    )
    return () => this.replies.get(token) as SyncReply | undefined
  }

  heartbeat(memberId: string, generationId: number, groupInstanceId: string | null = null) {
    return this.step((fx) =>
      this.shard.classic.heartbeat(
        fx,
        { groupId: 'g', memberId, generationId, groupInstanceId },
        this.nowMs,
      ),
    )
  }

  /** Joins and syncs one member. */
  stable(): string {
    const reply = this.join('')()
    assert.equal(reply?.error, 'NONE')
    const id = reply?.memberId ?? ''
    this.sync(id, 1, { [id]: 'all' })
    return id
  }
}

describe('a classic group', () => {
  it("makes the first member the leader and returns the leader's assignments to all members", () => {
    const bench = new Bench()
    const a = bench.stable()
    const second = bench.join('')
    assert.equal(second(), undefined, 'waits for the first member to rejoin')
    assert.equal(bench.heartbeat(a, 1), 'REBALANCE_IN_PROGRESS')
    const first = bench.join(a)
    assert.equal(first()?.generationId, 2)
    assert.equal(first()?.leaderId, a)
    assert.equal(first()?.members.length, 2)
    assert.equal(second()?.members.length, 0, 'only the leader gets the member list')
    const b = second()?.memberId ?? ''
    const waiting = bench.sync(b, 2)
    assert.equal(waiting(), undefined)
    bench.sync(a, 2, { [a]: 'one', [b]: 'two' })
    assert.equal(String(waiting()?.assignment), 'two')
    assert.equal(bench.heartbeat(b, 2), 'NONE')
  })

  it('requires new members to rejoin with the member id they were assigned (KIP-394)', () => {
    const bench = new Bench()
    const refused = bench.join('', { requireKnownMemberId: true })()
    assert.equal(refused?.error, 'MEMBER_ID_REQUIRED')
    assert.equal(bench.join(refused?.memberId ?? '')()?.error, 'NONE')
    assert.equal(bench.join('never-seen')()?.error, 'UNKNOWN_MEMBER_ID')
  })

  it('returns the same errors as Kafka', () => {
    const bench = new Bench()
    const id = bench.stable()
    assert.equal(bench.join('', { groupId: '' })()?.error, 'INVALID_GROUP_ID')
    assert.equal(bench.join('', { sessionTimeoutMs: 1 })()?.error, 'INVALID_SESSION_TIMEOUT')
    assert.equal(
      bench.join('', { protocolType: 'connect' })()?.error,
      'INCONSISTENT_GROUP_PROTOCOL',
    )
    assert.equal(bench.heartbeat(id, 9), 'ILLEGAL_GENERATION')
    assert.equal(bench.heartbeat('other', 1), 'UNKNOWN_MEMBER_ID')
    assert.equal(bench.sync(id, 9)()?.error, 'ILLEGAL_GENERATION')
    assert.equal(new Bench({ maxSize: 0 }).join('')()?.error, 'GROUP_MAX_SIZE_REACHED')
  })

  it('removes a member whose session times out, and one that rejoins too late', () => {
    const bench = new Bench()
    const a = bench.stable()
    bench.pass(9000)
    assert.equal(bench.heartbeat(a, 1), 'NONE')
    bench.pass(9000)
    assert.equal(bench.shard.groups.get('g')?.state, 'Stable')
    bench.pass(2000)
    assert.equal(bench.shard.groups.get('g')?.state, 'Empty')
    const b = bench.join('')()?.memberId ?? ''
    bench.sync(b, 3, { [b]: 'all' })
    const late = bench.join('')
    // `b` heartbeats but never rejoins: after its rebalance timeout the group continues without it.
    for (let i = 0; i < 7; i++) {
      bench.pass(5000)
      bench.heartbeat(b, bench.shard.classicGroup('g')?.generationId ?? 0)
    }
    assert.equal(late()?.error, 'NONE')
    assert.equal(bench.shard.classicGroup('g')?.members.size, 1)
  })

  it('rebalances without a member that never sends SyncGroup', () => {
    const bench = new Bench()
    const a = bench.join('')()?.memberId ?? ''
    for (let i = 0; i < 7; i++) {
      bench.heartbeat(a, 1)
      bench.pass(5000)
    }
    assert.equal(bench.shard.classicGroup('g')?.members.size, 0)
  })

  it('waits for the initial delay, longer while members keep joining', () => {
    const bench = new Bench({ initialRebalanceDelayMs: 3000 })
    const first = bench.join('')
    bench.pass(2900)
    const second = bench.join('')
    bench.pass(2900)
    assert.equal(first(), undefined)
    bench.pass(3000)
    assert.equal(first()?.generationId, 1)
    assert.equal(second()?.generationId, 1)
  })

  it('lets a static member rejoin without a rebalance, and fences its previous instance', () => {
    const bench = new Bench()
    const id = bench.join('', { groupInstanceId: 'one' })()?.memberId ?? ''
    bench.sync(id, 1, { [id]: 'all' })
    const again = bench.join('', { groupInstanceId: 'one' })()
    assert.equal(again?.error, 'NONE')
    assert.equal(again?.generationId, 1)
    assert.notEqual(again?.memberId, id)
    assert.equal(again?.skipAssignment, true, 'it is the leader, and must not assign (KIP-814)')
    assert.equal(bench.heartbeat(id, 1, 'one'), 'FENCED_INSTANCE_ID')
    assert.equal(bench.heartbeat(again?.memberId ?? '', 1, 'one'), 'NONE')
  })

  it('is the same after its log is replayed', () => {
    const bench = new Bench()
    const id = bench.stable()
    bench.restart()
    const group = bench.shard.classicGroup('g')
    assert.equal(group?.state, 'Stable')
    assert.equal(group?.generationId, 1)
    assert.equal(String(group?.members.get(id)?.assignment), 'all')
    assert.equal(bench.heartbeat(id, 1), 'NONE')
    bench.pass(11_000)
    assert.equal(
      bench.shard.classicGroup('g')?.members.size,
      0,
      'sessions continue after a restart',
    )
  })

  it('lets members leave, by member id or by instance id', () => {
    const bench = new Bench()
    const id = bench.join('', { groupInstanceId: 'one' })()?.memberId ?? ''
    bench.sync(id, 1, { [id]: 'all' })
    const leave = (members: { memberId: string; groupInstanceId: string | null }[]) =>
      bench
        .step((fx) => bench.shard.classic.leave(fx, { groupId: 'g', members }, bench.nowMs))
        .members.map(({ error }) => error)
    assert.deepEqual(leave([{ memberId: 'x', groupInstanceId: null }]), ['UNKNOWN_MEMBER_ID'])
    assert.deepEqual(leave([{ memberId: 'x', groupInstanceId: 'one' }]), ['FENCED_INSTANCE_ID'])
    assert.deepEqual(leave([{ memberId: '', groupInstanceId: 'one' }]), ['NONE'])
    assert.equal(bench.shard.groups.get('g')?.state, 'Empty')
  })
})

describe('offsets', () => {
  function commit(
    bench: Bench,
    options: {
      generationId?: number
      memberId?: string
      offset?: bigint
      metadata?: string
      version?: number
    } = {},
  ) {
    return bench.step((fx) =>
      bench.shard.offsetRequests.commit(
        fx,
        {
          groupId: 'g',
          memberId: options.memberId ?? '',
          generationId: options.generationId ?? -1,
          groupInstanceId: null,
          version: options.version ?? 8,
          retentionMs: -1n,
          offsets: [
            {
              topic: 't',
              topicId: 'AAAAAAAAAAAAAAAAAAAAAA',
              partition: 0,
              offset: options.offset ?? 5n,
              leaderEpoch: -1,
              metadata: options.metadata ?? '',
            },
          ],
        },
        bench.nowMs,
      ),
    )[0]
  }
  const offset = (bench: Bench): bigint | undefined =>
    bench.shard.offsets.of('g').get('t')?.get(0)?.offset

  it('of a simple consumer need no group, and survive a restart', () => {
    const bench = new Bench()
    assert.equal(commit(bench), 'NONE')
    bench.restart()
    assert.equal(offset(bench), 5n)
    assert.equal(bench.shard.groups.get('g')?.state, 'Empty')
  })

  it('are accepted only from members of the generation', () => {
    const bench = new Bench()
    assert.equal(commit(bench, { generationId: 1, memberId: 'x' }), 'ILLEGAL_GENERATION')
    assert.equal(
      commit(bench, { generationId: 1, memberId: 'x', version: 9 }),
      'GROUP_ID_NOT_FOUND',
    )
    const id = bench.stable()
    assert.equal(commit(bench), 'UNKNOWN_MEMBER_ID', 'a client outside of an active group')
    assert.equal(commit(bench, { memberId: id, generationId: 7 }), 'ILLEGAL_GENERATION')
    assert.equal(commit(bench, { memberId: id, generationId: 1, offset: 9n }), 'NONE')
    assert.equal(offset(bench), 9n)
    assert.equal(
      commit(bench, { memberId: id, generationId: 1, metadata: 'x'.repeat(101) }),
      'OFFSET_METADATA_TOO_LARGE',
    )
  })

  it('expire with their empty group', () => {
    const bench = new Bench()
    commit(bench)
    bench.pass(59_000)
    bench.step((fx) => bench.shard.offsetRequests.expire(fx, bench.nowMs))
    assert.equal(offset(bench), 5n)
    bench.pass(2000)
    bench.step((fx) => bench.shard.offsetRequests.expire(fx, bench.nowMs))
    assert.equal(offset(bench), undefined)
    assert.equal(bench.shard.groups.has('g'), false)
    bench.restart()
    assert.equal(bench.shard.groups.has('g'), false)
  })

  it('are deleted with their topic and with their group', () => {
    const bench = new Bench()
    commit(bench)
    bench.step((fx) => bench.shard.offsetRequests.deleteTopics(fx, new Set(['t'])))
    assert.equal(offset(bench), undefined)
    commit(bench)
    assert.equal(
      bench.step((fx) => bench.shard.deleteGroup(fx, 'g')),
      'NONE',
    )
    assert.equal(
      bench.step((fx) => bench.shard.deleteGroup(fx, 'g')),
      'GROUP_ID_NOT_FOUND',
    )
    const id = bench.stable()
    assert.equal(
      bench.step((fx) => bench.shard.deleteGroup(fx, 'g')),
      'NON_EMPTY_GROUP',
    )
    assert.ok(id)
  })
})
