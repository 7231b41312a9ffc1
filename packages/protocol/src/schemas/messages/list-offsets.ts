// SPDX-License-Identifier: Apache-2.0
import type { MessageOf, MessageSchema } from '../schema.ts'

/**
 * Finds offsets by time, or the ends of a log. API key 2, versions 1 to 11, flexible from 6.
 * - Version 1: one offset per partition.
 * - Version 2: isolation level.
 * - Version 4: leader epoch (KIP-320).
 * - Version 7: offset of the largest timestamp (KIP-734).
 * - Version 8: earliest local offset (KIP-405).
 * - Version 9: latest tiered offset (KIP-1005).
 * - Version 10: time-out for remote lookups (KIP-1075).
 * - Version 11: earliest offset that is not yet uploaded (KIP-1023).
 */
export const ListOffsetsRequest = {
  apiKey: 2,
  name: 'ListOffsetsRequest',
  versions: '1-11',
  flexible: '6+',
  fields: {
    /** Id of the follower; -1 for consumers. */
    replicaId: { type: 'int32', versions: '0+' },
    /** Isolation level: 0 read_uncommitted, 1 read_committed. */
    isolationLevel: { type: 'int8', versions: '2+' },
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
            /** Leader epoch that the client knows; -1 skips the check (KIP-320). */
            currentLeaderEpoch: { type: 'int32', versions: '4+', default: -1, ignorable: true },
            /**
             * Time to look up; -1 latest, -2 earliest, -3 largest timestamp, -4 earliest local, -5
             * latest tiered, -6 earliest not uploaded.
             */
            timestamp: { type: 'int64', versions: '0+' },
          },
        },
      },
    },
    /** Time-out of the request, milliseconds. */
    timeoutMs: { type: 'int32', versions: '10+', ignorable: true },
  },
} as const satisfies MessageSchema
export type ListOffsetsRequest = MessageOf<typeof ListOffsetsRequest>

/**
 * Response of ListOffsets, versions 1 to 11, flexible from 6.
 * - Version 1: one offset and its timestamp.
 * - Version 2: throttle time.
 * - Version 3: sent before throttling (KIP-219).
 * - Version 4: leader epoch.
 * - Version 5: OFFSET_NOT_AVAILABLE.
 */
export const ListOffsetsResponse = {
  apiKey: 2,
  name: 'ListOffsetsResponse',
  versions: '1-11',
  flexible: '6+',
  fields: {
    /** Time for which the client is throttled by a quota; 0 for none. */
    throttleTimeMs: { type: 'int32', versions: '2+', ignorable: true },
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
            /** Timestamp of the record that was found; -1 for none. */
            timestamp: { type: 'int64', versions: '1+', default: -1n },
            /** Offset that was found; -1 for none. */
            offset: { type: 'int64', versions: '1+', default: -1n },
            /** Epoch of the partition's leader; -1 if unknown. */
            leaderEpoch: { type: 'int32', versions: '4+', default: -1 },
          },
        },
      },
    },
  },
} as const satisfies MessageSchema
export type ListOffsetsResponse = MessageOf<typeof ListOffsetsResponse>
