// SPDX-License-Identifier: Apache-2.0
import type { MessageOf, MessageSchema } from '../schema.ts'

/** AlterConfigs (key 33), versions 0-2, flexible from 2. */
export const AlterConfigsRequest = {
  apiKey: 33,
  name: 'AlterConfigsRequest',
  versions: '0-2',
  flexible: '2+',
  fields: {
    resources: {
      type: '[]',
      versions: '0+',
      fields: {
        resourceType: { type: 'int8', versions: '0+' },
        resourceName: { type: 'string', versions: '0+' },
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
    validateOnly: { type: 'bool', versions: '0+' },
  },
} as const satisfies MessageSchema
export type AlterConfigsRequest = MessageOf<typeof AlterConfigsRequest>

export const AlterConfigsResponse = {
  apiKey: 33,
  name: 'AlterConfigsResponse',
  versions: '0-2',
  flexible: '2+',
  fields: {
    throttleTimeMs: { type: 'int32', versions: '0+' },
    responses: {
      type: '[]',
      versions: '0+',
      fields: {
        errorCode: { type: 'int16', versions: '0+' },
        errorMessage: { type: 'string', versions: '0+', nullable: '0+' },
        resourceType: { type: 'int8', versions: '0+' },
        resourceName: { type: 'string', versions: '0+' },
      },
    },
  },
} as const satisfies MessageSchema
export type AlterConfigsResponse = MessageOf<typeof AlterConfigsResponse>
