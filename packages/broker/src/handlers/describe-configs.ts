// SPDX-License-Identifier: Apache-2.0
import {
  DescribeConfigsRequest,
  DescribeConfigsResponse,
  ErrorCode,
  ProtocolError,
} from '@millrace/protocol'
import {
  type DescribedConfig,
  describedBrokerConfigs,
  describedClientMetricsConfigs,
  describedDefaultBrokerConfigs,
  describedGroupConfigs,
  describedTopicConfigs,
} from '../config/described-configs.ts'
import { ConfigSource } from '../config/topic-config.ts'
import { ConfigResourceType } from '../metadata/metadata-image.ts'
import { topicNameError } from '../topic-name.ts'
import { requireConfigs } from './config-access.ts'
import { defineHandler, type RequestContext } from './handler.ts'
import { attempt } from './outcome.ts'

/**
 * DescribeConfigs (key 32): effective values, their sources, and the values they fall back to
 * (KIP-226).
 */
export const describeConfigs = defineHandler(
  DescribeConfigsRequest,
  DescribeConfigsResponse,
  async (request, context) => ({
    throttleTimeMs: 0,
    results: await Promise.all(
      request.resources.map(({ resourceType, resourceName, configurationKeys }) =>
        attempt(
          context,
          () => {
            requireConfigs(resourceType, resourceName, context)
            const wanted = configurationKeys === null ? undefined : new Set(configurationKeys)
            const entries = describe(resourceType, resourceName, context)
            return {
              errorCode: ErrorCode.NONE,
              errorMessage: '',
              resourceType,
              resourceName,
              configs: entries
                .filter(
                  (entry) => wanted === undefined || wanted.size === 0 || wanted.has(entry.name),
                )
                .map((entry) => ({
                  name: entry.name,
                  value: entry.value,
                  readOnly: entry.readOnly,
                  configSource: entry.source,
                  isSensitive: entry.isSensitive,
                  synonyms: request.includeSynonyms
                    ? entry.synonyms.map(({ name, value, source }) => ({ name, value, source }))
                    : [],
                  configType: entry.type,
                  documentation: null,
                })),
            }
          },
          (error) => ({
            errorCode: error.errorCode,
            errorMessage: error.message,
            resourceType,
            resourceName,
            configs: [],
          }),
        ),
      ),
    ),
  }),
)

function describe(type: number, name: string, { broker }: RequestContext): DescribedConfig[] {
  const { image } = broker.metadata
  const layers = broker.topics.brokerLayers
  switch (type) {
    case ConfigResourceType.topic: {
      const nameError = topicNameError(name)
      if (nameError !== undefined) throw new ProtocolError('INVALID_TOPIC_EXCEPTION', nameError)
      if (broker.topics.get(name) === undefined) {
        throw new ProtocolError('UNKNOWN_TOPIC_OR_PARTITION', `There is no topic ${name}.`)
      }
      return describedTopicConfigs(broker.topics.overrides(name), layers)
    }
    case ConfigResourceType.broker:
      if (name === '') return describedDefaultBrokerConfigs(layers.dynamicDefault)
      if (name !== String(broker.nodeId)) {
        throw new ProtocolError(
          'INVALID_REQUEST',
          `Unexpected broker id, expected ${broker.nodeId} or empty string, but received ${name}`,
        )
      }
      return describedBrokerConfigs(layers)
    case ConfigResourceType.brokerLogger:
      return [
        {
          name: 'root',
          value: broker.logLevel,
          // The log level of a running broker cannot change.
          readOnly: true,
          source: ConfigSource.dynamicBrokerLogger,
          isSensitive: false,
          type: 0,
          synonyms: [],
        },
      ]
    case ConfigResourceType.clientMetrics:
      if (name === '') {
        throw new ProtocolError(
          'INVALID_REQUEST',
          'Client metrics subscription name must not be empty',
        )
      }
      return describedClientMetricsConfigs(image.configs(type, name))
    case ConfigResourceType.group:
      if (name === '') throw new ProtocolError('INVALID_REQUEST', 'Group name must not be empty')
      return describedGroupConfigs(image.configs(type, name), layers)
    default:
      throw new ProtocolError('INVALID_REQUEST', `Unsupported resource type: ${type}`)
  }
}
