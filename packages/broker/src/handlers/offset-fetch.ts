// SPDX-License-Identifier: Apache-2.0
import {
  ErrorCode,
  type ErrorName,
  OffsetFetchRequest,
  OffsetFetchResponse,
} from '@millrace/protocol'
import type { OffsetView } from '../coordinator/group/group-coordinator.ts'
import type { Offsets } from '../coordinator/group/offsets/committed-offsets.ts'
import { defineHandler, type RequestContext } from './handler.ts'
import { attempt } from './outcome.ts'

interface AskedTopic {
  readonly name: string
  readonly topicId: string
  readonly partitionIndexes: readonly number[]
}

/** OffsetFetch (key 9). v2 accepts null for all topics, v8 several groups, v10 uses topic ids. */
export const offsetFetch = defineHandler(
  OffsetFetchRequest,
  OffsetFetchResponse,
  async (request, context) => {
    if (context.version >= 8) {
      const groups = await Promise.all(
        request.groups.map(async (group) => {
          const found = await fetchGroup(
            {
              groupId: group.groupId,
              memberId: group.memberId,
              memberEpoch: group.memberEpoch,
              requireStable: request.requireStable,
            },
            group.topics,
            context,
          )
          return { groupId: group.groupId, topics: found.topics, errorCode: found.errorCode }
        }),
      )
      return { groups }
    }
    const topics = request.topics?.map((topic) => ({ ...topic, topicId: '' })) ?? null
    const { topics: found, errorCode } = await fetchGroup(
      {
        groupId: request.groupId,
        memberId: null,
        memberEpoch: -1,
        requireStable: request.requireStable,
      },
      topics,
      context,
    )
    // Before v2 there is no top-level error, so every partition has it.
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

interface Reader {
  readonly groupId: string
  readonly memberId: string | null
  readonly memberEpoch: number
  /** Returns an error for offsets that an open transaction may change (KIP-447). */
  readonly requireStable: boolean
}

async function fetchGroup(
  reader: Reader,
  topics: readonly AskedTopic[] | null,
  context: RequestContext,
) {
  return attempt(
    context,
    async () => {
      context.access.requireGroup(reader.groupId)
      const view = await context.broker.groups.offsets(reader.groupId, reader)
      if (view.error !== 'NONE') return { errorCode: ErrorCode[view.error], topics: [] }
      const asked = topics ?? allTopics(view.offsets, context)
      return {
        errorCode: ErrorCode.NONE,
        topics: asked.map((topic) =>
          fetchTopic(topic, { view, reader, isNamed: topics !== null }, context),
        ),
      }
    },
    (error) => ({ errorCode: error.errorCode, topics: [] }),
  )
}

function allTopics(offsets: Offsets, { broker, version, access }: RequestContext): AskedTopic[] {
  const hidden = access.deniedTopics(offsets.keys())
  return [...offsets].flatMap(([name, partitions]) => {
    if (hidden.has(name)) return []
    const topicId = broker.topics.get(name)?.id
    // A topic without an id cannot be returned to a client that uses ids only.
    if (version >= 10 && topicId === undefined) return []
    return [{ name, topicId: topicId ?? '', partitionIndexes: [...partitions.keys()] }]
  })
}

function fetchTopic(
  topic: AskedTopic,
  {
    view,
    reader,
    isNamed,
  }: {
    readonly view: OffsetView
    readonly reader: Reader
    /** Whether the request names the topic, so that it is not authorized yet. */
    readonly isNamed: boolean
  },
  { broker, version, access }: RequestContext,
) {
  const failed = (error: ErrorName) => ({
    name: version >= 10 ? '' : topic.name,
    topicId: topic.topicId,
    partitions: topic.partitionIndexes.map((index) => ({
      ...absent(index),
      errorCode: ErrorCode[error],
    })),
  })
  const name = version >= 10 ? broker.topics.byId(topic.topicId)?.name : topic.name
  if (name === undefined) return failed('UNKNOWN_TOPIC_ID')
  const count = topic.partitionIndexes.length
  if (isNamed && !access.allowsTopic(name, { count })) return failed('TOPIC_AUTHORIZATION_FAILED')
  const committed = view.offsets.get(name)
  const partitions = topic.partitionIndexes.map((index) => {
    if (reader.requireStable && view.isUnstable(name, index)) {
      return { ...absent(index), errorCode: ErrorCode.UNSTABLE_OFFSET_COMMIT }
    }
    const found = committed?.get(index)
    if (found === undefined) return absent(index)
    return {
      partitionIndex: index,
      committedOffset: found.offset,
      committedLeaderEpoch: found.leaderEpoch,
      metadata: found.metadata,
      errorCode: ErrorCode.NONE,
    }
  })
  return { name, topicId: topic.topicId, partitions }
}

function absent(partitionIndex: number) {
  return { partitionIndex, committedOffset: -1n, metadata: '', errorCode: ErrorCode.NONE }
}
