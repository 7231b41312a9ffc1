// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import type { AssignmentInput, GroupAssignment, GroupMember } from './assignor.ts'
import {
  decodeAssignment,
  decodeSubscription,
  encodeAssignment,
  encodeSubscription,
} from './consumer-protocol.ts'
import { rangeAssignor } from './range-assignor.ts'
import { roundRobinAssignor } from './round-robin-assignor.ts'
import { cooperativeStickyAssignor, stickyAssignor } from './sticky-assignor.ts'

const member = (
  memberId: string,
  topics: readonly string[],
  more: Partial<GroupMember> = {},
): GroupMember => ({
  memberId,
  groupInstanceId: null,
  topics,
  ownedPartitions: [],
  generationId: -1,
  rackId: null,
  userData: null,
  ...more,
})

const groups = fc
  .record({
    counts: fc.array(fc.integer({ min: 1, max: 12 }), { minLength: 1, maxLength: 4 }),
    wants: fc.array(fc.array(fc.boolean(), { minLength: 4, maxLength: 4 }), {
      minLength: 1,
      maxLength: 6,
    }),
  })
  .map(({ counts, wants }): AssignmentInput => {
    const topics = counts.map((_, i) => `t${i}`)
    return {
      members: wants.map((flags, i) => {
        const some = topics.filter((_, t) => flags[t])
        return member(`m${i}`, some.length > 0 ? some : [topics[0] as string])
      }),
      partitionCounts: new Map(topics.map((topic, i) => [topic, counts[i] as number])),
      racks: () => [],
    }
  })

const names = (assignment: GroupAssignment): string[] =>
  [...assignment.values()].flat().map(({ topic, partition }) => `${topic}-${partition}`)

/** Members as they would join next, each with its current assignment. */
function owning(
  input: AssignmentInput,
  assignment: GroupAssignment,
  generationId: number,
): AssignmentInput {
  return {
    ...input,
    members: input.members.map((each) => {
      const ownedPartitions = assignment.get(each.memberId) ?? []
      const userData = stickyAssignor.userData?.(ownedPartitions, generationId) ?? null
      return { ...each, ownedPartitions, generationId, userData }
    }),
  }
}

describe('every assignor', () => {
  for (const assignor of [
    rangeAssignor,
    roundRobinAssignor,
    stickyAssignor,
    cooperativeStickyAssignor,
  ]) {
    it(`${assignor.name} assigns each subscribed partition to one subscriber`, () => {
      fc.assert(
        fc.property(groups, (input) => {
          const assignment = assignor.assign(input)
          const wanted = [...input.partitionCounts].flatMap(([topic, count]) =>
            input.members.some(({ topics }) => topics.includes(topic))
              ? Array.from({ length: count }, (_, partition) => `${topic}-${partition}`)
              : [],
          )
          assert.deepEqual(names(assignment).sort(), wanted.sort())
          for (const { memberId, topics } of input.members) {
            for (const { topic } of assignment.get(memberId) ?? [])
              assert.ok(topics.includes(topic))
          }
        }),
      )
    })
  }
})

describe('sticky assignors', () => {
  it('leave no member with two partitions more than another that could take one', () => {
    fc.assert(
      fc.property(groups, (input) => {
        const assignment = stickyAssignor.assign(input)
        for (const heavy of input.members) {
          const own = assignment.get(heavy.memberId) ?? []
          for (const light of input.members) {
            const room = own.length - (assignment.get(light.memberId)?.length ?? 0)
            const could = own.some(({ topic }) => light.topics.includes(topic))
            assert.ok(!could || room <= 1, `${heavy.memberId} could give to ${light.memberId}`)
          }
        }
      }),
    )
  })

  it('move nothing if nothing changed', () => {
    fc.assert(
      fc.property(groups, (input) => {
        const first = stickyAssignor.assign(input)
        assert.deepEqual(stickyAssignor.assign(owning(input, first, 1)), first)
        assert.deepEqual(cooperativeStickyAssignor.assign(owning(input, first, 1)), first)
      }),
    )
  })

  it('prefer the later generation of two that claim the same partition', () => {
    const claim = [{ topic: 't', partition: 0 }]
    const input: AssignmentInput = {
      members: [
        member('old', ['t'], { ownedPartitions: claim, generationId: 3 }),
        member('new', ['t'], { ownedPartitions: claim, generationId: 4 }),
      ],
      partitionCounts: new Map([['t', 1]]),
      racks: () => [],
    }
    assert.deepEqual(cooperativeStickyAssignor.assign(input).get('new'), claim)
  })

  it('assign a partition to another member only after its owner has revoked it, if cooperative', () => {
    fc.assert(
      fc.property(groups, (input) => {
        const alone = { ...input, members: input.members.slice(0, 1) }
        const first = cooperativeStickyAssignor.assign(alone)
        const joined = owning(input, first, 1)
        const second = cooperativeStickyAssignor.assign(joined)
        const owned = new Set(names(first))
        for (const { memberId } of input.members.slice(1)) {
          for (const name of names(new Map([[memberId, second.get(memberId) ?? []]]))) {
            assert.ok(!owned.has(name), `${name} was assigned while it was owned`)
          }
        }
        // Withheld partitions are assigned within a few more rounds, which the members request.
        let last = second
        for (let round = 2; round < 8; round++) {
          last = cooperativeStickyAssignor.assign(owning(input, last, round))
        }
        assert.equal(new Set(names(last)).size, names(stickyAssignor.assign(input)).length)
      }),
    )
  })
})

describe('consumer protocol messages', () => {
  it('are unchanged by encoding and decoding', () => {
    const owned = [
      { topic: 'a', partition: 1 },
      { topic: 'a', partition: 3 },
      { topic: 'b', partition: 0 },
    ]
    const data = encodeSubscription({
      topics: ['a', 'b'],
      userData: Buffer.from([1]),
      owned,
      generationId: 7,
      rackId: 'r',
    })
    const who = { memberId: 'm', groupInstanceId: null }
    assert.deepEqual(decodeSubscription(data, who), {
      ...who,
      topics: ['a', 'b'],
      ownedPartitions: owned,
      generationId: 7,
      rackId: 'r',
      userData: Buffer.from([1]),
    })
    assert.throws(
      () => decodeSubscription(data.subarray(0, 9), { ...who, memberId: 'app-1-x' }),
      /cannot read the subscription of member app-1-x: /,
    )
    assert.deepEqual(decodeAssignment(encodeAssignment(owned)), owned)
    assert.deepEqual(decodeAssignment(Buffer.alloc(0)), [])
  })
})
