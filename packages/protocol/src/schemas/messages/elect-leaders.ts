// SPDX-License-Identifier: Apache-2.0
import type { MessageOf, MessageSchema } from '../schema.ts'

/**
 * Elects leaders of partitions. API key 43, versions 0 to 2, flexible from 2.
 * - Version 1: type of election (KIP-460).
 */
export const ElectLeadersRequest = {
  apiKey: 43,
  name: 'ElectLeadersRequest',
  versions: '0-2',
  flexible: '2+',
  fields: {
    /** 0 elects the preferred replica, 1 any replica that is alive. */
    electionType: { type: 'int8', versions: '1+' },
    /** Topics, by id, with their partitions. */
    topicPartitions: {
      type: '[]',
      versions: '0+',
      nullable: '0+',
      fields: {
        /** Name of the topic. */
        topic: { type: 'string', versions: '0+' },
        /** Partitions of the topic. */
        partitions: { type: '[]int32', versions: '0+' },
      },
    },
    /** Time-out of the request, milliseconds. */
    timeoutMs: { type: 'int32', versions: '0+', default: 60000 },
  },
} as const satisfies MessageSchema
export type ElectLeadersRequest = MessageOf<typeof ElectLeadersRequest>

/**
 * Response of ElectLeaders, versions 0 to 2, flexible from 2.
 * - Version 1: top-level error (KIP-460).
 */
export const ElectLeadersResponse = {
  apiKey: 43,
  name: 'ElectLeadersResponse',
  versions: '0-2',
  flexible: '2+',
  fields: {
    /** Time for which the client is throttled by a quota; 0 for none. */
    throttleTimeMs: { type: 'int32', versions: '0+' },
    /** Kafka's error code, 0 for none. */
    errorCode: { type: 'int16', versions: '1+' },
    /** Results by topic. */
    replicaElectionResults: {
      type: '[]',
      versions: '0+',
      fields: {
        /** Name of the topic. */
        topic: { type: 'string', versions: '0+' },
        /** Result of each partition. */
        partitionResult: {
          type: '[]',
          versions: '0+',
          fields: {
            /** Index of the partition. */
            partitionId: { type: 'int32', versions: '0+' },
            /** Kafka's error code, 0 for none. */
            errorCode: { type: 'int16', versions: '0+' },
            /** Error message, or null. */
            errorMessage: { type: 'string', versions: '0+', nullable: '0+' },
          },
        },
      },
    },
  },
} as const satisfies MessageSchema
export type ElectLeadersResponse = MessageOf<typeof ElectLeadersResponse>
