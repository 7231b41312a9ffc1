// SPDX-License-Identifier: Apache-2.0
import { type FileHandle, open } from 'node:fs/promises'
import { type Charset, charsetOf } from '../charsets/charset.ts'
import {
  type CheckProblem,
  choice,
  integer,
  type Keys,
  type PartType,
  parsed,
  type ValuesOf,
} from '../config/keys.ts'
import { checkPart, findPart, missingClass, type Part, readPart } from '../config/part.ts'
import { Event, type Headers, newHeaders } from '../event.ts'

/** Handling of bytes that are invalid in the character set. */
export type DecodeErrorPolicy = 'FAIL' | 'REPLACE' | 'IGNORE'

/** A file and how it is read. */
export interface InputOptions {
  /** Path of the file. */
  readonly path: string
  /** Character set of the file. */
  readonly charset: string
  /** Handling of bytes that are invalid in the character set. */
  readonly decodeErrorPolicy: DecodeErrorPolicy
}

/** Events of a file. `cursors` are ascending; `end` is the cursor of the next call. */
export interface FileBatch {
  /** Events that were read. */
  readonly events: readonly Event[]
  /** Position after each event. */
  readonly cursors: readonly number[]
  /** Position after the last event. */
  readonly end: number
}

/** Reads the events of one file, from any cursor that it returned before. */
export interface EventReader {
  /** Returns up to `max` events from a cursor; none at the end of the file. */
  read(cursor: number, max: number): Promise<FileBatch>
  /** Closes the file. */
  close(): Promise<void>
}

/** Opens files, one after another. */
export interface EventDeserializer {
  /** Opens a file for reading events. */
  open(input: InputOptions): Promise<EventReader>
}

export interface DeserializerDefinition<K extends Keys = Keys> extends Part<K> {
  create(config: ValuesOf<K>): EventDeserializer
}

const CHUNK = 256 * 1024
const NEWLINE = 0x0a

/** Reads a file piece by piece. */
class FileInput {
  readonly #handle: FileHandle

  constructor(handle: FileHandle) {
    this.#handle = handle
  }

  static async open(path: string): Promise<FileInput> {
    return new FileInput(await open(path, 'r'))
  }

  async read(position: number, size: number): Promise<Buffer> {
    const buffer = Buffer.allocUnsafeSlow(size)
    let count = 0
    while (count < size) {
      const { bytesRead } = await this.#handle.read(buffer, count, size - count, position + count)
      if (bytesRead === 0) break
      count += bytesRead
    }
    return buffer.subarray(0, count)
  }

  close(): Promise<void> {
    return this.#handle.close()
  }
}

/** Text of the file's character set in another one. */
function transcoder(
  { charset: name, decodeErrorPolicy }: InputOptions,
  output: Charset,
): (bytes: Buffer) => Buffer {
  const input = charsetOf(name)
  const isSame = isUtf8(input) && isUtf8(output)
  return (bytes) => {
    let decoded: string
    try {
      decoded = input.decodeStrictly(bytes)
      if (isSame) return bytes
    } catch {
      if (decodeErrorPolicy === 'FAIL') {
        throw new Error(
          `bytes that are not ${name} (decodeErrorPolicy = REPLACE or IGNORE reads on)`,
        )
      }
      decoded = input.decode(bytes)
      if (decodeErrorPolicy === 'IGNORE') decoded = decoded.replaceAll('\ufffd', '')
    }
    return output.encode(decoded)
  }
}

function isUtf8({ name }: Charset): boolean {
  return /^utf[-_]?8$/i.test(name.trim())
}

const UTF_8 = charsetOf('UTF-8')

const lineKeys = {
  maxLineLength: integer(2048, { min: 1 }),
  outputCharset: parsed(charsetOf, UTF_8),
}

class LineReader implements EventReader {
  readonly #input: FileInput
  readonly #maxLength: number
  readonly #convert: (bytes: Buffer) => Buffer
  readonly #toEvent: (line: Buffer) => Event

  constructor(
    input: FileInput,
    maxLength: number,
    convert: (bytes: Buffer) => Buffer,
    toEvent: (line: Buffer) => Event = (line) => new Event(line),
  ) {
    this.#input = input
    this.#maxLength = maxLength
    this.#convert = convert
    this.#toEvent = toEvent
  }

  async read(cursor: number, max: number): Promise<FileBatch> {
    let size = CHUNK
    for (;;) {
      const data = await this.#input.read(cursor, size)
      const isLast = data.length < size
      const batch = this.#cut(data, cursor, max, isLast)
      if (batch.events.length > 0 || isLast) return batch
      size *= 2
    }
  }

