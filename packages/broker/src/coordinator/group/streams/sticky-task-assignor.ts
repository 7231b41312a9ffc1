// SPDX-License-Identifier: Apache-2.0
import { type TargetTasks, taskKey, taskKeys } from './tasks.ts'

export interface TaskMember {
  readonly memberId: string
  readonly processId: string
  /** Its previous target assignment. */
  readonly target: TargetTasks
}

export interface TaskSource {
  readonly subtopologyId: string
  readonly taskCount: number
  /** Whether the task is stateful, so that it can have standby tasks. */
  readonly isStateful: boolean
}

interface Task {
  readonly key: string
  readonly subtopologyId: string
  readonly partition: number
}

/**
 * Assigns tasks to members: to the previous owner, then to one with a standby copy of the state,
 * then to the least loaded process, up to a fair share. Standby tasks are placed on other processes
 * than their active task. A pure function of its input.
 */
export function assignTasks(
  members: readonly TaskMember[],
  sources: readonly TaskSource[],
  numStandbyReplicas: number,
): Map<string, TargetTasks> {
  if (members.length === 0) return new Map()
  const assignment = new Assignment(members, sources, numStandbyReplicas)
  assignment.assignActive(tasksOf(sources))
  if (numStandbyReplicas > 0) {
    assignment.assignStandby(tasksOf(sources.filter(({ isStateful }) => isStateful)))
  }
  return assignment.result()
}

function tasksOf(sources: readonly TaskSource[]): Task[] {
  return sources.flatMap(({ subtopologyId, taskCount }) =>
    Array.from({ length: taskCount }, (_, partition) => ({
      key: taskKey(subtopologyId, partition),
      subtopologyId,
      partition,
    })),
  )
}

const byPartition = (a: Task, b: Task): number =>
  a.partition - b.partition || compare(a.subtopologyId, b.subtopologyId)
const bySubtopology = (a: Task, b: Task): number =>
  compare(a.subtopologyId, b.subtopologyId) || a.partition - b.partition
const compare = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0)

/** The threads of one instance, which share its load. */
class Process {
  readonly members: Member[] = []
  readonly tasks = new Set<string>()

  get load(): number {
    return this.tasks.size / this.members.length
  }

  leastLoaded(): Member {
    return this.members.reduce((least, each) => (each.count < least.count ? each : least))
  }
}

class Member {
  readonly process: Process
  readonly active = new Map<string, Set<number>>()
  readonly standby = new Map<string, Set<number>>()
  count = 0

  constructor(process: Process) {
    this.process = process
  }

  add(task: Task, isActive: boolean): void {
    const tasks = isActive ? this.active : this.standby
    const partitions = tasks.get(task.subtopologyId)
    if (partitions === undefined) tasks.set(task.subtopologyId, new Set([task.partition]))
    else partitions.add(task.partition)
    this.process.tasks.add(task.key)
    this.count++
  }
}

/** Quota of tasks per member; as members fill up, the rest is divided among the others. */
class Quota {
  #tasks: number
  #members: number
  limit: number

  constructor(tasks: number, members: number) {
    this.#tasks = tasks
    this.#members = members
    this.limit = Math.ceil(tasks / members)
  }

  /** Records that a member now has `count` tasks. */
  note(count: number): void {
    if (count !== this.limit) return
    this.#members--
    this.#tasks -= count
    this.limit = this.#members === 0 ? 0 : Math.ceil(this.#tasks / this.#members)
  }
}

class Assignment {
  readonly #members = new Map<string, Member>()
  readonly #processes = new Map<string, Process>()
  readonly #formerActive = new Map<string, Member>()
  readonly #formerStandby = new Map<string, Member[]>()
  readonly #activeQuota: Quota
  readonly #quota: Quota
  readonly #replicas: number

