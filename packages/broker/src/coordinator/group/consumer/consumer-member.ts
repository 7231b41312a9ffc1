// SPDX-License-Identifier: Apache-2.0
import type { GroupRecord, ReplayedRecord } from '../group-record.ts'

/** State of a member relative to its target assignment, by the number in its record. */
export const MemberState = {
  Stable: 0,
  UnrevokedPartitions: 1,
  UnreleasedPartitions: 2,
  Unknown: 127,
} as const
export type MemberState = (typeof MemberState)[keyof typeof MemberState]

/** Epochs in which partitions were assigned, by topic id and partition. */
export type AssignedPartitions = ReadonlyMap<string, ReadonlyMap<number, number>>

export const NO_PARTITIONS: AssignedPartitions = new Map()

/** Epoch of a static member that left temporarily and keeps its partitions. */
export const STATIC_LEAVE_EPOCH = -2
export const LEAVE_EPOCH = -1

/** State of a member that uses the classic protocol (KIP-848, online migration). */
export interface ClassicProtocols {
  readonly sessionTimeoutMs: number
  readonly supportedProtocols: readonly { readonly name: string; readonly metadata: Buffer }[]
}

/** A member of a consumer group. */
export interface ConsumerMember {
  readonly memberId: string
  readonly instanceId: string | null
  readonly rackId: string | null
  readonly clientId: string
  readonly clientHost: string
  readonly subscribedTopicNames: readonly string[]
  /** Empty for none. */
  readonly subscribedTopicRegex: string
  readonly rebalanceTimeoutMs: number
  readonly serverAssignor: string | null
  readonly classic: ClassicProtocols | undefined
  readonly memberEpoch: number
  readonly previousMemberEpoch: number
  readonly state: MemberState
  readonly assigned: AssignedPartitions
  readonly pendingRevocation: AssignedPartitions
}

export function newMember(memberId: string): ConsumerMember {
  return {
    memberId,
    instanceId: null,
    rackId: null,
    clientId: '',
    clientHost: '',
    subscribedTopicNames: [],
    subscribedTopicRegex: '',
    rebalanceTimeoutMs: -1,
    serverAssignor: null,
    classic: undefined,
    memberEpoch: 0,
    previousMemberEpoch: -1,
    state: MemberState.Stable,
    assigned: NO_PARTITIONS,
    pendingRevocation: NO_PARTITIONS,
  }
}

/** Sorted, without duplicates. */
export function uniqueNames(names: readonly string[]): readonly string[] {
  return [...new Set(names)].sort()
}

export function sameSubscription(a: ConsumerMember, b: ConsumerMember): boolean {
  return (
    a.subscribedTopicNames.length === b.subscribedTopicNames.length &&
    a.subscribedTopicNames.every((name, i) => name === b.subscribedTopicNames[i])
  )
}

/** Whether the member's record is unchanged. */
export function sameMetadata(a: ConsumerMember, b: ConsumerMember): boolean {
  return (
    sameSubscription(a, b) &&
    a.instanceId === b.instanceId &&
    a.rackId === b.rackId &&
    a.clientId === b.clientId &&
    a.clientHost === b.clientHost &&
    a.subscribedTopicRegex === b.subscribedTopicRegex &&
    a.rebalanceTimeoutMs === b.rebalanceTimeoutMs &&
    a.serverAssignor === b.serverAssignor &&
    sameClassic(a.classic, b.classic)
  )
}

function sameClassic(a: ClassicProtocols | undefined, b: ClassicProtocols | undefined): boolean {
  if (a === undefined || b === undefined) return a === b
  return (
    a.sessionTimeoutMs === b.sessionTimeoutMs &&
    a.supportedProtocols.length === b.supportedProtocols.length &&
    a.supportedProtocols.every((protocol, i) => {
      const other = b.supportedProtocols[i]
      return protocol.name === other?.name && protocol.metadata.equals(other.metadata)
    })
  )
}

export function samePartitions(a: AssignedPartitions, b: AssignedPartitions): boolean {
  if (a.size !== b.size) return false
  for (const [topicId, partitions] of a) {
    const others = b.get(topicId)
    if (others === undefined || others.size !== partitions.size) return false
    for (const [partition, epoch] of partitions) if (others.get(partition) !== epoch) return false
  }
  return true
}

/** Whether its assignment equals the target assignment of an epoch. */
export function isReconciledTo(member: ConsumerMember, assignmentEpoch: number): boolean {
  return member.state === MemberState.Stable && member.memberEpoch === assignmentEpoch
}

// ------------------------------------------------------------------------------------------------
// records

export function memberRecord(groupId: string, member: ConsumerMember): GroupRecord {
  const { memberId } = member
  return {
    kind: 'consumerMember',
    key: { groupId, memberId },
    value: {
      instanceId: member.instanceId,
      rackId: member.rackId,
      clientId: member.clientId,
      clientHost: member.clientHost,
      subscribedTopicNames: member.subscribedTopicNames,
      subscribedTopicRegex: member.subscribedTopicRegex,
      rebalanceTimeoutMs: member.rebalanceTimeoutMs,
      serverAssignor: member.serverAssignor,
      classicMemberMetadata: member.classic ?? null,
    },
  }
}

export function withMetadata(
  member: ConsumerMember,
  value: NonNullable<ReplayedRecord<'consumerMember'>['value']>,
): ConsumerMember {
  return {
    ...member,
    instanceId: value.instanceId,
    rackId: value.rackId,
    clientId: value.clientId,
    clientHost: value.clientHost,
    subscribedTopicNames: uniqueNames(value.subscribedTopicNames),
    subscribedTopicRegex: value.subscribedTopicRegex ?? '',
    rebalanceTimeoutMs: value.rebalanceTimeoutMs,
    serverAssignor: value.serverAssignor,
    classic:
      value.classicMemberMetadata === null
        ? undefined
        : {
            sessionTimeoutMs: value.classicMemberMetadata.sessionTimeoutMs,
            supportedProtocols: value.classicMemberMetadata.supportedProtocols.map(
              ({ name, metadata }) => ({ name, metadata: Buffer.from(metadata) }),
            ),
          },
  }
}

export function currentRecord(groupId: string, member: ConsumerMember): GroupRecord {
  return {
    kind: 'consumerMemberCurrent',
    key: { groupId, memberId: member.memberId },
    value: {
      memberEpoch: member.memberEpoch,
      previousMemberEpoch: member.previousMemberEpoch,
      state: member.state,
      assignedPartitions: partitionLists(member.assigned),
      partitionsPendingRevocation: partitionLists(member.pendingRevocation),
    },
  }
}

function partitionLists(partitions: AssignedPartitions) {
  return [...partitions].map(([topicId, epochs]) => ({
    topicId,
    partitions: [...epochs.keys()],
    assignmentEpochs: [...epochs.values()],
  }))
}

export function withCurrent(
  member: ConsumerMember,
  value: NonNullable<ReplayedRecord<'consumerMemberCurrent'>['value']>,
): ConsumerMember {
  const read = (lists: typeof value.assignedPartitions): AssignedPartitions =>
    new Map(
      lists.map(({ topicId, partitions, assignmentEpochs }) => [
        topicId,
        new Map(
          partitions.map((partition, i) => [partition, assignmentEpochs?.[i] ?? value.memberEpoch]),
        ),
      ]),
    )
  return {
    ...member,
    memberEpoch: value.memberEpoch,
    previousMemberEpoch: value.previousMemberEpoch,
    state: value.state as MemberState,
    assigned: read(value.assignedPartitions),
    pendingRevocation: read(value.partitionsPendingRevocation),
  }
}
