// SPDX-License-Identifier: Apache-2.0
import type { MessageOf, MessageSchema } from '../schema.ts'

/** DescribeUserScramCredentials (key 50), versions 0, flexible from 0. */
export const DescribeUserScramCredentialsRequest = {
  apiKey: 50,
  name: 'DescribeUserScramCredentialsRequest',
  versions: '0',
  flexible: '0+',
  fields: {
    users: {
      type: '[]',
      versions: '0+',
      nullable: '0+',
      fields: {
        name: { type: 'string', versions: '0+' },
      },
    },
  },
} as const satisfies MessageSchema
export type DescribeUserScramCredentialsRequest = MessageOf<
  typeof DescribeUserScramCredentialsRequest
>

export const DescribeUserScramCredentialsResponse = {
  apiKey: 50,
  name: 'DescribeUserScramCredentialsResponse',
  versions: '0',
  flexible: '0+',
  fields: {
    throttleTimeMs: { type: 'int32', versions: '0+' },
    errorCode: { type: 'int16', versions: '0+' },
    errorMessage: { type: 'string', versions: '0+', nullable: '0+' },
    results: {
      type: '[]',
      versions: '0+',
      fields: {
        user: { type: 'string', versions: '0+' },
        errorCode: { type: 'int16', versions: '0+' },
        errorMessage: { type: 'string', versions: '0+', nullable: '0+' },
        credentialInfos: {
          type: '[]',
          versions: '0+',
          fields: {
            mechanism: { type: 'int8', versions: '0+' },
            iterations: { type: 'int32', versions: '0+' },
          },
        },
      },
    },
  },
} as const satisfies MessageSchema
export type DescribeUserScramCredentialsResponse = MessageOf<
  typeof DescribeUserScramCredentialsResponse
>
