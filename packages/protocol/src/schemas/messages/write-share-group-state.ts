// SPDX-License-Identifier: Apache-2.0
import type { MessageOf, MessageSchema } from '../schema.ts'

/**
 * Writes the state of share partitions; sent by partition leaders (KIP-932). API key 85, versions 0
 * to 1, flexible from 0.
 * - Version 1: number of finished records (KIP-1226).
 */
export const WriteShareGroupStateRequest = {
  apiKey: 85,
  name: 'WriteShareGroupStateRequest',
  versions: '0-1',
  flexible: '0+',
  fields: {
    /** Id of the group. */
    groupId: { type: 'string', versions: '0+' },
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
            partition: { type: 'int32', versions: '0+' },
            /** Epoch of the share partition's state; a lower one is fenced. */
            stateEpoch: { type: 'int32', versions: '0+' },
            /** Epoch of the partition's leader; -1 if unknown. */
            leaderEpoch: { type: 'int32', versions: '0+' },
            /** First offset that is not finished. */
            startOffset: { type: 'int64', versions: '0+' },
            /** Records at or after the start offset that are finished; -1 if unknown. */
            deliveryCompleteCount: { type: 'int32', versions: '1+', default: -1, ignorable: true },
            /** Ranges of records with state and delivery count. */
            stateBatches: {
              type: '[]',
              versions: '0+',
              fields: {
                /** First offset of the range. */
                firstOffset: { type: 'int64', versions: '0+' },
                /** Last offset of the range, inclusive. */
                lastOffset: { type: 'int64', versions: '0+' },
                /** State of the records of this range: 0 available, 2 acknowledged, 4 archived. */
                deliveryState: { type: 'int8', versions: '0+' },
                /** How often the records of this range were delivered. */
                deliveryCount: { type: 'int16', versions: '0+' },
              },
            },
          },
        },
      },
    },
  },
} as const satisfies MessageSchema
export type WriteShareGroupStateRequest = MessageOf<typeof WriteShareGroupStateRequest>

/**
 * Response of WriteShareGroupState, versions 0 to 1, flexible from 0.
 */
export const WriteShareGroupStateResponse = {
  apiKey: 85,
  name: 'WriteShareGroupStateResponse',
  versions: '0-1',
  flexible: '0+',
  fields: {
    /** Results, in the order of the request. */
    results: {
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
            partition: { type: 'int32', versions: '0+' },
            /** Kafka's error code for the partition, 0 for none. */
            errorCode: { type: 'int16', versions: '0+' },
            /** Error message, or null. */
            errorMessage: { type: 'string', versions: '0+', nullable: '0+', default: null },
          },
        },
      },
    },
  },
} as const satisfies MessageSchema
export type WriteShareGroupStateResponse = MessageOf<typeof WriteShareGroupStateResponse>
