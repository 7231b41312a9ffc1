// SPDX-License-Identifier: Apache-2.0
import type { MessageOf, MessageSchema } from '../schema.ts'

/**
 * Asks which metrics the client should send (KIP-714). API key 71, version 0, flexible from 0.
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
    /** Id assigned to the client, or the zero id if it has one. */
    clientInstanceId: { type: 'uuid', versions: '0+' },
    /** Identifies the set of metrics that the client was asked for. */
    subscriptionId: { type: 'int32', versions: '0+' },
    /** Compression types that PushTelemetry may use, by their numbers. */
    acceptedCompressionTypes: { type: '[]int8', versions: '0+' },
    /** Time between two pushes. */
    pushIntervalMs: { type: 'int32', versions: '0+' },
    /** Most bytes of metrics in one push. */
    telemetryMaxBytes: { type: 'int32', versions: '0+' },
    /** Whether counters are sent as differences. */
    deltaTemporality: { type: 'bool', versions: '0+' },
    /** Prefixes of the metrics to send; empty for none, an empty prefix for all. */
    requestedMetrics: { type: '[]string', versions: '0+' },
  },
} as const satisfies MessageSchema
export type GetTelemetrySubscriptionsResponse = MessageOf<typeof GetTelemetrySubscriptionsResponse>
