// SPDX-License-Identifier: Apache-2.0
import type { MessageOf, MessageSchema } from '../schema.ts'

/** WriteShareGroupState (key 85), versions 0-1, flexible from 0. */
export const WriteShareGroupStateRequest = {
  apiKey: 85,
  name: 'WriteShareGroupStateRequest',
  versions: '0-1',
  flexible: '0+',
  fields: {
    groupId: { type: 'string', versions: '0+' },
    topics: {
      type: '[]',
      versions: '0+',
      fields: {
        topicId: { type: 'uuid', versions: '0+' },
        partitions: {
          type: '[]',
          versions: '0+',
          fields: {
            partition: { type: 'int32', versions: '0+' },
            stateEpoch: { type: 'int32', versions: '0+' },
            leaderEpoch: { type: 'int32', versions: '0+' },
            startOffset: { type: 'int64', versions: '0+' },
            deliveryCompleteCount: { type: 'int32', versions: '1+', default: -1, ignorable: true },
            stateBatches: {
              type: '[]',
              versions: '0+',
              fields: {
                firstOffset: { type: 'int64', versions: '0+' },
                lastOffset: { type: 'int64', versions: '0+' },
                deliveryState: { type: 'int8', versions: '0+' },
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

export const WriteShareGroupStateResponse = {
  apiKey: 85,
  name: 'WriteShareGroupStateResponse',
  versions: '0-1',
  flexible: '0+',
  fields: {
    results: {
      type: '[]',
      versions: '0+',
      fields: {
        topicId: { type: 'uuid', versions: '0+' },
        partitions: {
          type: '[]',
          versions: '0+',
          fields: {
            partition: { type: 'int32', versions: '0+' },
            errorCode: { type: 'int16', versions: '0+' },
            errorMessage: { type: 'string', versions: '0+', nullable: '0+', default: null },
          },
        },
      },
    },
  },
} as const satisfies MessageSchema
export type WriteShareGroupStateResponse = MessageOf<typeof WriteShareGroupStateResponse>
