// SPDX-License-Identifier: Apache-2.0
import type { MessageOf, MessageSchema } from '../schema.ts'

/** DeleteShareGroupOffsets (key 92), versions 0, flexible from 0. */
export const DeleteShareGroupOffsetsRequest = {
  apiKey: 92,
  name: 'DeleteShareGroupOffsetsRequest',
  versions: '0',
  flexible: '0+',
  fields: {
    groupId: { type: 'string', versions: '0+' },
    topics: {
      type: '[]',
      versions: '0+',
      fields: {
        topicName: { type: 'string', versions: '0+' },
      },
    },
  },
} as const satisfies MessageSchema
export type DeleteShareGroupOffsetsRequest = MessageOf<typeof DeleteShareGroupOffsetsRequest>

export const DeleteShareGroupOffsetsResponse = {
  apiKey: 92,
  name: 'DeleteShareGroupOffsetsResponse',
  versions: '0',
  flexible: '0+',
  fields: {
    throttleTimeMs: { type: 'int32', versions: '0+' },
    errorCode: { type: 'int16', versions: '0+' },
    errorMessage: { type: 'string', versions: '0+', nullable: '0+', default: null },
    responses: {
      type: '[]',
      versions: '0+',
      fields: {
        topicName: { type: 'string', versions: '0+' },
        topicId: { type: 'uuid', versions: '0+' },
        errorCode: { type: 'int16', versions: '0+' },
        errorMessage: { type: 'string', versions: '0+', nullable: '0+', default: null },
      },
    },
  },
} as const satisfies MessageSchema
export type DeleteShareGroupOffsetsResponse = MessageOf<typeof DeleteShareGroupOffsetsResponse>
