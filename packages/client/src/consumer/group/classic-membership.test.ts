// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { Logger } from '@millrace/base'
import {
  type ErrorName,
  HeartbeatRequest,
  JoinGroupRequest,
  JoinGroupResponse,
  LeaveGroupRequest,
  LeaveGroupResponse,
  SyncGroupRequest,
  SyncGroupResponse,
} from '@millrace/protocol'
import { ClassicGroupScript } from '../../testing/classic-group-script.ts'
import type { ScriptedCluster } from '../../testing/scripted-cluster.ts'
import { ClassicMembership, type ClassicMembershipOptions } from './classic-membership.ts'
import { decodeAssignment, decodeSubscription, encodeSubscription } from './consumer-protocol.ts'
import { GroupLink, type JoinResult } from './membership.ts'
import { rangeAssignor } from './range-assignor.ts'
import { roundRobinAssignor } from './round-robin-assignor.ts'
import { cooperativeStickyAssignor } from './sticky-assignor.ts'

const subscription = { topics: ['t'], owned: [], previous: [] }
const t0 = { topic: 't', partition: 0 }
const t1 = { topic: 't', partition: 1 }

/** A member, its coordinator, and how often it reported a change. */
class Bench extends ClassicGroupScript {
  readonly member: ClassicMembership
  changes = 0
  readonly logged: string[] = []

