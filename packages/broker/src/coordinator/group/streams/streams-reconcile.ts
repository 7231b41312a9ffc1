// SPDX-License-Identifier: Apache-2.0
import { ProtocolError } from '@millrace/protocol'
import { type StreamsMember, StreamsMemberState } from './streams-member.ts'
import {
  type ActiveTasks,
  type AssignedTasks,
  NO_TASKS,
  overlaps,
  type TargetTasks,
  type Tasks,
  taskKey,
  taskKeys,
} from './tasks.ts'

/** Processes that own a task, including those that are revoking it. */
export class TaskOwners {
  readonly #active = new Map<string, string>()
  readonly #copies = new Set<string>()

  constructor(members: Iterable<StreamsMember>) {
    for (const { processId, assigned, pendingRevocation } of members) {
      for (const tasks of [assigned, pendingRevocation]) {
        for (const key of taskKeys(tasks.active)) this.#active.set(key, processId)
        for (const copies of [tasks.standby, tasks.warmup]) {
          for (const key of taskKeys(copies)) this.#copies.add(`${processId} ${key}`)
        }
      }
    }
  }

  isActiveAnywhere(key: string): boolean {
    return this.#active.has(key)
  }

  isActiveIn(processId: string, key: string): boolean {
    return this.#active.get(key) === processId
  }

  hasCopy(processId: string, key: string): boolean {
    return this.#copies.has(`${processId} ${key}`)
  }
}

export interface StreamsReconcileInput {
  readonly targetEpoch: number
  readonly target: TargetTasks
  /** Tasks that the member reports as owned; undefined if it reports nothing. */
  readonly owned: TargetTasks | undefined
  readonly owners: TaskOwners
}

/**
 * Moves the member one step towards its target assignment: it revokes first, then is assigned what
 * its process and the others have released (KIP-1071).
 */
export function reconcileStreams(
  member: StreamsMember,
  input: StreamsReconcileInput,
): StreamsMember {
  const { owned, targetEpoch } = input
  switch (member.state) {
    case StreamsMemberState.Stable:
      return member.memberEpoch === targetEpoch ? member : next(member, input, member.memberEpoch)
    case StreamsMemberState.UnrevokedTasks:
      if (mayOwn(owned, member.pendingRevocation)) return member
      return next(member, input, member.memberEpoch + 1)
    case StreamsMemberState.UnreleasedTasks:
      return next(member, input, member.memberEpoch)
    default:
      if (owned === undefined || !isEmpty(owned)) {
        throw new ProtocolError(
          'FENCED_MEMBER_EPOCH',
          'The streams group member is in a unknown state. The member must abandon all its tasks and rejoin.',
        )
      }
      return next(member, input, targetEpoch)
  }
}

/** Whether the member still owns some of these; a member that reports nothing may own all. */
function mayOwn(owned: TargetTasks | undefined, tasks: AssignedTasks): boolean {
  return (
    owned === undefined ||
    overlaps(owned.active, tasks.active) ||
    overlaps(owned.standby, tasks.standby) ||
    overlaps(owned.warmup, tasks.warmup)
  )
}

function isEmpty({ active, standby, warmup }: TargetTasks | AssignedTasks): boolean {
  return active.size === 0 && standby.size === 0 && warmup.size === 0
}

/** Assignment epochs by partition, by subtopology. Standby tasks have none, so theirs are 0. */
type Draft = Map<string, Map<number, number>>

interface Difference {
  readonly kept: Draft
  readonly revoked: Draft
  readonly added: Draft
  readonly isWaiting: boolean
}

function next(
  member: StreamsMember,
  { target, targetEpoch, owned, owners }: StreamsReconcileInput,
  memberEpoch: number,
): StreamsMember {
  const { processId, assigned } = member
  const hasCopy = (key: string): boolean =>
    owners.isActiveIn(processId, key) || owners.hasCopy(processId, key)
  const active = difference(
    assigned.active,
    target.active,
    (key) => owners.isActiveAnywhere(key) || owners.hasCopy(processId, key),
  )
  const standby = difference(withoutEpochs(assigned.standby), target.standby, hasCopy)
  const warmup = difference(withoutEpochs(assigned.warmup), target.warmup, hasCopy)
  const revoked = tuple(active.revoked, standby.revoked, warmup.revoked)
  if (!isEmpty(revoked) && mayOwn(owned, revoked)) {
    // The epoch is unchanged until the member has revoked them.
    return {
      ...member,
      state: StreamsMemberState.UnrevokedTasks,
      previousMemberEpoch: member.memberEpoch,
      memberEpoch,
      assigned: tuple(active.kept, standby.kept, warmup.kept),
      pendingRevocation: revoked,
    }
  }
  const isWaiting = active.isWaiting || standby.isWaiting || warmup.isWaiting
  return {
    ...member,
    state: isWaiting ? StreamsMemberState.UnreleasedTasks : StreamsMemberState.Stable,
    previousMemberEpoch: member.memberEpoch,
    memberEpoch: targetEpoch,
    assigned: tuple(
      merged(active, targetEpoch),
      merged(standby, targetEpoch),
      merged(warmup, targetEpoch),
    ),
    pendingRevocation: NO_TASKS,
  }
}

function difference(
  current: ActiveTasks,
  target: Tasks,
  isHeld: (key: string) => boolean,
): Difference {
  const kept: Draft = new Map()
  const revoked: Draft = new Map()
  const added: Draft = new Map()
  let isWaiting = false
  for (const id of new Set([...target.keys(), ...current.keys()])) {
    const wanted = target.get(id)
    const has = current.get(id)
    for (const [partition, epoch] of has ?? []) {
      put(wanted?.has(partition) === true ? kept : revoked, id, partition, epoch)
    }
    for (const partition of wanted ?? []) {
      if (has?.has(partition) === true) continue
      if (isHeld(taskKey(id, partition))) isWaiting = true
      else put(added, id, partition, 0)
    }
  }
  return { kept, revoked, added, isWaiting }
}

function put(draft: Draft, id: string, partition: number, epoch: number): void {
  const partitions = draft.get(id) ?? new Map<number, number>()
  draft.set(id, partitions.set(partition, epoch))
}

function merged({ kept, added }: Difference, epoch: number): Draft {
  for (const [id, partitions] of added) {
    for (const partition of partitions.keys()) put(kept, id, partition, epoch)
  }
  return kept
}

function withoutEpochs(tasks: Tasks): ActiveTasks {
  return new Map(
    [...tasks].map(([id, partitions]) => [id, new Map([...partitions].map((each) => [each, 0]))]),
  )
}

function tuple(active: Draft, standby: Draft, warmup: Draft): AssignedTasks {
  return { active, standby: setsOf(standby), warmup: setsOf(warmup) }
}

function setsOf(draft: Draft): Tasks {
  return new Map([...draft].map(([id, partitions]) => [id, new Set(partitions.keys())]))
}
