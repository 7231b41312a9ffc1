// SPDX-License-Identifier: Apache-2.0
import type { MessageOf, MessageSchema } from '../schema.ts'

/**
 * Creates topics. API key 19, versions 2 to 7, flexible from 5.
 * - Version 1: validation only.
 * - Version 4: partitions and replicas may be left to defaults (KIP-464).
 * - Version 6: THROTTLING_QUOTA_EXCEEDED (KIP-599).
 */
export const CreateTopicsRequest = {
  apiKey: 19,
  name: 'CreateTopicsRequest',
  versions: '2-7',
  flexible: '5+',
  fields: {
    /** One entry per topic. */
    topics: {
      type: '[]',
      versions: '0+',
      fields: {
        /** Name of the topic. */
        name: { type: 'string', versions: '0+' },
        /** Number of partitions; -1 for the default, or with `assignments`. */
        numPartitions: { type: 'int32', versions: '0+' },
        /** Number of replicas; -1 for the default, or with `assignments`. */
        replicationFactor: { type: 'int16', versions: '0+' },
        /** Replicas of each partition; empty lets the controller choose. */
        assignments: {
          type: '[]',
          versions: '0+',
          fields: {
            /** Index of the partition. */
            partitionIndex: { type: 'int32', versions: '0+' },
            /** Ids of the brokers that have the replicas, the preferred leader first. */
            brokerIds: { type: '[]int32', versions: '0+' },
          },
        },
        /** Configuration entries. */
        configs: {
          type: '[]',
          versions: '0+',
          fields: {
            /** Key of the configuration. */
            name: { type: 'string', versions: '0+' },
            /** Value, or null. */
            value: { type: 'string', versions: '0+', nullable: '0+' },
          },
        },
      },
    },
    /** Time-out of the request, milliseconds. */
    timeoutMs: { type: 'int32', versions: '0+', default: 60000 },
    /** Whether to validate the request without executing it. */
    validateOnly: { type: 'bool', versions: '1+', default: false },
  },
} as const satisfies MessageSchema
export type CreateTopicsRequest = MessageOf<typeof CreateTopicsRequest>

/**
 * Response of CreateTopics, versions 2 to 7, flexible from 5.
 * - Version 2: throttle time.
 * - Version 3: sent before throttling (KIP-219).
 * - Version 5: configuration of the topics (KIP-525).
 * - Version 6: THROTTLING_QUOTA_EXCEEDED (KIP-599).
 * - Version 7: topic ids (KIP-516).
 */
export const CreateTopicsResponse = {
  apiKey: 19,
  name: 'CreateTopicsResponse',
  versions: '2-7',
  flexible: '5+',
  fields: {
    /** Time for which the client is throttled by a quota; 0 for none. */
    throttleTimeMs: { type: 'int32', versions: '2+', ignorable: true },
    /** One entry per topic. */
    topics: {
      type: '[]',
      versions: '0+',
      fields: {
        /** Name of the topic. */
        name: { type: 'string', versions: '0+' },
        /** Id of the topic. */
        topicId: { type: 'uuid', versions: '7+', ignorable: true },
        /** Kafka's error code for the topic, 0 for none. */
        errorCode: { type: 'int16', versions: '0+' },
        /** Error message, or null. */
        errorMessage: { type: 'string', versions: '1+', nullable: '0+', ignorable: true },
        /** Error that kept the configuration out of the response, 0 for none. */
        topicConfigErrorCode: {
          type: 'int16',
          versions: '5+',
          tag: 0,
          tagged: '5+',
          ignorable: true,
        },
        /** Number of partitions. */
        numPartitions: { type: 'int32', versions: '5+', default: -1, ignorable: true },
        /** Number of replicas of each partition. */
        replicationFactor: { type: 'int16', versions: '5+', default: -1, ignorable: true },
        /** Configuration entries. */
        configs: {
          type: '[]',
          versions: '5+',
          nullable: '5+',
          ignorable: true,
          fields: {
            /** Key of the configuration. */
            name: { type: 'string', versions: '5+' },
            /** Value, or null. */
            value: { type: 'string', versions: '5+', nullable: '5+' },
            /** Whether the value cannot be changed. */
            readOnly: { type: 'bool', versions: '5+' },
            /** Source of the value: topic, dynamic broker, static broker, default and so on. */
            configSource: { type: 'int8', versions: '5+', default: -1, ignorable: true },
            /** Whether the value is a secret and therefore not returned. */
            isSensitive: { type: 'bool', versions: '5+' },
          },
        },
      },
    },
  },
} as const satisfies MessageSchema
export type CreateTopicsResponse = MessageOf<typeof CreateTopicsResponse>
