// SPDX-License-Identifier: Apache-2.0
import type { MessageOf, MessageSchema } from '../schema.ts'

/** FindCoordinator (key 10), versions 0-6, flexible from 3. */
export const FindCoordinatorRequest = {
  apiKey: 10,
  name: 'FindCoordinatorRequest',
  versions: '0-6',
  flexible: '3+',
  fields: {
    key: { type: 'string', versions: '0-3' },
    keyType: { type: 'int8', versions: '1+', default: 0 },
    coordinatorKeys: { type: '[]string', versions: '4+' },
  },
} as const satisfies MessageSchema
export type FindCoordinatorRequest = MessageOf<typeof FindCoordinatorRequest>

export const FindCoordinatorResponse = {
  apiKey: 10,
  name: 'FindCoordinatorResponse',
  versions: '0-6',
  flexible: '3+',
  fields: {
    throttleTimeMs: { type: 'int32', versions: '1+', ignorable: true },
    errorCode: { type: 'int16', versions: '0-3' },
    errorMessage: { type: 'string', versions: '1-3', nullable: '1-3', ignorable: true },
    nodeId: { type: 'int32', versions: '0-3' },
    host: { type: 'string', versions: '0-3' },
    port: { type: 'int32', versions: '0-3' },
    coordinators: {
      type: '[]',
      versions: '4+',
      fields: {
        key: { type: 'string', versions: '4+' },
        nodeId: { type: 'int32', versions: '4+' },
        host: { type: 'string', versions: '4+' },
        port: { type: 'int32', versions: '4+' },
        errorCode: { type: 'int16', versions: '4+' },
        errorMessage: { type: 'string', versions: '4+', nullable: '4+', ignorable: true },
      },
    },
  },
} as const satisfies MessageSchema
export type FindCoordinatorResponse = MessageOf<typeof FindCoordinatorResponse>