  #cut(data: Buffer, cursor: number, max: number, isLast: boolean): FileBatch {
    const events: Event[] = []
    const cursors: number[] = []
    let at = 0
    while (events.length < max && at < data.length) {
      const newline = data.indexOf(NEWLINE, at)
      if (newline < 0 && !isLast && data.length - at < this.#maxLength * 4) break
      const end = newline < 0 ? data.length : newline
      // The rest of a line that is too long is the next event, as in Flume.
      const cut = cutAt(data, at, end, this.#maxLength)
      events.push(this.#toEvent(this.#convert(data.subarray(at, cut))))
      cursors.push(cursor + at)
      at = cut === end && newline >= 0 ? end + 1 : cut
    }
    return { events, cursors, end: cursor + at }
  }

  close(): Promise<void> {
    return this.#input.close()
  }
}

/** End of a line of at most `max` characters with its line break; never inside a character. */
function cutAt(data: Buffer, from: number, end: number, max: number): number {
  if (end - from < max) return end
  let characters = 0
  for (let at = from; at < end; at++) {
    // Bytes 10xxxxxx continue the previous character.
    if (((data[at] as number) & 0xc0) === 0x80) continue
    if (characters === max) return at
    characters++
  }
  return end
}

const line: DeserializerDefinition<typeof lineKeys> = {
  type: 'LINE',
  aliases: ['org.apache.flume.serialization.LineDeserializer$Builder'],
  keys: lineKeys,
  create: ({ maxLineLength, outputCharset }) => ({
    async open(input) {
      const convert = transcoder(input, outputCharset)
      return new LineReader(await FileInput.open(input.path), maxLineLength, convert)
    },
  }),
}

const jsonKeys = { maxLineLength: integer(1_048_576, { min: 1 }) }

/** Lines of the JSON serializer: `{"headers": {…}, "body": "…"}`. */
const json: DeserializerDefinition<typeof jsonKeys> = {
  type: 'JSON',
  aliases: [],
  keys: jsonKeys,
  create: ({ maxLineLength }) => ({
    async open(input) {
      return new LineReader(
        await FileInput.open(input.path),
        maxLineLength,
        transcoder(input, UTF_8),
        (bytes) => jsonEvent(JSON.parse(bytes.toString())),
      )
    },
  }),
}

/** An event of `{headers, body}`; throws an `Error` that names the invalid part. */
export function jsonEvent(value: unknown): Event {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new Error(`an event is an object with headers and body, not ${JSON.stringify(value)}`)
  }
  const { headers = {}, body = '' } = value as {
    readonly headers?: unknown
    readonly body?: unknown
  }
  if (typeof headers !== 'object' || headers === null || Array.isArray(headers)) {
    throw new Error(`headers are an object, not ${JSON.stringify(headers)}`)
  }
  if (typeof body === 'object' && body !== null) {
    throw new Error(`a body is a text, not ${JSON.stringify(body).slice(0, 100)}`)
  }
  const table: Headers = newHeaders()
  for (const [name, header] of Object.entries(headers)) {
    if (typeof header === 'object' && header !== null) {
      throw new Error(`header ${name} is a text, not ${JSON.stringify(header)}`)
    }
    table[name] = String(header)
  }
  return new Event(Buffer.from(body === null ? '' : String(body)), table)
}

const blobKeys = { maxBlobLength: integer(100_000_000, { min: 1 }) }

/** The file as one event, or as several if it is larger than the limit. */
const blob: DeserializerDefinition<typeof blobKeys> = {
  type: 'BLOB',
  aliases: ['org.apache.flume.sink.solr.morphline.BlobDeserializer$Builder'],
  keys: blobKeys,
  create: ({ maxBlobLength }) => ({
    async open({ path }) {
      const input = await FileInput.open(path)
      return {
        async read(cursor) {
          const body = await input.read(cursor, maxBlobLength)
          if (body.length === 0) return { events: [], cursors: [], end: cursor }
          return { events: [new Event(body)], cursors: [cursor], end: cursor + body.length }
        },
        close: () => input.close(),
      }
    },
  }),
}

const avroKeys = { schemaType: choice(['HASH', 'LITERAL'], 'HASH') }

const avro: DeserializerDefinition<typeof avroKeys> = {
  type: 'AVRO',
  aliases: ['org.apache.flume.serialization.AvroEventDeserializer$Builder'],
  keys: avroKeys,
  create: ({ schemaType }) => ({
    async open({ path }) {
      const { openAvroContainer } = await import('./avro-container.ts')
      return openAvroContainer(path, schemaType)
    },
  }),
}

export const deserializers = [line, json, blob, avro] as const

const all = deserializers as readonly unknown[] as readonly DeserializerDefinition[]

/** Problems with the type and entries of a deserializer. */
export function checkDeserializer(
  part: PartType,
  entries: ReadonlyMap<string, string>,
): CheckProblem[] {
  return checkPart(all, 'deserializer', part, entries, { isLate: true })
}

/** Opens files with one kind of deserializer. */
export function readerFactory(
  part: PartType,
  entries: ReadonlyMap<string, string>,
): (input: InputOptions) => Promise<EventReader> {
  const missing = missingClass(all, part)
  if (missing !== undefined) {
    return async () => {
      throw new Error(`deserializer ${missing} is a Java class that is not here`)
    }
  }
  const definition = findPart(all, part)
  const deserializer = definition.create(readPart(definition, entries))
  return (input) => deserializer.open(input)
}

/** Name of a character set whose line break is the byte 10, as in all but UTF-16 and UTF-32. */
export function parseInputCharset(name: string): string {
  if (/^utf[-_]?(16|32)/i.test(name.trim())) throw new Error('a character set other than UTF-16')
  charsetOf(name)
  return name
}
