// SPDX-License-Identifier: Apache-2.0
import { ProtocolError } from '@millrace/protocol'
import { ClassicGroup } from '../classic/classic-group.ts'
import type { GroupEffects } from '../group-effects.ts'
import { NEVER_ASSIGNED_MS } from '../modern/assignment-due.ts'
import type { GroupDraft } from '../modern/group-draft.ts'
import { throwIfFencedEpoch, unknownMember } from '../modern/member-errors.ts'
import { type CoordinatorOptions, ModernCoordinator } from '../modern/modern-coordinator.ts'
import { metadataHash } from '../modern/topics-view.ts'
import { endpointsOf } from './endpoints.ts'
import { assignTasks } from './sticky-task-assignor.ts'
import { StreamsGroup, streamsMemberTombstones } from './streams-group.ts'
import {
  currentRecord,
  isReconciledTo,
  memberRecord,
  newStreamsMember,
  type StreamsMember,
  StreamsMemberState,
  sameMetadata,
  sameProgress,
} from './streams-member.ts'
import { reconcileStreams, TaskOwners } from './streams-reconcile.ts'
import type { StreamsHeartbeat, StreamsHeartbeatReply } from './streams-requests.ts'
import { isWithin, NO_TARGET, sameAssigned, sameTarget, type Tasks, taskIdsOf } from './tasks.ts'
import {
  type ConfiguredTopology,
  configureTopology,
  requiredTopics,
  type Status,
  StatusCode,
  sameTopology,
  type Topology,
} from './topology.ts'

export type StreamsTimer =
  | { readonly kind: 'streamsSession'; readonly groupId: string; readonly memberId: string }
  | {
      readonly kind: 'streamsRebalance'
      readonly groupId: string
      readonly memberId: string
      readonly memberEpoch: number
    }
  | { readonly kind: 'streamsInitial'; readonly groupId: string }

type Draft = GroupDraft<StreamsGroup>

const LEAVE_EPOCH = -1

/** Soft state of a group, lost at a restart. */
interface Volatile {
  /** End of the initial rebalance delay, before the first assignment. */
  delayedUntilMs: number
  /** The member that requested a shutdown of the whole application. */
  shutdownBy: string | undefined
  /** Increases when the endpoint information changes. */
  endpointEpoch: number
  configured:
    | {
        readonly topology: Topology
        readonly topicsVersion: number
        readonly result: ConfiguredTopology
        readonly metadataHash: bigint
      }
    | undefined
}

/**
 * The streams group protocol (KIP-1071): members describe their topology, the coordinator assigns
 * its tasks.
 */
export class StreamsCoordinator extends ModernCoordinator<StreamsGroup> {
  readonly #volatile = new Map<string, Volatile>()

  constructor(options: CoordinatorOptions) {
    super('streams', StreamsGroup, options)
  }

