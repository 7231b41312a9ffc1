// SPDX-License-Identifier: Apache-2.0
import { ByteReader, ByteWriter, MillraceError } from '@millrace/base'
import {
  ConsumerProtocolAssignment,
  ConsumerProtocolSubscription,
  codecOf,
  type MessageSchema,
} from '@millrace/protocol'
import { partitionsByTopic, type TopicPartition } from '../../topic-partition.ts'
import type { GroupMember } from './assignor.ts'

/* Messages between members of a classic group: a version in two bytes, then the message. */

const NEWEST = 3

function write<S extends MessageSchema>(
  schema: S,
  message: Parameters<ReturnType<typeof codecOf<S>>['encode']>[1],
): Buffer {
  const writer = new ByteWriter()
  writer.int16(NEWEST)
  codecOf(schema, NEWEST).encode(writer, message)
  return writer.toBuffer()
}

/** A reader of later versions finds the known fields first and ignores the rest. */
function versionOf(reader: ByteReader): number {
  return Math.min(Math.max(reader.int16(), 0), NEWEST)
}

export function encodeSubscription(subscription: {
  readonly topics: readonly string[]
  readonly userData: Buffer | null
  readonly owned: readonly TopicPartition[]
  readonly generationId: number
  readonly rackId: string | null
}): Buffer {
  return write(ConsumerProtocolSubscription, {
    topics: subscription.topics,
    userData: subscription.userData,
    ownedPartitions: topicPartitions(subscription.owned),
    generationId: subscription.generationId,
    rackId: subscription.rackId,
  })
}

/** Reads a member's subscription; an error names the member that sent it. */
export function decodeSubscription(
  data: Buffer,
  member: { readonly memberId: string; readonly groupInstanceId: string | null },
): GroupMember {
  try {
    return readSubscription(data, member)
  } catch (error) {
    const instance = member.groupInstanceId === null ? '' : ` (${member.groupInstanceId})`
    throw new MillraceError(
      'MILLRACE_INVALID_SUBSCRIPTION',
      `cannot read the subscription of member ${member.memberId}${instance}: ${(error as Error).message}`,
      { cause: error },
    )
  }
}

function readSubscription(
  data: Buffer,
  member: { readonly memberId: string; readonly groupInstanceId: string | null },
): GroupMember {
  const reader = new ByteReader(data)
  const version = versionOf(reader)
  const subscription = codecOf(ConsumerProtocolSubscription, version).decode(reader)
  return {
    ...member,
    topics: subscription.topics,
    ownedPartitions: subscription.ownedPartitions.flatMap(({ topic, partitions }) =>
      partitions.map((partition) => ({ topic, partition })),
    ),
    generationId: subscription.generationId,
    rackId: subscription.rackId === '' ? null : subscription.rackId,
    userData: subscription.userData,
  }
}

export function encodeAssignment(partitions: readonly TopicPartition[]): Buffer {
  return write(ConsumerProtocolAssignment, {
    assignedPartitions: topicPartitions(partitions),
    userData: null,
  })
}

export function decodeAssignment(data: Buffer): TopicPartition[] {
  // A member that its leader left out gets no bytes at all.
  if (data.length === 0) return []
  const reader = new ByteReader(data)
  const version = versionOf(reader)
  const { assignedPartitions } = codecOf(ConsumerProtocolAssignment, version).decode(reader)
  return assignedPartitions.flatMap(({ topic, partitions }) =>
    partitions.map((partition) => ({ topic, partition })),
  )
}

function topicPartitions(
  partitions: readonly TopicPartition[],
): { readonly topic: string; readonly partitions: number[] }[] {
  return [...partitionsByTopic(partitions)].map(([topic, list]) => ({ topic, partitions: list }))
}
