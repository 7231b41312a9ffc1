// SPDX-License-Identifier: Apache-2.0
import type { MessageOf, MessageSchema } from '../schema.ts'

/**
 * Adds partitions to topics. API key 37, versions 0 to 3, flexible from 2.
 * - Version 3: THROTTLING_QUOTA_EXCEEDED (KIP-599).
 */
export const CreatePartitionsRequest = {
  apiKey: 37,
  name: 'CreatePartitionsRequest',
  versions: '0-3',
  flexible: '2+',
  fields: {
    /** One entry per topic. */
    topics: {
      type: '[]',
      versions: '0+',
      fields: {
        /** Name of the topic. */
        name: { type: 'string', versions: '0+' },
        /** New total number of partitions. */
        count: { type: 'int32', versions: '0+' },
        /** Replicas of each new partition; null lets the controller choose. */
        assignments: {
          type: '[]',
          versions: '0+',
          nullable: '0+',
          fields: {
            /** Ids of the brokers that have the replicas, the preferred leader first. */
            brokerIds: { type: '[]int32', versions: '0+' },
          },
        },
      },
    },
    /** Time-out of the request, milliseconds. */
    timeoutMs: { type: 'int32', versions: '0+' },
    /** Whether to validate the request without executing it. */
    validateOnly: { type: 'bool', versions: '0+' },
  },
} as const satisfies MessageSchema
export type CreatePartitionsRequest = MessageOf<typeof CreatePartitionsRequest>

/**
 * Response of CreatePartitions, versions 0 to 3, flexible from 2.
 * - Version 1: sent before throttling (KIP-219).
 * - Version 3: THROTTLING_QUOTA_EXCEEDED (KIP-599).
 */
export const CreatePartitionsResponse = {
  apiKey: 37,
  name: 'CreatePartitionsResponse',
  versions: '0-3',
  flexible: '2+',
  fields: {
    /** Time for which the client is throttled by a quota; 0 for none. */
    throttleTimeMs: { type: 'int32', versions: '0+' },
    /** Results, in the order of the request. */
    results: {
      type: '[]',
      versions: '0+',
      fields: {
        /** Name of the topic. */
        name: { type: 'string', versions: '0+' },
        /** Kafka's error code, 0 for none. */
        errorCode: { type: 'int16', versions: '0+' },
        /** Error message, or null. */
        errorMessage: { type: 'string', versions: '0+', nullable: '0+', default: null },
      },
    },
  },
} as const satisfies MessageSchema
export type CreatePartitionsResponse = MessageOf<typeof CreatePartitionsResponse>
