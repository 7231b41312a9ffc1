// SPDX-License-Identifier: Apache-2.0
import type { GroupRecord, ReplayedRecord } from '../group-record.ts'
import {
  type AssignedTasks,
  activeTasksOf,
  NO_TASKS,
  sameAssigned,
  taskIdsOf,
  taskIdsWithEpochsOf,
  tasksOf,
} from './tasks.ts'

/** Numbers as stored in the log. */
export const StreamsMemberState = {
  Unknown: 0,
  Stable: 1,
  UnrevokedTasks: 2,
  UnreleasedTasks: 3,
} as const
export type StreamsMemberState = (typeof StreamsMemberState)[keyof typeof StreamsMemberState]

export interface Endpoint {
  readonly host: string
  readonly port: number
}

export interface KeyValue {
  readonly key: string
  readonly value: string
}

/** A member of a streams group: one thread of an application instance (the process). */
export interface StreamsMember {
  readonly memberId: string
  readonly instanceId: string | null
  readonly rackId: string | null
  readonly clientId: string
  readonly clientHost: string
  readonly rebalanceTimeoutMs: number
  readonly topologyEpoch: number
  readonly processId: string
  readonly userEndpoint: Endpoint | null
  readonly clientTags: readonly KeyValue[]
  readonly memberEpoch: number
  readonly previousMemberEpoch: number
  readonly state: StreamsMemberState
  readonly assigned: AssignedTasks
  readonly pendingRevocation: AssignedTasks
}

export function newStreamsMember(memberId: string): StreamsMember {
  return {
    memberId,
    instanceId: null,
    rackId: null,
    clientId: '',
    clientHost: '',
    rebalanceTimeoutMs: -1,
    topologyEpoch: -1,
    processId: '',
    userEndpoint: null,
    clientTags: [],
    memberEpoch: 0,
    previousMemberEpoch: -1,
    state: StreamsMemberState.Stable,
    assigned: NO_TASKS,
    pendingRevocation: NO_TASKS,
  }
}

export function isReconciledTo(member: StreamsMember, epoch: number): boolean {
  return member.state === StreamsMemberState.Stable && member.memberEpoch === epoch
}

export function sameMetadata(a: StreamsMember, b: StreamsMember): boolean {
  return (
    a.instanceId === b.instanceId &&
    a.rackId === b.rackId &&
    a.clientId === b.clientId &&
    a.clientHost === b.clientHost &&
    a.rebalanceTimeoutMs === b.rebalanceTimeoutMs &&
    a.topologyEpoch === b.topologyEpoch &&
    a.processId === b.processId &&
    a.userEndpoint?.host === b.userEndpoint?.host &&
    a.userEndpoint?.port === b.userEndpoint?.port &&
    sameTags(a.clientTags, b.clientTags)
  )
}

function sameTags(a: readonly KeyValue[], b: readonly KeyValue[]): boolean {
  const values = new Map(b.map(({ key, value }) => [key, value]))
  return a.length === b.length && a.every(({ key, value }) => values.get(key) === value)
}

/** Whether the step left the member unchanged. */
export function sameProgress(a: StreamsMember, b: StreamsMember): boolean {
  return (
    a.memberEpoch === b.memberEpoch &&
    a.previousMemberEpoch === b.previousMemberEpoch &&
    a.state === b.state &&
    sameAssigned(a.assigned, b.assigned) &&
    sameAssigned(a.pendingRevocation, b.pendingRevocation)
  )
}

export function memberRecord(groupId: string, member: StreamsMember): GroupRecord {
  const { memberId, memberEpoch, previousMemberEpoch, state, ...metadata } = member
  const { assigned, pendingRevocation, ...value } = metadata
  return { kind: 'streamsMember', key: { groupId, memberId }, value }
}

export function currentRecord(groupId: string, member: StreamsMember): GroupRecord {
  const { memberId, assigned, pendingRevocation } = member
  return {
    kind: 'streamsMemberCurrent',
    key: { groupId, memberId },
    value: {
      memberEpoch: member.memberEpoch,
      previousMemberEpoch: member.previousMemberEpoch,
      state: member.state,
      activeTasks: taskIdsWithEpochsOf(assigned.active),
      standbyTasks: taskIdsOf(assigned.standby),
      warmupTasks: taskIdsOf(assigned.warmup),
      activeTasksPendingRevocation: taskIdsWithEpochsOf(pendingRevocation.active),
      standbyTasksPendingRevocation: taskIdsOf(pendingRevocation.standby),
      warmupTasksPendingRevocation: taskIdsOf(pendingRevocation.warmup),
    },
  }
}

export function withMetadata(
  member: StreamsMember,
  value: NonNullable<ReplayedRecord<'streamsMember'>['value']>,
): StreamsMember {
  return { ...member, ...value }
}

export function withCurrent(
  member: StreamsMember,
  value: NonNullable<ReplayedRecord<'streamsMemberCurrent'>['value']>,
): StreamsMember {
  const { memberEpoch } = value
  return {
    ...member,
    memberEpoch,
    previousMemberEpoch: value.previousMemberEpoch,
    state: value.state as StreamsMemberState,
    assigned: {
      active: activeTasksOf(value.activeTasks, memberEpoch),
      standby: tasksOf(value.standbyTasks),
      warmup: tasksOf(value.warmupTasks),
    },
    pendingRevocation: {
      active: activeTasksOf(value.activeTasksPendingRevocation, memberEpoch),
      standby: tasksOf(value.standbyTasksPendingRevocation),
      warmup: tasksOf(value.warmupTasksPendingRevocation),
    },
  }
}