  #volatileOf(groupId: string): Volatile {
    let known = this.#volatile.get(groupId)
    if (known === undefined) {
      known = {
        delayedUntilMs: 0,
        shutdownBy: undefined,
        endpointEpoch: 0,
        configured: undefined,
      }
      this.#volatile.set(groupId, known)
    }
    return known
  }

  // ----------------------------------------------------------------------------------------------
  // heartbeats

  /** Throws `ProtocolError` for an invalid request; nothing has changed in that case. */
  heartbeat(fx: GroupEffects, request: StreamsHeartbeat, nowMs: number): StreamsHeartbeatReply {
    if (request.memberEpoch === LEAVE_EPOCH) return this.#leave(fx, request)
    const { groupId, memberId } = request
    const isJoining = request.memberEpoch === 0
    const group = this.#groupFor(fx, groupId, isJoining)
    const isFirst = group.isEmpty
    const known = this.#memberFor(group, request)
    const draft = this.draft(fx, group)
    const status: Status[] = []

    const updated = updatedMember(known, request)
    const hasJoined = !group.members.has(memberId)
    const hasChanged = hasJoined || !sameMetadata(known, updated)
    if (hasChanged) draft.emit(memberRecord(groupId, updated))
    const topology = takeTopology(draft, request.topology)
    if (updated.topologyEpoch < topology.epoch) {
      status.push({
        statusCode: StatusCode.staleTopology,
        statusDetail: `The member's topology epoch ${updated.topologyEpoch} is behind the group's topology epoch ${topology.epoch}.`,
      })
    }
    const { result: configured, metadataHash: hash } = this.#configured(groupId, topology)
    throwIfTasksAreInvalid(configured, request)
    this.#updateEpoch(draft, { configured, topology, hash, hasChanged })

    if (isFirst) this.#delayFirstAssignment(fx, groupId, nowMs)
    const isDelayed = nowMs < this.#volatileOf(groupId).delayedUntilMs
    const delay = isDelayed
      ? 'initial rebalance delay'
      : this.#updateTarget(draft, configured, nowMs)
    if (delay !== undefined) {
      const statusDetail = `Assignment delayed due to the configured ${delay}.`
      status.push({ statusCode: StatusCode.assignmentDelayed, statusDetail })
    }
    const member = this.#reconcile({ fx, draft, nowMs }, request, isDelayed)
    this.#setSession(fx, groupId, memberId, nowMs)

    const soft = this.#volatileOf(groupId)
    if (request.shutdownApplication) soft.shutdownBy ??= memberId
    const sendsAssignment = isJoining || !sameAssigned(known.assigned, member.assigned)
    if (sendsAssignment && member.userEndpoint !== null) soft.endpointEpoch++
    if (configured.problem !== undefined) status.push(configured.problem)
    if (soft.shutdownBy !== undefined) {
      status.push({
        statusCode: StatusCode.shutdownApplication,
        statusDetail: `Streams group member ${soft.shutdownBy} encountered a fatal error and requested a shutdown for the entire application.`,
      })
    }
    const { group: current } = draft
    return {
      memberId,
      memberEpoch: member.memberEpoch,
      heartbeatIntervalMs: this.intervalMs(
        draft,
        nowMs,
        isReconciledTo(member, current.groupEpoch),
      ),
      status,
      assignment: sendsAssignment ? member.assigned : undefined,
      endpointInformationEpoch: soft.endpointEpoch,
      partitionsByEndpoint:
        soft.endpointEpoch === request.endpointInformationEpoch
          ? undefined
          : endpointsOf(current.members.values(), configured, this.topics),
      topicsToCreate: configured.topicsToCreate,
    }
  }

  #groupFor(fx: GroupEffects, groupId: string, isJoining: boolean): StreamsGroup {
    const group = this.groups.get(groupId)
    if (group instanceof StreamsGroup) return group
    if (group === undefined && isJoining) return new StreamsGroup(groupId)
    // An empty classic group is replaced by a streams group: this is how an application migrates.
    if (isJoining && group instanceof ClassicGroup && group.isEmpty) {
      fx.records.push(...group.tombstones())
      return new StreamsGroup(groupId)
    }
    if (group !== undefined) throw this.notFound(groupId)
    throw new ProtocolError('GROUP_ID_NOT_FOUND', `Streams group ${groupId} not found.`)
  }

  #memberFor(group: StreamsGroup, request: StreamsHeartbeat): StreamsMember {
    const { memberId, memberEpoch } = request
    const known = group.members.get(memberId)
    if (known !== undefined) {
      throwIfStaleEpoch(known, request)
      return known
    }
    if (memberEpoch !== 0) throw unknownMember(group.groupId, memberId)
    this.throwIfFull(group, memberId)
    return newStreamsMember(memberId)
  }

  /** Recomputed only if the topology or the topics changed. */
  #configured(groupId: string, topology: Topology): NonNullable<Volatile['configured']> {
    const soft = this.#volatileOf(groupId)
    const { version: topicsVersion } = this.topics
    const known = soft.configured
    if (known?.topology === topology && known.topicsVersion === topicsVersion) return known
    soft.configured = {
      topology,
      topicsVersion,
      result: configureTopology(topology, this.topics),
      metadataHash: metadataHash(requiredTopics(topology), this.topics),
    }
    return soft.configured
  }

  /** The resolved topology, for descriptions of the group. */
  configuredTopology(group: StreamsGroup): ConfiguredTopology | undefined {
    return group.topology === undefined
      ? undefined
      : this.#configured(group.groupId, group.topology).result
  }

  /**
   * Increases the group epoch if members, their topics, the state of these topics or the group's
   * settings changed.
   */
  #updateEpoch(
    draft: Draft,
    options: {
      readonly configured: ConfiguredTopology
      readonly topology: Topology
      readonly hash: bigint
      readonly hasChanged: boolean
    },
  ): void {
    const { configured, topology, hash, hasChanged } = options
    const { group } = draft
    const validatedTopologyEpoch = configured.problem === undefined ? topology.epoch : -1
    const configs = this.#assignmentConfigs(group.groupId)
    const isSame =
      !hasChanged &&
      hash === group.metadataHash &&
      validatedTopologyEpoch === group.validatedTopologyEpoch &&
      configs.every(({ key, value }) => group.assignmentConfigs.get(key) === value)
    if (isSame) return
    draft.emit({
      kind: 'streamsGroup',
      key: { groupId: group.groupId },
      value: {
        epoch: group.groupEpoch + 1,
        metadataHash: hash,
        validatedTopologyEpoch,
        lastAssignmentConfigs: configs,
      },
    })
  }

  #assignmentConfigs(groupId: string): { readonly key: string; readonly value: string }[] {
    const value = String(this.setting(groupId, 'num.standby.replicas'))
    return [{ key: 'num.standby.replicas', value }]
  }

  #delayFirstAssignment(fx: GroupEffects, groupId: string, nowMs: number): void {
    const delayMs = this.setting(groupId, 'initial.rebalance.delay.ms')
    const known = this.#volatileOf(groupId)
    if (delayMs === 0 || nowMs < known.delayedUntilMs) return
    known.delayedUntilMs = nowMs + delayMs
    fx.setTimer(`streams-initial ${groupId}`, nowMs + delayMs, { kind: 'streamsInitial', groupId })
  }

  /** Computes the target assignment if it is due; otherwise returns the reason for the delay. */
  #updateTarget(draft: Draft, configured: ConfiguredTopology, nowMs: number): string | undefined {
    const { group } = draft
    const { groupId } = group
    const due = this.targetDue(group, nowMs)
    if (due !== 'now') return due === 'later' ? 'assignment interval' : undefined
    const members = [...group.members.values()].map(({ memberId, processId }) => ({
      memberId,
      processId,
      target: group.target(memberId),
    }))
    const isReady = configured.problem === undefined
    const sources = isReady ? [...(configured.subtopologies ?? [])] : []
    const targets = assignTasks(
      members,
      sources.map(([subtopologyId, { taskCount, subtopology }]) => ({
        subtopologyId,
        taskCount,
        isStateful: subtopology.stateChangelogTopics.length > 0,
      })),
      Number(group.assignmentConfigs.get('num.standby.replicas') ?? 0),
    )
    const epoch = group.groupEpoch
    for (const { memberId, target } of group.changedTargets(targets, sameTarget)) {
      draft.emit({
        kind: 'streamsMemberTarget',
        key: { groupId, memberId },
        value: {
          activeTasks: taskIdsOf(target.active),
          standbyTasks: taskIdsOf(target.standby),
          warmupTasks: taskIdsOf(target.warmup),
        },
      })
    }
    draft.emit(targetEpochRecord(groupId, epoch, nowMs))
    return undefined
  }

  #reconcile(
    { fx, draft, nowMs }: { fx: GroupEffects; draft: Draft; nowMs: number },
    { memberId, owned }: StreamsHeartbeat,
    isDelayed: boolean,
  ): StreamsMember {
    const { group } = draft
    const { groupId } = group
    const member = group.member(memberId)
    if (isDelayed || isReconciledTo(member, group.assignmentEpoch)) return member
    const reconciled = reconcileStreams(member, {
      targetEpoch: group.assignmentEpoch,
      target: group.target(memberId),
      owned,
      owners: new TaskOwners(group.members.values()),
    })
    if (sameProgress(member, reconciled)) return member
    draft.emit(currentRecord(groupId, reconciled))
    this.#setRebalanceTimer(fx, groupId, reconciled, nowMs)
    return draft.group.member(memberId)
  }

  // ----------------------------------------------------------------------------------------------
  // leaving, time

  #leave(fx: GroupEffects, request: StreamsHeartbeat): StreamsHeartbeatReply {
    const { groupId, memberId } = request
    const group = this.find(groupId)
    if (group === undefined) throw this.notFound(groupId)
    if (!group.members.has(memberId)) throw unknownMember(groupId, memberId)
    if (request.shutdownApplication) this.#volatileOf(groupId).shutdownBy ??= memberId
    this.#remove(fx, group, memberId)
    return {
      memberId,
      memberEpoch: request.memberEpoch,
      heartbeatIntervalMs: 0,
      status: [],
      assignment: undefined,
      endpointInformationEpoch: 0,
      partitionsByEndpoint: undefined,
      topicsToCreate: [],
    }
  }

  #remove(fx: GroupEffects, group: StreamsGroup, memberId: string): void {
    const { groupId } = group
    const draft = this.draft(fx, group)
    const epoch = group.groupEpoch + 1
    draft.emit(...streamsMemberTombstones(groupId, memberId))
    draft.emit({
      kind: 'streamsGroup',
      key: { groupId },
      value: {
        epoch,
        metadataHash: group.metadataHash,
        validatedTopologyEpoch: group.validatedTopologyEpoch,
        lastAssignmentConfigs: [...group.assignmentConfigs].map(([key, value]) => ({ key, value })),
      },
    })
    fx.cancelTimer(sessionKey(groupId, memberId))
    fx.cancelTimer(rebalanceKey(groupId, memberId))
    if (!draft.group.isEmpty) return
    draft.emit(targetEpochRecord(groupId, epoch, NEVER_ASSIGNED_MS))
    this.#volatile.delete(groupId)
  }

  expire(fx: GroupEffects, timer: StreamsTimer, nowMs: number): void {
    const group = this.find(timer.groupId)
    if (group === undefined) return
    switch (timer.kind) {
      case 'streamsInitial': {
        this.#volatileOf(timer.groupId).delayedUntilMs = 0
        const configured = this.configuredTopology(group)
        if (group.isEmpty || configured === undefined) return
        this.#updateTarget(this.draft(fx, group), configured, nowMs)
        return
      }
      case 'streamsSession':
        if (group.members.has(timer.memberId)) this.#remove(fx, group, timer.memberId)
        return
      case 'streamsRebalance': {
        const member = group.members.get(timer.memberId)
        if (member?.memberEpoch === timer.memberEpoch) this.#remove(fx, group, timer.memberId)
        return
      }
    }
  }

  protected override restoreMember(
    fx: GroupEffects,
    group: StreamsGroup,
    memberId: string,
    nowMs: number,
  ): void {
    this.#setSession(fx, group.groupId, memberId, nowMs)
    this.#setRebalanceTimer(fx, group.groupId, group.member(memberId), nowMs)
  }

  #setSession(fx: GroupEffects, groupId: string, memberId: string, nowMs: number): void {
    const dueMs = nowMs + this.setting(groupId, 'session.timeout.ms')
    const event = { kind: 'streamsSession', groupId, memberId } as const
    fx.setTimer(sessionKey(groupId, memberId), dueMs, event)
  }

  #setRebalanceTimer(
    fx: GroupEffects,
    groupId: string,
    { memberId, memberEpoch, rebalanceTimeoutMs, state }: StreamsMember,
    nowMs: number,
  ): void {
    const key = rebalanceKey(groupId, memberId)
    if (state !== StreamsMemberState.UnrevokedTasks) fx.cancelTimer(key)
    else {
      const event = { kind: 'streamsRebalance', groupId, memberId, memberEpoch } as const
      fx.setTimer(key, nowMs + rebalanceTimeoutMs, event)
    }
  }
}

