// SPDX-License-Identifier: Apache-2.0
// Prints one trace from the sender to the handler.
import { Broker } from '@millrace/broker'
import { Consumer, Producer } from '@millrace/client'
import { propagation, trace } from '@opentelemetry/api'
import { W3CTraceContextPropagator } from '@opentelemetry/core'
import {
  BasicTracerProvider,
  InMemorySpanExporter,
  SimpleSpanProcessor,
} from '@opentelemetry/sdk-trace-base'
import { traceMillrace } from './tracing.ts'

const exporter = new InMemorySpanExporter()
trace.setGlobalTracerProvider(
  new BasicTracerProvider({ spanProcessors: [new SimpleSpanProcessor(exporter)] }),
)
propagation.setGlobalPropagator(new W3CTraceContextPropagator())
traceMillrace()

await using broker = await Broker.start()
const connection = { bootstrapServers: broker.address, network: broker.network }
await using producer = new Producer(connection)
await producer.send({ topic: 'orders', key: 'alice', value: 'tea', headers: { source: 'web' } })

await using consumer = new Consumer({
  ...connection,
  groupId: 'billing',
  topics: ['orders'],
  autoOffsetReset: 'earliest',
})
const end = new AbortController()
await consumer.run({ eachRecord: () => end.abort(), signal: end.signal })

const spans = exporter.getFinishedSpans()
for (const span of spans) console.log(`${span.name} ${span.spanContext().traceId.length}`)
const [sent, processed] = spans
console.log(
  sent?.spanContext().traceId === processed?.spanContext().traceId &&
    processed?.parentSpanContext?.spanId === sent?.spanContext().spanId
    ? 'one trace'
    : 'two traces',
)
