// SPDX-License-Identifier: Apache-2.0
import type { MessageOf, MessageSchema } from '../schema.ts'

/**
 * Describes the offsets of share groups (KIP-932). API key 90, versions 0 to 1, flexible from 0.
 * - Version 1: same as version 0 (KIP-1226).
 */
export const DescribeShareGroupOffsetsRequest = {
  apiKey: 90,
  name: 'DescribeShareGroupOffsetsRequest',
  versions: '0-1',
  flexible: '0+',
  fields: {
    /** One entry per group. */
    groups: {
      type: '[]',
      versions: '0+',
      fields: {
        /** Id of the group. */
        groupId: { type: 'string', versions: '0+' },
        /** One entry per topic. */
        topics: {
          type: '[]',
          versions: '0+',
          nullable: '0+',
          fields: {
            /** Name of the topic. */
            topicName: { type: 'string', versions: '0+' },
            /** Partitions of the topic. */
            partitions: { type: '[]int32', versions: '0+' },
          },
        },
      },
    },
  },
} as const satisfies MessageSchema
export type DescribeShareGroupOffsetsRequest = MessageOf<typeof DescribeShareGroupOffsetsRequest>

/**
 * Response of DescribeShareGroupOffsets, versions 0 to 1, flexible from 0.
 * - Version 1: lag (KIP-1226).
 */
export const DescribeShareGroupOffsetsResponse = {
  apiKey: 90,
  name: 'DescribeShareGroupOffsetsResponse',
  versions: '0-1',
  flexible: '0+',
  fields: {
    /** Time for which the client is throttled by a quota; 0 for none. */
    throttleTimeMs: { type: 'int32', versions: '0+' },
    /** One entry per group. */
    groups: {
      type: '[]',
      versions: '0+',
      fields: {
        /** Id of the group. */
        groupId: { type: 'string', versions: '0+' },
        /** One entry per topic. */
        topics: {
          type: '[]',
          versions: '0+',
          fields: {
            /** Name of the topic. */
            topicName: { type: 'string', versions: '0+' },
            /** Id of the topic. */
            topicId: { type: 'uuid', versions: '0+' },
            /** Partitions of the topic. */
            partitions: {
              type: '[]',
              versions: '0+',
              fields: {
                /** Index of the partition. */
                partitionIndex: { type: 'int32', versions: '0+' },
                /** First offset that is not finished. */
                startOffset: { type: 'int64', versions: '0+' },
                /** Epoch of the partition's leader; -1 if unknown. */
                leaderEpoch: { type: 'int32', versions: '0+' },
                /** Records of the share partition that are not finished; -1 if unknown. */
                lag: { type: 'int64', versions: '1+', default: -1n, ignorable: true },
                /** Kafka's error code for the partition, 0 for none. */
                errorCode: { type: 'int16', versions: '0+' },
                /** Error message, or null. */
                errorMessage: { type: 'string', versions: '0+', nullable: '0+', default: null },
              },
            },
          },
        },
        /** Kafka's error code for the group, 0 for none. */
        errorCode: { type: 'int16', versions: '0+' },
        /** Error message, or null. */
        errorMessage: { type: 'string', versions: '0+', nullable: '0+', default: null },
      },
    },
  },
} as const satisfies MessageSchema
export type DescribeShareGroupOffsetsResponse = MessageOf<typeof DescribeShareGroupOffsetsResponse>
