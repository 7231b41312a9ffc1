// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { rangeAssignor } from '../consumer/assignors/range-assignor.ts'
import { uniformAssignor } from '../consumer/assignors/uniform-assignor.ts'
import { simpleAssignor } from '../share/simple-assignor.ts'
import type { Assignment } from './assignment.ts'
import type { AssignedMember, ServerAssignor } from './assignor.ts'

/** Members and topics in words: `a: t u` subscribes to topics, `a: t | t0 t1` has partitions. */
function membersOf(text: string): AssignedMember[] {
  return text.split(', ').map((line) => {
    const [head = '', had = ''] = line.split(' | ')
    const [name = '', topics = ''] = head.split(': ')
    const [memberId = '', instanceId = null] = name.split('/')
    return {
      memberId,
      instanceId,
      topicIds: new Set(topics.split(' ').filter(Boolean)),
      assignment: assignmentOf(had),
    }
  })
}

function assignmentOf(text: string): Assignment {
  const topics = new Map<string, number[]>()
  for (const word of text.split(' ').filter(Boolean)) {
    const topic = word.charAt(0)
    topics.set(topic, [...(topics.get(topic) ?? []), Number(word.slice(1))])
  }
  return topics
}

function placesOf(assignment: Assignment | undefined): string[] {
  return [...(assignment ?? [])].flatMap(([topic, partitions]) =>
    partitions.map((partition) => `${topic}${partition}`),
  )
}

function assign(assignor: ServerAssignor, members: string, topics: Record<string, number>): string {
  const targets = assignor.assign(membersOf(members), (topicId) =>
    Array.from({ length: topics[topicId] ?? 0 }, (_, i) => i),
  )
  return [...targets]
    .map(([id, target]) => `${id}: ${placesOf(target).sort().join(' ')}`.trim())
    .join(', ')
}

const range: readonly (readonly [string, Record<string, number>, string, string])[] = [
  ['a: t, b: t', { t: 4 }, 'a: t0 t1, b: t2 t3', 'contiguous ranges'],
  ['a: t, b: t', { t: 5 }, 'a: t0 t1 t2, b: t3 t4', 'the first members have one more'],
  ['b: t, a: t', { t: 2 }, 'b: t1, a: t0', 'members in the order of their ids'],
  ['z/1: t, a: t', { t: 2 }, 'z: t0, a: t1', 'static members first, by instance id'],
  ['z/2: t, a/3: t, b/1: t', { t: 3 }, 'z: t1, a: t2, b: t0', 'by instance id, not by member id'],
  ['a: t u, b: t u', { t: 2, u: 2 }, 'a: t0 u0, b: t1 u1', 'topics alike are split alike'],
  ['a: t u, b: u', { t: 2, u: 2 }, 'a: t0 t1 u0, b: u1', 'each topic among its subscribers'],
  ['a: t, b: t, c: t', { t: 2 }, 'a: t0, b: t1, c:', 'more members than partitions'],
  ['a: t', {}, 'a:', 'a topic without partitions'],
]

const uniform: readonly (readonly [string, Record<string, number>, string, string])[] = [
  ['a: t, b: t', { t: 4 }, 'a: t0 t1, b: t2 t3', 'evenly'],
  ['a: t u, b: t u', { t: 1, u: 1 }, 'a: t0, b: u0', 'over all topics together'],
  ['a: t | t0 t1, b: t', { t: 4 }, 'a: t0 t1, b: t2 t3', 'what a member has stays'],
  ['a: t | t0 t1 t2 t3, b: t', { t: 4 }, 'a: t0 t1, b: t2 t3', 'up to its share'],
  ['a: t, b: t | t0 t1 t2', { t: 3 }, 'a: t2, b: t0 t1', 'the larger share to the one that has it'],
  ['a: t | t0 t1, b: t | t2', { t: 2 }, 'a: t0, b: t1', 'partitions that are gone do not count'],
  ['a: u | t0, b: u', { t: 1, u: 2 }, 'a: u0, b: u1', 'nor topics that it left'],
  ['a: t, b: u', { t: 3, u: 1 }, 'a: t0 t1 t2, b: u0', 'each its own topics'],
  ['a: t u, b: u', { t: 3, u: 3 }, 'a: t0 t1 t2, b: u0 u1 u2', 'even where subscriptions differ'],
]