  constructor(members: readonly TaskMember[], sources: readonly TaskSource[], replicas: number) {
    this.#replicas = replicas
    let active = 0
    let all = 0
    for (const { taskCount, isStateful } of sources) {
      active += taskCount
      all += taskCount * (isStateful ? 1 + replicas : 1)
    }
    this.#activeQuota = new Quota(active, members.length)
    this.#quota = new Quota(all, members.length)
    for (const { memberId, processId, target } of members) {
      const process = this.#processes.get(processId) ?? new Process()
      this.#processes.set(processId, process)
      const member = new Member(process)
      process.members.push(member)
      this.#members.set(memberId, member)
      for (const key of taskKeys(target.active)) this.#formerActive.set(key, member)
      for (const key of taskKeys(target.standby)) {
        const others = this.#formerStandby.get(key)
        if (others === undefined) this.#formerStandby.set(key, [member])
        else others.push(member)
      }
    }
  }

  assignActive(tasks: readonly Task[]): void {
    const withoutFormer: Task[] = []
    for (const task of [...tasks].sort(byPartition)) {
      const former = this.#formerActive.get(task.key)
      if (former !== undefined && former.count < this.#activeQuota.limit) this.#give(former, task)
      else withoutFormer.push(task)
    }
    const open: Task[] = []
    for (const task of withoutFormer) {
      const copy = leastLoadedOf(this.#formerStandby.get(task.key) ?? [])
      if (copy !== undefined && copy.count < this.#activeQuota.limit) this.#give(copy, task)
      else open.push(task)
    }
    for (const task of open.sort(bySubtopology)) {
      const [process] = this.#byLoad()
      if (process !== undefined) this.#give(process.leastLoaded(), task)
    }
  }

  #give(member: Member, task: Task): void {
    member.add(task, true)
    this.#activeQuota.note(member.count)
    this.#quota.note(member.count)
  }

  #byLoad(): Process[] {
    return [...this.#processes.values()].sort((a, b) => a.load - b.load)
  }

  assignStandby(tasks: readonly Task[]): void {
    const open: { readonly task: Task; readonly copies: number }[] = []
    for (const task of [...tasks].sort(byPartition).reverse()) {
      for (let i = 0; i < this.#replicas; i++) {
        const former =
          this.#withRoom(task, this.#formerActive.get(task.key)) ??
          this.#withRoom(task, this.#leastLoadedFormerStandby(task))
        if (former === undefined) {
          open.push({ task, copies: this.#replicas - i })
          break
        }
        this.#giveCopy(former, task)
      }
    }
    for (const { task, copies } of open.sort((a, b) => bySubtopology(b.task, a.task))) {
      for (let i = 0; i < copies; i++) {
        const process = this.#byLoad().find(({ tasks: has }) => !has.has(task.key))
        // More standby tasks than processes: the rest waits for more processes.
        if (process === undefined) break
        this.#giveCopy(process.leastLoaded(), task)
      }
    }
  }

  #withRoom(task: Task, member: Member | undefined): Member | undefined {
    if (member === undefined || member.process.tasks.has(task.key)) return undefined
    return member.count < this.#quota.limit ? member : undefined
  }

  #leastLoadedFormerStandby(task: Task): Member | undefined {
    const members = this.#formerStandby.get(task.key) ?? []
    return leastLoadedOf(members.filter(({ process }) => !process.tasks.has(task.key)))
  }

  #giveCopy(member: Member, task: Task): void {
    member.add(task, false)
    this.#quota.note(member.count)
  }

  result(): Map<string, TargetTasks> {
    return new Map(
      [...this.#members].map(([memberId, { active, standby }]) => [
        memberId,
        { active, standby, warmup: new Map() },
      ]),
    )
  }
}

function leastLoadedOf(members: readonly Member[]): Member | undefined {
  let least: Member | undefined
  for (const member of members) {
    if (
      least === undefined ||
      (member.process.load < least.process.load && member.count < least.count)
    ) {
      least = member
    }
  }
  return least
}
