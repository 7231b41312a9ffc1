// SPDX-License-Identifier: Apache-2.0

/**
 * Tasks by subtopology; a task is one partition number of all topics that the subtopology reads.
 */
export type Tasks = ReadonlyMap<string, ReadonlySet<number>>

/** Active tasks, each with the epoch in which the member was assigned it. */
export type ActiveTasks = ReadonlyMap<string, ReadonlyMap<number, number>>

export interface TargetTasks {
  readonly active: Tasks
  readonly standby: Tasks
  readonly warmup: Tasks
}

export interface AssignedTasks {
  readonly active: ActiveTasks
  readonly standby: Tasks
  readonly warmup: Tasks
}

/** Tasks of one subtopology, in the form of wire and log. */
export interface TaskIds {
  readonly subtopologyId: string
  readonly partitions: readonly number[]
  readonly assignmentEpochs?: readonly number[] | null
}

const NONE: ReadonlyMap<string, never> = new Map<string, never>()
export const NO_TARGET: TargetTasks = { active: NONE, standby: NONE, warmup: NONE }
export const NO_TASKS: AssignedTasks = { active: NONE, standby: NONE, warmup: NONE }

export function taskKey(subtopologyId: string, partition: number): string {
  return `${subtopologyId}_${partition}`
}

export function* taskKeys(tasks: Tasks | ActiveTasks): Generator<string> {
  for (const [subtopologyId, partitions] of tasks) {
    for (const partition of partitions.keys()) yield taskKey(subtopologyId, partition)
  }
}

export function tasksOf(ids: readonly TaskIds[]): Tasks {
  return new Map(
    ids
      .filter(({ partitions }) => partitions.length > 0)
      .map(({ subtopologyId, partitions }) => [subtopologyId, new Set(partitions)]),
  )
}

/** `defaultEpoch`: for records written before epochs were stored. */
export function activeTasksOf(ids: readonly TaskIds[], defaultEpoch: number): ActiveTasks {
  return new Map(
    ids.map(({ subtopologyId, partitions, assignmentEpochs }) => [
      subtopologyId,
      new Map(partitions.map((each, i) => [each, assignmentEpochs?.[i] ?? defaultEpoch])),
    ]),
  )
}

export function taskIdsOf(tasks: Tasks | ActiveTasks): TaskIds[] {
  return [...tasks]
    .map(([subtopologyId, partitions]) => ({
      subtopologyId,
      partitions: [...partitions.keys()].sort((a, b) => a - b),
    }))
    .sort((a, b) => (a.subtopologyId < b.subtopologyId ? -1 : 1))
}

export function taskIdsWithEpochsOf(tasks: ActiveTasks): TaskIds[] {
  return taskIdsOf(tasks).map(({ subtopologyId, partitions }) => {
    const epochs = tasks.get(subtopologyId)
    return {
      subtopologyId,
      partitions,
      assignmentEpochs: partitions.map((partition) => epochs?.get(partition) ?? 0),
    }
  })
}

export function sameTasks(a: Tasks, b: Tasks): boolean {
  if (a.size !== b.size) return false
  for (const [id, partitions] of a) {
    const others = b.get(id)
    if (others?.size !== partitions.size) return false
    for (const partition of partitions) if (!others.has(partition)) return false
  }
  return true
}

function sameActiveTasks(a: ActiveTasks, b: ActiveTasks): boolean {
  if (a.size !== b.size) return false
  for (const [id, partitions] of a) {
    const others = b.get(id)
    if (others?.size !== partitions.size) return false
    for (const [partition, epoch] of partitions) if (others.get(partition) !== epoch) return false
  }
  return true
}

export function sameTarget(a: TargetTasks, b: TargetTasks): boolean {
  return (
    sameTasks(a.active, b.active) &&
    sameTasks(a.standby, b.standby) &&
    sameTasks(a.warmup, b.warmup)
  )
}

export function sameAssigned(a: AssignedTasks, b: AssignedTasks): boolean {
  return (
    sameActiveTasks(a.active, b.active) &&
    sameTasks(a.standby, b.standby) &&
    sameTasks(a.warmup, b.warmup)
  )
}

/** Whether the two sets share a task. */
export function overlaps(owned: Tasks, tasks: Tasks | ActiveTasks): boolean {
  for (const [id, partitions] of owned) {
    const others = tasks.get(id)
    if (others === undefined) continue
    for (const partition of partitions) if (others.has(partition)) return true
  }
  return false
}

/** Whether all tasks are among the others. */
export function isWithin(owned: Tasks, tasks: Tasks | ActiveTasks): boolean {
  for (const [id, partitions] of owned) {
    const others = tasks.get(id)
    for (const partition of partitions) if (others?.has(partition) !== true) return false
  }
  return true
}
