// SPDX-License-Identifier: Apache-2.0
import type { MessageOf, MessageSchema } from '../schema.ts'

/**
 * Lists resources that have a configuration. Version 0 lists client metrics only (KIP-714). API key
 * 74, versions 0 to 1, flexible from 0.
 * - Version 1: types of resources (KIP-1142).
 */
export const ListConfigResourcesRequest = {
  apiKey: 74,
  name: 'ListConfigResourcesRequest',
  versions: '0-1',
  flexible: '0+',
  fields: {
    /** Types to list; empty for all that are supported. */
    resourceTypes: { type: '[]int8', versions: '1+' },
  },
} as const satisfies MessageSchema
export type ListConfigResourcesRequest = MessageOf<typeof ListConfigResourcesRequest>

/**
 * Response of ListConfigResources, versions 0 to 1, flexible from 0.
 * - Version 1: type of each resource (KIP-1142).
 */
export const ListConfigResourcesResponse = {
  apiKey: 74,
  name: 'ListConfigResourcesResponse',
  versions: '0-1',
  flexible: '0+',
  fields: {
    /** Time for which the client is throttled by a quota; 0 for none. */
    throttleTimeMs: { type: 'int32', versions: '0+' },
    /** Kafka's error code, 0 for none. */
    errorCode: { type: 'int16', versions: '0+' },
    /** Resources that have a configuration. */
    configResources: {
      type: '[]',
      versions: '0+',
      fields: {
        /** Name of the resource. */
        resourceName: { type: 'string', versions: '0+' },
        /** Code of the resource's type. */
        resourceType: { type: 'int8', versions: '1+', default: 16, ignorable: true },
      },
    },
  },
} as const satisfies MessageSchema
export type ListConfigResourcesResponse = MessageOf<typeof ListConfigResourcesResponse>
