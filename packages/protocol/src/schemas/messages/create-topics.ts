// SPDX-License-Identifier: Apache-2.0
import type { MessageOf, MessageSchema } from '../schema.ts'

/** CreateTopics (key 19), versions 2-7, flexible from 5. */
export const CreateTopicsRequest = {
  apiKey: 19,
  name: 'CreateTopicsRequest',
  versions: '2-7',
  flexible: '5+',
  fields: {
    topics: {
      type: '[]',
      versions: '0+',
      fields: {
        name: { type: 'string', versions: '0+' },
        numPartitions: { type: 'int32', versions: '0+' },
        replicationFactor: { type: 'int16', versions: '0+' },
        assignments: {
          type: '[]',
          versions: '0+',
          fields: {
            partitionIndex: { type: 'int32', versions: '0+' },
            brokerIds: { type: '[]int32', versions: '0+' },
          },
        },
        configs: {
          type: '[]',
          versions: '0+',
          fields: {
            name: { type: 'string', versions: '0+' },
            value: { type: 'string', versions: '0+', nullable: '0+' },
          },
        },
      },
    },
    timeoutMs: { type: 'int32', versions: '0+', default: 60000 },
    validateOnly: { type: 'bool', versions: '1+', default: false },
  },
} as const satisfies MessageSchema
export type CreateTopicsRequest = MessageOf<typeof CreateTopicsRequest>

export const CreateTopicsResponse = {
  apiKey: 19,
  name: 'CreateTopicsResponse',
  versions: '2-7',
  flexible: '5+',
  fields: {
    throttleTimeMs: { type: 'int32', versions: '2+', ignorable: true },
    topics: {
      type: '[]',
      versions: '0+',
      fields: {
        name: { type: 'string', versions: '0+' },
        topicId: { type: 'uuid', versions: '7+', ignorable: true },
        errorCode: { type: 'int16', versions: '0+' },
        errorMessage: { type: 'string', versions: '1+', nullable: '0+', ignorable: true },
        topicConfigErrorCode: {
          type: 'int16',
          versions: '5+',
          tag: 0,
          tagged: '5+',
          ignorable: true,
        },
        numPartitions: { type: 'int32', versions: '5+', default: -1, ignorable: true },
        replicationFactor: { type: 'int16', versions: '5+', default: -1, ignorable: true },
        configs: {
          type: '[]',
          versions: '5+',
          nullable: '5+',
          ignorable: true,
          fields: {
            name: { type: 'string', versions: '5+' },
            value: { type: 'string', versions: '5+', nullable: '5+' },
            readOnly: { type: 'bool', versions: '5+' },
            configSource: { type: 'int8', versions: '5+', default: -1, ignorable: true },
            isSensitive: { type: 'bool', versions: '5+' },
          },
        },
      },
    },
  },
} as const satisfies MessageSchema
export type CreateTopicsResponse = MessageOf<typeof CreateTopicsResponse>
