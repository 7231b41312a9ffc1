// SPDX-License-Identifier: Apache-2.0
import { elementAt } from '@millrace/base'
import type { ComponentContext } from '../component.ts'
import {
  boolean,
  type CheckProblem,
  type Keys,
  type PartType,
  type ValuesOf,
} from '../config/keys.ts'
import { checkPart, findPart, missingClass, type Part, readPart } from '../config/part.ts'
import { DeliveryError } from '../errors.ts'
import type { Event } from '../event.ts'
import { AvroBlocks, avroFileKeys } from './avro-blocks.ts'
import { AvroBodies, avroBodyKeys, checkAvroBodies } from './avro-bodies.ts'
import { javaMapText } from './java-map-text.ts'

/** Serializes the events of one file. */
export interface EventSerializer {
  /** Bytes at the start of a file. */
  begin(): Uint8Array
  /** Bytes of a batch, in several buffers. */
  write(events: readonly Event[]): Uint8Array[]
  /** Whether an event can be in this file; if not, it starts another one. Default: any can. */
  accepts?(event: Event): boolean
}

/** The serializers of a sink's files. */
export interface FileSerializers {
  /** Serializer of a file, and of its first event. */
  newSerializer(first: Event): EventSerializer
  /**
   * Loads what the serializers of a batch need. Rejects if an event cannot be written. Default:
   * nothing is needed.
   */
  prepare?(events: readonly Event[]): Promise<void>
  /** Called after the last event. */
  close?(): void
}

/** A kind of serializer; `create` is called for each file. */
export interface SerializerDefinition<K extends Keys = Keys> extends Part<K> {
  create(config: ValuesOf<K>): EventSerializer
}

/** Number of events from `at` that can be in the file of the first one. */
export function acceptedCount(
  serializer: EventSerializer,
  events: readonly Event[],
  at: number,
): number {
  if (serializer.accepts === undefined) return events.length - at
  let end = at + 1
  while (end < events.length && serializer.accepts(elementAt(events, end))) end++
  return end - at
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

const EVENT_SCHEMA = JSON.stringify({
  type: 'record',
  name: 'Event',
  fields: [
    { name: 'headers', type: { type: 'map', values: 'string' } },
    { name: 'body', type: 'bytes' },
  ],
})

/** An Avro container of {headers, body}. */
const avroEvent: SerializerDefinition<typeof avroFileKeys> = {
  type: 'AVRO_EVENT',
  aliases: ['org.apache.flume.serialization.FlumeEventAvroEventSerializer$Builder'],
  keys: avroFileKeys,
  create(config) {
    const blocks = new AvroBlocks(EVENT_SCHEMA, config)
    return {
      begin: () => blocks.begin(),
      write: (events) => blocks.write(events, (out, event) => out.event(event)),
    }
  },
}

/** Its serializers need the schemas of events: `fileSerializers` creates them. */
const avroBodies: Part<typeof avroBodyKeys> = {
  type: 'AVRO',
  aliases: [
    'org.apache.flume.sink.hdfs.AvroEventSerializer$Builder',
    'org.apache.flume.serialization.AvroEventSerializer$Builder',
  ],
  keys: avroBodyKeys,
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

const serializers = [text, headerAndText, avroEvent, json] as readonly SerializerDefinition[]

const all: readonly Part[] = [...serializers, avroBodies]

/** Problems with the type and entries of a serializer. `key` is the spelling of its type. */
export function checkSerializer(
  key: string,
  part: PartType,
  entries: ReadonlyMap<string, string>,
): CheckProblem[] {
  const problems = checkPart(all, key, part, entries, { isLate: true })
  if (problems.length > 0 || !isAvroBodies(part)) return problems
  return checkAvroBodies(key, readPart(avroBodies, entries), entries)
}

function isAvroBodies(part: PartType): boolean {
  return missingClass(all, part) === undefined && findPart(all, part) === avroBodies
}

/** The serializers of a sink's files. */
export function fileSerializers(
  part: PartType,
  entries: ReadonlyMap<string, string>,
  context: ComponentContext,
): FileSerializers {
  if (!isAvroBodies(part)) return { newSerializer: serializerFactory(part, entries) }
  const bodies = new AvroBodies(readPart(avroBodies, entries), context)
  return {
    newSerializer: (first) => bodies.newSerializer(first),
    prepare: (events) => bodies.prepare(events),
    close: () => bodies.close(),
  }
}

/** Returns a function that creates a serializer for each file, for types that need no schemas. */
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
  const definition = findPart(serializers, part)
  const config = readPart(definition, entries)
  return () => definition.create(config)
}
