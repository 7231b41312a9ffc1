// SPDX-License-Identifier: Apache-2.0
import type { TopicPartition } from '../../topic-partition.ts'

/** A member as the group leader sees it. */
export interface GroupMember {
  /** Id of the member. */
  readonly memberId: string
  /** Name of a static member (KIP-345), or null. */
  readonly groupInstanceId: string | null
  /** Topics that the member subscribes to. */
  readonly topics: readonly string[]
  /** Partitions that the member owned when it joined. */
  readonly ownedPartitions: readonly TopicPartition[]
  /** Generation in which it got them; -1 if unknown. */
  readonly generationId: number
  /** Rack of the member, or null. */
  readonly rackId: string | null
  /** Bytes that the assignor added to the member's subscription, or null. */
  readonly userData: Buffer | null
}

/** Input of an assignor. */
export interface AssignmentInput {
  /** Members with their subscriptions. */
  readonly members: readonly GroupMember[]
  /** Number of partitions by topic; topics that do not exist are absent. */
  readonly partitionCounts: ReadonlyMap<string, number>
  /** Racks that have a replica, by topic and partition; empty if brokers have no racks. */
  readonly racks: (partition: TopicPartition) => readonly string[]
}

/** Partitions by member id. */
export type GroupAssignment = Map<string, TopicPartition[]>

/** Assigns partitions to the members of a classic group; runs in the member that is the leader. */
export interface Assignor {
  /** Members agree on an assignor by its name. */
  readonly name: string
  /**
   * `cooperative` keeps partitions that stay during a rebalance, `eager` revokes all first
   * (KIP-429).
   */
  readonly protocols: readonly ('eager' | 'cooperative')[]
  /** Bytes for the leader's assignor, sent with each join. */
  userData?(owned: readonly TopicPartition[], generationId: number): Buffer | null
  /**
   * Assigns every partition of the subscribed topics to one member that subscribes to its topic.
   */
  assign(input: AssignmentInput): GroupAssignment
}

/** Java's order of members: those with an instance id first, by it; then by member id. */
export function compareMembers(a: GroupMember, b: GroupMember): number {
  if (a.groupInstanceId !== null && b.groupInstanceId !== null) {
    return compareText(a.groupInstanceId, b.groupInstanceId)
  }
  if (a.groupInstanceId !== null) return -1
  if (b.groupInstanceId !== null) return 1
  return compareText(a.memberId, b.memberId)
}

export function compareText(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0
}

export function emptyAssignment(members: readonly GroupMember[]): GroupAssignment {
  return new Map(members.map(({ memberId }) => [memberId, []]))
}
