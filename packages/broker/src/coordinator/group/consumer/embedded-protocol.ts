// SPDX-License-Identifier: Apache-2.0
import { ByteReader, ByteWriter } from '@millrace/base'
import {
  ConsumerProtocolAssignment,
  ConsumerProtocolSubscription,
  codecOf,
  type MessageOf,
  versionBounds,
} from '@millrace/protocol'
import type { Assignment } from '../modern/assignment.ts'
import type { TopicsView } from '../modern/topics-view.ts'

const [, NEWEST_SUBSCRIPTION] = versionBounds(ConsumerProtocolSubscription.versions)
const [, NEWEST_ASSIGNMENT] = versionBounds(ConsumerProtocolAssignment.versions)

/**
 * Decodes the subscription that a classic consumer sends in JoinGroup; throws if the bytes are
 * invalid.
 */
export function readSubscription(
  metadata: Buffer,
): MessageOf<typeof ConsumerProtocolSubscription> & { readonly version: number } {
  const reader = new ByteReader(metadata)
  const version = reader.int16()
  // Newer versions only append fields.
  const known = Math.min(Math.max(version, 0), NEWEST_SUBSCRIPTION)
  return { ...codecOf(ConsumerProtocolSubscription, known).decode(reader), version: known }
}

/**
 * Decodes the partitions that the leader assigned to a classic consumer; undefined if there is user
 * data of a custom assignor.
 */
export function readAssignment(bytes: Buffer, topics: TopicsView): Assignment | undefined {
  if (bytes.length === 0) return new Map()
  const reader = new ByteReader(bytes)
  const version = Math.min(Math.max(reader.int16(), 0), NEWEST_ASSIGNMENT)
  const { assignedPartitions, userData } = codecOf(ConsumerProtocolAssignment, version).decode(
    reader,
  )
  if (userData !== null && userData.length > 0) return undefined
  return new Map(
    assignedPartitions.flatMap(({ topic, partitions }) => {
      const id = topics.byName(topic)?.id
      return id === undefined ? [] : [[id, [...partitions].sort((a, b) => a - b)] as const]
    }),
  )
}

/** Encodes an assignment for a classic consumer, in the version that it supports. */
export function writeAssignment(
  assignment: Assignment,
  topics: TopicsView,
  version: number,
): Buffer {
  const known = Math.min(version, NEWEST_ASSIGNMENT)
  const writer = new ByteWriter(64)
  writer.int16(known)
  codecOf(ConsumerProtocolAssignment, known).encode(writer, {
    assignedPartitions: [...assignment].flatMap(([topicId, partitions]) => {
      const topic = topics.byId(topicId)?.name
      return topic === undefined ? [] : [{ topic, partitions }]
    }),
    userData: null,
  })
  return writer.toBuffer()
}
