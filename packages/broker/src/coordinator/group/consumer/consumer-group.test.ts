// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { ProtocolError } from '@millrace/protocol'
import type { Committer } from '../group.ts'
import { decodeGroupRecord, encodeGroupRecord } from '../group-record.ts'
import { FakeTopics } from '../testing/shard-bench.ts'
import { ConsumerGroup } from './consumer-group.ts'
import { type ConsumerMember, currentRecord, memberRecord, newMember } from './consumer-member.ts'
import { compileTopicRegex, resolveTopicRegex } from './topic-regex.ts'

const T = FakeTopics.idOf('t')

/**
 * Member `m` is at epoch 5: it has partition 0 since epoch 3, and is to give up partition 1, which
 * it has had since epoch 4. Member `c` uses the classic protocol.
 */
function groupOf(): ConsumerGroup {
  const group = new ConsumerGroup('g')
  const add = (member: ConsumerMember): void => {
    for (const record of [memberRecord('g', member), currentRecord('g', member)]) {
      const { key, value } = encodeGroupRecord(record)
      group.apply(decodeGroupRecord(key, value))
    }
  }
  const m: ConsumerMember = {
    ...newMember('m'),
    memberEpoch: 5,
    previousMemberEpoch: 4,
    subscribedTopicNames: ['t'],
    assigned: new Map([[T, new Map([[0, 3]])]]),
    pendingRevocation: new Map([[T, new Map([[1, 4]])]]),
  }
  add(m)
  add({ ...m, memberId: 'c', classic: { sessionTimeoutMs: 10_000, supportedProtocols: [] } })
  return group
}

describe('a commit to a consumer group', () => {
  const committer: Committer = {
    memberId: 'm',
    groupInstanceId: null,
    generationId: 5,
    isTransactional: false,
    version: 9,
  }
  const outside = { memberId: '', generationId: -1 }
  const cells: readonly (readonly [
    what: string,
    change: Partial<Committer>,
    partition: number,
    error: string,
  ])[] = [
    ['of a member in its epoch', {}, 0, 'NONE'],
    ['of a partition that it does not have', {}, 7, 'NONE'],
    ['in a later epoch', { generationId: 6 }, 0, 'STALE_MEMBER_EPOCH'],
    ['in an epoch since which it has the partition', { generationId: 4 }, 0, 'NONE'],
    ['in the epoch in which it got the partition', { generationId: 3 }, 0, 'NONE'],
    ['in an epoch before', { generationId: 2 }, 0, 'STALE_MEMBER_EPOCH'],
    ['of a partition that it gives up', { generationId: 4 }, 1, 'NONE'],
    ['of that before it had it', { generationId: 3 }, 1, 'STALE_MEMBER_EPOCH'],
    ['in an earlier epoch, of another partition', { generationId: 4 }, 7, 'STALE_MEMBER_EPOCH'],
    ['of an unknown member', { memberId: 'x' }, 0, 'UNKNOWN_MEMBER_ID'],
    ['from outside', outside, 0, 'UNKNOWN_MEMBER_ID'],
    ['in an old version of the request', { version: 8 }, 0, 'UNSUPPORTED_VERSION'],
    ['within a transaction', { isTransactional: true, version: 0 }, 0, 'NONE'],
    ['of a producer that names no member', { ...outside, isTransactional: true }, 0, 'NONE'],
    ['of a classic member', { memberId: 'c', version: 8 }, 0, 'NONE'],
    ['of a classic member ahead', { memberId: 'c', generationId: 6 }, 0, 'ILLEGAL_GENERATION'],
    ['of a classic member behind', { memberId: 'c', generationId: 2 }, 0, 'ILLEGAL_GENERATION'],
  ]
  for (const [what, change, partition, error] of cells) {
    it(`${what}: ${error}`, () => {
      const check = groupOf().checkCommit({ ...committer, ...change })
      const got = typeof check === 'function' ? check({ topic: 't', topicId: T, partition }) : check
      assert.equal(got, error)
    })
  }

  it('without members is open to every client', () => {
    const empty = new ConsumerGroup('g')
    assert.equal(empty.checkCommit({ ...committer, ...outside }), 'NONE')
    assert.equal(empty.checkCommit(committer), 'UNKNOWN_MEMBER_ID')
  })
})

describe('reading the offsets of a consumer group', () => {
  const cells: readonly (readonly [memberId: string | null, epoch: number, error: string])[] = [
    [null, -1, 'NONE'],
    ['m', 5, 'NONE'],
    ['m', 4, 'STALE_MEMBER_EPOCH'],
    ['m', 6, 'STALE_MEMBER_EPOCH'],
    ['c', 4, 'ILLEGAL_GENERATION'],
    ['x', 5, 'UNKNOWN_MEMBER_ID'],
    [null, 5, 'UNKNOWN_MEMBER_ID'],
  ]
  for (const [memberId, epoch, error] of cells) {
    it(`as ${memberId} in epoch ${epoch}: ${error}`, () => {
      assert.equal(groupOf().checkOffsetFetch(memberId, epoch), error)
    })
  }
})

describe('a consumer group', () => {
  it('knows the owner of a partition, also while it is being revoked', () => {
    const group = groupOf()
    assert.equal(group.isOwnedByAnother('x', T, 0), true)
    assert.equal(group.isOwnedByAnother('x', T, 1), true)
    assert.equal(group.isOwnedByAnother('x', T, 2), false)
    assert.deepEqual(
      [group.isSubscribed('t'), group.isSubscribed('u'), group.isForgettable()],
      [true, false, false],
    )
  })

  it('is empty of state once its tombstones are replayed', () => {
    const group = groupOf()
    for (const record of group.tombstones()) {
      const { key, value } = encodeGroupRecord(record)
      assert.equal(value, null)
      group.apply(decodeGroupRecord(key, value))
    }
    assert.equal(group.isEmpty, true)
    assert.equal(group.isOwnedByAnother('x', T, 0), false)
  })
})

describe('a pattern of topics', () => {
  const topics = new FakeTopics()
  for (const name of ['orders', 'orders-eu', 'old.orders', 'x']) topics.set(name, 1)
  const cells: readonly (readonly [pattern: string, names: string])[] = [
    ['orders', 'orders'],
    ['orders.*', 'orders orders-eu'],
    ['.*orders', 'old.orders orders'],
    ['x|orders', 'orders x'],
    ['old\\.orders', 'old.orders'],
    ['', ''],
  ]
  for (const [pattern, names] of cells) {
    it(`${pattern || 'nothing'} matches whole names: ${names || 'none'}`, () => {
      assert.equal(resolveTopicRegex(pattern, topics).join(' '), names)
    })
  }

  it('finds only topics that the member may know of', () => {
    const found = resolveTopicRegex('orders.*', topics, (name) => name !== 'orders-eu')
    assert.deepEqual(found, ['orders'])
  })

  for (const pattern of ['(', '[', '*', '(?<a>x)(?<a>y)']) {
    it(`${pattern} is refused`, () => {
      assert.throws(
        () => compileTopicRegex(pattern),
        (error) => error instanceof ProtocolError && error.code === 'INVALID_REGULAR_EXPRESSION',
      )
    })
  }
})
