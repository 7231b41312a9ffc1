// SPDX-License-Identifier: Apache-2.0
import type { ErrorName } from '@millrace/protocol'
import type { CommitCheck, Committer, Group } from '../group.ts'
import type { GroupRecord, ReplayedGroupRecord } from '../group-record.ts'
import { checkCommitOfMember, checkFetchOfMember, ModernGroup } from '../modern/modern-group.ts'
import type { CommittedOffset } from '../offsets/committed-offsets.ts'
import {
  isReconciledTo,
  newStreamsMember,
  type StreamsMember,
  withCurrent,
  withMetadata,
} from './streams-member.ts'
import { NO_TARGET, NO_TASKS, type TargetTasks, tasksOf } from './tasks.ts'
import { sourceTopicsOf, type Topology } from './topology.ts'

export type StreamsGroupState = 'Empty' | 'NotReady' | 'Assigning' | 'Reconciling' | 'Stable'

/**
 * A streams group (KIP-1071): an application's topology, its members and their tasks. It changes
 * only by replaying records.
 */
export class StreamsGroup extends ModernGroup<StreamsMember, TargetTasks> implements Group {
  readonly kind = 'streams'
  readonly protocolType = 'streams'
  validatedTopologyEpoch = -1
  topology: Topology | undefined
  /** Inputs of the last assignment. */
  assignmentConfigs: ReadonlyMap<string, string> = new Map()

  constructor(groupId: string, source?: StreamsGroup) {
    super(groupId, NO_TARGET, source)
    if (source === undefined) return
    this.validatedTopologyEpoch = source.validatedTopologyEpoch
    this.topology = source.topology
    this.assignmentConfigs = source.assignmentConfigs
  }

  get state(): StreamsGroupState {
    if (this.members.size === 0) return 'Empty'
    if (this.topology?.epoch !== this.validatedTopologyEpoch) return 'NotReady'
    if (this.groupEpoch > this.assignmentEpoch) return 'Assigning'
    for (const member of this.members.values()) {
      if (!isReconciledTo(member, this.assignmentEpoch)) return 'Reconciling'
    }
    return 'Stable'
  }

  // ----------------------------------------------------------------------------------------------
  // Group interface

  checkCommit(committer: Committer): CommitCheck {
    return checkCommitOfMember(this.members, committer, {
      stale: () => 'STALE_MEMBER_EPOCH',
      minVersion: () => 9,
      ownedSince: ({ assigned, pendingRevocation }, { topic, partition }) => {
        const id = this.#readerOf(topic)
        if (id === undefined) return undefined
        const { active } = assigned
        return active.get(id)?.get(partition) ?? pendingRevocation.active.get(id)?.get(partition)
      },
    })
  }

  /** The subtopology that reads a topic. */
  #readerOf(topic: string): string | undefined {
    return this.topology?.subtopologies.find((each) => sourceTopicsOf(each).includes(topic))
      ?.subtopologyId
  }

  checkOffsetFetch(memberId: string | null, memberEpoch: number): ErrorName {
    return checkFetchOfMember(this.members, { memberId, memberEpoch }, () => 'STALE_MEMBER_EPOCH')
  }

  isSubscribed(topic: string): boolean {
    return !this.isEmpty && this.#readerOf(topic) !== undefined
  }

  expiresSince(topic: string, committed: CommittedOffset): bigint | undefined {
    return this.isSubscribed(topic) ? undefined : committed.commitTimestampMs
  }

  isForgettable(): boolean {
    return this.isEmpty
  }

  tombstones(): readonly GroupRecord[] {
    const { groupId } = this
    return [
      ...[...this.members.keys()].flatMap((memberId) => streamsMemberTombstones(groupId, memberId)),
      { kind: 'streamsTarget', key: { groupId }, value: null },
      { kind: 'streamsTopology', key: { groupId }, value: null },
      { kind: 'streamsGroup', key: { groupId }, value: null },
    ]
  }

  // ----------------------------------------------------------------------------------------------
  // replay

  apply(record: ReplayedGroupRecord): void {
    switch (record.kind) {
      case 'streamsGroup': {
        const { value } = record
        if (value === null) return
        this.groupEpoch = value.epoch
        this.metadataHash = value.metadataHash
        this.validatedTopologyEpoch = value.validatedTopologyEpoch
        this.assignmentConfigs = new Map(
          value.lastAssignmentConfigs?.map(({ key, value: text }) => [key, text]),
        )
        return
      }
      case 'streamsTopology':
        this.topology = record.value ?? undefined
        return
      case 'streamsMember': {
        const { memberId } = record.key
        if (record.value === null) this.members.delete(memberId)
        else this.members.set(memberId, withMetadata(this.#knownOrNew(memberId), record.value))
        return
      }
      case 'streamsMemberCurrent':
        this.#applyCurrent(record.key.memberId, record.value)
        return
      case 'streamsTarget':
        this.assignmentEpoch = record.value?.assignmentEpoch ?? -1
        this.assignmentTimestampMs = Number(record.value?.assignmentTimestamp ?? 0n)
        return
      case 'streamsMemberTarget': {
        const { memberId } = record.key
        const { value } = record
        if (value === null) this.targets.delete(memberId)
        else {
          this.targets.set(memberId, {
            active: tasksOf(value.activeTasks),
            standby: tasksOf(value.standbyTasks),
            warmup: tasksOf(value.warmupTasks),
          })
        }
        return
      }
      default:
    }
  }

  #applyCurrent(memberId: string, value: Parameters<typeof withCurrent>[1] | null): void {
    const known = this.members.get(memberId)
    if (value !== null) {
      this.members.set(memberId, withCurrent(this.#knownOrNew(memberId), value))
    } else if (known !== undefined) {
      const { memberEpoch, previousMemberEpoch, state } = newStreamsMember(memberId)
      const nothing = { assigned: NO_TASKS, pendingRevocation: NO_TASKS }
      this.members.set(memberId, { ...known, memberEpoch, previousMemberEpoch, state, ...nothing })
    }
  }

  #knownOrNew(memberId: string): StreamsMember {
    return this.members.get(memberId) ?? newStreamsMember(memberId)
  }
}

export function streamsMemberTombstones(groupId: string, memberId: string): GroupRecord[] {
  const key = { groupId, memberId }
  return [
    { kind: 'streamsMemberCurrent', key, value: null },
    { kind: 'streamsMemberTarget', key, value: null },
    { kind: 'streamsMember', key, value: null },
  ]
}
