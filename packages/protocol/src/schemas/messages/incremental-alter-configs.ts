// SPDX-License-Identifier: Apache-2.0
import type { MessageOf, MessageSchema } from '../schema.ts'

/**
 * Sets, deletes, appends to or subtracts from single keys (KIP-339). API key 44, versions 0 to 1,
 * flexible from 1.
 */
export const IncrementalAlterConfigsRequest = {
  apiKey: 44,
  name: 'IncrementalAlterConfigsRequest',
  versions: '0-1',
  flexible: '1+',
  fields: {
    /** One entry per resource. */
    resources: {
      type: '[]',
      versions: '0+',
      fields: {
        /** Code of the resource's type. */
        resourceType: { type: 'int8', versions: '0+' },
        /** Name of the resource. */
        resourceName: { type: 'string', versions: '0+' },
        /** Configuration entries. */
        configs: {
          type: '[]',
          versions: '0+',
          fields: {
            /** Key of the configuration. */
            name: { type: 'string', versions: '0+' },
            /** 0 set, 1 delete, 2 append to a list, 3 subtract from a list (KIP-339). */
            configOperation: { type: 'int8', versions: '0+' },
            /** Value, or null. */
            value: { type: 'string', versions: '0+', nullable: '0+' },
          },
        },
      },
    },
    /** Whether to validate the request without executing it. */
    validateOnly: { type: 'bool', versions: '0+' },
  },
} as const satisfies MessageSchema
export type IncrementalAlterConfigsRequest = MessageOf<typeof IncrementalAlterConfigsRequest>

/**
 * Response of IncrementalAlterConfigs, versions 0 to 1, flexible from 1.
 */
export const IncrementalAlterConfigsResponse = {
  apiKey: 44,
  name: 'IncrementalAlterConfigsResponse',
  versions: '0-1',
  flexible: '1+',
  fields: {
    /** Time for which the client is throttled by a quota; 0 for none. */
    throttleTimeMs: { type: 'int32', versions: '0+' },
    /** Results, in the order of the request. */
    responses: {
      type: '[]',
      versions: '0+',
      fields: {
        /** Kafka's error code for the topic, 0 for none. */
        errorCode: { type: 'int16', versions: '0+' },
        /** Error message, or null. */
        errorMessage: { type: 'string', versions: '0+', nullable: '0+' },
        /** Code of the resource's type. */
        resourceType: { type: 'int8', versions: '0+' },
        /** Name of the resource. */
        resourceName: { type: 'string', versions: '0+' },
      },
    },
  },
} as const satisfies MessageSchema
export type IncrementalAlterConfigsResponse = MessageOf<typeof IncrementalAlterConfigsResponse>
