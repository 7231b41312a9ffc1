// SPDX-License-Identifier: Apache-2.0
import type { MessageOf, MessageSchema } from '../schema.ts'

/** WriteTxnMarkers (key 27), versions 1-2, flexible from 1. */
export const WriteTxnMarkersRequest = {
  apiKey: 27,
  name: 'WriteTxnMarkersRequest',
  versions: '1-2',
  flexible: '1+',
  fields: {
    markers: {
      type: '[]',
      versions: '0+',
      fields: {
        producerId: { type: 'int64', versions: '0+' },
        producerEpoch: { type: 'int16', versions: '0+' },
        transactionResult: { type: 'bool', versions: '0+' },
        topics: {
          type: '[]',
          versions: '0+',
          fields: {
            name: { type: 'string', versions: '0+' },
            partitionIndexes: { type: '[]int32', versions: '0+' },
          },
        },
        coordinatorEpoch: { type: 'int32', versions: '0+' },
        transactionVersion: { type: 'int8', versions: '2+', default: 0, ignorable: true },
      },
    },
  },
} as const satisfies MessageSchema
export type WriteTxnMarkersRequest = MessageOf<typeof WriteTxnMarkersRequest>

export const WriteTxnMarkersResponse = {
  apiKey: 27,
  name: 'WriteTxnMarkersResponse',
  versions: '1-2',
  flexible: '1+',
  fields: {
    markers: {
      type: '[]',
      versions: '0+',
      fields: {
        producerId: { type: 'int64', versions: '0+' },
        topics: {
          type: '[]',
          versions: '0+',
          fields: {
            name: { type: 'string', versions: '0+' },
            partitions: {
              type: '[]',
              versions: '0+',
              fields: {
                partitionIndex: { type: 'int32', versions: '0+' },
                errorCode: { type: 'int16', versions: '0+' },
              },
            },
          },
        },
      },
    },
  },
} as const satisfies MessageSchema
export type WriteTxnMarkersResponse = MessageOf<typeof WriteTxnMarkersResponse>