  constructor(options: Partial<ClassicMembershipOptions> = {}) {
    super()
    this.member = new ClassicMembership(
      new GroupLink(this.cluster({ logger: this.#logger() }), 'g'),
      {
        groupId: 'g',
        groupInstanceId: undefined,
        sessionTimeoutMs: 10_000,
        heartbeatIntervalMs: 1000,
        maxPollIntervalMs: 60_000,
        assignors: [rangeAssignor],
        rackId: '',
        ...options,
      },
      () => this.changes++,
    )
  }

  #logger(): Logger {
    const note = (message: string): void => void this.logged.push(message)
    return { debug: note, info: note, warn: note, error: note }
  }

  /** Number of times that the coordinator was looked up. */
  get lookUps(): number {
    return this.received.filter(({ api }) => api === 'FindCoordinator').length
  }

  join(more: Partial<typeof subscription> = {}): Promise<JoinResult> {
    return this.run(this.member.join({ ...subscription, ...more }))
  }

  /** State of the member, and what it has to do. */
  get state(): string {
    const { isMember, needsJoin, isLost, fatal } = this.member
    return [
      isMember ? 'member' : 'no member',
      needsJoin ? 'join' : '',
      isLost ? 'lost' : '',
      fatal === undefined ? '' : (fatal as { code?: string }).code,
    ]
      .filter(Boolean)
      .join(', ')
  }
}

function requestsOf(script: ScriptedCluster): string {
  return script.trace
    .replaceAll('JoinGroup', 'join')
    .replaceAll('SyncGroup', 'sync')
    .replaceAll('LeaveGroup', 'leave')
    .replaceAll('Heartbeat', 'beat')
}

describe('joining a classic group', () => {
  it('needs a join and a sync; the leader assigns', async () => {
    const bench = new Bench()
    const { assigned, watched } = await bench.join()
    assert.equal(requestsOf(bench), 'join sync')
    assert.deepEqual(assigned, [t0, t1])
    assert.deepEqual(watched, new Map([['t', 2]]), 'the leader watches the partition counts')
    assert.equal(bench.state, 'member')
    assert.deepEqual(bench.member.generation, {
      generationId: 1,
      memberId: 'member-1',
      groupInstanceId: null,
    })
    bench.member.close()
  })

  it('as a follower sends no assignment and watches nothing', async () => {
    const bench = new Bench()
    bench.leaderId = 'other'
    bench.assigned = [t1]
    const { assigned, watched } = await bench.join()
    assert.deepEqual([assigned, watched], [[t1], undefined])
    assert.deepEqual(bench.requests(SyncGroupRequest)[0]?.message.assignments, [])
    bench.member.close()
  })

  it('returns with the id that the coordinator chose (KIP-394)', async () => {
    const bench = new Bench()
    bench.queue(
      JoinGroupRequest,
      JoinGroupResponse,
      bench.joinError('MEMBER_ID_REQUIRED', 'member-1'),
    )
    await bench.join()
    assert.deepEqual(
      bench.requests(JoinGroupRequest).map(({ message }) => message.memberId),
      ['', 'member-1'],
    )
    assert.equal(requestsOf(bench), 'join join sync')
    bench.member.close()
  })

  it('as a leader that must not assign skips it (KIP-814)', async () => {
    const bench = new Bench()
    bench.assigned = [t1]
    bench.queue(JoinGroupRequest, JoinGroupResponse, {
      ...bench.joinError('NONE', 'member-1'),
      generationId: 4,
      protocolName: 'range',
      leader: 'member-1',
      skipAssignment: true,
      members: [
        {
          memberId: 'member-1',
          groupInstanceId: null,
          metadata: encodeSubscription({
            topics: ['t'],
            owned: [],
            generationId: -1,
            rackId: null,
            userData: null,
          }),
        },
      ],
    })
    const { assigned, watched } = await bench.join()
    assert.deepEqual(bench.requests(SyncGroupRequest)[0]?.message.assignments, [])
    assert.deepEqual(assigned, [t1])
    assert.deepEqual(watched, new Map([['t', 2]]), 'it still notices new partitions')
    bench.member.close()
  })

  it('sends owned partitions, rack and generation in its subscription', async () => {
    const bench = new Bench({ rackId: 'r1', assignors: [cooperativeStickyAssignor] })
    await bench.join()
    await bench.join({ owned: [t0] as never })
    const [first, second] = bench.requests(JoinGroupRequest).map(({ message }) =>
      decodeSubscription(message.protocols[0]?.metadata ?? Buffer.alloc(0), {
        memberId: 'm',
        groupInstanceId: null,
      }),
    )
    assert.deepEqual([first?.ownedPartitions, first?.generationId, first?.rackId], [[], -1, 'r1'])
    assert.deepEqual([second?.ownedPartitions, second?.generationId], [[t0], 1])
    bench.member.close()
  })

  it('plans for members with other topics, which it looks up', async () => {
    const bench = new Bench()
    bench.topic('u', [1])
    const other = { topics: ['u'], owned: [], generationId: -1, rackId: null, userData: null }
    bench.others = [{ memberId: 'z', metadata: encodeSubscription(other) }]
    const { watched } = await bench.join()
    const plan = bench.requests(SyncGroupRequest)[0]?.message.assignments ?? []
    assert.deepEqual(
      plan.map(({ memberId, assignment }) => [memberId, decodeAssignment(assignment)]),
      [
        ['member-1', [t0, t1]],
        ['z', [{ topic: 'u', partition: 0 }]],
      ],
    )
    assert.deepEqual(
      watched,
      new Map([
        ['t', 2],
        ['u', 1],
      ]),
    )
    bench.member.close()
  })

  it('fails if the group chose an assignor that was not offered', async () => {
    const bench = new Bench()
    bench.queue(JoinGroupRequest, JoinGroupResponse, {
      ...bench.joinError('NONE', 'member-1'),
      generationId: 1,
      protocolName: 'sticky',
      leader: 'member-1',
    })
    const error = await bench.failure(bench.member.join(subscription))
    assert.equal(error.code, 'MILLRACE_UNKNOWN_ASSIGNOR')
    assert.match(error.message, /group g chose assignor sticky, which was not offered/)
  })

  it('waits for the whole rebalance before it times out', async () => {
    const bench = new Bench({ maxPollIntervalMs: 100_000 })
    bench.queue(
      JoinGroupRequest,
      JoinGroupResponse,
      () =>
        new Promise((resolve) =>
          bench.timer(90_000, () =>
            resolve({
              ...bench.joinError('NONE', 'member-1'),
              generationId: 3,
              protocolName: 'range',
              leader: 'other',
            }),
          ),
        ),
    )
    await bench.join()
    assert.equal(bench.requests(JoinGroupRequest).length, 1)
    assert.equal(bench.member.generation.generationId, 3)
    bench.member.close()
  })
})

/** Errors of a broker that does not coordinate the group any more. */
const moved: readonly ErrorName[] = ['NOT_COORDINATOR', 'COORDINATOR_NOT_AVAILABLE']

describe('an error of JoinGroup or SyncGroup', () => {
  /** Requests that follow, and the error that `join` rejects with. */
  const cells: readonly (readonly [
    api: 'join' | 'sync',
    error: ErrorName,
    requests: string,
    outcome: string,
    memberIds: string,
  ])[] = [
    // The group moved on: join again as the same member.
    ['join', 'REBALANCE_IN_PROGRESS', 'join join sync', 'ok', ',' /* its id is not known */],
    ['sync', 'REBALANCE_IN_PROGRESS', 'join sync join sync', 'ok', ',member-1'],
    ['sync', 'ILLEGAL_GENERATION', 'join sync join sync', 'ok', ',member-1'],
    // The coordinator does not know the member: join as a new one.
    ['join', 'UNKNOWN_MEMBER_ID', 'join join sync', 'ok', ','],
    ['sync', 'UNKNOWN_MEMBER_ID', 'join sync join sync', 'ok', ','],
    // The coordinator seekCount or loads: retry.
    ['join', 'NOT_COORDINATOR', 'join join sync', 'ok', ','],
    ['join', 'COORDINATOR_LOAD_IN_PROGRESS', 'join join sync', 'ok', ','],
    ['sync', 'COORDINATOR_NOT_AVAILABLE', 'join sync join sync', 'ok', ',member-1'],
    // Errors that no retry resolves.
    ['join', 'INCONSISTENT_GROUP_PROTOCOL', 'join', 'INCONSISTENT_GROUP_PROTOCOL', ''],
    ['join', 'INVALID_SESSION_TIMEOUT', 'join', 'INVALID_SESSION_TIMEOUT', ''],
    ['join', 'GROUP_AUTHORIZATION_FAILED', 'join', 'GROUP_AUTHORIZATION_FAILED', ''],
    ['join', 'GROUP_MAX_SIZE_REACHED', 'join', 'GROUP_MAX_SIZE_REACHED', ''],
    ['join', 'FENCED_INSTANCE_ID', 'join', 'FENCED_INSTANCE_ID', ''],
    ['sync', 'FENCED_INSTANCE_ID', 'join sync', 'FENCED_INSTANCE_ID', ''],
  ]
  for (const [api, error, requests, outcome, memberIds] of cells) {
    it(`${api}: ${error} → ${requests} (${outcome})`, async () => {
      const bench = new Bench()
      if (api === 'join') bench.queue(JoinGroupRequest, JoinGroupResponse, bench.joinError(error))
      else bench.queue(SyncGroupRequest, SyncGroupResponse, bench.syncError(error))
      const got = await bench.run(
        bench.member.join(subscription).then(
          () => 'ok',
          (thrown: { code: string }) => thrown.code,
        ),
      )
      assert.equal(got, outcome)
      assert.equal(requestsOf(bench), requests)
      const ids = bench.requests(JoinGroupRequest).map(({ message }) => message.memberId)
      assert.equal(ids.join(), memberIds)
      assert.equal(bench.lookUps, moved.includes(error) ? 2 : 1)
      bench.member.close()
    })
  }

  it('names the static member that was fenced', async () => {
    const bench = new Bench({ groupInstanceId: 'i1' })
    bench.queue(JoinGroupRequest, JoinGroupResponse, bench.joinError('FENCED_INSTANCE_ID'))
    const { message } = await bench.failure(bench.member.join(subscription))
    assert.equal(message, 'JoinGroup of group g as i1 was refused: FENCED_INSTANCE_ID')
  })

  it('of a lost connection is retried with the same member id', async () => {
    const bench = new Bench()
    await bench.join()
    bench.queue(JoinGroupRequest, JoinGroupResponse, 'close')
    await bench.join()
    assert.deepEqual(
      bench.requests(JoinGroupRequest).map(({ message }) => message.memberId),
      ['', 'member-1', 'member-1'],
    )
    bench.member.close()
  })
})

describe('heartbeats of a classic member', () => {
  /** What the member is after its next heartbeat, and whether it continues. */
  const cells: readonly (readonly [ErrorName, string, 'continues' | 'stops'])[] = [
    ['NONE', 'member', 'continues'],
    ['REBALANCE_IN_PROGRESS', 'member, join', 'continues'],
    ['NOT_COORDINATOR', 'member', 'continues'],
    ['COORDINATOR_NOT_AVAILABLE', 'member', 'continues'],
    ['COORDINATOR_LOAD_IN_PROGRESS', 'member', 'continues'],
    ['ILLEGAL_GENERATION', 'no member, join, lost', 'stops'],
    ['UNKNOWN_MEMBER_ID', 'no member, join, lost', 'stops'],
    ['FENCED_INSTANCE_ID', 'no member, lost, FENCED_INSTANCE_ID', 'stops'],
    ['GROUP_AUTHORIZATION_FAILED', 'no member, lost, GROUP_AUTHORIZATION_FAILED', 'stops'],
  ]
  for (const [error, state, goes] of cells) {
    it(`${error} → ${state}; ${goes}`, async () => {
      const bench = new Bench()
      await bench.join()
      bench.heartbeat = error
      await bench.pass(1100)
      assert.equal(bench.state, state)
      if (!bench.member.isMember) assert.equal(bench.member.generation.generationId, -1)
      await bench.pass(5000)
      assert.equal(bench.lookUps > 1, moved.includes(error))
      const beats = bench.requests(HeartbeatRequest).length
      if (goes === 'continues') assert.ok(beats >= 5, `${beats} heartbeats`)
      else assert.equal(beats, 1)
      assert.equal(bench.changes > 0, state !== 'member', 'changes are reported')
      bench.member.close()
    })
  }

  it('are sent every heartbeatIntervalMs', async () => {
    const bench = new Bench({ heartbeatIntervalMs: 500 })
    await bench.join()
    await bench.pass(2250)
    assert.equal(bench.requests(HeartbeatRequest).length, 4)
    bench.member.close()
  })

  it('are not sent during a join: the coordinator waits for the join then', async () => {
    const bench = new Bench()
    await bench.join()
    bench.queue(JoinGroupRequest, JoinGroupResponse, 'silence')
    const joining = bench.member.join(subscription)
    joining.catch(() => undefined)
    await bench.pass(5000)
    assert.equal(bench.requests(HeartbeatRequest).length, 0)
    bench.member.close()
  })

  it('without a coordinator lose the partitions after the session timeout, not before', async () => {
    const bench = new Bench({ sessionTimeoutMs: 6000 })
    await bench.join()
    bench.heartbeat = 'close'
    await bench.pass(5500)
    assert.equal(bench.state, 'member')
    await bench.pass(3000)
    assert.equal(bench.state, 'no member, join, lost')
    bench.member.close()
  })

  it('that report a rebalance keep the session, too', async () => {
    const bench = new Bench({ sessionTimeoutMs: 6000 })
    await bench.join()
    bench.heartbeat = 'REBALANCE_IN_PROGRESS'
    await bench.pass(5500)
    bench.heartbeat = 'close'
    await bench.pass(3000)
    assert.equal(bench.state, 'member, join')
    bench.member.close()
  })

  it('to a broker that does not coordinate the group keep no session', async () => {
    const bench = new Bench({ sessionTimeoutMs: 6000 })
    await bench.join()
    bench.heartbeat = 'NOT_COORDINATOR'
    await bench.pass(5500)
    assert.equal(bench.state, 'member')
    bench.heartbeat = 'close'
    await bench.pass(3000)
    assert.equal(bench.state, 'no member, join, lost')
    bench.member.close()
  })

  for (const [error, memberId] of [
    ['ILLEGAL_GENERATION', 'member-1'],
    ['UNKNOWN_MEMBER_ID', ''],
  ] as const) {
    it(`${error} are followed by a join as "${memberId}"`, async () => {
      const bench = new Bench()
      await bench.join()
      bench.heartbeat = error
      await bench.pass(1100)
      await bench.join()
      assert.equal(bench.requests(JoinGroupRequest)[1]?.message.memberId, memberId)
      assert.equal(bench.lookUps, 1, 'the coordinator is the same')
      bench.member.close()
    })
  }

  it('that succeed in between keep the session', async () => {
    const bench = new Bench({ sessionTimeoutMs: 6000 })
    await bench.join()
    for (let i = 0; i < 4; i++) {
      bench.heartbeat = 'close'
      await bench.pass(4000)
      bench.heartbeat = 'NONE'
      await bench.pass(2500)
    }
    assert.equal(bench.state, 'member')
    bench.member.close()
  })

  it('end, and the member leaves, when the application makes no progress', async () => {
    const bench = new Bench({ maxPollIntervalMs: 5000 })
    await bench.join()
    const start = bench.nowMs
    bench.member.lastProgressMs = () => start
    await bench.pass(4900)
    assert.equal(bench.state, 'member')
    await bench.pass(1500)
    assert.equal(bench.state, 'no member, join, lost')
    const [leave] = bench.requests(LeaveGroupRequest)
    assert.equal(leave?.message.members[0]?.reason, 'consumer poll timeout has expired')
    bench.member.close()
  })
})

describe('a classic member that leaves', () => {
  it('reports it with its reason, and joins as a new member later', async () => {
    const bench = new Bench()
    await bench.join()
    await bench.run(bench.member.leave('closing'))
    assert.deepEqual(
      bench.requests(LeaveGroupRequest).map(({ message }) => message.members[0]),
      [{ memberId: 'member-1', groupInstanceId: null, reason: 'closing' }],
    )
    assert.equal(bench.member.isMember, false)
    await bench.join()
    assert.equal(bench.requests(JoinGroupRequest)[1]?.message.memberId, '')
    bench.member.close()
  })

  for (const [version, memberId, members] of [
    [2, 'member-1', undefined],
    [3, '', 'member-1'],
    [4, '', 'member-1'],
  ] as const) {
    it(`names itself in version ${version} as old brokers expect`, async () => {
      const bench = new Bench()
      bench.maxVersions.set('LeaveGroup', version)
      await bench.join()
      await bench.run(bench.member.leave('closing'))
      const [leave] = bench.requests(LeaveGroupRequest)
      assert.equal(leave?.message.memberId, memberId)
      assert.equal(leave?.message.members[0]?.memberId, members)
    })
  }

  it('is silent as a static member: its place is kept', async () => {
    const bench = new Bench({ groupInstanceId: 'i1' })
    await bench.join()
    await bench.run(bench.member.leave('closing'))
    assert.equal(bench.requests(LeaveGroupRequest).length, 0)
  })

  it('is silent if it never joined', async () => {
    const bench = new Bench()
    await bench.run(bench.member.leave('closing'))
    assert.equal(requestsOf(bench), '')
  })

  it('does not wait longer than five seconds for an answer', async () => {
    const bench = new Bench()
    await bench.join()
    bench.answer(LeaveGroupRequest, LeaveGroupResponse, 'silence')
    const start = bench.nowMs
    await bench.run(bench.member.leave('closing'))
    assert.equal(bench.nowMs - start, 5000)
    assert.deepEqual(bench.logged, ['could not leave the group'])
  })

  it('sends no more heartbeats', async () => {
    const bench = new Bench()
    await bench.join()
    await bench.run(bench.member.leave('closing'))
    await bench.pass(5000)
    assert.equal(bench.requests(HeartbeatRequest).length, 0)
  })
})

describe('requests to join', () => {
  it('are reported once until they are acted on', async () => {
    const bench = new Bench()
    await bench.join()
    bench.member.requestJoin()
    bench.member.requestJoin()
    assert.equal(bench.changes, 1)
    await bench.join()
    bench.member.requestJoin()
    assert.equal(bench.changes, 2)
    bench.member.close()
  })

  it('follow a revocation: other members get the partitions in the next rebalance', async () => {
    const bench = new Bench({ assignors: [cooperativeStickyAssignor] })
    await bench.join()
    bench.member.assignmentApplied([t0], false)
    assert.equal(bench.state, 'member')
    bench.member.assignmentApplied([t0], true)
    assert.equal(bench.state, 'member, join')
    bench.member.close()
  })

  it('keep partitions only if every offered assignor is cooperative', () => {
    const cells = [
      [[cooperativeStickyAssignor], true],
      [[rangeAssignor], false],
      [[cooperativeStickyAssignor, rangeAssignor], false],
      [[rangeAssignor, roundRobinAssignor], false],
    ] as const
    for (const [assignors, isCooperative] of cells) {
      assert.equal(new Bench({ assignors }).member.isCooperative, isCooperative)
    }
  })
})
