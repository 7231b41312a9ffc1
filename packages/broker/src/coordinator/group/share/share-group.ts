// SPDX-License-Identifier: Apache-2.0
import type { ErrorName } from '@millrace/protocol'
import type { CommitCheck, Group } from '../group.ts'
import type { GroupRecord, ReplayedGroupRecord } from '../group-record.ts'
import { type Assignment, assignmentOf, NO_ASSIGNMENT } from '../modern/assignment.ts'
import { ModernGroup } from '../modern/modern-group.ts'

/** A member of a share group. */
export interface ShareMember {
  readonly memberId: string
  readonly rackId: string | null
  readonly clientId: string
  readonly clientHost: string
  /** Sorted, without duplicates. */
  readonly subscribedTopicNames: readonly string[]
  readonly memberEpoch: number
  readonly previousMemberEpoch: number
  readonly assigned: Assignment
}

export function newShareMember(memberId: string): ShareMember {
  return {
    memberId,
    rackId: null,
    clientId: '',
    clientHost: '',
    subscribedTopicNames: [],
    memberEpoch: 0,
    previousMemberEpoch: -1,
    assigned: NO_ASSIGNMENT,
  }
}

/** Partitions whose state the share coordinator has, or is initializing, by topic id. */
export type StatePartitions = ReadonlyMap<
  string,
  { readonly name: string; readonly partitions: ReadonlySet<number> }
>

const NONE: StatePartitions = new Map()

/**
 * A share group (KIP-932): its members and their partitions. It changes only by replaying records.
 */
export class ShareGroup extends ModernGroup<ShareMember, Assignment> implements Group {
  readonly kind = 'share'
  readonly protocolType = 'share'
  initializing: StatePartitions = NONE
  initialized: StatePartitions = NONE
  deletingTopicIds: ReadonlySet<string> = new Set()
  /**
   * Version of the topics for which the group's metadata hash was last computed; lost at a restart.
   */
  checkedTopicsVersion = -1

  constructor(groupId: string, source?: ShareGroup) {
    super(groupId, NO_ASSIGNMENT, source)
    if (source === undefined) return
    this.initializing = source.initializing
    this.initialized = source.initialized
    this.deletingTopicIds = source.deletingTopicIds
  }

  get state(): 'Empty' | 'Stable' {
    return this.members.size === 0 ? 'Empty' : 'Stable'
  }

  get allSubscribedTopics(): Set<string> {
    const topics = new Set<string>()
    for (const { subscribedTopicNames } of this.members.values()) {
      for (const name of subscribedTopicNames) topics.add(name)
    }
    return topics
  }

  // ----------------------------------------------------------------------------------------------
  // Group interface

  /** Share groups have no committed offsets. */
  checkCommit(): CommitCheck {
    return 'GROUP_ID_NOT_FOUND'
  }

  checkOffsetFetch(): ErrorName {
    return 'NONE'
  }

  isSubscribed(topic: string): boolean {
    return this.allSubscribedTopics.has(topic)
  }

  expiresSince(): undefined {
    return undefined
  }

  /** Its state is kept until it is deleted explicitly. */
  isForgettable(): boolean {
    return false
  }

  tombstones(): readonly GroupRecord[] {
    const { groupId } = this
    return [
      ...[...this.members.keys()].flatMap((memberId) => shareMemberTombstones(groupId, memberId)),
      { kind: 'shareTarget', key: { groupId }, value: null },
      { kind: 'shareStatePartitions', key: { groupId }, value: null },
      { kind: 'shareGroup', key: { groupId }, value: null },
    ]
  }

  // ----------------------------------------------------------------------------------------------
  // replay

