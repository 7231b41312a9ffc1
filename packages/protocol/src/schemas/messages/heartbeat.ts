// SPDX-License-Identifier: Apache-2.0
import type { MessageOf, MessageSchema } from '../schema.ts'

/** Heartbeat (key 12), versions 0-4, flexible from 4. */
export const HeartbeatRequest = {
  apiKey: 12,
  name: 'HeartbeatRequest',
  versions: '0-4',
  flexible: '4+',
  fields: {
    groupId: { type: 'string', versions: '0+' },
    generationId: { type: 'int32', versions: '0+' },
    memberId: { type: 'string', versions: '0+' },
    groupInstanceId: { type: 'string', versions: '3+', nullable: '3+', default: null },
  },
} as const satisfies MessageSchema
export type HeartbeatRequest = MessageOf<typeof HeartbeatRequest>

export const HeartbeatResponse = {
  apiKey: 12,
  name: 'HeartbeatResponse',
  versions: '0-4',
  flexible: '4+',
  fields: {
    throttleTimeMs: { type: 'int32', versions: '1+', ignorable: true },
    errorCode: { type: 'int16', versions: '0+' },
  },
} as const satisfies MessageSchema
export type HeartbeatResponse = MessageOf<typeof HeartbeatResponse>
