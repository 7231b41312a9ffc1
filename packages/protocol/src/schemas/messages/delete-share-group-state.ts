// SPDX-License-Identifier: Apache-2.0
import type { MessageOf, MessageSchema } from '../schema.ts'

/** DeleteShareGroupState (key 86), versions 0, flexible from 0. */
export const DeleteShareGroupStateRequest = {
  apiKey: 86,
  name: 'DeleteShareGroupStateRequest',
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
          },
        },
      },
    },
  },
} as const satisfies MessageSchema
export type DeleteShareGroupStateRequest = MessageOf<typeof DeleteShareGroupStateRequest>

export const DeleteShareGroupStateResponse = {
  apiKey: 86,
  name: 'DeleteShareGroupStateResponse',
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
export type DeleteShareGroupStateResponse = MessageOf<typeof DeleteShareGroupStateResponse>
