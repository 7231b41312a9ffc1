// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { ErrorName } from '@millrace/protocol'
import { ShardBench } from '../testing/shard-bench.ts'
import type { JoinReply, JoinRequest, SyncReply } from './classic-requests.ts'

type State = 'no group' | 'Empty' | 'PreparingRebalance' | 'CompletingRebalance' | 'Stable'

/**
 * A classic group in a state: `a` leads it and is static as `ia`, `b` follows. While it prepares a
 * rebalance, `b` has joined and `a` has not.
 */
class Bench extends ShardBench {
  readonly ids = new Map<string, string>()
  generationId = 0

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

  sync(memberId: string, options: Readonly<Record<string, unknown>> = {}) {
    const token = this.nextToken()
    this.step((fx) =>
      this.shard.classic.sync(
        fx,
        {
          token,
          groupId: 'g',
          memberId,
          generationId: this.generationId,
          groupInstanceId: null,
          protocolType: 'consumer',
          protocolName: 'range',
          assignments: [],
          ...options,
        },
        this.nowMs,
      ),
    )
    return () => this.replies.get(token) as SyncReply | undefined
  }

  get state(): string {
    return this.shard.groups.get('g')?.state ?? 'no group'
  }

  id(name: string): string {
    return this.ids.get(name) ?? name
  }

  instanceOf(name: string): string | null {
    return name === 'a' ? 'ia' : null
  }

  reach(state: State): this {
    if (state === 'no group') return this
    const first = this.join('', { groupInstanceId: 'ia' })()
    this.ids.set('a', first?.memberId ?? '')
    this.generationId = 1
    this.sync(this.id('a'), {
      groupInstanceId: 'ia',
      assignments: [{ memberId: this.id('a'), assignment: Buffer.from('all') }],
    })
    if (state === 'Empty') {
      this.leave('a')
      assert.equal(this.state, state)
      return this
    }
    // The newcomer starts a rebalance that waits for `a`.
    const second = this.join('')
    if (state !== 'PreparingRebalance') {
      this.join(this.id('a'), { groupInstanceId: 'ia' })
      this.ids.set('b', second()?.memberId ?? '')
      this.generationId = 2
    }
    if (state === 'Stable') {
      this.sync(this.id('b'))
      this.sync(this.id('a'), {
        groupInstanceId: 'ia',
        assignments: [
          { memberId: this.id('a'), assignment: Buffer.from('for a') },
          { memberId: this.id('b'), assignment: Buffer.from('for b') },
        ],
      })
    }
    assert.equal(this.state, state)
    return this
  }

  heartbeat(name: string, change = 0, groupInstanceId = this.instanceOf(name)): ErrorName {
    return this.step((fx) =>
      this.shard.classic.heartbeat(
        fx,
        {
          groupId: 'g',
          memberId: this.id(name),
          generationId: this.generationId + change,
          groupInstanceId,
        },
        this.nowMs,
      ),
    )
  }

  leave(name: string, groupInstanceId = this.instanceOf(name)): string {
    const reply = this.step((fx) =>
      this.shard.classic.leave(
        fx,
        { groupId: 'g', members: [{ memberId: this.id(name), groupInstanceId }] },
        this.nowMs,
      ),
    )
    return reply.error === 'NONE' ? (reply.members[0]?.error ?? '') : reply.error
  }

  /** The error of a reply, or that it waits. */
  of(reply: () => { readonly error: ErrorName } | undefined): string {
    return reply()?.error ?? 'waits'
  }
}

/** Outcome of each request by state; `-` where the state has no such member. */
interface Row {
  readonly request: string
  readonly send: (bench: Bench) => string
  readonly outcomes: Readonly<Record<State, string>>
}

const U = 'UNKNOWN_MEMBER_ID'
const G = 'ILLEGAL_GENERATION'
const R = 'REBALANCE_IN_PROGRESS'
const row = (
  request: string,
  send: Row['send'],
  [none, empty, preparing, completing, stable]: readonly [string, string, string, string, string],
): Row => ({
  request,
  send,
  outcomes: {
    'no group': none,
    Empty: empty,
    PreparingRebalance: preparing,
    CompletingRebalance: completing,
    Stable: stable,
  },
})

