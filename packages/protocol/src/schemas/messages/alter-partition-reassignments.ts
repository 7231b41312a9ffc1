// SPDX-License-Identifier: Apache-2.0
import type { MessageOf, MessageSchema } from '../schema.ts'

/**
 * Starts and cancels reassignments of replicas (KIP-455). API key 45, versions 0 to 1, flexible
 * from 0.
 * - Version 1: whether the number of replicas may change (KIP-860).
 */
export const AlterPartitionReassignmentsRequest = {
  apiKey: 45,
  name: 'AlterPartitionReassignmentsRequest',
  versions: '0-1',
  flexible: '0+',
  fields: {
    /** Time-out of the request, milliseconds. */
    timeoutMs: { type: 'int32', versions: '0+', default: 60000 },
    /** Whether the reassignment may change the number of replicas (KIP-860). */
    allowReplicationFactorChange: { type: 'bool', versions: '1+', default: true },
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
            /** New replicas; null cancels a reassignment. */
            replicas: { type: '[]int32', versions: '0+', nullable: '0+', default: null },
          },
        },
      },
    },
  },
} as const satisfies MessageSchema
export type AlterPartitionReassignmentsRequest = MessageOf<
  typeof AlterPartitionReassignmentsRequest
>

/**
 * Response of AlterPartitionReassignments, versions 0 to 1, flexible from 0.
 * - Version 1: whether the number of replicas may change (KIP-860).
 */
export const AlterPartitionReassignmentsResponse = {
  apiKey: 45,
  name: 'AlterPartitionReassignmentsResponse',
  versions: '0-1',
  flexible: '0+',
  fields: {
    /** Time for which the client is throttled by a quota; 0 for none. */
    throttleTimeMs: { type: 'int32', versions: '0+' },
    /** Whether the reassignment may change the number of replicas (KIP-860). */
    allowReplicationFactorChange: { type: 'bool', versions: '1+', default: true, ignorable: true },
    /** Kafka's error code, 0 for none. */
    errorCode: { type: 'int16', versions: '0+' },
    /** Error message, or null. */
    errorMessage: { type: 'string', versions: '0+', nullable: '0+' },
    /** Results, in the order of the request. */
    responses: {
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
            /** Error message, or null. */
            errorMessage: { type: 'string', versions: '0+', nullable: '0+' },
          },
        },
      },
    },
  },
} as const satisfies MessageSchema
export type AlterPartitionReassignmentsResponse = MessageOf<
  typeof AlterPartitionReassignmentsResponse
>
