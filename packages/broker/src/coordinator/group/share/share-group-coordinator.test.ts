// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { ProtocolError } from '@millrace/protocol'
import { FakeTopics, ShardBench } from '../testing/shard-bench.ts'
import type { ShareHeartbeat } from './share-group-coordinator.ts'

const T = FakeTopics.idOf('t')

class Bench extends ShardBench {
  constructor(overrides: ConstructorParameters<typeof ShardBench>[0] = {}) {
    super(overrides)
    this.topics.set('t', 2)
  }

  get group() {
    return this.shard.shares.find('g')
  }

  get epoch(): number {
    return this.group?.groupEpoch ?? 0
  }

  /** Marks the state of partitions as initialized, as the share coordinator does. */
  initialize(...partitions: readonly number[]): this {
    const state = new Map([[T, { name: 't', partitions: new Set(partitions) }]])
    this.step((fx) => this.shard.shares.endInitializing(fx, 'g', state))
    return this
  }

  /** Epoch of the reply with what it assigns, or the error. */
  send(request: Partial<ShareHeartbeat>): string {
    const full: ShareHeartbeat = {
      groupId: 'g',
      memberId: 'a',
      memberEpoch: 0,
      rackId: null,
      clientId: 'client',
      clientHost: '/127.0.0.1',
      subscribedTopicNames: null,
      ...request,
    }
    try {
      const reply = this.step((fx) => this.shard.shares.heartbeat(fx, full, this.nowMs))
      if (reply.assignment === undefined) return `${reply.memberEpoch}`
      return `${reply.memberEpoch} [${(reply.assignment.get(T) ?? []).join(' ')}]`
    } catch (error) {
      assert.ok(error instanceof ProtocolError, String(error))
      return error.code
    }
  }

  join(memberId = 'a', names: readonly string[] = ['t']): string {
    return this.send({ memberId, subscribedTopicNames: names })
  }
}

describe('ShareGroupHeartbeat (KIP-932)', () => {
  it('creates the group with the first member; partitions follow when their state exists', () => {
    const bench = new Bench()
    assert.equal(bench.join(), '2 []')
    bench.initialize(0, 1)
    assert.equal(bench.send({ memberEpoch: 2 }), '3 [0 1]')
    assert.equal(bench.send({ memberEpoch: 3 }), '3', 'said once')
  })

  it('gives each of several members a share, and all of them something', () => {
    const bench = new Bench()
    bench.join('a')
    bench.initialize(0, 1)
    bench.join('b')
    const epoch = bench.epoch
    assert.equal(
      bench.send({ memberId: 'b', memberEpoch: epoch, subscribedTopicNames: ['t'] }).length > 3,
      true,
    )
    bench.join('c')
    const partitions = ['a', 'b', 'c'].map(
      (memberId) => bench.group?.target(memberId).get(T)?.length ?? 0,
    )
    assert.deepEqual(partitions, [1, 1, 1], 'a partition may have several members')
  })

  const cells: readonly (readonly [
    what: string,
    request: (epoch: number) => Partial<ShareHeartbeat>,
    reply: RegExp,
  ])[] = [
    ['a member in its epoch', (epoch) => ({ memberEpoch: epoch }), /^3$/],
    ['in its previous epoch', (epoch) => ({ memberEpoch: epoch - 1 }), /^3$/],
    ['ahead of its epoch', (epoch) => ({ memberEpoch: epoch + 1 }), /^FENCED_MEMBER_EPOCH$/],
    ['far behind', (epoch) => ({ memberEpoch: epoch - 2 }), /^FENCED_MEMBER_EPOCH$/],
    ['joining again', () => ({ subscribedTopicNames: ['t'] }), /^3 \[0 1\]$/],
    [
      'an unknown member',
      (epoch) => ({ memberId: 'x', memberEpoch: epoch }),
      /^UNKNOWN_MEMBER_ID$/,
    ],
    [
      'an unknown member that leaves',
      () => ({ memberId: 'x', memberEpoch: -1 }),
      /^UNKNOWN_MEMBER_ID$/,
    ],
    ['leaving', () => ({ memberEpoch: -1 }), /^-1$/],
    ['another group', (epoch) => ({ groupId: 'h', memberEpoch: epoch }), /^GROUP_ID_NOT_FOUND$/],
    ['leaving another group', () => ({ groupId: 'h', memberEpoch: -1 }), /^GROUP_ID_NOT_FOUND$/],
    [
      'a subscription to nothing that exists',
      (epoch) => ({ memberEpoch: epoch, subscribedTopicNames: ['u'] }),
      /^4 \[\]$/,
    ],
  ]
  for (const [what, request, reply] of cells) {
    it(`${what}: ${reply}`, () => {
      const bench = new Bench()
      bench.join()
      bench.initialize(0, 1)
      bench.send({ memberEpoch: 2 })
      const records = bench.log.length
      const got = bench.send(request(3))
      assert.match(got, reply)
      if (/^[A-Z]/.test(got)) assert.equal(bench.log.length, records, 'an error writes nothing')
    })
  }

  it('ends the membership of a silent member', () => {
    const bench = new Bench()
    bench.join('a')
    bench.join('b')
    bench.initialize(0, 1)
    for (let i = 0; i < 8; i++) {
      bench.pass(5000)
      bench.send({ memberId: 'b', memberEpoch: bench.group?.members.get('b')?.memberEpoch ?? 0 })
    }
    assert.equal(bench.group?.members.size, 2)
    bench.pass(5000)
    assert.deepEqual([...(bench.group?.members.keys() ?? [])], ['b'])
    const epoch = bench.group?.members.get('b')?.memberEpoch ?? 0
    assert.match(bench.send({ memberId: 'b', memberEpoch: epoch }), /\[0 1\]$/)
  })

  it('has room for a number of members, and for those that it has', () => {
    const bench = new Bench({ share: { maxSize: 1 } })
    bench.join('a')
    assert.equal(bench.join('b'), 'GROUP_MAX_SIZE_REACHED')
    assert.notEqual(bench.join('a'), 'GROUP_MAX_SIZE_REACHED')
  })

  it('is the same after a restart', () => {
    const bench = new Bench()
    bench.join()
    bench.initialize(0, 1)
    bench.send({ memberEpoch: 2 })
    bench.restart()
    assert.equal(bench.send({ memberEpoch: 3 }), '3')
    assert.deepEqual(bench.group?.target('a').get(T), [0, 1])
    bench.pass(45_001)
    assert.equal(bench.group?.isEmpty, true, 'sessions continue')
  })
})

