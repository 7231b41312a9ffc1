// SPDX-License-Identifier: Apache-2.0
import {
  AclOperation,
  CreateTopicsRequest,
  CreateTopicsResponse,
  ErrorCode,
  ProtocolError,
  ZERO_UUID,
} from '@millrace/protocol'
import { describedTopicConfigs } from '../config/described-configs.ts'
import {
  createTopic,
  failedTopic,
  type NewTopic,
  type TopicResult,
} from '../metadata/topic-operations.ts'
import { defineHandler, type RequestContext } from './handler.ts'

/** CreateTopics (key 19). v5 returns the effective configuration (KIP-525), v7 the topic id. */
export const createTopics = defineHandler(
  CreateTopicsRequest,
  CreateTopicsResponse,
  async (request, context) => {
    const { broker, throttle, version } = context
    throttle.changesTopics({ isStrict: version >= 6 })
    const may = permissionsFor(request.topics, context)
    const counts = new Map<string, number>()
    for (const { name } of request.topics) counts.set(name, (counts.get(name) ?? 0) + 1)
    const unique = request.topics.filter(
      (topic, i) => request.topics.findIndex((t) => t.name === topic.name) === i,
    )
    const results = await broker.metadata.propose((image) => {
      const outcomes = unique.map(
        (topic): { topic: NewTopic; result: TopicResult; records: Records } => {
          try {
            if ((counts.get(topic.name) ?? 0) > 1) {
              throw new ProtocolError('INVALID_REQUEST', 'Duplicate topic name.')
            }
            if (!may.create(topic.name)) {
              throw new ProtocolError('TOPIC_AUTHORIZATION_FAILED', 'Authorization failed.')
            }
            const created = createTopic(image, topic, {
              defaults: broker.topicDefaults,
              topicId: broker.newUuid(),
              layers: broker.topics.brokerLayers,
            })
            throttle.takePartitions(created.result.numPartitions)
            return { topic, ...created }
          } catch (error) {
            return { topic, result: failedTopic(error), records: [] }
          }
        },
      )
      return {
        records: request.validateOnly ? [] : outcomes.flatMap((outcome) => outcome.records),
        reply: outcomes,
        refused: (error) =>
          outcomes.map((outcome) =>
            outcome.result.error === 'NONE' ? { ...outcome, result: failedTopic(error) } : outcome,
          ),
      }
    })
    return {
      topics: results.map(({ topic, result }) => ({
        name: topic.name,
        topicId: request.validateOnly ? ZERO_UUID : result.topicId,
        errorCode: ErrorCode[result.error],
        errorMessage: result.message,
        ...(may.describe(topic.name)
          ? {
              numPartitions: result.numPartitions,
              replicationFactor: result.error === 'NONE' ? 1 : -1,
              configs: result.error === 'NONE' ? configsOf(topic, broker.topics.brokerLayers) : [],
            }
          : hiddenDetails(result)),
      })),
    }
  },
)

/** Topics that the client may create, and those whose configuration it may read. */
function permissionsFor(
  topics: readonly { readonly name: string }[],
  { access }: RequestContext,
): { create(name: string): boolean; describe(name: string): boolean } {
  const names = new Set(topics.map(({ name }) => name))
  const mayCreateAll = access.allowsCluster({ logsDenial: false })
  const uncreatable = mayCreateAll ? new Set() : access.deniedTopics(names)
  const operation = AclOperation.DESCRIBE_CONFIGS
  const indescribable = access.deniedTopics(names, { operation, logsDenial: false })
  return {
    create: (name) => !uncreatable.has(name),
    describe: (name) => !indescribable.has(name),
  }
}

function hiddenDetails({ error }: TopicResult) {
  const isCreated = error === 'NONE'
  return {
    topicConfigErrorCode: isCreated ? ErrorCode.TOPIC_AUTHORIZATION_FAILED : ErrorCode.NONE,
    numPartitions: -1,
    replicationFactor: -1,
    configs: [],
  }
}

type Records = ReturnType<typeof createTopic>['records']

function configsOf(topic: NewTopic, layers: Parameters<typeof describedTopicConfigs>[1]) {
  const overrides = new Map(topic.configs.map(({ name, value }) => [name, value ?? '']))
  return describedTopicConfigs(overrides, layers).map((entry) => ({
    name: entry.name,
    value: entry.value,
    readOnly: entry.readOnly,
    configSource: entry.source,
    isSensitive: entry.isSensitive,
  }))
}
