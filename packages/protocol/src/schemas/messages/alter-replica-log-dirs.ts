// SPDX-License-Identifier: Apache-2.0
import type { MessageOf, MessageSchema } from '../schema.ts'

/**
 * Moves replicas between log directories of a broker (KIP-113). API key 34, versions 1 to 2,
 * flexible from 2.
 */
export const AlterReplicaLogDirsRequest = {
  apiKey: 34,
  name: 'AlterReplicaLogDirsRequest',
  versions: '1-2',
  flexible: '2+',
  fields: {
    /** Directories and the partitions to move into each. */
    dirs: {
      type: '[]',
      versions: '0+',
      fields: {
        /** Absolute path of the log directory. */
        path: { type: 'string', versions: '0+' },
        /** One entry per topic. */
        topics: {
          type: '[]',
          versions: '0+',
          fields: {
            /** Name of the topic. */
            name: { type: 'string', versions: '0+' },
            /** Partitions of the topic. */
            partitions: { type: '[]int32', versions: '0+' },
          },
        },
      },
    },
  },
} as const satisfies MessageSchema
export type AlterReplicaLogDirsRequest = MessageOf<typeof AlterReplicaLogDirsRequest>

/**
 * Response of AlterReplicaLogDirs, versions 1 to 2, flexible from 2.
 * - Version 1: sent before throttling (KIP-219).
 */
export const AlterReplicaLogDirsResponse = {
  apiKey: 34,
  name: 'AlterReplicaLogDirsResponse',
  versions: '1-2',
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
        topicName: { type: 'string', versions: '0+' },
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
export type AlterReplicaLogDirsResponse = MessageOf<typeof AlterReplicaLogDirsResponse>