const rows: readonly Row[] = [
  row('Heartbeat', (bench) => bench.heartbeat('a'), [U, U, R, 'NONE', 'NONE']),
  row('Heartbeat of an unknown member', (bench) => bench.heartbeat('x'), [U, U, U, U, U]),
  row('Heartbeat of an old generation', (bench) => bench.heartbeat('a', -1), [U, U, G, G, G]),
  row('Heartbeat of a later generation', (bench) => bench.heartbeat('a', 1), [U, U, G, G, G]),
  row('Heartbeat of another member as static', (bench) => bench.heartbeat('x', 0, 'ia'), [
    U,
    U,
    'FENCED_INSTANCE_ID',
    'FENCED_INSTANCE_ID',
    'FENCED_INSTANCE_ID',
  ]),
  row('JoinGroup of a newcomer', (bench) => bench.of(bench.join('')), [
    'NONE',
    'NONE',
    'waits',
    'waits',
    'waits',
  ]),
  row('JoinGroup of an unknown member', (bench) => bench.of(bench.join('x')), [U, U, U, U, U]),
  row(
    'JoinGroup of a newcomer that must return with its id',
    (bench) => bench.of(bench.join('', { requireKnownMemberId: true })),
    Array(5).fill('MEMBER_ID_REQUIRED') as never,
  ),
  row(
    'JoinGroup with a session too short',
    (bench) => bench.of(bench.join('', { sessionTimeoutMs: 5999 })),
    Array(5).fill('INVALID_SESSION_TIMEOUT') as never,
  ),
  row(
    'JoinGroup with a session too long',
    (bench) => bench.of(bench.join('', { sessionTimeoutMs: 1_800_001 })),
    Array(5).fill('INVALID_SESSION_TIMEOUT') as never,
  ),
  row(
    'JoinGroup of another protocol type',
    (bench) => bench.of(bench.join('', { protocolType: 'connect' })),
    ['NONE', 'NONE', ...(Array(3).fill('INCONSISTENT_GROUP_PROTOCOL') as [string, string, string])],
  ),
  row(
    'JoinGroup without an assignor in common',
    (bench) => bench.of(bench.join('', { protocols: [{ name: 'x', metadata: Buffer.alloc(0) }] })),
    ['NONE', 'NONE', ...(Array(3).fill('INCONSISTENT_GROUP_PROTOCOL') as [string, string, string])],
  ),
  row(
    'JoinGroup without an assignor',
    (bench) => bench.of(bench.join('', { protocols: [] })),
    Array(5).fill('INCONSISTENT_GROUP_PROTOCOL') as never,
  ),
  row(
    'JoinGroup of the leader that is unchanged',
    (bench) => bench.of(bench.join(bench.id('a'), { groupInstanceId: 'ia' })),
    // A leader that joins a stable group asks for a rebalance; `b` has to join, too.
    [U, U, 'NONE', 'NONE', 'waits'],
  ),
  row(
    'JoinGroup of a follower that is unchanged',
    (bench) => (bench.ids.has('b') ? bench.of(bench.join(bench.id('b'))) : '-'),
    ['-', '-', '-', 'NONE', 'NONE'],
  ),
  row('SyncGroup', (bench) => bench.of(bench.sync(bench.id('a'), { groupInstanceId: 'ia' })), [
    U,
    U,
    R,
    'NONE',
    'NONE',
  ]),
  row(
    'SyncGroup of a follower',
    (bench) => (bench.ids.has('b') ? bench.of(bench.sync(bench.id('b'))) : '-'),
    ['-', '-', '-', 'waits', 'NONE'],
  ),
  row('SyncGroup of an unknown member', (bench) => bench.of(bench.sync('x')), [U, U, U, U, U]),
  row(
    'SyncGroup of an old generation',
    (bench) =>
      bench.of(
        bench.sync(bench.id('a'), {
          groupInstanceId: 'ia',
          generationId: bench.generationId - 1,
        }),
      ),
    [U, U, G, G, G],
  ),
  row(
    'SyncGroup with another assignor',
    (bench) =>
      bench.of(bench.sync(bench.id('a'), { groupInstanceId: 'ia', protocolName: 'roundrobin' })),
    [
      U,
      U,
      'INCONSISTENT_GROUP_PROTOCOL',
      'INCONSISTENT_GROUP_PROTOCOL',
      'INCONSISTENT_GROUP_PROTOCOL',
    ],
  ),
  row('LeaveGroup', (bench) => bench.leave('a'), [U, U, 'NONE', 'NONE', 'NONE']),
  row('LeaveGroup of an unknown member', (bench) => bench.leave('x'), [U, U, U, U, U]),
  row('LeaveGroup of another member as static', (bench) => bench.leave('x', 'ia'), [
    U,
    U,
    'FENCED_INSTANCE_ID',
    'FENCED_INSTANCE_ID',
    'FENCED_INSTANCE_ID',
  ]),
]

describe('requests of the classic protocol, by the state of the group', () => {
  for (const { request, send, outcomes } of rows) {
    for (const [state, outcome] of Object.entries(outcomes)) {
      if (outcome === '-') continue
      it(`${request}, ${state}: ${outcome}`, () => {
        const bench = new Bench().reach(state as State)
        assert.equal(send(bench), outcome)
      })
    }
  }
})

