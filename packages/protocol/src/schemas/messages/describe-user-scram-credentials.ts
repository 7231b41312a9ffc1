// SPDX-License-Identifier: Apache-2.0
import type { MessageOf, MessageSchema } from '../schema.ts'

/**
 * Lists the SCRAM mechanisms of users, without secrets (KIP-554). API key 50, version 0, flexible
 * from 0.
 */
export const DescribeUserScramCredentialsRequest = {
  apiKey: 50,
  name: 'DescribeUserScramCredentialsRequest',
  versions: '0',
  flexible: '0+',
  fields: {
    /** Users to describe; null or empty for all. */
    users: {
      type: '[]',
      versions: '0+',
      nullable: '0+',
      fields: {
        /** Name of the user. */
        name: { type: 'string', versions: '0+' },
      },
    },
  },
} as const satisfies MessageSchema
export type DescribeUserScramCredentialsRequest = MessageOf<
  typeof DescribeUserScramCredentialsRequest
>

/**
 * Response of DescribeUserScramCredentials, version 0, flexible from 0.
 */
export const DescribeUserScramCredentialsResponse = {
  apiKey: 50,
  name: 'DescribeUserScramCredentialsResponse',
  versions: '0',
  flexible: '0+',
  fields: {
    /** Time for which the client is throttled by a quota; 0 for none. */
    throttleTimeMs: { type: 'int32', versions: '0+' },
    /** Kafka's error code, 0 for none. */
    errorCode: { type: 'int16', versions: '0+' },
    /** Error message, or null. */
    errorMessage: { type: 'string', versions: '0+', nullable: '0+' },
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
        /** SCRAM mechanisms of the user, without secrets. */
        credentialInfos: {
          type: '[]',
          versions: '0+',
          fields: {
            /** 1 SCRAM-SHA-256, 2 SCRAM-SHA-512. */
            mechanism: { type: 'int8', versions: '0+' },
            /** Number of iterations of the salted password (RFC 5802). */
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
