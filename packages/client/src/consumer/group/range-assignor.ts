// SPDX-License-Identifier: Apache-2.0
import {
  type AssignmentInput,
  type Assignor,
  compareMembers,
  compareText,
  emptyAssignment,
  type GroupAssignment,
  type GroupMember,
} from './assignor.ts'

/** A topic with those who share it, and how much each may still take. */
interface TopicShare {
  readonly topic: string
  readonly members: readonly GroupMember[]
  readonly unassigned: Set<number>
  readonly quota: number
  /** Members that may get one more than the quota. */
  extras: number
  readonly assigned: Map<string, number[]>
}

/**
 * Divides each topic by itself into ranges, so that topics with the same number of partitions are divided alike. Where members
 * and brokers tell their racks, partitions go to members beside a replica as far as that leaves the ranges even (KIP-881).
 */
export const rangeAssignor: Assignor = {
  name: 'range',
  protocols: ['eager'],
  assign(input) {
    const shares = sharesOf(input)
    if (input.members.some(({ rackId }) => rackId !== null)) matchRacks(shares, input)
    const assignment = emptyAssignment(input.members)
    for (const share of shares) {
      for (const member of share.members) takeRange(share, member)
      collect(share, assignment)
    }
    return assignment
  },
}

function sharesOf({ members, partitionCounts }: AssignmentInput): TopicShare[] {
  const topics = [...new Set(members.flatMap((member) => member.topics))].sort(compareText)
  return topics.flatMap((topic) => {
    const count = partitionCounts.get(topic)
    if (count === undefined) return []
    const sharing = members.filter((member) => member.topics.includes(topic)).sort(compareMembers)
    return [
      {
        topic,
        members: sharing,
        unassigned: new Set(Array.from({ length: count }, (_, i) => i)),
        quota: Math.floor(count / sharing.length),
        extras: count % sharing.length,
        assigned: new Map(sharing.map(({ memberId }) => [memberId, []])),
      },
    ]
  })
}

/** How many more partitions of the topic a member may get. */
function roomFor(share: TopicShare, member: GroupMember): number {
  const has = share.assigned.get(member.memberId)?.length ?? 0
  return Math.max(0, share.quota + (share.extras > 0 ? 1 : 0) - has)
}

function give(share: TopicShare, member: GroupMember, partitions: readonly number[]): void {
  const has = share.assigned.get(member.memberId)
  if (has === undefined || partitions.length === 0) return
  for (const partition of partitions) {
    share.unassigned.delete(partition)
    has.push(partition)
  }
  if (has.length > share.quota) share.extras--
}

function takeRange(share: TopicShare, member: GroupMember): void {
  const room = roomFor(share, member)
  give(share, member, [...share.unassigned].sort((a, b) => a - b).slice(0, room))
}

function matchRacks(shares: readonly TopicShare[], { racks }: AssignmentInput): void {
  for (const share of shares) {
    for (const member of share.members) {
      const { rackId } = member
      if (rackId === null) continue
      const near = [...share.unassigned].filter((partition) =>
        racks({ topic: share.topic, partition }).includes(rackId),
      )
      give(share, member, near.slice(0, roomFor(share, member)))
    }
  }
}

function collect({ topic, assigned }: TopicShare, assignment: GroupAssignment): void {
  for (const [memberId, partitions] of assigned) {
    for (const partition of partitions.sort((a, b) => a - b)) {
      assignment.get(memberId)?.push({ topic, partition })
    }
  }
}