const sessionKey = (groupId: string, memberId: string): string =>
  `streams-session ${groupId} ${memberId}`
const rebalanceKey = (groupId: string, memberId: string): string =>
  `streams-rebalance ${groupId} ${memberId}`

function updatedMember(known: StreamsMember, request: StreamsHeartbeat): StreamsMember {
  const { rebalanceTimeoutMs } = request
  return {
    ...known,
    rackId: request.rackId ?? known.rackId,
    rebalanceTimeoutMs: rebalanceTimeoutMs === -1 ? known.rebalanceTimeoutMs : rebalanceTimeoutMs,
    topologyEpoch: request.topology?.epoch ?? known.topologyEpoch,
    clientId: request.clientId,
    clientHost: request.clientHost,
    processId: request.processId ?? known.processId,
    clientTags: request.clientTags ?? known.clientTags,
    userEndpoint: request.userEndpoint ?? known.userEndpoint,
  }
}

/**
 * Sets the group's topology to that of the first member that sends one; later members must have the
 * same.
 */
function takeTopology(draft: Draft, topology: Topology | null): Topology {
  const { groupId, topology: known } = draft.group
  if (known === undefined) {
    if (topology === null) {
      throw new ProtocolError('UNKNOWN_SERVER_ERROR', `Group ${groupId} has no topology yet.`)
    }
    draft.emit({ kind: 'streamsTopology', key: { groupId }, value: topology })
    return draft.group.topology as Topology
  }
  if (topology !== null && topology.epoch >= known.epoch && !sameTopology(known, topology)) {
    throw new ProtocolError('INVALID_REQUEST', 'Topology updates are not supported yet.')
  }
  return known
}

