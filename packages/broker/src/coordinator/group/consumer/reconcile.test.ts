// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { ProtocolError } from '@millrace/protocol'
import { type ConsumerMember, MemberState, newMember } from './consumer-member.ts'
import { type ReconcileInput, reconcile } from './reconcile.ts'

const names = ['Stable', 'UnrevokedPartitions', 'UnreleasedPartitions'] as const

/** `0 1` are partitions of topic `t`; `u0` is one of topic `u`. */
function byTopic(text: string): Map<string, number[]> {
  const topics = new Map<string, number[]>()
  for (const word of text.split(' ').filter(Boolean)) {
    const topicId = /^\d/.test(word) ? 't' : word.charAt(0)
    const partition = Number(word.replace(/\D/, ''))
    topics.set(topicId, [...(topics.get(topicId) ?? []), partition])
  }
  return topics
}

function withEpochs(text: string, epoch: number): Map<string, Map<number, number>> {
  return new Map(
    [...byTopic(text)].map(([topicId, partitions]) => [
      topicId,
      new Map(partitions.map((partition) => [partition, epoch])),
    ]),
  )
}

function textOf(partitions: ConsumerMember['assigned']): string {
  return [...partitions]
    .flatMap(([topicId, list]) =>
      [...list.keys()].map((partition) => `${topicId === 't' ? '' : topicId}${partition}`),
    )
    .sort()
    .join(' ')
}

interface Cell {
  readonly rule: string
  readonly state?: ConsumerMember['state']
  readonly assigned?: string
  readonly pending?: string
  readonly target?: string
  /** What the member reports; undefined for nothing. */
  readonly owned?: string
  readonly taken?: string
  readonly subscribed?: readonly string[]
  readonly hasSubscriptionChanged?: boolean
  readonly epoch?: number
  /** State, epoch, assigned, and what is to be revoked. */
  readonly becomes: string
}

// The member is at epoch 2, the target at 3, unless a cell says so.
const cells: readonly Cell[] = [
  {
    rule: 'a member at the target epoch stays as it is',
    epoch: 3,
    assigned: '0',
    target: '0 1',
    becomes: 'Stable 3 [0] []',
  },
  {
    rule: 'free partitions are assigned with the new epoch',
    target: '0 1',
    becomes: 'Stable 3 [0 1] []',
  },
  {
    rule: 'partitions of the target that it has are kept',
    assigned: '0 1',
    target: '0 1 2',
    becomes: 'Stable 3 [0 1 2] []',
  },
  {
    rule: 'partitions that are not in the target are revoked first; the epoch stays',
    assigned: '0 1',
    target: '0',
    becomes: 'UnrevokedPartitions 2 [0] [1]',
  },
  {
    rule: 'nothing new is assigned while others are revoked',
    assigned: '0 1',
    target: '0 2',
    becomes: 'UnrevokedPartitions 2 [0] [1]',
  },
  {
    rule: 'a report without the revoked partitions revokes them at once',
    assigned: '0 1',
    target: '0',
    owned: '0',
    becomes: 'Stable 3 [0] []',
  },
  {
    rule: 'a partition that another has is awaited; the others are assigned',
    target: '0 1',
    taken: '1',
    becomes: 'UnreleasedPartitions 3 [0] []',
  },
  {
    rule: 'an awaited partition is assigned when it is free',
    state: MemberState.UnreleasedPartitions,
    epoch: 3,
    assigned: '0',
    target: '0 1',
    becomes: 'Stable 3 [0 1] []',
  },
  {
    rule: 'and still awaited while it is not',
    state: MemberState.UnreleasedPartitions,
    epoch: 3,
    assigned: '0',
    target: '0 1',
    taken: '1',
    becomes: 'UnreleasedPartitions 3 [0] []',
  },
  {
    rule: 'a member that reports nothing may still have what it is to revoke',
    state: MemberState.UnrevokedPartitions,
    assigned: '0',
    pending: '1',
    target: '0 2',
    becomes: 'UnrevokedPartitions 2 [0] [1]',
  },
  {
    rule: 'a member that reports a revoked partition still has it',
    state: MemberState.UnrevokedPartitions,
    assigned: '0',
    pending: '1',
    target: '0 2',
    owned: '0 1',
    becomes: 'UnrevokedPartitions 2 [0] [1]',
  },
  {
    rule: 'a member that has revoked all gets the new epoch and its partitions',
    state: MemberState.UnrevokedPartitions,
    assigned: '0',
    pending: '1',
    target: '0 2',
    owned: '0',
    becomes: 'Stable 3 [0 2] []',
  },
  {
    rule: 'a partition that it was to revoke is its own again',
    state: MemberState.UnrevokedPartitions,
    assigned: '0',
    pending: '1',
    target: '0 1',
    owned: '0',
    taken: '1',
    becomes: 'Stable 3 [0 1] []',
  },
  {
    rule: 'a topic that it does not subscribe to is not assigned, whatever the target says',
    target: '0 u0',
    subscribed: ['t'],
    becomes: 'Stable 3 [0] []',
  },
  {
    rule: 'a topic that it left is revoked before there is a new target',
    epoch: 3,
    assigned: '0 u0',
    target: '0 u0',
    subscribed: ['t'],
    hasSubscriptionChanged: true,
    becomes: 'UnrevokedPartitions 3 [0] [u0]',
  },
  {
    rule: 'or dropped, if the member reports that it has nothing of it',
    epoch: 3,
    assigned: '0 u0',
    target: '0 u0',
    owned: '0',
    subscribed: ['t'],
    hasSubscriptionChanged: true,
    becomes: 'Stable 3 [0] []',
  },
  {
    rule: 'and added to what is being revoked',
    state: MemberState.UnrevokedPartitions,
    assigned: '0 u0',
    pending: '1',
    target: '0 u0',
    owned: '0 1',
    subscribed: ['t'],
    hasSubscriptionChanged: true,
    becomes: 'UnrevokedPartitions 2 [0] [1 u0]',
  },
  {
    rule: 'a state of a later Kafka starts again once the member has nothing',
    state: MemberState.Unknown,
    target: '0',
    owned: '',
    becomes: 'Stable 3 [0] []',
  },
  {
    rule: 'a state of a later Kafka fences a member that has something',
    state: MemberState.Unknown,
    target: '0',
    owned: '0',
    becomes: 'FENCED_MEMBER_EPOCH',
  },
  {
    rule: 'or does not report',
    state: MemberState.Unknown,
    target: '0',
    becomes: 'FENCED_MEMBER_EPOCH',
  },
  {
    rule: 'topics of the old assignment are compared, too',
    assigned: 'u0 u1',
    target: '0',
    subscribed: ['t', 'u'],
    becomes: 'UnrevokedPartitions 2 [] [u0 u1]',
  },
]

