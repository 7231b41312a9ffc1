// SPDX-License-Identifier: Apache-2.0
// Spans for sent and handled records, from the client's diagnostics channels. Copy it into your
// program and call it once.
import { subscribe } from 'node:diagnostics_channel'
import type { ConsumerRecord, ProducerRecord } from '@millrace/client'
import {
  context,
  propagation,
  ROOT_CONTEXT,
  type Span,
  SpanKind,
  SpanStatusCode,
  trace,
} from '@opentelemetry/api'

interface SendEvent {
  records: readonly ProducerRecord[]
  readonly topic: string | undefined
  readonly clientId: string
}

interface ProcessEvent {
  readonly record?: ConsumerRecord
  readonly batch?: readonly ConsumerRecord[]
  readonly groupId: string | undefined
  readonly error?: unknown
}

/** Attribute names of OpenTelemetry's semantic conventions for messaging. */
export function traceMillrace(): void {
  const tracer = trace.getTracer('millrace')
  const open = new WeakMap<object, Span>()

  subscribe('millrace:producer:send', (message) => {
    const event = message as SendEvent
    const topic = event.topic ?? event.records[0]?.topic ?? ''
    const span = tracer.startSpan(`send ${topic}`, {
      kind: SpanKind.PRODUCER,
      attributes: {
        'messaging.system': 'kafka',
        'messaging.operation.type': 'send',
        'messaging.destination.name': topic,
        'messaging.batch.message_count': event.records.length,
        'messaging.client.id': event.clientId,
      },
    })
    // The headers of each record carry the span context to its handler.
    const carrier: Record<string, string> = {}
    propagation.inject(trace.setSpan(context.active(), span), carrier)
    event.records = event.records.map((record) => ({
      ...record,
      headers: [
        ...headersOf(record),
        ...Object.entries(carrier).map(([key, value]) => ({ key, value })),
      ],
    }))
    span.end()
  })

  subscribe('millrace:consumer:process:start', (message) => {
    const event = message as ProcessEvent
    const record = event.record ?? event.batch?.[0]
    if (record === undefined) return
    const carrier = Object.fromEntries(record.headers.map(({ key, value }) => [key, String(value)]))
    const parent = propagation.extract(ROOT_CONTEXT, carrier)
    const span = tracer.startSpan(
      `process ${record.topic}`,
      {
        kind: SpanKind.CONSUMER,
        attributes: {
          'messaging.system': 'kafka',
          'messaging.operation.type': 'process',
          'messaging.destination.name': record.topic,
          'messaging.destination.partition.id': String(record.partition),
          'messaging.kafka.offset': Number(record.offset),
          'messaging.batch.message_count': event.batch?.length ?? 1,
          ...(event.groupId === undefined
            ? {}
            : { 'messaging.consumer.group.name': event.groupId }),
        },
      },
      parent,
    )
    open.set(event, span)
  })

  subscribe('millrace:consumer:process:end', (message) => {
    const { error } = message as ProcessEvent
    const span = open.get(message as object)
    if (error !== undefined) {
      span?.recordException(error as Error)
      span?.setStatus({ code: SpanStatusCode.ERROR })
    }
    span?.end()
  })
}

function headersOf({ headers }: ProducerRecord) {
  if (headers === undefined) return []
  if (Array.isArray(headers)) return headers
  return Object.entries(headers).flatMap(([key, value]) =>
    [value].flat().map((each) => ({ key, value: each })),
  )
}
