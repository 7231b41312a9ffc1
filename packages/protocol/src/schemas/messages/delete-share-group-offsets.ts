// SPDX-License-Identifier: Apache-2.0
import type { MessageOf, MessageSchema } from '../schema.ts'

/**
 * Deletes the offsets of a share group without members (KIP-932). API key 92, version 0, flexible
 * from 0.
 */
export const DeleteShareGroupOffsetsRequest = {
  apiKey: 92,
  name: 'DeleteShareGroupOffsetsRequest',
  versions: '0',
  flexible: '0+',
  fields: {
    /** Id of the group. */
    groupId: { type: 'string', versions: '0+' },
    /** One entry per topic. */
    topics: {
      type: '[]',
      versions: '0+',
      fields: {
        /** Name of the topic. */
        topicName: { type: 'string', versions: '0+' },
      },
    },
  },
} as const satisfies MessageSchema
export type DeleteShareGroupOffsetsRequest = MessageOf<typeof DeleteShareGroupOffsetsRequest>

/**
 * Response of DeleteShareGroupOffsets, version 0, flexible from 0.
 */
export const DeleteShareGroupOffsetsResponse = {
  apiKey: 92,
  name: 'DeleteShareGroupOffsetsResponse',
  versions: '0',
  flexible: '0+',
  fields: {
    /** Time for which the client is throttled by a quota; 0 for none. */
    throttleTimeMs: { type: 'int32', versions: '0+' },
    /** Kafka's error code, 0 for none. */
    errorCode: { type: 'int16', versions: '0+' },
    /** Error message, or null. */
    errorMessage: { type: 'string', versions: '0+', nullable: '0+', default: null },
    /** Results, in the order of the request. */
    responses: {
      type: '[]',
      versions: '0+',
      fields: {
        /** Name of the topic. */
        topicName: { type: 'string', versions: '0+' },
        /** Id of the topic. */
        topicId: { type: 'uuid', versions: '0+' },
        /** Kafka's error code for the topic, 0 for none. */
        errorCode: { type: 'int16', versions: '0+' },
        /** Error message, or null. */
        errorMessage: { type: 'string', versions: '0+', nullable: '0+', default: null },
      },
    },
  },
} as const satisfies MessageSchema
export type DeleteShareGroupOffsetsResponse = MessageOf<typeof DeleteShareGroupOffsetsResponse>
