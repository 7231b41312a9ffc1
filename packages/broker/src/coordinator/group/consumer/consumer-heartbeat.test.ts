// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { ProtocolError } from '@millrace/protocol'
import { FakeTopics, ShardBench } from '../testing/shard-bench.ts'
import type { ConsumerHeartbeat } from './consumer-requests.ts'

const T = FakeTopics.idOf('t')

/**
 * A group with the members `a`, static as `ia`, and `b`, each with two of the four partitions of
 * topic `t`.
 */
class Bench extends ShardBench {
  epoch = 0

  constructor(overrides: ConstructorParameters<typeof ShardBench>[0] = {}) {
    super(overrides)
    this.topics.set('t', 4)
  }

  settle(): this {
    const owned = new Map<string, readonly number[]>()
    const beat = (memberId: string, instanceId: string | null): void => {
      const known = this.group?.members.get(memberId)
      const reply = this.step((fx) =>
        this.shard.consumers.heartbeat(
          fx,
          heartbeat({
            memberId,
            instanceId,
            memberEpoch: known?.memberEpoch ?? 0,
            owned:
              known === undefined ? [] : [{ topicId: T, partitions: owned.get(memberId) ?? [] }],
            ...(known === undefined
              ? { rebalanceTimeoutMs: 30_000, subscribedTopicNames: ['t'] }
              : {}),
          }),
          this.nowMs,
        ),
      )
      if (reply.assignment !== undefined) {
        owned.set(memberId, [...(reply.assignment.get(T)?.keys() ?? [])])
      }
    }
    for (let i = 0; i < 6; i++) {
      beat('a', 'ia')
      beat('b', null)
    }
    this.epoch = this.group?.groupEpoch ?? 0
    assert.equal(this.group?.state, 'Stable')
    return this
  }

  get group() {
    return this.shard.consumerGroup('g')
  }

  partitionsOf(memberId: string): readonly number[] {
    return [...(this.group?.members.get(memberId)?.assigned.get(T)?.keys() ?? [])].sort()
  }

  /** Epoch of the reply with what it assigns, or the error; `+n` is relative to the group epoch. */
  send(request: Partial<ConsumerHeartbeat>): string {
    try {
      const reply = this.step((fx) =>
        this.shard.consumers.heartbeat(fx, heartbeat(request), this.nowMs),
      )
      const epoch = reply.memberEpoch > 0 ? `+${reply.memberEpoch - this.epoch}` : reply.memberEpoch
      if (reply.assignment === undefined) return `${epoch}`
      const partitions = [...(reply.assignment.get(T)?.keys() ?? [])].sort((x, y) => x - y)
      return `${epoch} [${partitions.join(' ')}]`
    } catch (error) {
      assert.ok(error instanceof ProtocolError, String(error))
      return error.code
    }
  }
}

function heartbeat(request: Partial<ConsumerHeartbeat>): ConsumerHeartbeat {
  return {
    groupId: 'g',
    memberId: 'a',
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
  }
}

const joining = { memberEpoch: 0, rebalanceTimeoutMs: 1000, subscribedTopicNames: ['t'], owned: [] }

describe('ConsumerGroupHeartbeat to a group that does not exist', () => {
  const cells: readonly (readonly [what: string, Partial<ConsumerHeartbeat>, string])[] = [
    ['joining creates it', joining, '+2 [0 1 2 3]'],
    ['any other epoch is an error', { memberEpoch: 1 }, 'GROUP_ID_NOT_FOUND'],
    ['leaving, too', { memberEpoch: -1 }, 'GROUP_ID_NOT_FOUND'],
    ['and leaving for a while', { memberEpoch: -2, instanceId: 'ia' }, 'GROUP_ID_NOT_FOUND'],
    ['a subscription to nothing is a member', { ...joining, subscribedTopicNames: ['u'] }, '+2 []'],
    [
      'a bad pattern is an error',
      { ...joining, subscribedTopicRegex: '[' },
      'INVALID_REGULAR_EXPRESSION',
    ],
  ]
  for (const [what, request, reply] of cells) {
    it(`${what}: ${reply}`, () => {
      const bench = new Bench()
      assert.equal(bench.send(request), reply)
      const isCreated = reply.startsWith('+')
      assert.equal(bench.group !== undefined, isCreated, 'an error changes nothing')
    })
  }
})

