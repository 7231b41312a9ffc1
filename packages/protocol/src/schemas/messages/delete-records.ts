// SPDX-License-Identifier: Apache-2.0
import type { MessageOf, MessageSchema } from '../schema.ts'

/**
 * Deletes the records below an offset. API key 21, versions 0 to 2, flexible from 2.
 */
export const DeleteRecordsRequest = {
  apiKey: 21,
  name: 'DeleteRecordsRequest',
  versions: '0-2',
  flexible: '2+',
  fields: {
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
            /** First offset to keep; -1 for the high watermark. */
            offset: { type: 'int64', versions: '0+' },
          },
        },
      },
    },
    /** Time-out of the request, milliseconds. */
    timeoutMs: { type: 'int32', versions: '0+' },
  },
} as const satisfies MessageSchema
export type DeleteRecordsRequest = MessageOf<typeof DeleteRecordsRequest>

/**
 * Response of DeleteRecords, versions 0 to 2, flexible from 2.
 * - Version 1: sent before throttling (KIP-219).
 */
export const DeleteRecordsResponse = {
  apiKey: 21,
  name: 'DeleteRecordsResponse',
  versions: '0-2',
  flexible: '2+',
  fields: {
    /** Time for which the client is throttled by a quota; 0 for none. */
    throttleTimeMs: { type: 'int32', versions: '0+' },
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
            /** First offset after the deletion; -1 on an error. */
            lowWatermark: { type: 'int64', versions: '0+' },
            /** Kafka's error code for the partition, 0 for none. */
            errorCode: { type: 'int16', versions: '0+' },
          },
        },
      },
    },
  },
} as const satisfies MessageSchema
export type DeleteRecordsResponse = MessageOf<typeof DeleteRecordsResponse>
