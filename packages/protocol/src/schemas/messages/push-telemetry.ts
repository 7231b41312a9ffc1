// SPDX-License-Identifier: Apache-2.0
import type { MessageOf, MessageSchema } from '../schema.ts'

/** PushTelemetry (key 72), versions 0, flexible from 0. */
export const PushTelemetryRequest = {
  apiKey: 72,
  name: 'PushTelemetryRequest',
  versions: '0',
  flexible: '0+',
  fields: {
    clientInstanceId: { type: 'uuid', versions: '0+' },
    subscriptionId: { type: 'int32', versions: '0+' },
    terminating: { type: 'bool', versions: '0+' },
    compressionType: { type: 'int8', versions: '0+' },
    metrics: { type: 'bytes', versions: '0+' },
  },
} as const satisfies MessageSchema
export type PushTelemetryRequest = MessageOf<typeof PushTelemetryRequest>

export const PushTelemetryResponse = {
  apiKey: 72,
  name: 'PushTelemetryResponse',
  versions: '0',
  flexible: '0+',
  fields: {
    throttleTimeMs: { type: 'int32', versions: '0+' },
    errorCode: { type: 'int16', versions: '0+' },
  },
} as const satisfies MessageSchema
export type PushTelemetryResponse = MessageOf<typeof PushTelemetryResponse>