describe('ConsumerGroupHeartbeat to a stable group, by member and epoch', () => {
  /** `e` is the epoch of the group. */
  const cells: readonly (readonly [
    what: string,
    request: (e: number, bench: Bench) => Partial<ConsumerHeartbeat>,
    reply: string,
  ])[] = [
    ['a known member in its epoch', (e) => ({ memberId: 'b', memberEpoch: e }), '+0'],
    ['ahead of its epoch', (e) => ({ memberId: 'b', memberEpoch: e + 1 }), 'FENCED_MEMBER_EPOCH'],
    ['far behind', () => ({ memberId: 'b', memberEpoch: 1 }), 'FENCED_MEMBER_EPOCH'],
    ['an unknown member', (e) => ({ memberId: 'x', memberEpoch: e }), 'UNKNOWN_MEMBER_ID'],
    ['an unknown member that joins', () => ({ ...joining, memberId: 'x' }), '+1 []'],
    [
      'a known member that joins again gets its partitions again',
      () => ({ ...joining, memberId: 'b' }),
      '+0 [2 3]',
    ],
    [
      'a full report is answered with the assignment',
      (e) => ({
        memberId: 'b',
        memberEpoch: e,
        rebalanceTimeoutMs: 30_000,
        subscribedTopicNames: ['t'],
        owned: [],
      }),
      '+0 [2 3]',
    ],
    [
      'a changed subscription raises the epoch',
      (e) => ({ memberId: 'b', memberEpoch: e, subscribedTopicNames: ['t', 'u'] }),
      '+1',
    ],
    [
      'the same subscription in another order does not',
      (e) => ({ memberId: 'b', memberEpoch: e, subscribedTopicNames: ['t', 't'] }),
      '+0',
    ],
    [
      'a subscription without the topic revokes its partitions',
      (e) => ({ memberId: 'b', memberEpoch: e, subscribedTopicNames: ['u'] }),
      '+0 []',
    ],
    ['leaving', () => ({ memberId: 'b', memberEpoch: -1 }), '-1'],
    [
      'an unknown member that leaves',
      () => ({ memberId: 'x', memberEpoch: -1 }),
      'UNKNOWN_MEMBER_ID',
    ],
    // Static members.
    ['static, in its epoch', (e) => ({ instanceId: 'ia', memberEpoch: e }), '+0'],
    [
      'static, ahead of its epoch',
      (e) => ({ instanceId: 'ia', memberEpoch: e + 1 }),
      'FENCED_MEMBER_EPOCH',
    ],
    ['static, far behind', () => ({ instanceId: 'ia', memberEpoch: 1 }), 'FENCED_MEMBER_EPOCH'],
    ['by its member id alone', (e) => ({ memberEpoch: e }), '+0'],
    [
      'another member with its instance id',
      (e) => ({ memberId: 'x', instanceId: 'ia', memberEpoch: e }),
      'FENCED_INSTANCE_ID',
    ],
    [
      'another member that joins with its instance id',
      () => ({ ...joining, memberId: 'x', instanceId: 'ia' }),
      'UNRELEASED_INSTANCE_ID',
    ],
    ['an unknown instance id', (e) => ({ instanceId: 'ix', memberEpoch: e }), 'UNKNOWN_MEMBER_ID'],
    ['leaving for a while', () => ({ instanceId: 'ia', memberEpoch: -2 }), '-2'],
    [
      'another member that leaves with its instance id',
      () => ({ memberId: 'x', instanceId: 'ia', memberEpoch: -2 }),
      'FENCED_INSTANCE_ID',
    ],
  ]
  for (const [what, request, reply] of cells) {
    it(`${what}: ${reply}`, () => {
      const bench = new Bench().settle()
      const records = bench.log.length
      assert.equal(bench.send(request(bench.epoch, bench)), reply)
      if (/^[A-Z]/.test(reply)) assert.equal(bench.log.length, records, 'an error writes nothing')
    })
  }
})

