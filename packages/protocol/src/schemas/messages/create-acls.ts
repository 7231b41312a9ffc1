// SPDX-License-Identifier: Apache-2.0
import type { MessageOf, MessageSchema } from '../schema.ts'

/**
 * Creates ACLs. API key 30, versions 1 to 3, flexible from 2.
 * - Version 1: pattern types (KIP-290).
 * - Version 3: resource type USER (KIP-373).
 */
export const CreateAclsRequest = {
  apiKey: 30,
  name: 'CreateAclsRequest',
  versions: '1-3',
  flexible: '2+',
  fields: {
    /** ACLs to create. */
    creations: {
      type: '[]',
      versions: '0+',
      fields: {
        /** Code of the resource's type. */
        resourceType: { type: 'int8', versions: '0+' },
        /** Name of the resource. */
        resourceName: { type: 'string', versions: '0+' },
        /** 3 literal, 4 prefixed. */
        resourcePatternType: { type: 'int8', versions: '1+', default: 3 },
        /** Principal, such as `User:alice`. */
        principal: { type: 'string', versions: '0+' },
        /** Client host that the ACL applies to; `*` for all. */
        host: { type: 'string', versions: '0+' },
        /** Code of the ACL operation. */
        operation: { type: 'int8', versions: '0+' },
        /** 2 deny, 3 allow. */
        permissionType: { type: 'int8', versions: '0+' },
      },
    },
  },
} as const satisfies MessageSchema
export type CreateAclsRequest = MessageOf<typeof CreateAclsRequest>

/**
 * Response of CreateAcls, versions 1 to 3, flexible from 2.
 * - Version 1: sent before throttling (KIP-219).
 */
export const CreateAclsResponse = {
  apiKey: 30,
  name: 'CreateAclsResponse',
  versions: '1-3',
  flexible: '2+',
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
      },
    },
  },
} as const satisfies MessageSchema
export type CreateAclsResponse = MessageOf<typeof CreateAclsResponse>
