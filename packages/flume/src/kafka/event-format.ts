// SPDX-License-Identifier: Apache-2.0
import type { Event } from '../event.ts'
import { AvroReader, AvroWriter } from '../serialization/avro-event.ts'

/** An event as one Avro datum, as Flume's Kafka components write it with `useFlumeEventFormat` and `parseAsFlumeEvent`. */
export function encodeFlumeEvent(event: Event): Buffer {
  const out = new AvroWriter(event.body.length + 256)
  out.event(event)
  return out.written()
}

/** Throws `MalformedInputError` for what is none. */
export function decodeFlumeEvent(value: Buffer): Event {
  return new AvroReader(value).event()
}
