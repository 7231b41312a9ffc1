// SPDX-License-Identifier: Apache-2.0
import type { MessageOf, MessageSchema } from '../schema.ts'

/**
 * Creates, replaces and deletes SCRAM credentials (KIP-554). API key 51, version 0, flexible from
 * 0.
 */
export const AlterUserScramCredentialsRequest = {
  apiKey: 51,
  name: 'AlterUserScramCredentialsRequest',
  versions: '0',
  flexible: '0+',
  fields: {
    /** SCRAM credentials to delete. */
    deletions: {
      type: '[]',
      versions: '0+',
      fields: {
        /** Name of the user. */
        name: { type: 'string', versions: '0+' },
        /** 1 SCRAM-SHA-256, 2 SCRAM-SHA-512. */
        mechanism: { type: 'int8', versions: '0+' },
      },
    },
    /** SCRAM credentials to create or replace. */
    upsertions: {
      type: '[]',
      versions: '0+',
      fields: {
        /** Name of the user. */
        name: { type: 'string', versions: '0+' },
        /** 1 SCRAM-SHA-256, 2 SCRAM-SHA-512. */
        mechanism: { type: 'int8', versions: '0+' },
        /** Number of iterations of the salted password (RFC 5802). */
        iterations: { type: 'int32', versions: '0+' },
        /** Salt of the SCRAM credential. */
        salt: { type: 'bytes', versions: '0+' },
        /** Salted password of the SCRAM credential. */
        saltedPassword: { type: 'bytes', versions: '0+' },
      },
    },
  },
} as const satisfies MessageSchema
export type AlterUserScramCredentialsRequest = MessageOf<typeof AlterUserScramCredentialsRequest>

/**
 * Response of AlterUserScramCredentials, version 0, flexible from 0.
 */
export const AlterUserScramCredentialsResponse = {
  apiKey: 51,
  name: 'AlterUserScramCredentialsResponse',
  versions: '0',
  flexible: '0+',
  fields: {
    /** Time for which the client is throttled by a quota; 0 for none. */
    throttleTimeMs: { type: 'int32', versions: '0+' },
    /** Results, in the order of the request. */
    results: {
      type: '[]',
      versions: '0+',
      fields: {
        /** Name of the user. */
        user: { type: 'string', versions: '0+' },
        /** Kafka's error code, 0 for none. */
        errorCode: { type: 'int16', versions: '0+' },
        /** Error message, or null. */
        errorMessage: { type: 'string', versions: '0+', nullable: '0+' },
      },
    },
  },
} as const satisfies MessageSchema
export type AlterUserScramCredentialsResponse = MessageOf<typeof AlterUserScramCredentialsResponse>
