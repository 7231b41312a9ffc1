// SPDX-License-Identifier: Apache-2.0
import type { MessageOf, MessageSchema } from '../schema.ts'

/** ListConfigResources (key 74), versions 0-1, flexible from 0. */
export const ListConfigResourcesRequest = {
  apiKey: 74,
  name: 'ListConfigResourcesRequest',
  versions: '0-1',
  flexible: '0+',
  fields: {
    resourceTypes: { type: '[]int8', versions: '1+' },
  },
} as const satisfies MessageSchema
export type ListConfigResourcesRequest = MessageOf<typeof ListConfigResourcesRequest>

export const ListConfigResourcesResponse = {
  apiKey: 74,
  name: 'ListConfigResourcesResponse',
  versions: '0-1',
  flexible: '0+',
  fields: {
    throttleTimeMs: { type: 'int32', versions: '0+' },
    errorCode: { type: 'int16', versions: '0+' },
    configResources: {
      type: '[]',
      versions: '0+',
      fields: {
        resourceName: { type: 'string', versions: '0+' },
        resourceType: { type: 'int8', versions: '1+', default: 16, ignorable: true },
      },
    },
  },
} as const satisfies MessageSchema
export type ListConfigResourcesResponse = MessageOf<typeof ListConfigResourcesResponse>
