// SPDX-License-Identifier: Apache-2.0
import { elementAt } from '@millrace/base'
import { partitionKey } from '../modern/assignment.ts'
import { type AssignedMember, AssignmentBuilder, type ServerAssignor } from '../modern/assignor.ts'

/**
 * Distributes partitions among the members of a share group (KIP-932). A partition may have several
 * members, so with more members than partitions no member is idle; with fewer members each
 * partition has one. A member keeps its partitions where that is fair.
 */
export const simpleAssignor: ServerAssignor = {
  name: 'simple',
  assign(members, partitionsOf) {
    const built = new Map(members.map(({ memberId }) => [memberId, new AssignmentBuilder()]))
    for (const group of groupsBySubscription(members)) {
      const partitions = [...group.topicIds].flatMap((topicId) =>
        partitionsOf(topicId).map((partition) => ({ topicId, partition })),
      )
      share(group.members, partitions, built)
    }
    return new Map([...built].map(([memberId, builder]) => [memberId, builder.build()]))
  },
}

/**
 * Members with the same subscription. Each such set distributes its partitions separately, because
 * each of its members may read all of them.
 */
function groupsBySubscription(members: readonly AssignedMember[]): {
  readonly topicIds: ReadonlySet<string>
  readonly members: readonly AssignedMember[]
}[] {
  const bySubscription = Map.groupBy(members, ({ topicIds }) => [...topicIds].sort().join())
  return [...bySubscription.values()].map((list) => ({
    topicIds: list[0]?.topicIds ?? new Set(),
    members: list,
  }))
}

function share(
  members: readonly AssignedMember[],
  partitions: readonly { readonly topicId: string; readonly partition: number }[],
  built: ReadonlyMap<string, AssignmentBuilder>,
): void {
  if (partitions.length === 0 || members.length === 0) return
  // With more members than partitions, each member has one partition, and members are spread evenly
  // over partitions.
  const perMember = Math.max(1, Math.ceil(partitions.length / members.length))
  const perPartition = Math.max(1, Math.ceil(members.length / partitions.length))
  const room = new Map(
    partitions.map(({ topicId, partition }) => [partitionKey(topicId, partition), perPartition]),
  )
  const fullShares = partitions.length % members.length
  let mayHaveFull = fullShares === 0 || perMember === 1 ? members.length : fullShares
  for (const member of members) {
    const builder = built.get(member.memberId) as AssignmentBuilder
    const limit = mayHaveFull > 0 ? perMember : perMember - 1
    for (const [topicId, owned] of member.assignment) {
      for (const partition of owned) {
        const key = partitionKey(topicId, partition)
        const left = room.get(key) ?? 0
        if (left === 0 || builder.count >= limit) continue
        room.set(key, left - 1)
        builder.add(topicId, partition)
      }
    }
    if (builder.count === perMember) mayHaveFull--
  }
  // Unassigned partitions first; then members with fewest partitions take from partitions with
  // room.
  const emptiestFirst = [...members].sort((a, b) => count(built, a) - count(built, b))
  const open = [...partitions].sort(
    (a, b) =>
      (room.get(partitionKey(b.topicId, b.partition)) ?? 0) -
      (room.get(partitionKey(a.topicId, a.partition)) ?? 0),
  )
  let next = 0
  for (const { topicId, partition } of open) {
    const key = partitionKey(topicId, partition)
    if (room.get(key) !== perPartition) continue
    for (let i = 0; i < emptiestFirst.length; i++) {
      const member = elementAt(emptiestFirst, (next + i) % emptiestFirst.length)
      const builder = built.get(member.memberId) as AssignmentBuilder
      if (builder.count >= perMember) continue
      builder.add(topicId, partition)
      room.set(key, perPartition - 1)
      next = (next + i + 1) % emptiestFirst.length
      break
    }
  }
  for (const member of emptiestFirst) {
    const builder = built.get(member.memberId) as AssignmentBuilder
    if (builder.count > 0) continue
    const place = open.reduce((best, each) => {
      const left = (each_: typeof each): number =>
        room.get(partitionKey(each_.topicId, each_.partition)) ?? 0
      return left(each) > left(best) ? each : best
    })
    builder.add(place.topicId, place.partition)
    const key = partitionKey(place.topicId, place.partition)
    room.set(key, (room.get(key) ?? 0) - 1)
  }
}

function count(built: ReadonlyMap<string, AssignmentBuilder>, member: AssignedMember): number {
  return built.get(member.memberId)?.count ?? 0
}
