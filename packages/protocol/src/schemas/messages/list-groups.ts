// SPDX-License-Identifier: Apache-2.0
import type { MessageOf, MessageSchema } from '../schema.ts'

/**
 * Lists the groups of a coordinator. API key 16, versions 0 to 5, flexible from 3.
 * - Version 4: filter by state (KIP-518).
 * - Version 5: filter by type (KIP-848).
 */
export const ListGroupsRequest = {
  apiKey: 16,
  name: 'ListGroupsRequest',
  versions: '0-5',
  flexible: '3+',
  fields: {
    /** Only groups in these states; empty for all. */
    statesFilter: { type: '[]string', versions: '4+' },
    /** Only groups of these types; empty for all. */
    typesFilter: { type: '[]string', versions: '5+' },
  },
} as const satisfies MessageSchema
export type ListGroupsRequest = MessageOf<typeof ListGroupsRequest>

/**
 * Response of ListGroups, versions 0 to 5, flexible from 3.
 * - Version 1: throttle time.
 * - Version 2: sent before throttling (KIP-219).
 * - Version 4: states (KIP-518).
 * - Version 5: types (KIP-848).
 */
export const ListGroupsResponse = {
  apiKey: 16,
  name: 'ListGroupsResponse',
  versions: '0-5',
  flexible: '3+',
  fields: {
    /** Time for which the client is throttled by a quota; 0 for none. */
    throttleTimeMs: { type: 'int32', versions: '1+', ignorable: true },
    /** Kafka's error code, 0 for none. */
    errorCode: { type: 'int16', versions: '0+' },
    /** One entry per group. */
    groups: {
      type: '[]',
      versions: '0+',
      fields: {
        /** Id of the group. */
        groupId: { type: 'string', versions: '0+' },
        /** Protocol type, such as `consumer` or `connect`. */
        protocolType: { type: 'string', versions: '0+' },
        /** State of the group, such as `Stable`. */
        groupState: { type: 'string', versions: '4+', ignorable: true },
        /** Type of the group: `classic`, `consumer`, `share` or `streams`. */
        groupType: { type: 'string', versions: '5+', ignorable: true },
      },
    },
  },
} as const satisfies MessageSchema
export type ListGroupsResponse = MessageOf<typeof ListGroupsResponse>
