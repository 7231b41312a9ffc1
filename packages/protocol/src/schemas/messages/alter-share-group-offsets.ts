// SPDX-License-Identifier: Apache-2.0
import type { MessageOf, MessageSchema } from '../schema.ts'

/** AlterShareGroupOffsets (key 91), versions 0, flexible from 0. */
export const AlterShareGroupOffsetsRequest = {
  apiKey: 91,
  name: 'AlterShareGroupOffsetsRequest',
  versions: '0',
  flexible: '0+',
  fields: {
    groupId: { type: 'string', versions: '0+' },
    topics: {
      type: '[]',
      versions: '0+',
      fields: {
        topicName: { type: 'string', versions: '0+' },
        partitions: {
          type: '[]',
          versions: '0+',
          fields: {
            partitionIndex: { type: 'int32', versions: '0+' },
            startOffset: { type: 'int64', versions: '0+' },
          },
        },
      },
    },
  },
} as const satisfies MessageSchema
export type AlterShareGroupOffsetsRequest = MessageOf<typeof AlterShareGroupOffsetsRequest>

export const AlterShareGroupOffsetsResponse = {
  apiKey: 91,
  name: 'AlterShareGroupOffsetsResponse',
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
        partitions: {
          type: '[]',
          versions: '0+',
          fields: {
            partitionIndex: { type: 'int32', versions: '0+' },
            errorCode: { type: 'int16', versions: '0+' },
            errorMessage: { type: 'string', versions: '0+', nullable: '0+', default: null },
          },
        },
      },
    },
  },
} as const satisfies MessageSchema
export type AlterShareGroupOffsetsResponse = MessageOf<typeof AlterShareGroupOffsetsResponse>
