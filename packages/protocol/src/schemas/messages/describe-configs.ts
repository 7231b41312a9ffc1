// SPDX-License-Identifier: Apache-2.0
import type { MessageOf, MessageSchema } from '../schema.ts'

/** DescribeConfigs (key 32), versions 1-4, flexible from 4. */
export const DescribeConfigsRequest = {
  apiKey: 32,
  name: 'DescribeConfigsRequest',
  versions: '1-4',
  flexible: '4+',
  fields: {
    resources: {
      type: '[]',
      versions: '0+',
      fields: {
        resourceType: { type: 'int8', versions: '0+' },
        resourceName: { type: 'string', versions: '0+' },
        configurationKeys: { type: '[]string', versions: '0+', nullable: '0+' },
      },
    },
    includeSynonyms: { type: 'bool', versions: '1+', default: false },
    includeDocumentation: { type: 'bool', versions: '3+', default: false },
  },
} as const satisfies MessageSchema
export type DescribeConfigsRequest = MessageOf<typeof DescribeConfigsRequest>

export const DescribeConfigsResponse = {
  apiKey: 32,
  name: 'DescribeConfigsResponse',
  versions: '1-4',
  flexible: '4+',
  fields: {
    throttleTimeMs: { type: 'int32', versions: '0+' },
    results: {
      type: '[]',
      versions: '0+',
      fields: {
        errorCode: { type: 'int16', versions: '0+' },
        errorMessage: { type: 'string', versions: '0+', nullable: '0+' },
        resourceType: { type: 'int8', versions: '0+' },
        resourceName: { type: 'string', versions: '0+' },
        configs: {
          type: '[]',
          versions: '0+',
          fields: {
            name: { type: 'string', versions: '0+' },
            value: { type: 'string', versions: '0+', nullable: '0+' },
            readOnly: { type: 'bool', versions: '0+' },
            configSource: { type: 'int8', versions: '1+', default: -1, ignorable: true },
            isSensitive: { type: 'bool', versions: '0+' },
            synonyms: {
              type: '[]',
              versions: '1+',
              ignorable: true,
              fields: {
                name: { type: 'string', versions: '1+' },
                value: { type: 'string', versions: '1+', nullable: '0+' },
                source: { type: 'int8', versions: '1+' },
              },
            },
            configType: { type: 'int8', versions: '3+', default: 0, ignorable: true },
            documentation: { type: 'string', versions: '3+', nullable: '0+', ignorable: true },
          },
        },
      },
    },
  },
} as const satisfies MessageSchema
export type DescribeConfigsResponse = MessageOf<typeof DescribeConfigsResponse>
