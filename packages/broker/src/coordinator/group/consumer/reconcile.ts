// SPDX-License-Identifier: Apache-2.0
import { ProtocolError } from '@millrace/protocol'
import type { Assignment, TopicPartitions } from '../modern/assignment.ts'
import {
  type AssignedPartitions,
  type ConsumerMember,
  MemberState,
  NO_PARTITIONS,
} from './consumer-member.ts'

export interface ReconcileInput {
  readonly targetEpoch: number
  readonly target: Assignment
  readonly subscribedTopicIds: ReadonlySet<string>
  readonly hasSubscriptionChanged: boolean
  /** Partitions that the member reports as owned; null if it reports nothing. */
  readonly owned: readonly TopicPartitions[] | null
  /** Whether another member still owns a partition. */
  readonly isTaken: (topicId: string, partition: number) => boolean
}

/**
 * Moves the member one step towards its target assignment: it revokes, then its epoch is increased,
 * then it is assigned free partitions (KIP-848).
 */
export function reconcile(member: ConsumerMember, input: ReconcileInput): ConsumerMember {
  switch (member.state) {
    case MemberState.Stable:
      if (member.memberEpoch !== input.targetEpoch) return next(member, input)
      return input.hasSubscriptionChanged ? dropUnsubscribed(member, input) : member
    case MemberState.UnrevokedPartitions:
      if (!owns(input.owned, member.pendingRevocation)) return next(member, input)
      return input.hasSubscriptionChanged ? dropUnsubscribed(member, input) : member
    case MemberState.UnreleasedPartitions:
      return next(member, input)
    default:
      if (input.owned === null || input.owned.length > 0) {
        throw new ProtocolError(
          'FENCED_MEMBER_EPOCH',
          'The consumer group member is in a unknown state. The member must abandon all its partitions and rejoin.',
        )
      }
      return next(member, input)
  }
}

/** Whether the member still owns some of these; a member that reports nothing may own all. */
function owns(owned: readonly TopicPartitions[] | null, revoked: AssignedPartitions): boolean {
  if (owned === null) return true
  return owned.some(({ topicId, partitions }) => {
    const pending = revoked.get(topicId)
    return pending !== undefined && partitions.some((partition) => pending.has(partition))
  })
}

/**
 * Revokes partitions the member no longer subscribes to, without waiting for the next target
 * assignment.
 */
function dropUnsubscribed(member: ConsumerMember, input: ReconcileInput): ConsumerMember {
  const { subscribedTopicIds, owned } = input
  const dropped = [...member.assigned].filter(([topicId]) => !subscribedTopicIds.has(topicId))
  if (dropped.length === 0) return member
  const assigned = new Map([...member.assigned].filter(([id]) => subscribedTopicIds.has(id)))
  const pendingRevocation = new Map(member.pendingRevocation)
  for (const [topicId, partitions] of dropped) {
    pendingRevocation.set(
      topicId,
      new Map([...(pendingRevocation.get(topicId) ?? []), ...partitions]),
    )
  }
  const changed = { ...member, previousMemberEpoch: member.memberEpoch, assigned }
  if (!owns(owned, pendingRevocation)) return changed
  return { ...changed, pendingRevocation, state: MemberState.UnrevokedPartitions }
}

function next(member: ConsumerMember, input: ReconcileInput): ConsumerMember {
  const { target, targetEpoch, subscribedTopicIds, owned, isTaken } = input
  const kept = new Map<string, Map<number, number>>()
  const revoked = new Map<string, Map<number, number>>()
  const added: { readonly topicId: string; readonly partition: number }[] = []
  let isWaiting = false
  for (const topicId of new Set([...target.keys(), ...member.assigned.keys()])) {
    const wanted = new Set(subscribedTopicIds.has(topicId) ? target.get(topicId) : [])
    const current = member.assigned.get(topicId) ?? new Map<number, number>()
    for (const [partition, epoch] of current) {
      const list = wanted.has(partition) ? kept : revoked
      const partitions = list.get(topicId) ?? new Map<number, number>()
      list.set(topicId, partitions.set(partition, epoch))
    }
    for (const partition of wanted) {
      if (current.has(partition)) continue
      const isOwn = member.pendingRevocation.get(topicId)?.has(partition) === true
      if (isTaken(topicId, partition) && !isOwn) isWaiting = true
      else added.push({ topicId, partition })
    }
  }
  if (revoked.size > 0 && owns(owned, revoked)) {
    // The epoch is unchanged until the member has revoked them.
    return {
      ...member,
      previousMemberEpoch: member.memberEpoch,
      state: MemberState.UnrevokedPartitions,
      assigned: kept,
      pendingRevocation: revoked,
    }
  }
  for (const { topicId, partition } of added) {
    const partitions = kept.get(topicId) ?? new Map<number, number>()
    kept.set(topicId, partitions.set(partition, targetEpoch))
  }
  return {
    ...member,
    state: isWaiting ? MemberState.UnreleasedPartitions : MemberState.Stable,
    previousMemberEpoch: member.memberEpoch,
    memberEpoch: targetEpoch,
    assigned: kept,
    pendingRevocation: NO_PARTITIONS,
  }
}
