// SPDX-License-Identifier: Apache-2.0
import type { MessageOf, MessageSchema } from '../schema.ts'

/**
 * Deletes the state of share partitions; sent by group coordinators (KIP-932). API key 86, version
 * 0, flexible from 0.
 */
export const DeleteShareGroupStateRequest = {
  apiKey: 86,
  name: 'DeleteShareGroupStateRequest',
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
        /** Id of the topic. */
        topicId: { type: 'uuid', versions: '0+' },
        /** Partitions of the topic. */
        partitions: {
          type: '[]',
          versions: '0+',
          fields: {
            /** Index of the partition. */
            partition: { type: 'int32', versions: '0+' },
          },
        },
      },
    },
  },
} as const satisfies MessageSchema
export type DeleteShareGroupStateRequest = MessageOf<typeof DeleteShareGroupStateRequest>

/**
 * Response of DeleteShareGroupState, version 0, flexible from 0.
 */
export const DeleteShareGroupStateResponse = {
  apiKey: 86,
  name: 'DeleteShareGroupStateResponse',
  versions: '0',
  flexible: '0+',
  fields: {
    /** Results, in the order of the request. */
    results: {
      type: '[]',
      versions: '0+',
      fields: {
        /** Id of the topic. */
        topicId: { type: 'uuid', versions: '0+' },
        /** Partitions of the topic. */
        partitions: {
          type: '[]',
          versions: '0+',
          fields: {
            /** Index of the partition. */
            partition: { type: 'int32', versions: '0+' },
            /** Kafka's error code for the partition, 0 for none. */
            errorCode: { type: 'int16', versions: '0+' },
            /** Error message, or null. */
            errorMessage: { type: 'string', versions: '0+', nullable: '0+', default: null },
          },
        },
      },
    },
  },
} as const satisfies MessageSchema
export type DeleteShareGroupStateResponse = MessageOf<typeof DeleteShareGroupStateResponse>