describe('replies of ConsumerGroupHeartbeat', () => {
  it('say whether an epoch is ahead or behind', () => {
    const bench = new Bench().settle()
    const messageFor = (memberEpoch: number): string => {
      try {
        bench.step((fx) =>
          bench.shard.consumers.heartbeat(fx, heartbeat({ memberId: 'b', memberEpoch }), 0),
        )
        return ''
      } catch (error) {
        return String(error)
      }
    }
    assert.match(messageFor(bench.epoch + 1), /has a greater member epoch/)
    assert.match(messageFor(1), /has a smaller member epoch/)
  })

  it('to a member that leaves ask for no further heartbeat', () => {
    for (const request of [
      { memberId: 'b', memberEpoch: -1 },
      { instanceId: 'ia', memberEpoch: -2 },
    ]) {
      const bench = new Bench().settle()
      const reply = bench.step((fx) =>
        bench.shard.consumers.heartbeat(fx, heartbeat(request), bench.nowMs),
      )
      assert.equal(reply.heartbeatIntervalMs, 0)
    }
  })
})

describe('a heartbeat that is repeated because its reply was lost', () => {
  /** The member `a` gave up two partitions and moved to the next epoch. */
  const cells: readonly (readonly [
    what: string,
    owned: (bench: Bench) => ConsumerHeartbeat['owned'],
    reply: RegExp,
  ])[] = [
    [
      'with its partitions gets the new epoch',
      (bench) => [{ topicId: T, partitions: bench.partitionsOf('a') }],
      /^\+0/,
    ],
    ['with none gets the new epoch, too', () => [], /^\+0/],
    ['without a report is fenced', () => null, /^FENCED_MEMBER_EPOCH$/],
    [
      'with partitions of others is fenced',
      (bench) => [{ topicId: T, partitions: bench.partitionsOf('b') }],
      /^FENCED_MEMBER_EPOCH$/,
    ],
    [
      'with partitions of another topic is fenced',
      () => [{ topicId: FakeTopics.idOf('u'), partitions: [0] }],
      /^FENCED_MEMBER_EPOCH$/,
    ],
  ]
  for (const [what, owned, reply] of cells) {
    it(what, () => {
      const bench = new Bench().settle()
      const memberEpoch = bench.group?.members.get('a')?.previousMemberEpoch ?? 0
      assert.equal(memberEpoch, bench.epoch - 1)
      assert.match(bench.send({ memberEpoch, owned: owned(bench) }), reply)
    })
  }
})

describe('a static member that was away', () => {
  const back = (memberId: string) => ({ ...joining, memberId, instanceId: 'ia' })

  it('returns to its partitions under a new id, without a rebalance', () => {
    const bench = new Bench().settle()
    const had = bench.partitionsOf('a')
    bench.send({ instanceId: 'ia', memberEpoch: -2 })
    assert.equal(bench.send(back('a2')), `+0 [${had.join(' ')}]`)
    assert.deepEqual([...(bench.group?.members.keys() ?? [])].sort(), ['a2', 'b'])
    assert.equal(bench.group?.groupEpoch, bench.epoch)
  })

  it('returns under its old id, too', () => {
    const bench = new Bench().settle()
    const had = bench.partitionsOf('a')
    bench.send({ instanceId: 'ia', memberEpoch: -2 })
    assert.equal(bench.send(back('a')), `+0 [${had.join(' ')}]`)
  })

  it('keeps its partitions until its session ends', () => {
    const bench = new Bench().settle()
    bench.send({ instanceId: 'ia', memberEpoch: -2 })
    for (let i = 0; i < 8; i++) {
      bench.pass(5000)
      bench.send({ memberId: 'b', memberEpoch: bench.epoch })
      assert.equal(bench.partitionsOf('b').length, 2)
    }
    bench.pass(5001)
    bench.send({ memberId: 'b', memberEpoch: bench.epoch })
    assert.equal(bench.partitionsOf('b').length, 4)
  })

  it('is fenced if it continues in an epoch of before', () => {
    const bench = new Bench().settle()
    const memberEpoch = bench.group?.members.get('a')?.previousMemberEpoch ?? 0
    bench.send({ instanceId: 'ia', memberEpoch: -2 })
    assert.equal(bench.send({ instanceId: 'ia', memberEpoch, owned: [] }), 'FENCED_MEMBER_EPOCH')
    assert.equal(
      bench.send({ instanceId: 'ia', memberEpoch: bench.epoch, owned: [] }),
      'FENCED_MEMBER_EPOCH',
    )
  })

  it('has its partitions since epoch 0, so that any epoch of its successor may commit', () => {
    const bench = new Bench().settle()
    bench.send({ instanceId: 'ia', memberEpoch: -2 })
    const since = bench.group?.members.get('a')?.assigned.get(T)?.values() ?? []
    assert.deepEqual([...since], [0, 0])
  })

  it('that leaves for good frees them at once', () => {
    const bench = new Bench().settle()
    assert.equal(bench.send({ instanceId: 'ia', memberEpoch: -1 }), '-1')
    assert.equal(bench.send({ memberId: 'b', memberEpoch: bench.epoch }), '+1 [0 1 2 3]')
  })
})

