// SPDX-License-Identifier: Apache-2.0
import type { MessageOf, MessageSchema } from '../schema.ts'

/**
 * Describes the configuration of topics, brokers, groups and client metrics. API key 32, versions 1
 * to 4, flexible from 4.
 * - Version 1: synonyms (KIP-226).
 * - Version 3: documentation (KIP-569).
 */
export const DescribeConfigsRequest = {
  apiKey: 32,
  name: 'DescribeConfigsRequest',
  versions: '1-4',
  flexible: '4+',
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
        /** Keys to describe; null for all. */
        configurationKeys: { type: '[]string', versions: '0+', nullable: '0+' },
      },
    },
    /** Whether to return all sources of each value. */
    includeSynonyms: { type: 'bool', versions: '1+', default: false },
    /** Whether to return the description of each key. */
    includeDocumentation: { type: 'bool', versions: '3+', default: false },
  },
} as const satisfies MessageSchema
export type DescribeConfigsRequest = MessageOf<typeof DescribeConfigsRequest>

/**
 * Response of DescribeConfigs, versions 1 to 4, flexible from 4.
 * - Version 1: source and synonyms of each value (KIP-226).
 * - Version 2: sent before throttling (KIP-219).
 * - Version 3: type and documentation (KIP-569).
 */
export const DescribeConfigsResponse = {
  apiKey: 32,
  name: 'DescribeConfigsResponse',
  versions: '1-4',
  flexible: '4+',
  fields: {
    /** Time for which the client is throttled by a quota; 0 for none. */
    throttleTimeMs: { type: 'int32', versions: '0+' },
    /** Results, in the order of the request. */
    results: {
      type: '[]',
      versions: '0+',
      fields: {
        /** Kafka's error code, 0 for none. */
        errorCode: { type: 'int16', versions: '0+' },
        /** Error message, or null. */
        errorMessage: { type: 'string', versions: '0+', nullable: '0+' },
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
            /** Whether the value cannot be changed. */
            readOnly: { type: 'bool', versions: '0+' },
            /** Source of the value: topic, dynamic broker, static broker, default and so on. */
            configSource: { type: 'int8', versions: '1+', default: -1, ignorable: true },
            /** Whether the value is a secret and therefore not returned. */
            isSensitive: { type: 'bool', versions: '0+' },
            /** All sources of the value, in order of precedence. */
            synonyms: {
              type: '[]',
              versions: '1+',
              ignorable: true,
              fields: {
                /** Key of the configuration. */
                name: { type: 'string', versions: '1+' },
                /** Value, or null. */
                value: { type: 'string', versions: '1+', nullable: '0+' },
                /** Source of the value. */
                source: { type: 'int8', versions: '1+' },
              },
            },
            /** Number of the value's type. */
            configType: { type: 'int8', versions: '3+', default: 0, ignorable: true },
            /** Description of the key. */
            documentation: { type: 'string', versions: '3+', nullable: '0+', ignorable: true },
          },
        },
      },
    },
  },
} as const satisfies MessageSchema
export type DescribeConfigsResponse = MessageOf<typeof DescribeConfigsResponse>
