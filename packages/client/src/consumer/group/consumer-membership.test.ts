// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import {
  ConsumerGroupHeartbeatRequest,
  ConsumerGroupHeartbeatResponse,
  ErrorCode,
  type ErrorName,
} from '@millrace/protocol'
import { type Reply, ScriptedCluster } from '../../testing/scripted-cluster.ts'
import type { TopicPartition } from '../../topic-partition.ts'
import { ConsumerMembership, type ConsumerMembershipOptions } from './consumer-membership.ts'
import { GroupLink, type JoinResult } from './membership.ts'

const INTERVAL_MS = 3000
const idOf = (name: string): string => name.padEnd(21, 'x').concat('A')
const t0 = { topic: 't', partition: 0 }
const t1 = { topic: 't', partition: 1 }

type Heartbeat = Reply<typeof ConsumerGroupHeartbeatResponse>

/** A member of a consumer group, and its coordinator. */
class Bench extends ScriptedCluster {
  readonly member: ConsumerMembership
  epoch = 1
  /** Assignment that the next heartbeats return; null for no change. */
  assignment: readonly number[] | null = [0, 1]
  changes = 0

  constructor(options: Partial<ConsumerMembershipOptions> = {}) {
    super()
    this.topic('t', [1, 1])
    this.answer(ConsumerGroupHeartbeatRequest, ConsumerGroupHeartbeatResponse, (request) =>
      this.reply({ memberEpoch: request.memberEpoch < 0 ? request.memberEpoch : this.epoch }),
    )
    this.member = new ConsumerMembership(
      new GroupLink(this.cluster(), 'g'),
      {
        groupInstanceId: undefined,
        maxPollIntervalMs: 60_000,
        rackId: '',
        remoteAssignor: undefined,
        ...options,
      },
      () => this.changes++,
    )
  }

  reply(more: Partial<Heartbeat> = {}): Heartbeat {
    const { assignment } = this
    this.assignment = null
    return {
      errorCode: 0,
      errorMessage: null,
      memberId: 'm',
      memberEpoch: this.epoch,
      heartbeatIntervalMs: INTERVAL_MS,
      assignment:
        assignment === null
          ? null
          : { topicPartitions: [{ topicId: idOf('t'), partitions: assignment }] },
      ...more,
    }
  }

  /** The next heartbeat is refused. */
  refuse(error: ErrorName): void {
    this.queue(ConsumerGroupHeartbeatRequest, ConsumerGroupHeartbeatResponse, {
      errorCode: ErrorCode[error],
      errorMessage: null,
      memberId: null,
      memberEpoch: 0,
      heartbeatIntervalMs: 0,
      assignment: null,
    })
  }

  join(owned: readonly TopicPartition[] = [], topics = ['t']): Promise<JoinResult> {
    return this.run(this.member.join({ topics, owned, previous: [] }))
  }

  /** Joins and applies the assignment. */
  async settle(): Promise<void> {
    const { assigned } = await this.join()
    this.member.assignmentApplied(assigned)
    await this.pass(100)
  }

  get beats() {
    return this.requests(ConsumerGroupHeartbeatRequest).map(({ message }) => message)
  }