describe('a step of a consumer member towards its target (KIP-848)', () => {
  for (const cell of cells) {
    it(`${cell.rule}: ${cell.becomes}`, () => {
      const taken = byTopic(cell.taken ?? '')
      const member: ConsumerMember = {
        ...newMember('m'),
        state: cell.state ?? MemberState.Stable,
        memberEpoch: cell.epoch ?? 2,
        previousMemberEpoch: 1,
        assigned: withEpochs(cell.assigned ?? '', 1),
        pendingRevocation: withEpochs(cell.pending ?? '', 1),
      }
      const input: ReconcileInput = {
        targetEpoch: 3,
        target: byTopic(cell.target ?? ''),
        subscribedTopicIds: new Set(cell.subscribed ?? ['t', 'u']),
        hasSubscriptionChanged: cell.hasSubscriptionChanged ?? false,
        owned:
          cell.owned === undefined
            ? null
            : [...byTopic(cell.owned)].map(([topicId, partitions]) => ({ topicId, partitions })),
        isTaken: (topicId, partition) => taken.get(topicId)?.includes(partition) === true,
      }
      const before = JSON.stringify(member)
      let text: string
      try {
        const { state, memberEpoch, assigned, pendingRevocation } = reconcile(member, input)
        const name = names[state as 0 | 1 | 2]
        text = `${name} ${memberEpoch} [${textOf(assigned)}] [${textOf(pendingRevocation)}]`
      } catch (error) {
        assert.ok(error instanceof ProtocolError)
        text = error.code
      }
      assert.equal(text, cell.becomes)
      assert.equal(JSON.stringify(member), before, 'the member itself is unchanged')
    })
  }

  it('records the epoch in which each partition was assigned (KIP-1251)', () => {
    const member = { ...newMember('m'), memberEpoch: 2, assigned: withEpochs('0', 1) }
    const { assigned, previousMemberEpoch } = reconcile(member, {
      targetEpoch: 3,
      target: byTopic('0 1'),
      subscribedTopicIds: new Set(['t']),
      hasSubscriptionChanged: false,
      owned: null,
      isTaken: () => false,
    })
    assert.deepEqual(
      [...(assigned.get('t') ?? [])],
      [
        [0, 1],
        [1, 3],
      ],
    )
    assert.equal(previousMemberEpoch, 2)
  })
})
