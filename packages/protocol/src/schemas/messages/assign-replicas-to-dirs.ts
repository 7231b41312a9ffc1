// SPDX-License-Identifier: Apache-2.0
import type { MessageOf, MessageSchema } from '../schema.ts'

/**
 * Reports the log directories of replicas; sent by brokers (KIP-858). API key 73, version 0,
 * flexible from 0.
 */
export const AssignReplicasToDirsRequest = {
  apiKey: 73,
  name: 'AssignReplicasToDirsRequest',
  versions: '0',
  flexible: '0+',
  fields: {
    /** Id of the broker. */
    brokerId: { type: 'int32', versions: '0+' },
    /** Epoch of the broker's registration. */
    brokerEpoch: { type: 'int64', versions: '0+', default: -1n },
    /** Log directory of each replica. */
    directories: {
      type: '[]',
      versions: '0+',
      fields: {
        /** Id of the directory. */
        id: { type: 'uuid', versions: '0+' },
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
                partitionIndex: { type: 'int32', versions: '0+' },
              },
            },
          },
        },
      },
    },
  },
} as const satisfies MessageSchema
export type AssignReplicasToDirsRequest = MessageOf<typeof AssignReplicasToDirsRequest>

/**
 * Response of AssignReplicasToDirs, version 0, flexible from 0.
 */
export const AssignReplicasToDirsResponse = {
  apiKey: 73,
  name: 'AssignReplicasToDirsResponse',
  versions: '0',
  flexible: '0+',
  fields: {
    /** Time for which the client is throttled by a quota; 0 for none. */
    throttleTimeMs: { type: 'int32', versions: '0+' },
    /** Kafka's error code, 0 for none. */
    errorCode: { type: 'int16', versions: '0+' },
    /** Log directory of each replica. */
    directories: {
      type: '[]',
      versions: '0+',
      fields: {
        /** Id of the directory. */
        id: { type: 'uuid', versions: '0+' },
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
                partitionIndex: { type: 'int32', versions: '0+' },
                /** Kafka's error code for the partition, 0 for none. */
                errorCode: { type: 'int16', versions: '0+' },
              },
            },
          },
        },
      },
    },
  },
} as const satisfies MessageSchema
export type AssignReplicasToDirsResponse = MessageOf<typeof AssignReplicasToDirsResponse>
