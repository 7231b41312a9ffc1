// SPDX-License-Identifier: Apache-2.0
import type { MessageOf, MessageSchema } from '../schema.ts'

/**
 * Returns the metrics that the client should send (KIP-714). API key 71, version 0, flexible from
 * 0.
 */
export const GetTelemetrySubscriptionsRequest = {
  apiKey: 71,
  name: 'GetTelemetrySubscriptionsRequest',
  versions: '0',
  flexible: '0+',
  fields: {
    /** Id of this client instance; the zero id in the first request. */
    clientInstanceId: { type: 'uuid', versions: '0+' },
  },
} as const satisfies MessageSchema
export type GetTelemetrySubscriptionsRequest = MessageOf<typeof GetTelemetrySubscriptionsRequest>

/**
 * Response of GetTelemetrySubscriptions, version 0, flexible from 0.
 */
export const GetTelemetrySubscriptionsResponse = {
  apiKey: 71,
  name: 'GetTelemetrySubscriptionsResponse',
  versions: '0',
  flexible: '0+',
  fields: {
    /** Time for which the client is throttled by a quota; 0 for none. */
    throttleTimeMs: { type: 'int32', versions: '0+' },
    /** Kafka's error code, 0 for none. */
    errorCode: { type: 'int16', versions: '0+' },
    /** Id assigned to the client; zero if the client already has one. */
    clientInstanceId: { type: 'uuid', versions: '0+' },
    /** Id of the subscription, which changes with the requested metrics. */
    subscriptionId: { type: 'int32', versions: '0+' },
    /** Compression types that PushTelemetry may use, by number. */
    acceptedCompressionTypes: { type: '[]int8', versions: '0+' },
    /** Time between two pushes. */
    pushIntervalMs: { type: 'int32', versions: '0+' },
    /** Maximum number of bytes of metrics in one push. */
    telemetryMaxBytes: { type: 'int32', versions: '0+' },
    /** Whether counters are sent as deltas. */
    deltaTemporality: { type: 'bool', versions: '0+' },
    /** Prefixes of the metrics to send; empty for none, an empty prefix for all. */
    requestedMetrics: { type: '[]string', versions: '0+' },
  },
} as const satisfies MessageSchema
export type GetTelemetrySubscriptionsResponse = MessageOf<typeof GetTelemetrySubscriptionsResponse>
