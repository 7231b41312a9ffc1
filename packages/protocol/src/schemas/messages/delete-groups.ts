// SPDX-License-Identifier: Apache-2.0
import type { MessageOf, MessageSchema } from '../schema.ts'

/** DeleteGroups (key 42), versions 0-3, flexible from 2. */
export const DeleteGroupsRequest = {
  apiKey: 42,
  name: 'DeleteGroupsRequest',
  versions: '0-3',
  flexible: '2+',
  fields: {
    groupsNames: { type: '[]string', versions: '0+' },
  },
} as const satisfies MessageSchema
export type DeleteGroupsRequest = MessageOf<typeof DeleteGroupsRequest>

export const DeleteGroupsResponse = {
  apiKey: 42,
  name: 'DeleteGroupsResponse',
  versions: '0-3',
  flexible: '2+',
  fields: {
    throttleTimeMs: { type: 'int32', versions: '0+' },
    results: {
      type: '[]',
      versions: '0+',
      fields: {
        groupId: { type: 'string', versions: '0+' },
        errorCode: { type: 'int16', versions: '0+' },
        errorMessage: {
          type: 'string',
          versions: '3+',
          nullable: '3+',
          default: null,
          ignorable: true,
        },
      },
    },
  },
} as const satisfies MessageSchema
export type DeleteGroupsResponse = MessageOf<typeof DeleteGroupsResponse>