describe('the state of partitions that a share group reads', () => {
  const wanted = (bench: Bench, request: Partial<ShareHeartbeat> = {}): string => {
    const partitions = bench.shard.shares.uninitialized({
      groupId: 'g',
      memberId: 'a',
      memberEpoch: 0,
      rackId: null,
      clientId: '',
      clientHost: '',
      subscribedTopicNames: ['t'],
      ...request,
    })
    return [...(partitions.get(T)?.partitions ?? [])].join(' ')
  }

  it('is initialized before a member reads them, once', () => {
    const bench = new Bench()
    assert.equal(wanted(bench), '0 1')
    bench.join()
    bench.initialize(0)
    assert.equal(wanted(bench), '1')
    bench.initialize(1)
    assert.equal(wanted(bench), '')
    bench.topics.set('t', 3)
    assert.equal(wanted(bench), '2')
  })

  it('is not initialized for a member that leaves, nor for an invalid request', () => {
    const bench = new Bench()
    bench.join()
    assert.equal(wanted(bench, { memberEpoch: -1 }), '')
    assert.throws(() => wanted(bench, { memberEpoch: 9 }), { code: 'FENCED_MEMBER_EPOCH' })
  })

  it('survives a restart, also while it is being initialized', () => {
    const bench = new Bench()
    bench.join()
    const one = new Map([[T, { name: 't', partitions: new Set([1]) }]])
    bench.initialize(0)
    bench.step((fx) => bench.shard.shares.beginInitializing(fx, 'g', one))
    bench.restart()
    assert.deepEqual([...(bench.group?.initialized.get(T)?.partitions ?? [])], [0])
    assert.deepEqual([...(bench.group?.initializing.get(T)?.partitions ?? [])], [1])
    bench.initialize(1)
    assert.deepEqual([...(bench.group?.initialized.get(T)?.partitions ?? [])], [0, 1])
    assert.equal(bench.group?.initializing.size, 0)
  })

  it('is forgotten with a topic', () => {
    const bench = new Bench()
    bench.join()
    bench.initialize(0, 1)
    bench.step((fx) => bench.shard.shares.forgetTopics(fx, 'g', new Set([T])))
    assert.equal(wanted(bench), '0 1')
  })
})

describe('offsets of a share group', () => {
  it('are changed only while it has no members', () => {
    const bench = new Bench()
    assert.throws(() => bench.shard.shares.emptyGroup('g', false), { code: 'GROUP_ID_NOT_FOUND' })
    assert.equal(bench.shard.shares.emptyGroup('g', true).isEmpty, true)
    bench.join()
    assert.throws(() => bench.shard.shares.emptyGroup('g', false), { code: 'NON_EMPTY_GROUP' })
    bench.send({ memberEpoch: -1 })
    assert.equal(bench.shard.shares.emptyGroup('g', false).isEmpty, true)
  })
})
