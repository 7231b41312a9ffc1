// SPDX-License-Identifier: Apache-2.0
import { elementAt } from '@millrace/base'
import {
  type AssignedMember,
  AssignmentBuilder,
  type ServerAssignor,
} from '../../modern/assignor.ts'

/**
 * Assigns each member a contiguous range of a topic's partitions, so that topics with equal
 * partition counts are co-partitioned. Members are ordered by instance id, then by member id.
 */
export const rangeAssignor: ServerAssignor = {
  name: 'range',
  assign(members, partitionsOf) {
    const sorted = [...members].sort(byInstanceAndId)
    const subscribers = new Map<string, AssignedMember[]>()
    for (const member of sorted) {
      for (const topicId of member.topicIds) {
        const list = subscribers.get(topicId)
        if (list === undefined) subscribers.set(topicId, [member])
        else list.push(member)
      }
    }
    const built = new Map(members.map(({ memberId }) => [memberId, new AssignmentBuilder()]))
    for (const [topicId, list] of subscribers) {
      const partitions = partitionsOf(topicId)
      const quota = Math.floor(partitions.length / list.length)
      const extra = partitions.length % list.length
      let next = 0
      list.forEach(({ memberId }, i) => {
        const end = next + quota + (i < extra ? 1 : 0)
        for (; next < end; next++) built.get(memberId)?.add(topicId, elementAt(partitions, next))
      })
    }
    return new Map([...built].map(([memberId, builder]) => [memberId, builder.build()]))
  },
}

function byInstanceAndId(a: AssignedMember, b: AssignedMember): number {
  if (a.instanceId !== null && b.instanceId !== null) return compare(a.instanceId, b.instanceId)
  if (a.instanceId !== null) return -1
  if (b.instanceId !== null) return 1
  return compare(a.memberId, b.memberId)
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0
}
