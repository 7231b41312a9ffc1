// SPDX-License-Identifier: Apache-2.0
import type { Assignment } from './assignment.ts'

export interface AssignedMember {
  readonly memberId: string
  readonly instanceId: string | null
  readonly topicIds: ReadonlySet<string>
  /** Its previous target assignment. */
  readonly assignment: Assignment
}

/** Assigns the partitions of the subscribed topics to members: a pure function of its input. */
export interface ServerAssignor {
  readonly name: string
  /** `partitionsOf` returns the assignable partitions of a topic. */
  assign(
    members: readonly AssignedMember[],
    partitionsOf: (topicId: string) => readonly number[],
  ): Map<string, Assignment>
}

/** Collects the assignment of a member. */
export class AssignmentBuilder {
  readonly #topics = new Map<string, number[]>()
  count = 0

  add(topicId: string, partition: number): void {
    const partitions = this.#topics.get(topicId)
    if (partitions === undefined) this.#topics.set(topicId, [partition])
    else partitions.push(partition)
    this.count++
  }

  remove(topicId: string, partition: number): void {
    const partitions = this.#topics.get(topicId) ?? []
    const at = partitions.indexOf(partition)
    if (at < 0) return
    partitions.splice(at, 1)
    if (partitions.length === 0) this.#topics.delete(topicId)
    this.count--
  }

  *entries(): Generator<{ readonly topicId: string; readonly partition: number }> {
    for (const [topicId, partitions] of this.#topics) {
      for (const partition of partitions) yield { topicId, partition }
    }
  }

  build(): Assignment {
    for (const partitions of this.#topics.values()) partitions.sort((a, b) => a - b)
    return this.#topics
  }
}