describe('the state of a classic group after a request', () => {
  const cells: readonly (readonly [State, string, (bench: Bench) => unknown, State])[] = [
    ['no group', 'a newcomer', (bench) => bench.join(''), 'CompletingRebalance'],
    ['Empty', 'a newcomer', (bench) => bench.join(''), 'CompletingRebalance'],
    ['Stable', 'a newcomer', (bench) => bench.join(''), 'PreparingRebalance'],
    ['CompletingRebalance', 'a newcomer', (bench) => bench.join(''), 'PreparingRebalance'],
    [
      'PreparingRebalance',
      'the last member that was awaited',
      (bench) => bench.join(bench.id('a'), { groupInstanceId: 'ia' }),
      'CompletingRebalance',
    ],
    [
      'CompletingRebalance',
      'the assignment of the leader',
      (bench) => bench.sync(bench.id('a'), { groupInstanceId: 'ia' }),
      'Stable',
    ],
    [
      'CompletingRebalance',
      'SyncGroup of a follower',
      (bench) => bench.sync(bench.id('b')),
      'CompletingRebalance',
    ],
    ['Stable', 'a follower that leaves', (bench) => bench.leave('b'), 'PreparingRebalance'],
    ['Stable', 'a follower that is unchanged', (bench) => bench.join(bench.id('b')), 'Stable'],
    [
      'Stable',
      'a follower with another subscription',
      (bench) =>
        bench.join(bench.id('b'), {
          protocols: [{ name: 'range', metadata: Buffer.from('other') }],
        }),
      'PreparingRebalance',
    ],
    [
      'PreparingRebalance',
      'the awaited member that leaves',
      (bench) => bench.leave('a'),
      'CompletingRebalance',
    ],
    ['Stable', 'silence for the session', (bench) => bench.pass(10_001), 'Empty'],
    [
      'PreparingRebalance',
      'the end of the time to rebalance',
      (bench) => bench.pass(30_001),
      'Empty',
    ],
  ]
  for (const [state, what, run, after] of cells) {
    it(`${state}, ${what} → ${after}`, () => {
      const bench = new Bench().reach(state)
      run(bench)
      assert.equal(bench.state, after)
    })
  }

  it('is the same after a restart, in each state that is in the log', () => {
    for (const state of ['Empty', 'Stable'] as const) {
      const bench = new Bench().reach(state)
      bench.restart()
      assert.equal(bench.state, state)
    }
  })
})

describe('what a rebalance returns', () => {
  it('the members to the leader, in a generation that is one higher', () => {
    const bench = new Bench().reach('PreparingRebalance')
    const reply = bench.join(bench.id('a'), { groupInstanceId: 'ia' })()
    assert.equal(reply?.generationId, bench.generationId + 1)
    assert.equal(reply?.leaderId, bench.id('a'))
    assert.deepEqual(
      reply?.members.map(({ groupInstanceId }) => groupInstanceId),
      ['ia', null],
    )
  })

  it('to each member what the leader assigned, also when it asks again', () => {
    const bench = new Bench().reach('Stable')
    for (let i = 0; i < 2; i++) {
      assert.equal(String(bench.sync(bench.id('b'))()?.assignment), 'for b')
    }
  })

  it('an empty assignment to a member that the leader left out', () => {
    const bench = new Bench().reach('CompletingRebalance')
    const waiting = bench.sync(bench.id('b'))
    bench.sync(bench.id('a'), {
      groupInstanceId: 'ia',
      assignments: [{ memberId: bench.id('a'), assignment: Buffer.from('all') }],
    })
    assert.equal(waiting()?.assignment.length, 0)
  })

  it('REBALANCE_IN_PROGRESS to those that wait for an assignment when a newcomer joins', () => {
    const bench = new Bench().reach('CompletingRebalance')
    const waiting = bench.sync(bench.id('b'))
    bench.join('')
    assert.equal(waiting()?.error, 'REBALANCE_IN_PROGRESS')
  })

  it('the assignor that all members have, by the votes of their first choices', () => {
    const bench = new Bench()
    const protocols = (...names: readonly string[]) => ({
      protocols: names.map((name) => ({ name, metadata: Buffer.from('s') })),
    })
    const first = bench.join('', protocols('sticky', 'range'))
    assert.equal(first()?.protocolName, 'sticky')
    const second = bench.join('', protocols('range', 'sticky', 'other'))
    const third = bench.join('', protocols('range', 'sticky'))
    const again = bench.join(first()?.memberId ?? '', protocols('sticky', 'range'))
    for (const reply of [second, third, again]) assert.equal(reply()?.protocolName, 'range')
  })
})
