// SPDX-License-Identifier: Apache-2.0
import type { Event } from '../event.ts'
import { AvroReader, AvroWriter } from '../serialization/avro-event.ts'

/** An event as an Avro datum, the format of `useFlumeEventFormat` and `parseAsFlumeEvent`. */
export function encodeFlumeEvent(event: Event): Buffer {
  const out = new AvroWriter(event.body.length + 256)
  out.event(event)
  return out.written()
}

/** Throws `MalformedInputError` for other bytes. */
export function decodeFlumeEvent(value: Buffer): Event {
  return new AvroReader(value).event()
}
