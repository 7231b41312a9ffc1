// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { Committer } from '../group.ts'
import { throwIfFencedEpoch } from './member-errors.ts'
import { checkCommitOfMember, checkFetchOfMember } from './modern-group.ts'

/** In epoch 5; had partition 0 since epoch 3 and does not have partition 1. */
const member = { memberId: 'm', memberEpoch: 5, previousMemberEpoch: 4 }
const members = new Map([['m', member]])

describe('committing offsets to a group of members with epochs', () => {
  const nobody: Partial<Committer> = { memberId: '', generationId: -1 }
  const cells: readonly (readonly [
    what: string,
    committer: Partial<Committer>,
    outcomes: string,
    isEmpty?: true,
  ])[] = [
    ['a client outside of an empty group', nobody, 'NONE', true],
    ['a client outside of a group with members', nobody, 'UNKNOWN_MEMBER_ID'],
    ['a producer that does not identify itself', { ...nobody, isTransactional: true }, 'NONE'],
    ['a client in an epoch, in an empty group', { generationId: 0 }, 'UNKNOWN_MEMBER_ID', true],
    [
      'a producer in an epoch, without a member',
      { memberId: '', isTransactional: true },
      'UNKNOWN_MEMBER_ID',
    ],
    [
      'a producer of a member, without an epoch',
      { memberId: 'x', generationId: -1, isTransactional: true },
      'UNKNOWN_MEMBER_ID',
    ],
    ['a producer of another member', { memberId: 'x', isTransactional: true }, 'UNKNOWN_MEMBER_ID'],
    ['a member that is gone, in a group that is empty', {}, 'UNKNOWN_MEMBER_ID', true],
    ['the member in its epoch', {}, 'NONE'],
    ['by a version without member epochs', { version: 8 }, 'UNSUPPORTED_VERSION'],
    ['by a transaction, which has no such versions', { version: 3, isTransactional: true }, 'NONE'],
    ['an epoch that was never given', { generationId: 6 }, 'STALE_MEMBER_EPOCH'],
    [
      'an earlier epoch, in which it had partition 0',
      { generationId: 3 },
      '0: NONE, 1: STALE_MEMBER_EPOCH',
    ],
    [
      'an epoch before it got partition 0',
      { generationId: 2 },
      '0: STALE_MEMBER_EPOCH, 1: STALE_MEMBER_EPOCH',
    ],
  ]
  for (const [what, committer, outcomes, isEmpty] of cells) {
    it(`${what}: ${outcomes}`, () => {
      const check = checkCommitOfMember(
        isEmpty === true ? new Map<string, typeof member>() : members,
        {
          memberId: 'm',
          groupInstanceId: null,
          generationId: 5,
          isTransactional: false,
          version: 9,
          ...committer,
        },
        {
          stale: () => 'STALE_MEMBER_EPOCH',
          minVersion: () => 9,
          ownedSince: (_, { partition }) => (partition === 0 ? 3 : undefined),
        },
      )
      const of = (partition: number): string =>
        typeof check === 'function'
          ? `${partition}: ${check({ topic: 't', topicId: '', partition })}`
          : check
      assert.equal([...new Set([of(0), of(1)])].join(', '), outcomes)
    })
  }
})

describe('reading offsets of a group of members with epochs', () => {
  const cells: readonly (readonly [memberId: string | null, memberEpoch: number, error: string])[] =
    [
      [null, -1, 'NONE'],
      ['m', 5, 'NONE'],
      ['m', 4, 'STALE_MEMBER_EPOCH'],
      ['m', 6, 'STALE_MEMBER_EPOCH'],
      ['x', 5, 'UNKNOWN_MEMBER_ID'],
      [null, 0, 'UNKNOWN_MEMBER_ID'],
      [null, 5, 'UNKNOWN_MEMBER_ID'],
    ]
  for (const [memberId, memberEpoch, error] of cells) {
    it(`member ${memberId} in epoch ${memberEpoch}: ${error}`, () => {
      const client = { memberId, memberEpoch }
      assert.equal(
        checkFetchOfMember(members, client, () => 'STALE_MEMBER_EPOCH'),
        error,
      )
    })
  }
})

describe('the epoch of a heartbeat', () => {
  const cells: readonly (readonly [epoch: number, isRepeated: boolean, outcome: string])[] = [
    [5, false, 'accepted: its epoch'],
    [0, false, 'accepted: it rejoins'],
    [4, true, 'accepted: the reply with the new epoch was lost'],
    [4, false, 'smaller'],
    [3, true, 'smaller'],
    [6, true, 'greater'],
  ]
  for (const [epoch, isRepeated, outcome] of cells) {
    it(`${epoch}${isRepeated ? ' with what it had' : ''}: ${outcome}`, () => {
      const check = (): void => throwIfFencedEpoch('share', member, epoch, () => isRepeated)
      if (outcome.startsWith('accepted')) check()
      else {
        assert.throws(check, {
          code: 'FENCED_MEMBER_EPOCH',
          message: new RegExp(
            `^The share group member has a ${outcome} member epoch \\(${epoch}\\)`,
          ),
        })
      }
    })
  }
})
