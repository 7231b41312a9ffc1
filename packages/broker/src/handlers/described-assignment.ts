// SPDX-License-Identifier: Apache-2.0
import type { Assignment } from '../coordinator/group/modern/assignment.ts'
import type { Topics } from '../topics.ts'

/** Names of the topics of assignments. */
export function topicNamesOf(assignments: Iterable<Assignment>, topics: Topics): Set<string> {
  const names = new Set<string>()
  for (const assignment of assignments) {
    for (const id of assignment.keys()) {
      const name = topics.byId(id)?.name
      if (name !== undefined) names.add(name)
    }
  }
  return names
}

/** An assignment with the names of its topics, without deleted ones. */
export function describedAssignment(assignment: Assignment, topics: Topics) {
  return {
    topicPartitions: [...assignment].flatMap(([topicId, partitions]) => {
      const topicName = topics.byId(topicId)?.name
      return topicName === undefined ? [] : [{ topicId, topicName, partitions }]
    }),
  }
}
