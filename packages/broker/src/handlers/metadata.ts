// SPDX-License-Identifier: Apache-2.0
import {
  AclOperation,
  ErrorCode,
  type ErrorName,
  type MessageInput,
  MetadataRequest,
  MetadataResponse,
  ProtocolError,
  ZERO_UUID,
} from '@millrace/protocol'
import { AuthorizedOperations } from '../security/authorized-operations.ts'
import { isReservedTopic, topicNameError } from '../topic-name.ts'
import {
  GROUP_METADATA_TOPIC,
  isInternalTopic,
  SHARE_GROUP_STATE_TOPIC,
  type Topic,
  TRANSACTION_STATE_TOPIC,
} from '../topics.ts'
import { describedPartition } from './described-partition.ts'
import { defineHandler, type RequestContext } from './handler.ts'

/**
 * Metadata (key 3): the node, and topics by name or id; null means all (in v0 an empty list did). A
 * missing topic is created if the client and `auto.create.topics.enable` allow it, and is part of
 * the same response.
 */
export const metadata = defineHandler(
  MetadataRequest,
  MetadataResponse,
  async (request, context) => {
    const { broker, version, endpoint, access } = context
    const all = request.topics === null || (version === 0 && request.topics.length === 0)
    const withOperations = request.includeTopicAuthorizedOperations
    const topics = all
      ? visibleTopics(context).map((topic) => describe(topic, context, withOperations))
      : await describeAsked(request, context)
    return {
      brokers: [
        { nodeId: broker.nodeId, host: endpoint.host, port: endpoint.port, rack: broker.rack },
      ],
      clusterId: broker.clusterId,
      controllerId: broker.nodeId,
      topics,
      clusterAuthorizedOperations:
        version >= 8 && version <= 10 && request.includeClusterAuthorizedOperations
          ? access.clusterOperations()
          : AuthorizedOperations.omitted,
    }
  },
)

type Request = Parameters<typeof describeAsked>[0]

/** All topics that the client is authorized to describe. */
function visibleTopics({ broker, access }: RequestContext): Topic[] {
  const { all } = broker.topics
  const hidden = access.deniedTopics(all.keys(), { logsDenial: false })
  return [...all.values()].filter(({ name }) => !hidden.has(name))
}

async function describeAsked(
  request: {
    readonly topics: readonly { readonly name: string | null; readonly topicId: string }[] | null
    readonly allowAutoTopicCreation: boolean
    readonly includeTopicAuthorizedOperations: boolean
  },
  context: RequestContext,
): Promise<DescribedTopic[]> {
  const { broker, version, access } = context
  const described: DescribedTopic[] = []
  const seen = new Set<string>()
  for (const { name, topicId } of request.topics ?? []) {
    // Java sends an empty name together with an id.
    const key = topicId === ZERO_UUID ? (name ?? '') : topicId
    if (seen.has(key)) continue
    seen.add(key)
    if (topicId !== ZERO_UUID && version >= 10) {
      const topic = broker.topics.byId(topicId)
      if (topic === undefined) described.push(failed(name, topicId, 'UNKNOWN_TOPIC_ID'))
      else if (!access.allowsTopic(topic.name)) described.push(hidden(null, topicId))
      else described.push(describe(topic, context, request.includeTopicAuthorizedOperations))
      continue
    }
    if (name === null) {
      described.push(failed(null, topicId, 'INVALID_REQUEST'))
      continue
    }
    if (!access.allowsTopic(name)) {
      described.push(hidden(name, ZERO_UUID))
      continue
    }
    const error = await ensureTopic(name, request, context)
    const topic = broker.topics.get(name)
    described.push(
      topic === undefined
        ? failed(name, ZERO_UUID, error ?? 'UNKNOWN_TOPIC_OR_PARTITION')
        : describe(topic, context, request.includeTopicAuthorizedOperations),
    )
  }
  return described
}

/** Creates a missing topic if requested; returns the error if that fails. */
async function ensureTopic(
  name: string,
  request: Pick<Request, 'allowAutoTopicCreation'>,
  { broker, access, throttle }: RequestContext,
): Promise<ErrorName | undefined> {
  if (broker.topics.get(name) !== undefined) return undefined
  const creates =
    request.allowAutoTopicCreation && broker.config.boolean('auto.create.topics.enable')
  const operation = AclOperation.CREATE
  const mayCreate = (): boolean =>
    access.allowsCluster({ operation, logsDenial: false }) ||
    access.allowsTopic(name, { operation })
  if (creates && !mayCreate()) return 'TOPIC_AUTHORIZATION_FAILED'
  if (topicNameError(name) !== undefined) return 'INVALID_TOPIC_EXCEPTION'
  if (!creates || isReservedTopic(name)) return 'UNKNOWN_TOPIC_OR_PARTITION'
  try {
    if (name === GROUP_METADATA_TOPIC) await broker.groups.ensureTopic()
    else if (name === TRANSACTION_STATE_TOPIC) await broker.transactions.ensureTopic()
    else if (name === SHARE_GROUP_STATE_TOPIC) await broker.shareStates.ensureTopic()
    else {
      throttle.changesTopics({ isStrict: false })
      throttle.takePartitions(broker.topicDefaults.numPartitions)
      await broker.createTopic({
        name,
        numPartitions: -1,
        replicationFactor: -1,
        assignments: [],
        configs: [],
      })
    }
    return undefined
  } catch (error) {
    if (!(error instanceof ProtocolError)) throw error
    if (error.code === 'TOPIC_ALREADY_EXISTS') return undefined
    // A valid name that collides with another topic's. Kafka creates the topic later and never
    // reports why that failed.
    return error.code === 'INVALID_TOPIC_EXCEPTION' ? 'UNKNOWN_TOPIC_OR_PARTITION' : error.code
  }
}

type DescribedTopic = MessageInput<typeof MetadataResponse>['topics'][number]

function describe(
  topic: Topic,
  { broker, access }: RequestContext,
  withOperations: boolean,
): DescribedTopic {
  return {
    errorCode: ErrorCode.NONE,
    name: topic.name,
    topicId: topic.id,
    isInternal: topic.isInternal,
    partitions: topic.partitions.map((partition) => describedPartition(partition, broker.nodeId)),
    topicAuthorizedOperations: withOperations
      ? access.operations('topic', topic.name)
      : AuthorizedOperations.omitted,
  }
}

/** A topic that the client is not authorized to describe: its existence is not revealed. */
function hidden(name: string | null, topicId: string): DescribedTopic {
  return { ...failed(name, topicId, 'TOPIC_AUTHORIZATION_FAILED'), isInternal: false }
}

function failed(name: string | null, topicId: string, error: ErrorName): DescribedTopic {
  return {
    errorCode: ErrorCode[error],
    name,
    topicId,
    isInternal: name !== null && isInternalTopic(name),
    partitions: [],
    topicAuthorizedOperations: AuthorizedOperations.omitted,
  }
}