function throwIfStaleEpoch(member: StreamsMember, { memberEpoch, owned }: StreamsHeartbeat): void {
  const { assigned } = member
  throwIfFencedEpoch(
    'streams',
    member,
    memberEpoch,
    () =>
      owned !== undefined &&
      isWithin(owned.active, assigned.active) &&
      isWithin(owned.standby, assigned.standby) &&
      isWithin(owned.warmup, assigned.warmup),
  )
}

function throwIfTasksAreInvalid(
  { problem, subtopologies }: ConfiguredTopology,
  { owned = NO_TARGET }: StreamsHeartbeat,
): void {
  if (problem !== undefined || subtopologies === undefined) return
  const check = (tasks: Tasks): void => {
    for (const [id, partitions] of tasks) {
      const taskCount = subtopologies.get(id)?.taskCount
      if (taskCount === undefined) {
        throw new ProtocolError(
          'INVALID_REQUEST',
          `Subtopology ${id} does not exist in the topology.`,
        )
      }
      for (const partition of partitions) {
        if (partition >= 0 && partition < taskCount) continue
        throw new ProtocolError(
          'INVALID_REQUEST',
          `Task ${partition} for subtopology ${id} is invalid. Number of tasks for this subtopology: ${taskCount}`,
        )
      }
    }
  }
  check(owned.active)
  check(owned.standby)
  check(owned.warmup)
}

function targetEpochRecord(groupId: string, assignmentEpoch: number, timestampMs: number) {
  const value = { assignmentEpoch, assignmentTimestamp: BigInt(timestampMs) }
  return { kind: 'streamsTarget', key: { groupId }, value } as const
}
