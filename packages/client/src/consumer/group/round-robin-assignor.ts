// SPDX-License-Identifier: Apache-2.0
import { type Assignor, compareMembers, compareText, emptyAssignment } from './assignor.ts'

/**
 * Assigns all partitions, topic by topic, one to each member in turn; members without a
 * subscription to the topic are skipped.
 */
export const roundRobinAssignor: Assignor = {
  name: 'roundrobin',
  protocols: ['eager'],
  assign({ members, partitionCounts }) {
    const assignment = emptyAssignment(members)
    const circle = members.toSorted(compareMembers)
    const topics = [...new Set(members.flatMap((member) => member.topics))].sort(compareText)
    let turn = 0
    for (const topic of topics) {
      const count = partitionCounts.get(topic) ?? 0
      for (let partition = 0; partition < count; partition++) {
        while (circle[turn % circle.length]?.topics.includes(topic) === false) turn++
        const member = circle[turn % circle.length]
        turn++
        if (member !== undefined) assignment.get(member.memberId)?.push({ topic, partition })
      }
    }
    return assignment
  },
}
