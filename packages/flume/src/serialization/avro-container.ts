// SPDX-License-Identifier: Apache-2.0
import { stat } from 'node:fs/promises'
import avsc from 'avsc'
import { Event, newHeaders } from '../event.ts'
import type { EventReader, FileBatch } from './deserializers.ts'

/**
 * Reads an Avro container: the body of each event is the binary encoding of a record, and a header
 * has the schema, as in Flume's AvroEventDeserializer. Cursors count records.
 */
export async function openAvroContainer(
  path: string,
  schemaType: 'HASH' | 'LITERAL',
): Promise<EventReader> {
  // A missing file fails here, not at the first read.
  await stat(path)
  const decoder = avsc.createFileDecoder(path)
  const records = decoder[Symbol.asyncIterator]() as AsyncIterator<unknown>
  let type: avsc.Type | undefined
  let schemaHeader: readonly [string, string] = ['', '']
  decoder.on('metadata', (found: avsc.Type) => {
    type = found
    schemaHeader =
      schemaType === 'LITERAL'
        ? ['flume.avro.schema.literal', JSON.stringify(found.schema({ exportAttrs: true }))]
        : ['flume.avro.schema.hash', fingerprint(JSON.stringify(found.schema()))]
  })
  let next = 0
  return {
    async read(cursor, max): Promise<FileBatch> {
      const events: Event[] = []
      const cursors: number[] = []
      while (events.length < max) {
        const { value, done } = await records.next()
        if (done === true) break
        const index = next++
        if (index < cursor) continue
        const headers = newHeaders()
        const [name, schema] = schemaHeader
        headers[name] = schema
        events.push(new Event((type as avsc.Type).toBuffer(value), headers))
        cursors.push(index)
      }
      return { events, cursors, end: next }
    },
    async close() {
      decoder.destroy()
    },
  }
}

const EMPTY = 0xc15d213aa4d7a795n
const TABLE = Array.from({ length: 256 }, (_, index) => {
  let value = BigInt(index)
  for (let i = 0; i < 8; i++) value = (value >> 1n) ^ (EMPTY & -(value & 1n))
  return BigInt.asUintN(64, value)
})

/** CRC-64-AVRO of a schema's canonical form in hexadecimal, in Java's byte order. */
export function fingerprint(canonical: string): string {
  let value = EMPTY
  for (const byte of Buffer.from(canonical)) {
    value = (value >> 8n) ^ (TABLE[Number((value ^ BigInt(byte)) & 0xffn)] as bigint)
  }
  const bytes = Buffer.alloc(8)
  bytes.writeBigUInt64LE(BigInt.asUintN(64, value))
  return bytes.toString('hex')
}
