// SPDX-License-Identifier: Apache-2.0
import type { MessageOf, MessageSchema } from '../schema.ts'

/**
 * Finds the end offset of a leader epoch. API key 23, versions 2 to 4, flexible from 4.
 * - Version 2: leader epoch (KIP-320).
 * - Version 3: id of the replica.
 */
export const OffsetForLeaderEpochRequest = {
  apiKey: 23,
  name: 'OffsetForLeaderEpochRequest',
  versions: '2-4',
  flexible: '4+',
  fields: {
    /** Id of the follower; -1 for consumers. */
    replicaId: { type: 'int32', versions: '3+', default: -2, ignorable: true },
    /** One entry per topic. */
    topics: {
      type: '[]',
      versions: '0+',
      fields: {
        /** Name of the topic. */
        topic: { type: 'string', versions: '0+' },
        /** Partitions of the topic. */
        partitions: {
          type: '[]',
          versions: '0+',
          fields: {
            /** Index of the partition. */
            partition: { type: 'int32', versions: '0+' },
            /** Leader epoch that the client knows; -1 skips the check (KIP-320). */
            currentLeaderEpoch: { type: 'int32', versions: '2+', default: -1, ignorable: true },
            /** Epoch of the partition's leader; -1 if unknown. */
            leaderEpoch: { type: 'int32', versions: '0+' },
          },
        },
      },
    },
  },
} as const satisfies MessageSchema
export type OffsetForLeaderEpochRequest = MessageOf<typeof OffsetForLeaderEpochRequest>

/**
 * Response of OffsetForLeaderEpoch, versions 2 to 4, flexible from 4.
 * - Version 1: leader epoch.
 * - Version 2: throttle time.
 */
export const OffsetForLeaderEpochResponse = {
  apiKey: 23,
  name: 'OffsetForLeaderEpochResponse',
  versions: '2-4',
  flexible: '4+',
  fields: {
    /** Time for which the client is throttled by a quota; 0 for none. */
    throttleTimeMs: { type: 'int32', versions: '2+', ignorable: true },
    /** One entry per topic. */
    topics: {
      type: '[]',
      versions: '0+',
      fields: {
        /** Name of the topic. */
        topic: { type: 'string', versions: '0+' },
        /** Partitions of the topic. */
        partitions: {
          type: '[]',
          versions: '0+',
          fields: {
            /** Kafka's error code for the partition, 0 for none. */
            errorCode: { type: 'int16', versions: '0+' },
            /** Index of the partition. */
            partition: { type: 'int32', versions: '0+' },
            /** Epoch of the partition's leader; -1 if unknown. */
            leaderEpoch: { type: 'int32', versions: '1+', default: -1, ignorable: true },
            /** Offset after the last record of the epoch; -1 if unknown. */
            endOffset: { type: 'int64', versions: '0+', default: -1n },
          },
        },
      },
    },
  },
} as const satisfies MessageSchema
export type OffsetForLeaderEpochResponse = MessageOf<typeof OffsetForLeaderEpochResponse>
