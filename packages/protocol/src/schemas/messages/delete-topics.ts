// SPDX-License-Identifier: Apache-2.0
import type { MessageOf, MessageSchema } from '../schema.ts'

/** DeleteTopics (key 20), versions 1-6, flexible from 4. */
export const DeleteTopicsRequest = {
  apiKey: 20,
  name: 'DeleteTopicsRequest',
  versions: '1-6',
  flexible: '4+',
  fields: {
    topics: {
      type: '[]',
      versions: '6+',
      fields: {
        name: { type: 'string', versions: '6+', nullable: '6+', default: null },
        topicId: { type: 'uuid', versions: '6+' },
      },
    },
    topicNames: { type: '[]string', versions: '0-5', ignorable: true },
    timeoutMs: { type: 'int32', versions: '0+' },
  },
} as const satisfies MessageSchema
export type DeleteTopicsRequest = MessageOf<typeof DeleteTopicsRequest>

export const DeleteTopicsResponse = {
  apiKey: 20,
  name: 'DeleteTopicsResponse',
  versions: '1-6',
  flexible: '4+',
  fields: {
    throttleTimeMs: { type: 'int32', versions: '1+', ignorable: true },
    responses: {
      type: '[]',
      versions: '0+',
      fields: {
        name: { type: 'string', versions: '0+', nullable: '6+' },
        topicId: { type: 'uuid', versions: '6+', ignorable: true },
        errorCode: { type: 'int16', versions: '0+' },
        errorMessage: {
          type: 'string',
          versions: '5+',
          nullable: '5+',
          default: null,
          ignorable: true,
        },
      },
    },
  },
} as const satisfies MessageSchema
export type DeleteTopicsResponse = MessageOf<typeof DeleteTopicsResponse>
