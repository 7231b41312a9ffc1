// SPDX-License-Identifier: Apache-2.0
import type { MessageOf, MessageSchema } from '../schema.ts'

/** IncrementalAlterConfigs (key 44), versions 0-1, flexible from 1. */
export const IncrementalAlterConfigsRequest = {
  apiKey: 44,
  name: 'IncrementalAlterConfigsRequest',
  versions: '0-1',
  flexible: '1+',
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
            configOperation: { type: 'int8', versions: '0+' },
            value: { type: 'string', versions: '0+', nullable: '0+' },
          },
        },
      },
    },
    validateOnly: { type: 'bool', versions: '0+' },
  },
} as const satisfies MessageSchema
export type IncrementalAlterConfigsRequest = MessageOf<typeof IncrementalAlterConfigsRequest>

export const IncrementalAlterConfigsResponse = {
  apiKey: 44,
  name: 'IncrementalAlterConfigsResponse',
  versions: '0-1',
  flexible: '1+',
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
export type IncrementalAlterConfigsResponse = MessageOf<typeof IncrementalAlterConfigsResponse>
