// SPDX-License-Identifier: Apache-2.0
import type { MessageOf, MessageSchema } from '../schema.ts'

/**
 * Deletes groups without members. API key 42, versions 0 to 3, flexible from 2.
 */
export const DeleteGroupsRequest = {
  apiKey: 42,
  name: 'DeleteGroupsRequest',
  versions: '0-3',
  flexible: '2+',
  fields: {
    /** Ids of the groups to delete. */
    groupsNames: { type: '[]string', versions: '0+' },
  },
} as const satisfies MessageSchema
export type DeleteGroupsRequest = MessageOf<typeof DeleteGroupsRequest>

/**
 * Response of DeleteGroups, versions 0 to 3, flexible from 2.
 * - Version 1: sent before throttling (KIP-219).
 * - Version 3: message of each group.
 */
export const DeleteGroupsResponse = {
  apiKey: 42,
  name: 'DeleteGroupsResponse',
  versions: '0-3',
  flexible: '2+',
  fields: {
    /** Time for which the client is throttled by a quota; 0 for none. */
    throttleTimeMs: { type: 'int32', versions: '0+' },
    /** Results, in the order of the request. */
    results: {
      type: '[]',
      versions: '0+',
      fields: {
        /** Id of the group. */
        groupId: { type: 'string', versions: '0+' },
        /** Kafka's error code, 0 for none. */
        errorCode: { type: 'int16', versions: '0+' },
        /** Error message, or null. */
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
