// SPDX-License-Identifier: Apache-2.0
import type { MessageOf, MessageSchema } from '../schema.ts'

/**
 * Lists ACLs that match a filter. API key 29, versions 1 to 3, flexible from 2.
 * - Version 1: pattern types (KIP-290).
 * - Version 3: resource type USER (KIP-373).
 */
export const DescribeAclsRequest = {
  apiKey: 29,
  name: 'DescribeAclsRequest',
  versions: '1-3',
  flexible: '2+',
  fields: {
    /** Code of the resource's type; 1 for any. */
    resourceTypeFilter: { type: 'int8', versions: '0+' },
    /** Name of the resource; null for any. */
    resourceNameFilter: { type: 'string', versions: '0+', nullable: '0+' },
    /** 1 any, 2 all patterns that match the name, 3 literal, 4 prefixed. */
    patternTypeFilter: { type: 'int8', versions: '1+', default: 3 },
    /** Principal in the ACL; null for any. */
    principalFilter: { type: 'string', versions: '0+', nullable: '0+' },
    /** Client host in the ACL; null for any. */
    hostFilter: { type: 'string', versions: '0+', nullable: '0+' },
    /** Code of the ACL operation. */
    operation: { type: 'int8', versions: '0+' },
    /** 1 any, 2 deny, 3 allow. */
    permissionType: { type: 'int8', versions: '0+' },
  },
} as const satisfies MessageSchema
export type DescribeAclsRequest = MessageOf<typeof DescribeAclsRequest>

/**
 * Response of DescribeAcls, versions 1 to 3, flexible from 2.
 * - Version 1: pattern types; sent before throttling (KIP-219).
 * - Version 3: resource type USER (KIP-373).
 */
export const DescribeAclsResponse = {
  apiKey: 29,
  name: 'DescribeAclsResponse',
  versions: '1-3',
  flexible: '2+',
  fields: {
    /** Time for which the client is throttled by a quota; 0 for none. */
    throttleTimeMs: { type: 'int32', versions: '0+' },
    /** Kafka's error code, 0 for none. */
    errorCode: { type: 'int16', versions: '0+' },
    /** Error message, or null. */
    errorMessage: { type: 'string', versions: '0+', nullable: '0+' },
    /** One entry per resource. */
    resources: {
      type: '[]',
      versions: '0+',
      fields: {
        /** Code of the resource's type. */
        resourceType: { type: 'int8', versions: '0+' },
        /** Name of the resource. */
        resourceName: { type: 'string', versions: '0+' },
        /** 3 literal, 4 prefixed. */
        patternType: { type: 'int8', versions: '1+', default: 3 },
        /** Entries of the access control list of this resource. */
        acls: {
          type: '[]',
          versions: '0+',
          fields: {
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
    },
  },
} as const satisfies MessageSchema
export type DescribeAclsResponse = MessageOf<typeof DescribeAclsResponse>