describe('limits and settings of a consumer group', () => {
  it('refuse a member more than it may have, but not those that it has', () => {
    const bench = new Bench({
      consumer: { maxSize: 2, assignors: ['uniform'], migrationPolicy: 'bidirectional' },
    }).settle()
    assert.equal(bench.send({ ...joining, memberId: 'c' }), 'GROUP_MAX_SIZE_REACHED')
    assert.equal(bench.send({ memberId: 'b', memberEpoch: bench.epoch }), '+0')
  })

  const votes: readonly (readonly [readonly (string | null)[], string])[] = [
    [[null, null], 'uniform'],
    [['range', null], 'range'],
    [['range', 'uniform', 'range'], 'range'],
    [['uniform', 'range', 'uniform'], 'uniform'],
  ]
  for (const [assignors, chosen] of votes) {
    it(`assign with what most members request: ${assignors.join()} → ${chosen}`, () => {
      const bench = new Bench()
      for (const [i, serverAssignor] of assignors.entries()) {
        bench.send({ ...joining, memberId: `m${i}`, serverAssignor })
      }
      const { group } = bench
      assert.ok(group)
      assert.equal(bench.shard.consumers.assignorName(group), chosen)
    })
  }

  it('fall back on uniform for a stored assignor that does not exist', () => {
    const bench = new Bench()
    assert.equal(bench.send({ ...joining, serverAssignor: 'removed' }), '+2 [0 1 2 3]')
    const { group } = bench
    assert.ok(group)
    assert.equal(bench.shard.consumers.assignorName(group), 'uniform')
  })
})

describe('the epoch of a consumer group', () => {
  const steps: readonly (readonly [what: string, run: (bench: Bench) => void, rises: boolean])[] = [
    [
      'a heartbeat without news',
      (bench) => bench.send({ memberId: 'b', memberEpoch: bench.epoch }),
      false,
    ],
    [
      'a topic without readers',
      (bench) => {
        bench.topics.set('u', 3)
        bench.send({ memberId: 'b', memberEpoch: bench.epoch })
      },
      false,
    ],
    [
      'new partitions of its topic',
      (bench) => {
        bench.topics.set('t', 5)
        bench.send({ memberId: 'b', memberEpoch: bench.epoch })
      },
      true,
    ],
    [
      'the end of its topic',
      (bench) => {
        bench.topics.delete('t')
        bench.send({ memberId: 'b', memberEpoch: bench.epoch })
      },
      true,
    ],
    ['a member that leaves', (bench) => bench.send({ memberId: 'b', memberEpoch: -1 }), true],
    ['a member that is away', (bench) => bench.send({ instanceId: 'ia', memberEpoch: -2 }), false],
    [
      'another rack',
      (bench) => bench.send({ memberId: 'b', memberEpoch: bench.epoch, rackId: 'r' }),
      false,
    ],
    [
      'another time-out',
      (bench) => bench.send({ memberId: 'b', memberEpoch: bench.epoch, rebalanceTimeoutMs: 5 }),
      false,
    ],
  ]
  for (const [what, run, rises] of steps) {
    it(`${rises ? 'rises' : 'stays'} with ${what}`, () => {
      const bench = new Bench().settle()
      run(bench)
      assert.equal((bench.group?.groupEpoch ?? 0) - bench.epoch, rises ? 1 : 0)
    })
  }

  it('is the same after a restart, and the group continues', () => {
    const bench = new Bench().settle()
    bench.restart()
    assert.equal(bench.group?.groupEpoch, bench.epoch)
    assert.equal(bench.send({ memberId: 'b', memberEpoch: bench.epoch }), '+0')
  })
})