const simple: readonly (readonly [string, Record<string, number>, string, string])[] = [
  ['a: t, b: t', { t: 4 }, 'a: t0 t2, b: t1 t3', 'as many partitions as members can share'],
  ['a: t, b: t, c: t', { t: 1 }, 'a: t0, b: t0, c: t0', 'a partition may have several members'],
  ['a: t, b: t, c: t', { t: 2 }, 'a: t0, b: t1, c: t0', 'no member is idle'],
  [
    'a: t | t0 t1 t2, b: t',
    { t: 4 },
    'a: t0 t1, b: t2 t3',
    'what a member has stays, up to its share',
  ],
  ['a: t, b: u', { t: 2, u: 1 }, 'a: t0 t1, b: u0', 'each its own topics'],
  ['a: t', { t: 0 }, 'a:', 'nothing to share'],
]

for (const [assignor, rules] of [
  [rangeAssignor, range],
  [uniformAssignor, uniform],
  [simpleAssignor, simple],
] as const) {
  describe(`the server-side assignor ${assignor.name}`, () => {
    for (const [members, topics, targets, why] of rules) {
      it(`${members} of ${JSON.stringify(topics)} → ${targets}: ${why}`, () => {
        assert.equal(assign(assignor, members, topics), targets)
      })
    }
  })
}

const groups = fc.record({
  members: fc
    .array(fc.array(fc.boolean(), { minLength: 3, maxLength: 3 }), { minLength: 1, maxLength: 6 })
    .map((list) =>
      list.map(
        (wants, i): AssignedMember => ({
          memberId: `m${i}`,
          instanceId: null,
          topicIds: new Set(['t', 'u', 'v'].filter((_, topic) => wants[topic])),
          assignment: new Map(),
        }),
      ),
    ),
  counts: fc.array(fc.nat(9), { minLength: 3, maxLength: 3 }),
})

describe('every server-side assignor', () => {
  for (const assignor of [rangeAssignor, uniformAssignor, simpleAssignor]) {
    it(`${assignor.name} leaves no partition out, and gives only what is subscribed`, () => {
      fc.assert(
        fc.property(groups, ({ members, counts }) => {
          const countOf = (topic: string): number => counts['tuv'.indexOf(topic)] ?? 0
          const partitionsOf = (topic: string) =>
            Array.from({ length: countOf(topic) }, (_, i) => i)
          const targets = assignor.assign(members, partitionsOf)
          const given = [...targets.values()].flatMap(placesOf)
          const wanted = ['t', 'u', 'v'].flatMap((topic) =>
            members.some(({ topicIds }) => topicIds.has(topic))
              ? partitionsOf(topic).map((partition) => `${topic}${partition}`)
              : [],
          )
          assert.deepEqual([...new Set(given)].sort(), wanted.sort())
          if (assignor !== simpleAssignor) assert.equal(given.length, wanted.length, 'once')
          for (const { memberId, topicIds } of members) {
            for (const topic of targets.get(memberId)?.keys() ?? []) assert.ok(topicIds.has(topic))
          }
        }),
      )
    })
  }

  it('uniform moves nothing when nothing changed', () => {
    fc.assert(
      fc.property(groups, ({ members, counts }) => {
        const partitionsOf = (topic: string) =>
          Array.from({ length: counts['tuv'.indexOf(topic)] ?? 0 }, (_, i) => i)
        const first = uniformAssignor.assign(members, partitionsOf)
        const again = members.map((member) => ({
          ...member,
          assignment: first.get(member.memberId) ?? new Map<string, number[]>(),
        }))
        const second = uniformAssignor.assign(again, partitionsOf)
        for (const { memberId } of members) {
          assert.deepEqual(
            placesOf(second.get(memberId)).sort(),
            placesOf(first.get(memberId)).sort(),
          )
        }
      }),
    )
  })
})
