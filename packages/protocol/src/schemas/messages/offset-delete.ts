// SPDX-License-Identifier: Apache-2.0
import type { MessageOf, MessageSchema } from '../schema.ts'

/**
 * Deletes committed offsets of a group (KIP-496). API key 47, version 0.
 */
export const OffsetDeleteRequest = {
  apiKey: 47,
  name: 'OffsetDeleteRequest',
  versions: '0',
  flexible: 'none',
  fields: {
    /** Id of the group. */
    groupId: { type: 'string', versions: '0+' },
    /** One entry per topic. */
    topics: {
      type: '[]',
      versions: '0+',
      fields: {
        /** Name of the topic. */
        name: { type: 'string', versions: '0+' },
        /** Partitions of the topic. */
        partitions: {
          type: '[]',
          versions: '0+',
          fields: {
            /** Index of the partition. */
            partitionIndex: { type: 'int32', versions: '0+' },
          },
        },
      },
    },
  },
} as const satisfies MessageSchema
export type OffsetDeleteRequest = MessageOf<typeof OffsetDeleteRequest>

/**
 * Response of OffsetDelete, version 0.
 */
export const OffsetDeleteResponse = {
  apiKey: 47,
  name: 'OffsetDeleteResponse',
  versions: '0',
  flexible: 'none',
  fields: {
    /** Kafka's error code, 0 for none. */
    errorCode: { type: 'int16', versions: '0+' },
    /** Time for which the client is throttled by a quota; 0 for none. */
    throttleTimeMs: { type: 'int32', versions: '0+', ignorable: true },
    /** One entry per topic. */
    topics: {
      type: '[]',
      versions: '0+',
      fields: {
        /** Name of the topic. */
        name: { type: 'string', versions: '0+' },
        /** Partitions of the topic. */
        partitions: {
          type: '[]',
          versions: '0+',
          fields: {
            /** Index of the partition. */
            partitionIndex: { type: 'int32', versions: '0+' },
            /** Kafka's error code for the partition, 0 for none. */
            errorCode: { type: 'int16', versions: '0+' },
          },
        },
      },
    },
  },
} as const satisfies MessageSchema
export type OffsetDeleteResponse = MessageOf<typeof OffsetDeleteResponse>