  get last() {
    return this.beats.at(-1)
  }

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

describe('joining a consumer group (KIP-848)', () => {
  it('is one heartbeat of epoch 0 with the whole subscription', async () => {
    const bench = new Bench({ rackId: 'r', remoteAssignor: 'range', groupInstanceId: 'i' })
    const { assigned, watched } = await bench.join()
    assert.deepEqual(assigned, [t0, t1])
    assert.equal(watched, undefined, 'the broker watches the topics')
    const [first] = bench.beats
    assert.deepEqual(
      {
        epoch: first?.memberEpoch,
        topics: first?.subscribedTopicNames,
        owned: first?.topicPartitions,
        rebalanceTimeoutMs: first?.rebalanceTimeoutMs,
        rackId: first?.rackId,
        assignor: first?.serverAssignor,
        instanceId: first?.instanceId,
      },
      {
        epoch: 0,
        topics: ['t'],
        owned: [],
        rebalanceTimeoutMs: 60_000,
        rackId: 'r',
        assignor: 'range',
        instanceId: 'i',
      },
    )
    assert.match(first?.memberId ?? '', /^[\da-f-]{36}$/, 'the member chooses its id')
    bench.member.close()
  })

  it('is repeated after a lost connection, as the same member', async () => {
    const bench = new Bench()
    bench.queue(ConsumerGroupHeartbeatRequest, ConsumerGroupHeartbeatResponse, 'close')
    await bench.join()
    assert.equal(new Set(bench.beats.map(({ memberId }) => memberId)).size, 1)
    assert.deepEqual(
      bench.beats.map(({ memberEpoch }) => memberEpoch),
      [0, 0],
    )
    bench.member.close()
  })

  it('is done when it returns: its own assignment does not request another', async () => {
    const bench = new Bench()
    await bench.join()
    assert.equal(bench.state, 'member')
    bench.member.close()
  })

  it('without an assignment yet keeps what the consumer has', async () => {
    const bench = new Bench()
    bench.assignment = null
    assert.deepEqual((await bench.join()).assigned, [])
    bench.member.close()
  })

  it('looks up topics that were just created, and drops those that stay unknown', async () => {
    const bench = new Bench()
    bench.queue(ConsumerGroupHeartbeatRequest, ConsumerGroupHeartbeatResponse, {
      ...bench.reply(),
      assignment: {
        topicPartitions: [
          { topicId: idOf('t'), partitions: [1] },
          { topicId: idOf('gone'), partitions: [0] },
        ],
      },
    })
    assert.deepEqual((await bench.join()).assigned, [t1])
    bench.member.close()
  })
})

describe('a later heartbeat of a consumer member', () => {
  it('sends only what changed', async () => {
    const bench = new Bench()
    await bench.settle()
    // The partitions were reported once they were applied.
    assert.deepEqual(bench.last?.topicPartitions, [{ topicId: idOf('t'), partitions: [0, 1] }])
    await bench.pass(INTERVAL_MS + 100)
    assert.deepEqual(
      [
        bench.last?.memberEpoch,
        bench.last?.subscribedTopicNames,
        bench.last?.topicPartitions,
        bench.last?.rebalanceTimeoutMs,
      ],
      [1, null, null, -1],
    )
    bench.member.close()
  })

  it('comes at the interval that the broker returned', async () => {
    const bench = new Bench()
    await bench.settle()
    const before = bench.beats.length
    await bench.pass(4 * INTERVAL_MS + 100)
    assert.equal(bench.beats.length - before, 4)
    bench.member.close()
  })

  it('with a new assignment requests a join, which returns it', async () => {
    const bench = new Bench()
    await bench.settle()
    bench.epoch = 2
    bench.assignment = [1]
    await bench.pass(INTERVAL_MS)
    assert.equal(bench.state, 'member, join')
    assert.deepEqual((await bench.join([t0, t1])).assigned, [t1])
    bench.member.assignmentApplied([t1])
    await bench.pass(10)
    assert.deepEqual(bench.last?.topicPartitions, [{ topicId: idOf('t'), partitions: [1] }])
    assert.equal(bench.member.generation.generationId, 2)
    bench.member.close()
  })

  it('reports released partitions at once: others wait for them', async () => {
    const bench = new Bench()
    await bench.settle()
    const before = bench.beats.length
    bench.member.assignmentApplied([t0])
    await bench.pass(10)
    assert.equal(bench.beats.length, before + 1)
    bench.member.assignmentApplied([t0])
    await bench.pass(10)
    assert.equal(bench.beats.length, before + 1, 'nothing changed')
    bench.member.close()
  })

  it('with a changed subscription is part of the join', async () => {
    const bench = new Bench()
    await bench.settle()
    await bench.join([t0, t1], ['t', 'u'])
    assert.deepEqual(bench.last?.subscribedTopicNames, ['t', 'u'])
    bench.member.close()
  })
})

describe('an error of ConsumerGroupHeartbeat', () => {
  const cells: readonly (readonly [
    error: ErrorName,
    joining: string,
    member: string,
    why: string,
  ])[] = [
    ['FENCED_MEMBER_EPOCH', 'member', 'no member, join, lost', 'others have the partitions'],
    ['UNKNOWN_MEMBER_ID', 'member', 'no member, join, lost', 'the session expired'],
    ['NOT_COORDINATOR', 'member', 'member', 'the coordinator moved'],
    ['COORDINATOR_NOT_AVAILABLE', 'member', 'member', 'the coordinator seekCount'],
    ['COORDINATOR_LOAD_IN_PROGRESS', 'member', 'member', 'the coordinator reads its log'],
    ['GROUP_ID_NOT_FOUND', 'GROUP_ID_NOT_FOUND', 'no member, join, lost', 'deleted meanwhile'],
    ['UNSUPPORTED_VERSION', 'UNSUPPORTED_VERSION', 'no member, lost, UNSUPPORTED_VERSION', ''],
    ['UNSUPPORTED_ASSIGNOR', 'UNSUPPORTED_ASSIGNOR', 'no member, lost, UNSUPPORTED_ASSIGNOR', ''],
    [
      'UNRELEASED_INSTANCE_ID',
      'UNRELEASED_INSTANCE_ID',
      'no member, lost, UNRELEASED_INSTANCE_ID',
      '',
    ],
    [
      'GROUP_AUTHORIZATION_FAILED',
      'GROUP_AUTHORIZATION_FAILED',
      'no member, lost, GROUP_AUTHORIZATION_FAILED',
      '',
    ],
    [
      'GROUP_MAX_SIZE_REACHED',
      'GROUP_MAX_SIZE_REACHED',
      'no member, lost, GROUP_MAX_SIZE_REACHED',
      '',
    ],
  ]
  for (const [error, joining, member, why] of cells) {
    it(`${error} while joining → ${joining}; later → ${member} ${why}`, async () => {
      const first = new Bench()
      first.refuse(error)
      const outcome = await first.run(
        first.member.join({ topics: ['t'], owned: [], previous: [] }).then(
          () => first.state,
          (thrown: { code: string }) => thrown.code,
        ),
      )
      assert.equal(outcome.replace(', join', ''), joining)
      first.member.close()

      const later = new Bench()
      await later.settle()
      later.refuse(error)
      await later.pass(INTERVAL_MS)
      assert.equal(later.state, member)
      later.member.close()
    })
  }

  it('that fenced the member makes it join again with the same id and epoch 0', async () => {
    const bench = new Bench()
    await bench.settle()
    bench.refuse('FENCED_MEMBER_EPOCH')
    await bench.pass(INTERVAL_MS)
    bench.member.isLost = false
    bench.epoch = 7
    bench.assignment = [0]
    assert.deepEqual((await bench.join()).assigned, [t0])
    assert.deepEqual(
      [bench.last?.memberEpoch, bench.last?.subscribedTopicNames, bench.last?.topicPartitions],
      [0, ['t'], []],
    )
    assert.equal(new Set(bench.beats.map(({ memberId }) => memberId)).size, 1)
    bench.member.close()
  })

  it('that fenced the member during a join leaves the new join to the consumer', async () => {
    const bench = new Bench()
    await bench.settle()
    bench.refuse('FENCED_MEMBER_EPOCH')
    // Partitions must be given up before they are assigned again.
    assert.deepEqual((await bench.join([t0, t1], ['t', 'u'])).assigned, [])
    assert.equal(bench.state, 'no member, join, lost')
    bench.member.isLost = false
    bench.assignment = [0, 1]
    assert.deepEqual((await bench.join([], ['t', 'u'])).assigned, [t0, t1])
    bench.member.close()
  })

  it('of lost connections is retried sooner than the interval, with a longer wait each time', async () => {
    const bench = new Bench()
    await bench.settle()
    const silent = Array(4).fill('close') as 'close'[]
    bench.queue(ConsumerGroupHeartbeatRequest, ConsumerGroupHeartbeatResponse, ...silent)
    await bench.pass(2 * INTERVAL_MS)
    const times = bench.requests(ConsumerGroupHeartbeatRequest).map(({ atMs }) => atMs)
    const waits = times.slice(-4).map((at, i) => at - (times.at(-5 + i) ?? 0))
    assert.ok(waits.every((wait) => wait < INTERVAL_MS))
    assert.deepEqual(
      waits,
      waits.toSorted((a, b) => a - b),
    )
    assert.equal(bench.state, 'member')
    bench.member.close()
  })
})

describe('a consumer member that leaves', () => {
  for (const [groupInstanceId, epoch, why] of [
    [undefined, -1, 'its partitions are free at once'],
    ['i', -2, 'its place is kept'],
  ] as const) {
    it(`${groupInstanceId ?? 'dynamic'}: sends epoch ${epoch}, ${why}`, async () => {
      const bench = new Bench({ groupInstanceId })
      await bench.settle()
      await bench.run(bench.member.leave())
      assert.deepEqual(
        [bench.last?.memberEpoch, bench.last?.instanceId],
        [epoch, groupInstanceId ?? null],
      )
      const count = bench.beats.length
      await bench.pass(5 * INTERVAL_MS)
      assert.equal(bench.beats.length, count, 'no heartbeat follows')
    })
  }

  it('is silent if it never joined', async () => {
    const bench = new Bench()
    await bench.run(bench.member.leave())
    assert.equal(bench.beats.length, 0)
  })

  it('during a heartbeat ignores its answer', async () => {
    const bench = new Bench()
    await bench.settle()
    bench.queue(
      ConsumerGroupHeartbeatRequest,
      ConsumerGroupHeartbeatResponse,
      () => new Promise((resolve) => bench.timer(200, () => resolve(bench.reply()))),
    )
    await bench.pass(INTERVAL_MS)
    await bench.run(bench.member.leave())
    await bench.pass(500)
    assert.equal(bench.state, 'no member')
  })

  it('leaves when the application makes no progress for maxPollIntervalMs', async () => {
    const bench = new Bench({ maxPollIntervalMs: 10_000 })
    await bench.settle()
    const start = bench.nowMs
    bench.member.lastProgressMs = () => start
    await bench.pass(9000)
    assert.equal(bench.state, 'member')
    await bench.pass(INTERVAL_MS)
    assert.equal(bench.state, 'no member, join, lost')
    assert.equal(bench.last?.memberEpoch, -1)
  })
})
