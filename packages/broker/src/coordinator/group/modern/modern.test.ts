// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { Effects } from '../../runtime/effects.ts'
import { ConsumerGroup } from '../consumer/consumer-group.ts'
import type { GroupEffects } from '../group-effects.ts'
import { FakeTopics } from '../testing/shard-bench.ts'
import { assignmentOf, sameAssignment, topicPartitionsOf } from './assignment.ts'
import { isAssignmentDue } from './assignment-due.ts'
import { GroupDraft } from './group-draft.ts'
import { heartbeatIntervalMs } from './heartbeat-interval.ts'
import { metadataHash, topicIds } from './topics-view.ts'

describe('the interval of heartbeats', () => {
  const cells: readonly (readonly [
    memberCount: number,
    isSettled: boolean,
    sinceChangeMs: number,
    intervalMs: number,
    why: string,
  ])[] = [
    [1, true, 3001, 5000, 'of a settled group is the configured one'],
    [1, true, 3000, 100, 'is short for a while after a change'],
    [1, false, 60_000, 100, 'is short while the member has something to do'],
    [20, false, 0, 100, 'is at least 100 ms'],
    [100, false, 0, 500, 'is longer in a large group'],
    [2000, false, 0, 5000, 'is never longer than the configured one'],
  ]
  for (const [memberCount, isSettled, sinceChangeMs, intervalMs, why] of cells) {
    it(`${memberCount} members, settled ${isSettled}, ${sinceChangeMs} ms: ${intervalMs}, ${why}`, () => {
      const group = { memberCount, isSettled, sinceChangeMs }
      assert.equal(heartbeatIntervalMs(5000, group), intervalMs)
    })
  }
})

describe('a new assignment is due', () => {
  const cells: readonly (readonly [
    lastMs: number,
    intervalMs: number,
    nowMs: number,
    isDue: boolean,
    why: string,
  ])[] = [
    [0, 1000, 500, true, 'at once the first time'],
    [1000, 0, 1000, true, 'at once without an interval'],
    [1000, 0, 500, true, 'even if the clock was set back'],
    [1000, 1000, 1999, false, 'not before the interval is over'],
    [1000, 1000, 2000, true, 'when it is over'],
  ]
  for (const [assignmentTimestampMs, intervalMs, nowMs, isDue, why] of cells) {
    it(`${isDue}: ${why}`, () => {
      assert.equal(isAssignmentDue({ assignmentTimestampMs }, intervalMs, nowMs), isDue)
    })
  }
})

describe('assignments', () => {
  it('are sorted, and have no empty topics', () => {
    const assignment = assignmentOf([
      { topicId: 't', partitions: [2, 0, 1] },
      { topicId: 'u', partitions: [] },
    ])
    assert.deepEqual(topicPartitionsOf(assignment), [{ topicId: 't', partitions: [0, 1, 2] }])
  })

  const of = (text: string) =>
    assignmentOf(
      text
        .split(' ')
        .filter(Boolean)
        .map((word) => ({
          topicId: word.charAt(0),
          partitions: word.slice(1).split(',').map(Number),
        })),
    )
  const cells: readonly (readonly [string, string, boolean])[] = [
    ['', '', true],
    ['t0,1', 't1,0', true],
    ['t0', 't0,1', false],
    ['t0,1', 't0,2', false],
    ['t0', 'u0', false],
    ['t0', 't0 u0', false],
    ['t0 u1', 'u1 t0', true],
  ]
  for (const [a, b, isSame] of cells) {
    it(`${a || 'none'} and ${b || 'none'} are ${isSame ? 'the same' : 'different'}`, () => {
      assert.equal(sameAssignment(of(a), of(b)), isSame)
    })
  }
})

describe('the topics of a group', () => {
  const topics = (counts: Readonly<Record<string, number>>): FakeTopics => {
    const view = new FakeTopics()
    for (const [name, count] of Object.entries(counts)) view.set(name, count)
    return view
  }
  const hash = (names: readonly string[], counts: Readonly<Record<string, number>>): bigint =>
    metadataHash(names, topics(counts))

  it('have a hash that changes with them, and with nothing else', () => {
    const base = hash(['a', 'b'], { a: 1, b: 2 })
    assert.equal(hash(['b', 'a'], { b: 2, a: 1, c: 9 }), base)
    assert.equal(hash(['a', 'b', 'missing'], { a: 1, b: 2 }), base)
    assert.notEqual(hash(['a', 'b'], { a: 1, b: 3 }), base)
    assert.notEqual(hash(['a'], { a: 1, b: 2 }), base)
    assert.equal(hash(['missing'], {}), 0n)
  })

  it('are known by id as far as they exist', () => {
    assert.deepEqual(topicIds(['a', 'x'], topics({ a: 1 })), new Set([FakeTopics.idOf('a')]))
  })
})

describe('a draft of a group', () => {
  const epoch = (value: number) =>
    ({
      kind: 'consumerGroup',
      key: { groupId: 'g' },
      value: { epoch: value, metadataHash: 0n },
    }) as const

  it('shows what was decided, while the group is unchanged until it is in the log', () => {
    const group = new ConsumerGroup('g')
    const fx: GroupEffects = new Effects()
    const draft = new GroupDraft(group, fx, (source) => new ConsumerGroup('g', source))
    draft.emit()
    assert.equal(draft.hasChanged, false)
    assert.equal(draft.group, group, 'a decision without records copies nothing')
    draft.emit(epoch(5))
    draft.emit(epoch(6))
    assert.equal(draft.hasChanged, true)
    assert.deepEqual([group.groupEpoch, draft.group.groupEpoch, fx.records.length], [1, 6, 2])
  })
})
