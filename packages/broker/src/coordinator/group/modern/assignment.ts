// SPDX-License-Identifier: Apache-2.0

/** Partition numbers, ascending, by topic id. */
export type Assignment = ReadonlyMap<string, readonly number[]>

export const NO_ASSIGNMENT: Assignment = new Map()

export interface TopicPartitions {
  readonly topicId: string
  readonly partitions: readonly number[]
}

export function assignmentOf(topics: readonly TopicPartitions[]): Assignment {
  return new Map(
    topics
      .filter(({ partitions }) => partitions.length > 0)
      .map(({ topicId, partitions }) => [topicId, [...partitions].sort((a, b) => a - b)]),
  )
}

export function topicPartitionsOf(assignment: Assignment): TopicPartitions[] {
  return [...assignment].map(([topicId, partitions]) => ({ topicId, partitions }))
}

export function sameAssignment(a: Assignment, b: Assignment): boolean {
  if (a.size !== b.size) return false
  for (const [topicId, partitions] of a) {
    const others = b.get(topicId)
    if (others === undefined || others.length !== partitions.length) return false
    for (let i = 0; i < partitions.length; i++) if (partitions[i] !== others[i]) return false
  }
  return true
}

/** One partition as a key. */
export function partitionKey(topicId: string, partition: number): string {
  return `${topicId}:${partition}`
}
