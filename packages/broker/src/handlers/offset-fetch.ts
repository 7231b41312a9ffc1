// SPDX-License-Identifier: Apache-2.0
import {
  ErrorCode,
  OffsetFetchRequest,
  OffsetFetchResponse,
  ProtocolError,
} from '@millrace/protocol'
import type { CommittedOffset } from '../coordinator/group/group-shard.ts'
import { defineHandler, type RequestContext } from './handler.ts'
import { attempt } from './outcome.ts'

interface AskedTopic {
  readonly name: string
  readonly topicId: string
  readonly partitionIndexes: readonly number[]
}

/** OffsetFetch (key 9). v2 takes null for all topics, v8 several groups at once, v10 names topics by id. */
export const offsetFetch = defineHandler(
  OffsetFetchRequest,
  OffsetFetchResponse,
  async (request, context) => {
    if (context.version >= 8) {
      const groups = await Promise.all(
        request.groups.map(async (group) => {
          const found = await fetchGroup(group.groupId, group.topics, context)
          return { groupId: group.groupId, topics: found.topics, errorCode: found.errorCode }
        }),
      )
      return { groups }
    }
    const topics = request.topics?.map((topic) => ({ ...topic, topicId: '' })) ?? null
    const { topics: found, errorCode } = await fetchGroup(request.groupId, topics, context)
    // Before v2 there is no error for the whole, so every partition carries it.
    if (context.version < 2 && errorCode !== ErrorCode.NONE) {
      return {
        topics: (topics ?? []).map(({ name, partitionIndexes }) => ({
          name,
          partitions: partitionIndexes.map((index) => ({ ...absent(index), errorCode })),
        })),
      }
    }
    return { topics: found, errorCode }
  },
)

async function fetchGroup(
  groupId: string,
  topics: readonly AskedTopic[] | null,
  context: RequestContext,
) {
  return attempt(
    context,
    async () => {
      const offsets = await context.broker.groups.offsets(groupId)
      const asked = topics ?? allTopics(offsets, context)
      return {
        errorCode: ErrorCode.NONE as number,
        topics: asked.map((topic) => fetchTopic(topic, offsets, context)),
      }
    },
    (error) => ({ errorCode: error.errorCode as number, topics: [] }),
  )
}

function allTopics(
  offsets: ReadonlyMap<string, ReadonlyMap<number, CommittedOffset>>,
  { broker, version }: RequestContext,
): AskedTopic[] {
  return [...offsets].flatMap(([name, partitions]) => {
    const topicId = broker.topics.get(name)?.id
    // A topic without an id cannot be told to a client that knows ids only.
    if (version >= 10 && topicId === undefined) return []
    return [{ name, topicId: topicId ?? '', partitionIndexes: [...partitions.keys()] }]
  })
}

function fetchTopic(
  topic: AskedTopic,
  offsets: ReadonlyMap<string, ReadonlyMap<number, CommittedOffset>>,
  { broker, version }: RequestContext,
) {
  const name = version >= 10 ? broker.topics.byId(topic.topicId)?.name : topic.name
  if (name === undefined) {
    const error = new ProtocolError('UNKNOWN_TOPIC_ID', topic.topicId)
    return {
      name: '',
      topicId: topic.topicId,
      partitions: topic.partitionIndexes.map((index) => ({
        ...absent(index),
        errorCode: error.errorCode as number,
      })),
    }
  }
  const committed = offsets.get(name)
  const partitions = topic.partitionIndexes.map((index) => {
    const found = committed?.get(index)
    if (found === undefined) return absent(index)
    return {
      partitionIndex: index,
      committedOffset: found.offset,
      committedLeaderEpoch: found.leaderEpoch,
      metadata: found.metadata,
      errorCode: ErrorCode.NONE as number,
    }
  })
  return { name, topicId: topic.topicId, partitions }
}

function absent(partitionIndex: number) {
  return { partitionIndex, committedOffset: -1n, metadata: '', errorCode: ErrorCode.NONE as number }
}
