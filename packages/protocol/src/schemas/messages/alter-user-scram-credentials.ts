// SPDX-License-Identifier: Apache-2.0
import type { MessageOf, MessageSchema } from '../schema.ts'

/** AlterUserScramCredentials (key 51), versions 0, flexible from 0. */
export const AlterUserScramCredentialsRequest = {
  apiKey: 51,
  name: 'AlterUserScramCredentialsRequest',
  versions: '0',
  flexible: '0+',
  fields: {
    deletions: {
      type: '[]',
      versions: '0+',
      fields: {
        name: { type: 'string', versions: '0+' },
        mechanism: { type: 'int8', versions: '0+' },
      },
    },
    upsertions: {
      type: '[]',
      versions: '0+',
      fields: {
        name: { type: 'string', versions: '0+' },
        mechanism: { type: 'int8', versions: '0+' },
        iterations: { type: 'int32', versions: '0+' },
        salt: { type: 'bytes', versions: '0+' },
        saltedPassword: { type: 'bytes', versions: '0+' },
      },
    },
  },
} as const satisfies MessageSchema
export type AlterUserScramCredentialsRequest = MessageOf<typeof AlterUserScramCredentialsRequest>

export const AlterUserScramCredentialsResponse = {
  apiKey: 51,
  name: 'AlterUserScramCredentialsResponse',
  versions: '0',
  flexible: '0+',
  fields: {
    throttleTimeMs: { type: 'int32', versions: '0+' },
    results: {
      type: '[]',
      versions: '0+',
      fields: {
        user: { type: 'string', versions: '0+' },
        errorCode: { type: 'int16', versions: '0+' },
        errorMessage: { type: 'string', versions: '0+', nullable: '0+' },
      },
    },
  },
} as const satisfies MessageSchema
export type AlterUserScramCredentialsResponse = MessageOf<typeof AlterUserScramCredentialsResponse>
