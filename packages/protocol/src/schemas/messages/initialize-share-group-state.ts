// SPDX-License-Identifier: Apache-2.0
import type { MessageOf, MessageSchema } from '../schema.ts'

/** InitializeShareGroupState (key 83), versions 0, flexible from 0. */
export const InitializeShareGroupStateRequest = {
  apiKey: 83,
  name: 'InitializeShareGroupStateRequest',
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
            stateEpoch: { type: 'int32', versions: '0+' },
            startOffset: { type: 'int64', versions: '0+' },
          },
        },
      },
    },
  },
} as const satisfies MessageSchema
export type InitializeShareGroupStateRequest = MessageOf<typeof InitializeShareGroupStateRequest>

export const InitializeShareGroupStateResponse = {
  apiKey: 83,
  name: 'InitializeShareGroupStateResponse',
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
          },
        },
      },
    },
  },
} as const satisfies MessageSchema
export type InitializeShareGroupStateResponse = MessageOf<typeof InitializeShareGroupStateResponse>
