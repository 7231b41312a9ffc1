// SPDX-License-Identifier: Apache-2.0
import { ErrorCode, type ErrorName } from '@millrace/protocol'
import type { CommitRequest } from '../coordinator/group/offsets/offset-requests.ts'
import type { RequestContext } from './handler.ts'
import { attempt } from './outcome.ts'

export interface CommittedTopic {
  readonly name: string
  readonly topicId: string
  readonly partitions: readonly {
    readonly partitionIndex: number
    readonly committedOffset: bigint
    readonly committedLeaderEpoch: number
    readonly committedMetadata: string | null
  }[]
}

/**
 * Common part of OffsetCommit and TxnOffsetCommit: commits offsets of existing topics, and returns
 * each partition's outcome.
 */
export async function commitOffsets(
  topics: readonly CommittedTopic[],
  request: Omit<CommitRequest, 'offsets'>,
  options: {
    readonly context: RequestContext
    readonly byId: boolean
    /** Runs before the commit of at least one partition; its error applies to all existing ones. */
    readonly admit?: () => Promise<void>
  },
) {
  const { context, byId, admit } = options
  const { broker, access } = context
  const missing: ErrorName = byId ? 'UNKNOWN_TOPIC_ID' : 'UNKNOWN_TOPIC_OR_PARTITION'
  const entries = topics.flatMap((topic) => {
    const known = byId ? broker.topics.byId(topic.topicId) : broker.topics.get(topic.name)
    const name = byId ? known?.name : topic.name
    const count = topic.partitions.length
    const isDenied = name !== undefined && !access.allowsTopic(name, { count })
    return topic.partitions.map((partition) => {
      const exists = known?.partitions[partition.partitionIndex] !== undefined
      const found: ErrorName =
        known === undefined ? missing : exists ? 'NONE' : 'UNKNOWN_TOPIC_OR_PARTITION'
      const error: ErrorName = isDenied ? 'TOPIC_AUTHORIZATION_FAILED' : found
      return { topic, partition, known, error: error as ErrorName }
    })
  })
  const valid = entries.filter((entry) => entry.error === 'NONE')
  const commit = async (): Promise<readonly ErrorName[]> => {
    if (valid.length === 0) return []
    await admit?.()
    return broker.groups.commit({
      ...request,
      offsets: valid.map(({ known, partition }) => ({
        topic: known?.name ?? '',
        topicId: known?.id ?? '',
        partition: partition.partitionIndex,
        offset: partition.committedOffset,
        leaderEpoch: partition.committedLeaderEpoch,
        metadata: partition.committedMetadata ?? '',
      })),
    })
  }
  const errors = await attempt(context, commit, ({ code }) => valid.map(() => code))
  valid.forEach((entry, i) => {
    entry.error = errors[i] ?? 'NONE'
  })
  return topics.map((topic) => ({
    name: topic.name,
    topicId: topic.topicId,
    partitions: entries
      .filter((entry) => entry.topic === topic)
      .map(({ partition, error }) => ({
        partitionIndex: partition.partitionIndex,
        errorCode: ErrorCode[error],
      })),
  }))
}

/** The same error for every partition. */
export function refuseAll(topics: readonly CommittedTopic[], error: ErrorName) {
  return topics.map(({ name, topicId, partitions }) => ({
    name,
    topicId,
    partitions: partitions.map(({ partitionIndex }) => ({
      partitionIndex,
      errorCode: ErrorCode[error],
    })),
  }))
}
