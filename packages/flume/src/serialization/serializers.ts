// SPDX-License-Identifier: Apache-2.0
import { randomBytes } from 'node:crypto'
import { deflateRawSync } from 'node:zlib'
import {
  boolean,
  type CheckProblem,
  choice,
  integer,
  type Keys,
  type PartType,
  type ValuesOf,
} from '../config/keys.ts'
import { checkPart, findPart, missingClass, type Part, readPart } from '../config/part.ts'
import { DeliveryError } from '../errors.ts'
import type { Event } from '../event.ts'
import { AvroWriter } from './avro-event.ts'
import { javaMapText } from './java-map-text.ts'

/** Serializes the events of one file. */
export interface EventSerializer {
  /** Bytes at the start of a file. */
  begin(): Uint8Array
  /** Bytes of a batch, in several buffers. */
  write(events: readonly Event[]): Uint8Array[]
}

/** A kind of serializer; `create` is called for each file. */
export interface SerializerDefinition<K extends Keys = Keys> extends Part<K> {
  create(config: ValuesOf<K>): EventSerializer
}

const NOTHING = new Uint8Array(0)
const NEWLINE = Buffer.from('\n')

const textKeys = { appendNewline: boolean(true) }

const text: SerializerDefinition<typeof textKeys> = {
  type: 'TEXT',
  aliases: ['org.apache.flume.serialization.BodyTextEventSerializer$Builder'],
  keys: textKeys,
  create: ({ appendNewline }) => ({
    begin: () => NOTHING,
    write: (events) => [joined(events, appendNewline)],
  }),
}

/** All bodies in one buffer. */
function joined(events: readonly Event[], appendNewline: boolean): Buffer {
  const extra = appendNewline ? 1 : 0
  let size = events.length * extra
  for (const { body } of events) size += body.length
  const all = Buffer.allocUnsafeSlow(size)
  let at = 0
  for (const { body } of events) {
    all.set(body, at)
    at += body.length
    if (appendNewline) all[at++] = 0x0a
  }
  return all
}

const headerAndText: SerializerDefinition<typeof textKeys> = {
  type: 'HEADER_AND_TEXT',
  aliases: ['org.apache.flume.serialization.HeaderAndBodyTextEventSerializer$Builder'],
  keys: textKeys,
  create: ({ appendNewline }) => ({
    begin: () => NOTHING,
    write: (events) =>
      events.flatMap(({ headers, body }) => {
        const start = Buffer.from(`${javaMapText(headers)} `)
        return appendNewline ? [start, body, NEWLINE] : [start, body]
      }),
  }),
}

const avroKeys = {
  syncIntervalBytes: integer(2_048_000, { min: 32 }),
  compressionCodec: choice(['null', 'deflate'], 'null'),
}

const EVENT_SCHEMA = JSON.stringify({
  type: 'record',
  name: 'Event',
  fields: [
    { name: 'headers', type: { type: 'map', values: 'string' } },
    { name: 'body', type: 'bytes' },
  ],
})

/**
 * An Avro container of {headers, body}: a header, then blocks that end with the file's sync marker.
 */
class AvroEventSerializer implements EventSerializer {
  readonly #codec: 'null' | 'deflate'
  readonly #blockSize: number
  readonly #sync = randomBytes(16)

  constructor(config: ValuesOf<typeof avroKeys>) {
    this.#codec = config.compressionCodec
    this.#blockSize = config.syncIntervalBytes
  }

  begin(): Uint8Array {
    const out = new AvroWriter(512)
    out.raw(Buffer.from('Obj\x01', 'latin1'))
    out.long(2)
    out.string('avro.schema')
    out.bytes(Buffer.from(EVENT_SCHEMA))
    out.string('avro.codec')
    out.bytes(Buffer.from(this.#codec))
    out.long(0)
    out.raw(this.#sync)
    return out.written()
  }

  write(events: readonly Event[]): Uint8Array[] {
    const pieces: Uint8Array[] = []
    const block = new AvroWriter(4096)
    let count = 0
    const flush = (): void => {
      if (count === 0) return
      const plain = Buffer.from(block.written())
      const data = this.#codec === 'deflate' ? deflateRawSync(plain) : plain
      const head = new AvroWriter(32)
      head.long(count)
      head.long(data.length)
      pieces.push(head.written(), data, this.#sync)
      block.clear()
      count = 0
    }
    for (const event of events) {
      block.event(event)
      count++
      if (block.length >= this.#blockSize) flush()
    }
    flush()
    return pieces
  }
}

const avroEvent: SerializerDefinition<typeof avroKeys> = {
  type: 'AVRO_EVENT',
  aliases: ['org.apache.flume.serialization.FlumeEventAvroEventSerializer$Builder'],
  keys: avroKeys,
  create: (config) => new AvroEventSerializer(config),
}

const jsonKeys = {}

/**
 * One JSON object per line: `{"headers": {…}, "body": "…"}`, the format of the HTTP source's JSON
 * handler.
 */
const json: SerializerDefinition<typeof jsonKeys> = {
  type: 'JSON',
  aliases: [],
  keys: jsonKeys,
  create: () => ({
    begin: () => NOTHING,
    write: (events) => [
      Buffer.from(
        events
          .map(({ headers, body }) => `${JSON.stringify({ headers, body: body.toString() })}\n`)
          .join(''),
      ),
    ],
  }),
}

export const serializers = [text, headerAndText, avroEvent, json] as const

const all = serializers as readonly SerializerDefinition[]

/** Problems with the type and entries of a serializer. `key` is the spelling of its type. */
export function checkSerializer(
  key: string,
  part: PartType,
  entries: ReadonlyMap<string, string>,
): CheckProblem[] {
  const { type } = part
  if (/AvroEventSerializer(\$Builder)?$/.test(type) && !type.includes('FlumeEvent')) {
    return [
      {
        key,
        message: `is ${type}, which is not supported: bodies are not written under a schema of their own; use AVRO_EVENT or TEXT`,
      },
    ]
  }
  return checkPart(all, key, part, entries, { isLate: true })
}

/** Returns a function that creates a serializer for each file. */
export function serializerFactory(
  part: PartType,
  entries: ReadonlyMap<string, string>,
): () => EventSerializer {
  const missing = missingClass(all, part)
  if (missing !== undefined) {
    return () => {
      throw new DeliveryError(`serializer ${missing} is a Java class that is not here`)
    }
  }
  const definition = findPart(all, part)
  const config = readPart(definition, entries)
  return () => definition.create(config)
}
