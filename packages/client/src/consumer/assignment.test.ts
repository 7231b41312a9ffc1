// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { bytes } from '../serde/serde.ts'
import { Assignment, type WantedPartition } from './assignment.ts'

const topicId = 'AAAAAAAAAAAAAAAAAAAAAQ'

/** `t-0` or, with the id of its topic, `t-0#`. */
function parse(list: string): WantedPartition[] {
  return list.split(' ').flatMap((text) => {
    const [, topic = '', partition = '', id] = /^(\w+)-(\d+)(#?)$/.exec(text) ?? []
    if (topic === '') return []
    return [{ topic, partition: Number(partition), ...(id === '#' ? { topicId } : {}) }]
  })
}

function names(assignment: Assignment): string {
  return assignment.partitions.map(({ topic, partition }) => `${topic}-${partition}`).join(' ')
}

describe('an assignment', () => {
  const cells: readonly (readonly [what: string, before: string, after: string, kept: string])[] = [
    ['the first partitions', '', 't-0 t-1', ''],
    ['those it had keep their state', 't-0 t-1', 't-1 t-2', 't-1'],
    ['nothing in common', 't-0', 'u-0', ''],
    ['no partitions', 't-0 t-1', '', ''],
    ['another topic of the name begins again', 't-0', 't-0#', ''],
    ['the topic of an id keeps its state', 't-0# t-1#', 't-0#', 't-0'],
  ]
  for (const [what, before, after, kept] of cells) {
    it(`${what}: [${before}] → [${after}] keeps [${kept}]`, () => {
      const assignment = new Assignment()
      assignment.replace(parse(before))
      const states = [...assignment.states]
      assignment.replace(parse(after))
      assert.equal(names(assignment), after.replaceAll('#', ''))
      const now = new Set(assignment.states)
      const stayed = states.filter((state) => now.has(state))
      assert.equal(stayed.map((state) => `${state.topic}-${state.partition}`).join(' '), kept)
      for (const state of states) assert.equal(state.isRevoked, !now.has(state))
    })
  }

  it('adds new partitions, and revokes those that the coordinator requests', () => {
    const assignment = new Assignment()
    assignment.replace(parse('t-0'))
    const added = assignment.add(parse('t-0 t-2 t-1'))
    assert.deepEqual(
      added.map(({ partition }) => partition),
      [2, 1],
    )
    assert.equal(names(assignment), 't-0 t-1 t-2')
    assignment.revoke(added)
    assert.equal(names(assignment), 't-0')
    assert.ok(added.every(({ isRevoked }) => isRevoked))
  })

  it('has no state of other partitions', () => {
    const assignment = new Assignment()
    assert.equal(assignment.get({ topic: 't', partition: 0 }), undefined)
    assert.throws(() => assignment.require({ topic: 't', partition: 0 }), {
      code: 'MILLRACE_NOT_ASSIGNED',
      message: 't-0 is not assigned to this consumer',
    })
  })

  it('is read in turn: a partition that was read moves to the end', () => {
    const options = {
      checkCrcs: true,
      isReadCommitted: false,
      deserializersOf: () => ({ key: bytes(), value: bytes() }),
    }
    const assignment = new Assignment()
    assignment.replace(parse('t-0 t-1 t-2'))
    const order = (): string => assignment.rotation.map(({ partition }) => partition).join('')
    const turns: string[] = [order()]
    for (const partition of [0, 2, 2, 1]) {
      assignment.take(assignment.require({ topic: 't', partition }), 1, options)
      turns.push(order())
    }
    assert.deepEqual(turns, ['012', '120', '102', '102', '021'])
  })
})
