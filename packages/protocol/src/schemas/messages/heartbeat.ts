// SPDX-License-Identifier: Apache-2.0
import type { MessageOf, MessageSchema } from '../schema.ts'

/**
 * Keeps a member of a classic group alive, and reports rebalances. API key 12, versions 0 to 4,
 * flexible from 4.
 * - Version 3: static members (KIP-345).
 */
export const HeartbeatRequest = {
  apiKey: 12,
  name: 'HeartbeatRequest',
  versions: '0-4',
  flexible: '4+',
  fields: {
    /** Id of the group. */
    groupId: { type: 'string', versions: '0+' },
    /** Generation of the group that the member knows. */
    generationId: { type: 'int32', versions: '0+' },
    /** Id of the member. */
    memberId: { type: 'string', versions: '0+' },
    /** Name of a static member (KIP-345), or null. */
    groupInstanceId: { type: 'string', versions: '3+', nullable: '3+', default: null },
  },
} as const satisfies MessageSchema
export type HeartbeatRequest = MessageOf<typeof HeartbeatRequest>

/**
 * Response of Heartbeat, versions 0 to 4, flexible from 4.
 * - Version 1: throttle time.
 * - Version 2: sent before throttling (KIP-219).
 */
export const HeartbeatResponse = {
  apiKey: 12,
  name: 'HeartbeatResponse',
  versions: '0-4',
  flexible: '4+',
  fields: {
    /** Time for which the client is throttled by a quota; 0 for none. */
    throttleTimeMs: { type: 'int32', versions: '1+', ignorable: true },
    /** Kafka's error code, 0 for none. */
    errorCode: { type: 'int16', versions: '0+' },
  },
} as const satisfies MessageSchema
export type HeartbeatResponse = MessageOf<typeof HeartbeatResponse>
