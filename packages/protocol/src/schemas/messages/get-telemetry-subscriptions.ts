// SPDX-License-Identifier: Apache-2.0
import type { MessageOf, MessageSchema } from '../schema.ts'

/** GetTelemetrySubscriptions (key 71), versions 0, flexible from 0. */
export const GetTelemetrySubscriptionsRequest = {
  apiKey: 71,
  name: 'GetTelemetrySubscriptionsRequest',
  versions: '0',
  flexible: '0+',
  fields: {
    clientInstanceId: { type: 'uuid', versions: '0+' },
  },
} as const satisfies MessageSchema
export type GetTelemetrySubscriptionsRequest = MessageOf<typeof GetTelemetrySubscriptionsRequest>

export const GetTelemetrySubscriptionsResponse = {
  apiKey: 71,
  name: 'GetTelemetrySubscriptionsResponse',
  versions: '0',
  flexible: '0+',
  fields: {
    throttleTimeMs: { type: 'int32', versions: '0+' },
    errorCode: { type: 'int16', versions: '0+' },
    clientInstanceId: { type: 'uuid', versions: '0+' },
    subscriptionId: { type: 'int32', versions: '0+' },
    acceptedCompressionTypes: { type: '[]int8', versions: '0+' },
    pushIntervalMs: { type: 'int32', versions: '0+' },
    telemetryMaxBytes: { type: 'int32', versions: '0+' },
    deltaTemporality: { type: 'bool', versions: '0+' },
    requestedMetrics: { type: '[]string', versions: '0+' },
  },
} as const satisfies MessageSchema
export type GetTelemetrySubscriptionsResponse = MessageOf<typeof GetTelemetrySubscriptionsResponse>
