// SPDX-License-Identifier: Apache-2.0
import type { MessageOf, MessageSchema } from '../schema.ts'

/**
 * Lists reassignments in progress (KIP-455). API key 46, version 0, flexible from 0.
 */
export const ListPartitionReassignmentsRequest = {
  apiKey: 46,
  name: 'ListPartitionReassignmentsRequest',
  versions: '0',
  flexible: '0+',
  fields: {
    /** Time-out of the request, milliseconds. */
    timeoutMs: { type: 'int32', versions: '0+', default: 60000 },
    /** One entry per topic. */
    topics: {
      type: '[]',
      versions: '0+',
      nullable: '0+',
      default: null,
      fields: {
        /** Name of the topic. */
        name: { type: 'string', versions: '0+' },
        /** Indexes of the partitions. */
        partitionIndexes: { type: '[]int32', versions: '0+' },
      },
    },
  },
} as const satisfies MessageSchema
export type ListPartitionReassignmentsRequest = MessageOf<typeof ListPartitionReassignmentsRequest>

/**
 * Response of ListPartitionReassignments, version 0, flexible from 0.
 */
export const ListPartitionReassignmentsResponse = {
  apiKey: 46,
  name: 'ListPartitionReassignmentsResponse',
  versions: '0',
  flexible: '0+',
  fields: {
    /** Time for which the client is throttled by a quota; 0 for none. */
    throttleTimeMs: { type: 'int32', versions: '0+' },
    /** Kafka's error code, 0 for none. */
    errorCode: { type: 'int16', versions: '0+' },
    /** Error message, or null. */
    errorMessage: { type: 'string', versions: '0+', nullable: '0+' },
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
            /** Ids of the brokers with a replica, the preferred leader first. */
            replicas: { type: '[]int32', versions: '0+' },
            /** Replicas that a reassignment is adding. */
            addingReplicas: { type: '[]int32', versions: '0+' },
            /** Replicas that a reassignment is removing. */
            removingReplicas: { type: '[]int32', versions: '0+' },
          },
        },
      },
    },
  },
} as const satisfies MessageSchema
export type ListPartitionReassignmentsResponse = MessageOf<
  typeof ListPartitionReassignmentsResponse
>
