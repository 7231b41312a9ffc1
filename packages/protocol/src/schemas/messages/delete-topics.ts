// SPDX-License-Identifier: Apache-2.0
import type { MessageOf, MessageSchema } from '../schema.ts'

/**
 * Deletes topics. API key 20, versions 1 to 6, flexible from 4.
 * - Version 6: topics by id (KIP-516).
 */
export const DeleteTopicsRequest = {
  apiKey: 20,
  name: 'DeleteTopicsRequest',
  versions: '1-6',
  flexible: '4+',
  fields: {
    /** One entry per topic. */
    topics: {
      type: '[]',
      versions: '6+',
      fields: {
        /** Name of the topic. */
        name: { type: 'string', versions: '6+', nullable: '6+', default: null },
        /** Id of the topic. */
        topicId: { type: 'uuid', versions: '6+' },
      },
    },
    /** Names of the topics to delete. */
    topicNames: { type: '[]string', versions: '0-5', ignorable: true },
    /** Time-out of the request, milliseconds. */
    timeoutMs: { type: 'int32', versions: '0+' },
  },
} as const satisfies MessageSchema
export type DeleteTopicsRequest = MessageOf<typeof DeleteTopicsRequest>

/**
 * Response of DeleteTopics, versions 1 to 6, flexible from 4.
 * - Version 1: throttle time.
 * - Version 2: sent before throttling (KIP-219).
 * - Version 3: TOPIC_DELETION_DISABLED.
 * - Version 5: message, THROTTLING_QUOTA_EXCEEDED (KIP-599).
 * - Version 6: topics by id (KIP-516).
 */
export const DeleteTopicsResponse = {
  apiKey: 20,
  name: 'DeleteTopicsResponse',
  versions: '1-6',
  flexible: '4+',
  fields: {
    /** Time for which the client is throttled by a quota; 0 for none. */
    throttleTimeMs: { type: 'int32', versions: '1+', ignorable: true },
    /** Results, in the order of the request. */
    responses: {
      type: '[]',
      versions: '0+',
      fields: {
        /** Name of the topic. */
        name: { type: 'string', versions: '0+', nullable: '6+' },
        /** Id of the topic. */
        topicId: { type: 'uuid', versions: '6+', ignorable: true },
        /** Kafka's error code for the topic, 0 for none. */
        errorCode: { type: 'int16', versions: '0+' },
        /** Error message, or null. */
        errorMessage: {
          type: 'string',
          versions: '5+',
          nullable: '5+',
          default: null,
          ignorable: true,
        },
      },
    },
  },
} as const satisfies MessageSchema
export type DeleteTopicsResponse = MessageOf<typeof DeleteTopicsResponse>
