// SPDX-License-Identifier: Apache-2.0
import type { MessageOf, MessageSchema } from '../schema.ts'

/**
 * Proposes replicas in sync; sent by partition leaders (KIP-497). API key 56, versions 2 to 3,
 * flexible from 0.
 * - Version 2: topics by id (KIP-841).
 * - Version 3: epochs of the brokers in sync (KIP-903).
 */
export const AlterPartitionRequest = {
  apiKey: 56,
  name: 'AlterPartitionRequest',
  versions: '2-3',
  flexible: '0+',
  fields: {
    /** Id of the broker. */
    brokerId: { type: 'int32', versions: '0+' },
    /** Epoch of the broker's registration. */
    brokerEpoch: { type: 'int64', versions: '0+', default: -1n },
    /** One entry per topic. */
    topics: {
      type: '[]',
      versions: '0+',
      fields: {
        /** Id of the topic. */
        topicId: { type: 'uuid', versions: '2+', ignorable: true },
        /** Partitions of the topic. */
        partitions: {
          type: '[]',
          versions: '0+',
          fields: {
            /** Index of the partition. */
            partitionIndex: { type: 'int32', versions: '0+' },
            /** Epoch of the partition's leader; -1 if unknown. */
            leaderEpoch: { type: 'int32', versions: '0+' },
            /** Proposed replicas in sync; replaced by `newIsrWithEpochs` in version 3. */
            newIsr: { type: '[]int32', versions: '0-2' },
            /** Proposed replicas in sync, with the epochs of their brokers. */
            newIsrWithEpochs: {
              type: '[]',
              versions: '3+',
              fields: {
                /** Id of the broker. */
                brokerId: { type: 'int32', versions: '3+' },
                /** Epoch of the broker's registration. */
                brokerEpoch: { type: 'int64', versions: '3+', default: -1n },
              },
            },
            /** 1 while the partition recovers from an unclean election, else 0. */
            leaderRecoveryState: { type: 'int8', versions: '1+', default: 0 },
            /** Epoch that each change of the partition increments. */
            partitionEpoch: { type: 'int32', versions: '0+' },
          },
        },
      },
    },
  },
} as const satisfies MessageSchema
export type AlterPartitionRequest = MessageOf<typeof AlterPartitionRequest>

/**
 * Response of AlterPartition, versions 2 to 3, flexible from 0.
 * - Version 2: topics by id, INELIGIBLE_REPLICA, NEW_LEADER_ELECTED (KIP-841).
 */
export const AlterPartitionResponse = {
  apiKey: 56,
  name: 'AlterPartitionResponse',
  versions: '2-3',
  flexible: '0+',
  fields: {
    /** Time for which the client is throttled by a quota; 0 for none. */
    throttleTimeMs: { type: 'int32', versions: '0+' },
    /** Kafka's error code, 0 for none. */
    errorCode: { type: 'int16', versions: '0+' },
    /** One entry per topic. */
    topics: {
      type: '[]',
      versions: '0+',
      fields: {
        /** Id of the topic. */
        topicId: { type: 'uuid', versions: '2+', ignorable: true },
        /** Partitions of the topic. */
        partitions: {
          type: '[]',
          versions: '0+',
          fields: {
            /** Index of the partition. */
            partitionIndex: { type: 'int32', versions: '0+' },
            /** Kafka's error code for the partition, 0 for none. */
            errorCode: { type: 'int16', versions: '0+' },
            /** Id of the leader; -1 if there is none or it is unknown. */
            leaderId: { type: 'int32', versions: '0+' },
            /** Epoch of the partition's leader; -1 if unknown. */
            leaderEpoch: { type: 'int32', versions: '0+' },
            /** Ids of the replicas in sync. */
            isr: { type: '[]int32', versions: '0+' },
            /** 1 while the partition recovers from an unclean election, else 0. */
            leaderRecoveryState: { type: 'int8', versions: '1+', default: 0, ignorable: true },
            /** Epoch that each change of the partition increments. */
            partitionEpoch: { type: 'int32', versions: '0+' },
          },
        },
      },
    },
  },
} as const satisfies MessageSchema
export type AlterPartitionResponse = MessageOf<typeof AlterPartitionResponse>
