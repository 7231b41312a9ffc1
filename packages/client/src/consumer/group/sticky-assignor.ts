// SPDX-License-Identifier: Apache-2.0
import { ByteReader, ByteWriter, elementAt } from '@millrace/base'
import {
  comparePartitions,
  partitionName,
  partitionsByTopic,
  type TopicPartition,
} from '../../topic-partition.ts'
import {
  type AssignmentInput,
  type Assignor,
  compareText,
  emptyAssignment,
  type GroupAssignment,
  type GroupMember,
} from './assignor.ts'

interface Ownership {
  readonly owned: readonly TopicPartition[]
  readonly generationId: number
}

/**
 * As even as possible, and among even assignments one with few seekCount: members keep their
 * partitions, unowned ones go to the members with the fewest, and then partitions move only from a
 * member that has at least two more than another subscriber (KIP-54).
 */
export function assignSticky(
  { members, partitionCounts }: AssignmentInput,
  ownershipOf: (member: GroupMember) => Ownership,
): GroupAssignment {
  const sorted = members.toSorted((a, b) => compareText(a.memberId, b.memberId))
  const wants = new Map(sorted.map((member) => [member.memberId, new Set(member.topics)]))
  const assignment = emptyAssignment(sorted)
  const owners = currentOwners(sorted, { partitionCounts, ownershipOf })
  const unassigned: TopicPartition[] = []
  const topics = [...new Set(members.flatMap((member) => member.topics))].sort(compareText)
  for (const topic of topics) {
    const count = partitionCounts.get(topic) ?? 0
    for (let partition = 0; partition < count; partition++) {
      const owner = owners.get(partitionName({ topic, partition }))
      if (owner === undefined) unassigned.push({ topic, partition })
      else assignment.get(owner)?.push({ topic, partition })
    }
  }
  const candidates = new Map(
    topics.map((topic) => [
      topic,
      sorted.map(({ memberId }) => memberId).filter((memberId) => wants.get(memberId)?.has(topic)),
    ]),
  )
  const load = (memberId: string): number => assignment.get(memberId)?.length ?? 0
  const leastLoaded = (topic: string): string | undefined => {
    let best: string | undefined
    for (const memberId of candidates.get(topic) ?? []) {
      if (best === undefined || load(memberId) < load(best)) best = memberId
    }
    return best
  }
  // Partitions with the fewest subscribers are assigned first, while there is a choice for the
  // others.
  const choices = (topic: string): number => candidates.get(topic)?.length ?? 0
  unassigned.sort((a, b) => choices(a.topic) - choices(b.topic) || comparePartitions(a, b))
  for (const partition of unassigned) {
    const memberId = leastLoaded(partition.topic)
    if (memberId !== undefined) assignment.get(memberId)?.push(partition)
  }
  for (let hasMoved = true; hasMoved; ) {
    hasMoved = false
    const heaviestFirst = sorted
      .map(({ memberId }) => memberId)
      .sort((a, b) => load(b) - load(a) || compareText(a, b))
    for (const memberId of heaviestFirst) {
      const own = assignment.get(memberId) ?? []
      for (let i = own.length - 1; i >= 0; i--) {
        const partition = elementAt(own, i)
        const other = leastLoaded(partition.topic)
        if (other === undefined || load(other) + 1 >= own.length) continue
        own.splice(i, 1)
        assignment.get(other)?.push(partition)
        hasMoved = true
      }
    }
  }
  for (const partitions of assignment.values()) partitions.sort(comparePartitions)
  return assignment
}

/**
 * Current owners, among members that still subscribe. Of two claims the later generation wins;
 * within one generation, neither.
 */
function currentOwners(
  members: readonly GroupMember[],
  {
    partitionCounts,
    ownershipOf,
  }: {
    readonly partitionCounts: ReadonlyMap<string, number>
    readonly ownershipOf: (member: GroupMember) => Ownership
  },
): Map<string, string> {
  const claims = new Map<string, { memberId: string | undefined; generationId: number }>()
  for (const member of members) {
    const { owned, generationId } = ownershipOf(member)
    for (const partition of owned) {
      const exists = partition.partition < (partitionCounts.get(partition.topic) ?? 0)
      if (!exists || !member.topics.includes(partition.topic)) continue
      const name = partitionName(partition)
      const claim = claims.get(name)
      if (claim === undefined || claim.generationId < generationId) {
        claims.set(name, { memberId: member.memberId, generationId })
      } else if (claim.generationId === generationId) claim.memberId = undefined
    }
  }
  const owners = new Map<string, string>()
  for (const [name, { memberId }] of claims) if (memberId !== undefined) owners.set(name, memberId)
  return owners
}

/** Java's `sticky`: owned partitions are sent in the user data. */
export const stickyAssignor: Assignor = {
  name: 'sticky',
  protocols: ['eager'],
  userData(owned, generationId) {
    const writer = new ByteWriter()
    const topics = partitionsByTopic(owned)
    writer.int32(topics.size)
    for (const [topic, partitions] of topics) {
      const size = Buffer.byteLength(topic)
      writer.int16(size)
      writer.utf8(topic, size)
      writer.int32(partitions.length)
      for (const partition of partitions) writer.int32(partition)
    }
    writer.int32(generationId)
    return writer.toBuffer()
  },
  assign: (input) => assignSticky(input, ({ userData }) => readUserData(userData)),
}

function readUserData(userData: Buffer | null): Ownership {
  const nothing = { owned: [], generationId: -1 }
  if (userData === null || userData.length === 0) return nothing
  try {
    const reader = new ByteReader(userData)
    const owned: TopicPartition[] = []
    for (let topics = reader.int32(); topics > 0; topics--) {
      const topic = reader.utf8(reader.int16())
      for (let count = reader.int32(); count > 0; count--) {
        owned.push({ topic, partition: reader.int32() })
      }
    }
    // Members older than Kafka 2.3 do not send their generation.
    return { owned, generationId: reader.remaining >= 4 ? reader.int32() : -1 }
  } catch {
    return nothing
  }
}

/**
 * Java's `cooperative-sticky`: the same in two steps. A partition that seekCount is first revoked
 * by its owner, and assigned to the new one in the following rebalance.
 */
export const cooperativeStickyAssignor: Assignor = {
  name: 'cooperative-sticky',
  protocols: ['cooperative', 'eager'],
  userData(_owned, generationId) {
    const data = Buffer.alloc(4)
    data.writeInt32BE(generationId)
    return data
  },
  assign(input) {
    const ownershipOf = (member: GroupMember): Ownership => ({
      owned: member.ownedPartitions,
      generationId:
        member.generationId >= 0
          ? member.generationId
          : member.userData !== null && member.userData.length >= 4
            ? member.userData.readInt32BE(0)
            : -1,
    })
    const assignment = assignSticky(input, ownershipOf)
    const ownerOf = currentOwners(input.members, { ...input, ownershipOf })
    for (const [memberId, partitions] of assignment) {
      const mayHaveNow = partitions.filter((partition) => {
        const owner = ownerOf.get(partitionName(partition))
        return owner === undefined || owner === memberId
      })
      assignment.set(memberId, mayHaveNow)
    }
    return assignment
  },
}
