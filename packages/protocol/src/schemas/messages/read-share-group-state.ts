// SPDX-License-Identifier: Apache-2.0
import type { MessageOf, MessageSchema } from '../schema.ts'

/** ReadShareGroupState (key 84), versions 0, flexible from 0. */
export const ReadShareGroupStateRequest = {
  apiKey: 84,
  name: 'ReadShareGroupStateRequest',
  versions: '0',
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
            leaderEpoch: { type: 'int32', versions: '0+' },
          },
        },
      },
    },
  },
} as const satisfies MessageSchema
export type ReadShareGroupStateRequest = MessageOf<typeof ReadShareGroupStateRequest>

export const ReadShareGroupStateResponse = {
  apiKey: 84,
  name: 'ReadShareGroupStateResponse',
  versions: '0',
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
            stateEpoch: { type: 'int32', versions: '0+' },
            startOffset: { type: 'int64', versions: '0+' },
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
export type ReadShareGroupStateResponse = MessageOf<typeof ReadShareGroupStateResponse>
