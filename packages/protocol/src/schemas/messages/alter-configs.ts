// SPDX-License-Identifier: Apache-2.0
import type { MessageOf, MessageSchema } from '../schema.ts'

/**
 * Replaces the configuration of resources; IncrementalAlterConfigs changes single keys. API key 33,
 * versions 0 to 2, flexible from 2.
 */
export const AlterConfigsRequest = {
  apiKey: 33,
  name: 'AlterConfigsRequest',
  versions: '0-2',
  flexible: '2+',
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
export type AlterConfigsRequest = MessageOf<typeof AlterConfigsRequest>

/**
 * Response of AlterConfigs, versions 0 to 2, flexible from 2.
 * - Version 1: sent before throttling (KIP-219).
 */
export const AlterConfigsResponse = {
  apiKey: 33,
  name: 'AlterConfigsResponse',
  versions: '0-2',
  flexible: '2+',
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
export type AlterConfigsResponse = MessageOf<typeof AlterConfigsResponse>
