// SPDX-License-Identifier: Apache-2.0
import type { MessageOf, MessageSchema } from '../schema.ts'

/** ListGroups (key 16), versions 0-5, flexible from 3. */
export const ListGroupsRequest = {
  apiKey: 16,
  name: 'ListGroupsRequest',
  versions: '0-5',
  flexible: '3+',
  fields: {
    statesFilter: { type: '[]string', versions: '4+' },
    typesFilter: { type: '[]string', versions: '5+' },
  },
} as const satisfies MessageSchema
export type ListGroupsRequest = MessageOf<typeof ListGroupsRequest>

export const ListGroupsResponse = {
  apiKey: 16,
  name: 'ListGroupsResponse',
  versions: '0-5',
  flexible: '3+',
  fields: {
    throttleTimeMs: { type: 'int32', versions: '1+', ignorable: true },
    errorCode: { type: 'int16', versions: '0+' },
    groups: {
      type: '[]',
      versions: '0+',
      fields: {
        groupId: { type: 'string', versions: '0+' },
        protocolType: { type: 'string', versions: '0+' },
        groupState: { type: 'string', versions: '4+', ignorable: true },
        groupType: { type: 'string', versions: '5+', ignorable: true },
      },
    },
  },
} as const satisfies MessageSchema
export type ListGroupsResponse = MessageOf<typeof ListGroupsResponse>
