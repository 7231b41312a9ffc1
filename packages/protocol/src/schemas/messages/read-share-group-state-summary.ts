// SPDX-License-Identifier: Apache-2.0
import type { MessageOf, MessageSchema } from '../schema.ts'

/** ReadShareGroupStateSummary (key 87), versions 0-1, flexible from 0. */
export const ReadShareGroupStateSummaryRequest = {
  apiKey: 87,
  name: 'ReadShareGroupStateSummaryRequest',
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
            leaderEpoch: { type: 'int32', versions: '0+' },
          },
        },
      },
    },
  },
} as const satisfies MessageSchema
export type ReadShareGroupStateSummaryRequest = MessageOf<typeof ReadShareGroupStateSummaryRequest>

export const ReadShareGroupStateSummaryResponse = {
  apiKey: 87,
  name: 'ReadShareGroupStateSummaryResponse',
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
            stateEpoch: { type: 'int32', versions: '0+' },
            leaderEpoch: { type: 'int32', versions: '0+' },
            startOffset: { type: 'int64', versions: '0+' },
            deliveryCompleteCount: { type: 'int32', versions: '1+', default: -1, ignorable: true },
          },
        },
      },
    },
  },
} as const satisfies MessageSchema
export type ReadShareGroupStateSummaryResponse = MessageOf<
  typeof ReadShareGroupStateSummaryResponse
>
