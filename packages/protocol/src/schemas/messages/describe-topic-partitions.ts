// SPDX-License-Identifier: Apache-2.0
import type { MessageOf, MessageSchema } from '../schema.ts'

/**
 * Describes partitions page by page (KIP-966). API key 75, version 0, flexible from 0.
 */
export const DescribeTopicPartitionsRequest = {
  apiKey: 75,
  name: 'DescribeTopicPartitionsRequest',
  versions: '0',
  flexible: '0+',
  fields: {
    /** One entry per topic. */
    topics: {
      type: '[]',
      versions: '0+',
      fields: {
        /** Name of the topic. */
        name: { type: 'string', versions: '0+' },
      },
    },
    /** Maximum number of partitions to return. */
    responsePartitionLimit: { type: 'int32', versions: '0+', default: 2000 },
    /** Topic and partition to continue from, after the last ones returned. */
    cursor: {
      type: 'struct',
      versions: '0+',
      nullable: '0+',
      default: null,
      fields: {
        /** Name of the topic. */
        topicName: { type: 'string', versions: '0+' },
        /** Index of the partition. */
        partitionIndex: { type: 'int32', versions: '0+' },
      },
    },
  },
} as const satisfies MessageSchema
export type DescribeTopicPartitionsRequest = MessageOf<typeof DescribeTopicPartitionsRequest>

/**
 * Response of DescribeTopicPartitions, version 0, flexible from 0.
 */
export const DescribeTopicPartitionsResponse = {
  apiKey: 75,
  name: 'DescribeTopicPartitionsResponse',
  versions: '0',
  flexible: '0+',
  fields: {
    /** Time for which the client is throttled by a quota; 0 for none. */
    throttleTimeMs: { type: 'int32', versions: '0+', ignorable: true },
    /** One entry per topic. */
    topics: {
      type: '[]',
      versions: '0+',
      fields: {
        /** Kafka's error code for the topic, 0 for none. */
        errorCode: { type: 'int16', versions: '0+' },
        /** Name of the topic. */
        name: { type: 'string', versions: '0+', nullable: '0+' },
        /** Id of the topic. */
        topicId: { type: 'uuid', versions: '0+', ignorable: true },
        /** Whether the topic is internal. */
        isInternal: { type: 'bool', versions: '0+', default: false, ignorable: true },
        /** Partitions of the topic. */
        partitions: {
          type: '[]',
          versions: '0+',
          fields: {
            /** Kafka's error code for the partition, 0 for none. */
            errorCode: { type: 'int16', versions: '0+' },
            /** Index of the partition. */
            partitionIndex: { type: 'int32', versions: '0+' },
            /** Id of the leader; -1 if there is none or it is unknown. */
            leaderId: { type: 'int32', versions: '0+' },
            /** Epoch of the partition's leader; -1 if unknown. */
            leaderEpoch: { type: 'int32', versions: '0+', default: -1, ignorable: true },
            /** Ids of the brokers with a replica. */
            replicaNodes: { type: '[]int32', versions: '0+' },
            /** Ids of the replicas in sync. */
            isrNodes: { type: '[]int32', versions: '0+' },
            /**
             * Replicas that may become leader without losing records, besides those in sync
             * (KIP-966).
             */
            eligibleLeaderReplicas: {
              type: '[]int32',
              versions: '0+',
              nullable: '0+',
              default: null,
            },
            /** Last known eligible leader replicas. */
            lastKnownElr: { type: '[]int32', versions: '0+', nullable: '0+', default: null },
            /** Ids of the replicas that are not online. */
            offlineReplicas: { type: '[]int32', versions: '0+', ignorable: true },
          },
        },
        /**
         * Bit n is set if the client is authorized for the ACL operation with code n on the topic;
         * -2147483648 if not requested.
         */
        topicAuthorizedOperations: { type: 'int32', versions: '0+', default: -2147483648 },
      },
    },
    /** Position where the next request continues; null if everything was returned. */
    nextCursor: {
      type: 'struct',
      versions: '0+',
      nullable: '0+',
      default: null,
      fields: {
        /** Name of the topic. */
        topicName: { type: 'string', versions: '0+' },
        /** Index of the partition. */
        partitionIndex: { type: 'int32', versions: '0+' },
      },
    },
  },
} as const satisfies MessageSchema
export type DescribeTopicPartitionsResponse = MessageOf<typeof DescribeTopicPartitionsResponse>
