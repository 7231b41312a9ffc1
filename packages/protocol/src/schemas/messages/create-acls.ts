// SPDX-License-Identifier: Apache-2.0
import type { MessageOf, MessageSchema } from '../schema.ts'

/** CreateAcls (key 30), versions 1-3, flexible from 2. */
export const CreateAclsRequest = {
  apiKey: 30,
  name: 'CreateAclsRequest',
  versions: '1-3',
  flexible: '2+',
  fields: {
    creations: {
      type: '[]',
      versions: '0+',
      fields: {
        resourceType: { type: 'int8', versions: '0+' },
        resourceName: { type: 'string', versions: '0+' },
        resourcePatternType: { type: 'int8', versions: '1+', default: 3 },
        principal: { type: 'string', versions: '0+' },
        host: { type: 'string', versions: '0+' },
        operation: { type: 'int8', versions: '0+' },
        permissionType: { type: 'int8', versions: '0+' },
      },
    },
  },
} as const satisfies MessageSchema
export type CreateAclsRequest = MessageOf<typeof CreateAclsRequest>

export const CreateAclsResponse = {
  apiKey: 30,
  name: 'CreateAclsResponse',
  versions: '1-3',
  flexible: '2+',
  fields: {
    throttleTimeMs: { type: 'int32', versions: '0+' },
    results: {
      type: '[]',
      versions: '0+',
      fields: {
        errorCode: { type: 'int16', versions: '0+' },
        errorMessage: { type: 'string', versions: '0+', nullable: '0+' },
      },
    },
  },
} as const satisfies MessageSchema
export type CreateAclsResponse = MessageOf<typeof CreateAclsResponse>
