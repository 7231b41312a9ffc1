// SPDX-License-Identifier: Apache-2.0
import { partitionKey } from '../../modern/assignment.ts'
import {
  type AssignedMember,
  AssignmentBuilder,
  type ServerAssignor,
} from '../../modern/assignor.ts'

type Builders = ReadonlyMap<string, AssignmentBuilder>
interface Place {
  readonly topicId: string
  readonly partition: number
}

/**
 * Rounds of moving single partitions from the members with most partitions to those with fewest.
 */
const MAX_ROUNDS = 16

/** Distributes partitions as evenly as subscriptions allow, with as few moves as possible. */
export const uniformAssignor: ServerAssignor = {
  name: 'uniform',
  assign(members, partitionsOf) {
    const built = new Map(members.map(({ memberId }) => [memberId, new AssignmentBuilder()]))
    if (isHomogeneous(members)) assignAlike(members, partitionsOf, built)
    else assignMixed(members, partitionsOf, built)
    return new Map([...built].map(([memberId, builder]) => [memberId, builder.build()]))
  },
}

function isHomogeneous(members: readonly AssignedMember[]): boolean {
  const [first, ...others] = members
  if (first === undefined) return true
  return others.every(
    ({ topicIds }) =>
      topicIds.size === first.topicIds.size && [...topicIds].every((id) => first.topicIds.has(id)),
  )
}

/**
 * All subscriptions are equal: each member keeps its partitions up to its quota; the rest is
 * distributed.
 */
function assignAlike(
  members: readonly AssignedMember[],
  partitionsOf: (topicId: string) => readonly number[],
  built: Builders,
): void {
  const [first] = members
  if (first === undefined) return
  const free = new Map<string, Place>()
  for (const topicId of first.topicIds) {
    for (const partition of partitionsOf(topicId)) {
      free.set(partitionKey(topicId, partition), { topicId, partition })
    }
  }
  const share = Math.floor(free.size / members.length)
  let extra = free.size % members.length
  const unfilled: { readonly builder: AssignmentBuilder; readonly quota: number }[] = []
  members.forEach((member, i) => {
    const builder = built.get(member.memberId) as AssignmentBuilder
    // Quotas one larger go first to members that already have as many, as long as there are
    // partitions left over.
    const mayHaveExtra = extra > 0
    const limit = share + (mayHaveExtra ? 1 : 0)
    keep(member, { free, builder, limit })
    const needsAll = members.length - i <= extra
    const takesExtra = mayHaveExtra && (builder.count > share || needsAll)
    if (takesExtra) extra--
    const quota = share + (takesExtra ? 1 : 0)
    if (builder.count < quota) unfilled.push({ builder, quota })
  })
  const rest = free.values()
  for (const { builder, quota } of unfilled) {
    while (builder.count < quota) {
      const next = rest.next()
      if (next.done === true) return
      builder.add(next.value.topicId, next.value.partition)
    }
  }
}

/**
 * A member keeps its partitions if they still exist, it subscribes to them, and they are not yet
 * assigned.
 */
function keep(
  member: AssignedMember,
  options: {
    readonly free: Map<string, Place>
    readonly builder: AssignmentBuilder
    readonly limit: number
  },
): void {
  const { free, builder, limit } = options
  for (const [topicId, partitions] of member.assignment) {
    if (!member.topicIds.has(topicId)) continue
    for (const partition of partitions) {
      if (builder.count >= limit) return
      if (free.delete(partitionKey(topicId, partition))) builder.add(topicId, partition)
    }
  }
}

/**
 * Subscriptions differ: assign free partitions to the subscriber with fewest, then move partitions
 * until the distribution is even.
 */
function assignMixed(
  members: readonly AssignedMember[],
  partitionsOf: (topicId: string) => readonly number[],
  built: Builders,
): void {
  const subscribers = new Map<string, string[]>()
  for (const { memberId, topicIds } of members) {
    for (const topicId of topicIds) {
      const list = subscribers.get(topicId)
      if (list === undefined) subscribers.set(topicId, [memberId])
      else list.push(memberId)
    }
  }
  const load = (topicId: string): number =>
    partitionsOf(topicId).length / (subscribers.get(topicId)?.length ?? 1)
  // Topics with fewest subscribers first, since their partitions have the fewest candidates.
  const topics = [...subscribers.keys()].sort((a, b) => load(b) - load(a) || (a < b ? -1 : 1))
  const free = new Map<string, Place>()
  for (const topicId of topics) {
    for (const partition of partitionsOf(topicId)) {
      free.set(partitionKey(topicId, partition), { topicId, partition })
    }
  }
  for (const member of members) {
    const builder = built.get(member.memberId) as AssignmentBuilder
    keep(member, { free, builder, limit: Number.POSITIVE_INFINITY })
  }
  for (const { topicId, partition } of free.values()) {
    emptiest(subscribers.get(topicId) ?? [], built)?.add(topicId, partition)
  }
  balance(members, subscribers, built)
}

function emptiest(memberIds: readonly string[], built: Builders): AssignmentBuilder | undefined {
  let best: AssignmentBuilder | undefined
  for (const memberId of memberIds) {
    const builder = built.get(memberId)
    if (builder !== undefined && (best === undefined || builder.count < best.count)) best = builder
  }
  return best
}

function balance(
  members: readonly AssignedMember[],
  subscribers: ReadonlyMap<string, readonly string[]>,
  built: Builders,
): void {
  for (let round = 0; round < MAX_ROUNDS; round++) {
    let moved = 0
    const fullestFirst = [...members].sort(
      (a, b) => (built.get(b.memberId)?.count ?? 0) - (built.get(a.memberId)?.count ?? 0),
    )
    for (const { memberId } of fullestFirst) {
      const from = built.get(memberId) as AssignmentBuilder
      for (const { topicId, partition } of [...from.entries()]) {
        const to = emptiest(subscribers.get(topicId) ?? [], built)
        if (to === undefined || to.count + 1 >= from.count) continue
        from.remove(topicId, partition)
        to.add(topicId, partition)
        moved++
      }
    }
    if (moved === 0) return
  }
}
