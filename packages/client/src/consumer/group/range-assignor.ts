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

/** A topic with its subscribers and their remaining shares. */
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
 * Splits each topic into ranges, independent of other topics, so that topics with the same number
 * of partitions are split alike. Where members and brokers have racks, partitions go to members in
 * the rack of a replica as far as the ranges stay even (KIP-881).
 */
export const rangeAssignor: Assignor = {
  name: 'range',
  protocols: ['eager'],
  assign(input) {
    const shares = sharesOf(input)
    if (shares.some((share) => isRackAware(share, input))) matchRacks(shares, input)
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

/** Remaining partitions of the topic for a member. */
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

/**
 * Whether racks matter: members are in racks of replicas, and not every partition is in all of
 * them.
 */
function isRackAware(share: TopicShare, { racks }: AssignmentInput): boolean {
  const memberRacks = new Set(share.members.flatMap(({ rackId }) => rackId ?? []))
  const byPartition = Array.from(share.unassigned, (partition) =>
    racks({ topic: share.topic, partition }),
  )
  const all = new Set(byPartition.flat())
  if (memberRacks.isDisjointFrom(all)) return false
  return byPartition.some((some) => new Set(some).size !== all.size)
}

/**
 * Topics with the same subscribers and number of partitions are split alike, so that partition p of
 * all goes to one member.
 */
function matchRacks(shares: readonly TopicShare[], input: AssignmentInput): void {
  const isNear = (share: TopicShare, { rackId }: GroupMember, partition: number): boolean =>
    rackId === null || input.racks({ topic: share.topic, partition }).includes(rackId)
  const groups = Map.groupBy(shares, ({ members, unassigned }) =>
    [unassigned.size, ...members.map(({ memberId }) => memberId)].join(),
  )
  for (const group of groups.values()) {
    const [first] = group
    if (first === undefined) continue
    if (group.length === 1) {
      if (isRackAware(first, input)) matchAlone(first, isNear)
    } else matchTogether(group, first, isNear)
  }
}

type IsNear = (share: TopicShare, member: GroupMember, partition: number) => boolean

function matchAlone(share: TopicShare, isNear: IsNear): void {
  for (const member of share.members) {
    const near = [...share.unassigned].filter((partition) => isNear(share, member, partition))
    give(share, member, near.slice(0, roomFor(share, member)))
  }
}

function matchTogether(shares: readonly TopicShare[], first: TopicShare, isNear: IsNear): void {
  for (const partition of [...first.unassigned]) {
    const member = first.members.find((each) =>
      shares.every((share) => isNear(share, each, partition) && roomFor(share, each) > 0),
    )
    if (member !== undefined) for (const share of shares) give(share, member, [partition])
  }
}

function collect({ topic, assigned }: TopicShare, assignment: GroupAssignment): void {
  for (const [memberId, partitions] of assigned) {
    for (const partition of partitions.sort((a, b) => a - b)) {
      assignment.get(memberId)?.push({ topic, partition })
    }
  }
}