  apply(record: ReplayedGroupRecord): void {
    switch (record.kind) {
      case 'shareGroup':
        this.groupEpoch = record.value?.epoch ?? this.groupEpoch
        this.metadataHash = record.value?.metadataHash ?? 0n
        return
      case 'shareMember': {
        const { memberId } = record.key
        if (record.value === null) this.members.delete(memberId)
        else {
          const { rackId, clientId, clientHost, subscribedTopicNames } = record.value
          this.members.set(memberId, {
            ...(this.members.get(memberId) ?? newShareMember(memberId)),
            rackId,
            clientId,
            clientHost,
            subscribedTopicNames: [...new Set(subscribedTopicNames)].sort(),
          })
        }
        return
      }
      case 'shareMemberCurrent': {
        const { memberId } = record.key
        const known = this.members.get(memberId)
        if (record.value === null) {
          if (known === undefined) return
          const { memberEpoch, previousMemberEpoch, assigned } = newShareMember(memberId)
          this.members.set(memberId, { ...known, memberEpoch, previousMemberEpoch, assigned })
          return
        }
        const { memberEpoch, previousMemberEpoch, assignedPartitions } = record.value
        this.members.set(memberId, {
          ...(known ?? newShareMember(memberId)),
          memberEpoch,
          previousMemberEpoch,
          assigned: assignmentOf(assignedPartitions),
        })
        return
      }
      case 'shareTarget':
        this.assignmentEpoch = record.value?.assignmentEpoch ?? this.assignmentEpoch
        this.assignmentTimestampMs = Number(record.value?.assignmentTimestamp ?? 0n)
        return
      case 'shareMemberTarget':
        if (record.value === null) this.targets.delete(record.key.memberId)
        else this.targets.set(record.key.memberId, assignmentOf(record.value.topicPartitions))
        return
      case 'shareStatePartitions': {
        const read = (
          topics: readonly {
            readonly topicId: string
            readonly topicName: string
            readonly partitions: readonly number[]
          }[],
        ): StatePartitions =>
          new Map(
            topics.map(({ topicId, topicName, partitions }) => [
              topicId,
              { name: topicName, partitions: new Set(partitions) },
            ]),
          )
        this.initializing = read(record.value?.initializingTopics ?? [])
        this.initialized = read(record.value?.initializedTopics ?? [])
        this.deletingTopicIds = new Set(
          (record.value?.deletingTopics ?? []).map(({ topicId }) => topicId),
        )
        return
      }
      default:
    }
  }
}

export function shareMemberTombstones(groupId: string, memberId: string): GroupRecord[] {
  const key = { groupId, memberId }
  return [
    { kind: 'shareMemberCurrent', key, value: null },
    { kind: 'shareMemberTarget', key, value: null },
    { kind: 'shareMember', key, value: null },
  ]
}

export function statePartitionsRecord(
  groupId: string,
  partitions: {
    readonly initializing: StatePartitions
    readonly initialized: StatePartitions
    readonly deleting: readonly { readonly topicId: string; readonly topicName: string }[]
  },
): GroupRecord {
  const write = (topics: StatePartitions) =>
    [...topics].map(([topicId, { name, partitions: list }]) => ({
      topicId,
      topicName: name,
      partitions: [...list].sort((a, b) => a - b),
    }))
  return {
    kind: 'shareStatePartitions',
    key: { groupId },
    value: {
      initializingTopics: write(partitions.initializing),
      initializedTopics: write(partitions.initialized),
      deletingTopics: partitions.deleting,
    },
  }
}

/** The union of both. */
export function unionOf(a: StatePartitions, b: StatePartitions): StatePartitions {
  const union = new Map(a)
  for (const [topicId, { name, partitions }] of b) {
    const known = union.get(topicId)?.partitions ?? []
    union.set(topicId, { name, partitions: new Set([...known, ...partitions]) })
  }
  return union
}

export function without(a: StatePartitions, b: StatePartitions): StatePartitions {
  const rest = new Map<string, { readonly name: string; readonly partitions: Set<number> }>()
  for (const [topicId, { name, partitions }] of a) {
    const gone = b.get(topicId)?.partitions
    const left = new Set([...partitions].filter((partition) => gone?.has(partition) !== true))
    if (left.size > 0) rest.set(topicId, { name, partitions: left })
  }
  return rest
}
