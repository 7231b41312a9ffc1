// SPDX-License-Identifier: Apache-2.0
import type { MessageOf, MessageSchema } from '../schema.ts'

/**
 * Sends metrics of a client (KIP-714). API key 72, version 0, flexible from 0.
 */
export const PushTelemetryRequest = {
  apiKey: 72,
  name: 'PushTelemetryRequest',
  versions: '0',
  flexible: '0+',
  fields: {
    /** Id of this client instance. */
    clientInstanceId: { type: 'uuid', versions: '0+' },
    /** Id of the subscription, which changes with the requested metrics. */
    subscriptionId: { type: 'int32', versions: '0+' },
    /** Whether this is the client's last push. */
    terminating: { type: 'bool', versions: '0+' },
    /** Compression type of the metrics. */
    compressionType: { type: 'int8', versions: '0+' },
    /** Metrics in OpenTelemetry's protobuf format, compressed. */
    metrics: { type: 'bytes', versions: '0+' },
  },
} as const satisfies MessageSchema
export type PushTelemetryRequest = MessageOf<typeof PushTelemetryRequest>

/**
 * Response of PushTelemetry, version 0, flexible from 0.
 */
export const PushTelemetryResponse = {
  apiKey: 72,
  name: 'PushTelemetryResponse',
  versions: '0',
  flexible: '0+',
  fields: {
    /** Time for which the client is throttled by a quota; 0 for none. */
    throttleTimeMs: { type: 'int32', versions: '0+' },
    /** Kafka's error code, 0 for none. */
    errorCode: { type: 'int16', versions: '0+' },
  },
} as const satisfies MessageSchema
export type PushTelemetryResponse = MessageOf<typeof PushTelemetryResponse>
