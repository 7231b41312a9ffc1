// SPDX-License-Identifier: Apache-2.0
import { ByteReader, MalformedInputError } from '@millrace/base'
import { decodeValue, skipValue } from './codec/decode.ts'
import { Encoder } from './codec/encoder.ts'
import { type AmqpMap, type AmqpValue, Described, Typed, textOf } from './codec/types.ts'
import { HeaderSection, PropertiesSection } from './definitions/messaging.ts'

/** Numbers of the sections of a message, in the order they come (part 3, section 3.2). */
export const Section = {
  header: 0x70,
  deliveryAnnotations: 0x71,
  messageAnnotations: 0x72,
  properties: 0x73,
  applicationProperties: 0x74,
  data: 0x75,
  sequence: 0x76,
  value: 0x77,
  footer: 0x78,
} as const

const symbolicSections: Readonly<Record<string, number>> = {
  'amqp:header:list': 0x70,
  'amqp:delivery-annotations:map': 0x71,
  'amqp:message-annotations:map': 0x72,
  'amqp:properties:list': 0x73,
  'amqp:application-properties:map': 0x74,
  'amqp:data:binary': 0x75,
  'amqp:amqp-sequence:list': 0x76,
  'amqp:amqp-value:*': 0x77,
  'amqp:footer:map': 0x78,
}

/** Where a section lies: from its descriptor, from its value, and to where. */
interface Extent {
  readonly start: number
  readonly valueStart: number
  readonly end: number
}

/**
 * An encoded message and where its sections lie. Sections are decoded when asked for, and the bytes are never written
 * anew, so the bare message reaches its reader exactly as it was sent (part 3, section 3.2).
 */
export class EncodedMessage {
  /** The whole message. */
  readonly bytes: Buffer
  readonly #sections = new Map<number, Extent>()
  /** Where the body starts, its first section. */
  readonly bodyStart: number
  /** Where the body ends and the footer, if any, starts. */
  readonly bodyEnd: number
  /** The code of the body's sections, undefined for a message without a body. */
  readonly bodySection: number | undefined
  /** How many sections the body has: `data` and `sequence` may come several times. */
  readonly bodyCount: number

  /** Throws `MalformedInputError` when the sections are not what they should be, or out of order. */
  constructor(bytes: Buffer) {
    this.bytes = bytes
    const reader = new ByteReader(bytes)
    let last = 0
    let bodyStart = -1
    let bodyEnd = -1
    let bodySection: number | undefined
    let bodyCount = 0
    while (reader.remaining > 0) {
      const start = reader.offset
      const code = sectionCode(reader)
      const valueStart = reader.offset
      skipValue(reader)
      const repeats = code === last && (code === Section.data || code === Section.sequence)
      if (code < last || (code === last && !repeats)) {
        throw new MalformedInputError(`section 0x${code.toString(16)} after 0x${last.toString(16)}`)
      }
      if (code >= Section.data && code <= Section.value) {
        if (bodySection !== undefined && bodySection !== code) {
          throw new MalformedInputError('a body of two kinds of sections')
        }
        if (bodyStart < 0) bodyStart = start
        bodySection = code
        bodyEnd = reader.offset
        bodyCount++
        if (bodyCount === 1) this.#sections.set(code, { start, valueStart, end: reader.offset })
      } else {
        if (bodyStart < 0 && code === Section.footer) bodyStart = bodyEnd = start
        this.#sections.set(code, { start, valueStart, end: reader.offset })
      }
      last = code
    }
    this.bodyStart = bodyStart < 0 ? bytes.length : bodyStart
    this.bodyEnd = bodyEnd < 0 ? bytes.length : bodyEnd
    this.bodySection = bodySection
    this.bodyCount = bodyCount
  }

  /** Whether the message has a section, by its descriptor code. */
  has(section: number): boolean {
    return this.#sections.has(section)
  }

  /** The bytes of a section with its descriptor, empty when it is absent; of a body, its first section. */
  slice(section: number): Buffer {
    const extent = this.#sections.get(section)
    return extent === undefined ? noBytes : this.bytes.subarray(extent.start, extent.end)
  }

  #reader(section: number): ByteReader | undefined {
    const extent = this.#sections.get(section)
    if (extent === undefined) return undefined
    return new ByteReader(this.bytes, extent.valueStart, extent.end)
  }

  /** Header: durability, priority, life time, delivery count. */
  get header(): HeaderSection {
    const reader = this.#reader(Section.header)
    return reader === undefined ? {} : HeaderSection.decode(reader)
  }

  /** Properties: ids, addresses, content type, group. */
  get properties(): PropertiesSection {
    const reader = this.#reader(Section.properties)
    return reader === undefined ? {} : PropertiesSection.decode(reader)
  }

  /** Annotations for brokers. */
  get messageAnnotations(): ReadonlyMap<string, AmqpValue> {
    return this.#map(Section.messageAnnotations)
  }

  /** Annotations for the next hop. */
  get deliveryAnnotations(): ReadonlyMap<string, AmqpValue> {
    return this.#map(Section.deliveryAnnotations)
  }

  /** Properties of the application. */
  get applicationProperties(): ReadonlyMap<string, AmqpValue> {
    return this.#map(Section.applicationProperties)
  }

  #map(section: number): ReadonlyMap<string, AmqpValue> {
    const reader = this.#reader(section)
    if (reader === undefined) return noEntries
    const value = decodeValue(reader)
    if (!(value instanceof Map)) {
      if (value === null) return noEntries
      throw new MalformedInputError(`section 0x${section.toString(16)} is not a map`)
    }
    const map = new Map<string, AmqpValue>()
    for (const [key, entry] of value) map.set(textOf(key) ?? String(keyNumber(key)), entry)
    return map
  }

  /** All that comes before the body but the header and the delivery annotations, which are not the sender's alone. */
  get lasting(): Buffer {
    const annotations = this.#sections.get(Section.messageAnnotations)
    const first =
      annotations ??
      this.#sections.get(Section.properties) ??
      this.#sections.get(Section.applicationProperties)
    return first === undefined ? noBytes : this.bytes.subarray(first.start, this.bodyStart)
  }

  /** The body's sections as they came. */
  get bodyBytes(): Buffer {
    return this.bytes.subarray(this.bodyStart, this.bodyEnd)
  }

  /** Footer as it is encoded. */
  get footerBytes(): Buffer {
    return this.bytes.subarray(this.bodyEnd)
  }

  /** The body, decoded. Several `data` sections are joined, several sequences too. */
  get body(): MessageBody {
    const reader = new ByteReader(this.bytes, this.bodyStart, this.bodyEnd)
    const values: AmqpValue[] = []
    for (let i = 0; i < this.bodyCount; i++) {
      sectionCode(reader)
      values.push(decodeValue(reader))
    }
    switch (this.bodySection) {
      case undefined:
        return { kind: 'none' }
      case Section.data:
        return { kind: 'data', data: joinData(values) }
      case Section.sequence:
        return { kind: 'sequence', items: values.flatMap((value) => asList(value)) }
      default:
        return { kind: 'value', value: values[0] ?? null }
    }
  }
}

function joinData(values: readonly AmqpValue[]): Buffer {
  const parts = values.map((value) => {
    if (value instanceof Uint8Array) return value as Buffer
    throw new MalformedInputError('a data section without binary in it')
  })
  return parts.length === 1 ? (parts[0] as Buffer) : Buffer.concat(parts)
}

function asList(value: AmqpValue): readonly AmqpValue[] {
  if (Array.isArray(value)) return value
  throw new MalformedInputError('a sequence section without a list in it')
}

function keyNumber(key: AmqpValue): AmqpValue {
  return key instanceof Typed ? (key.value as AmqpValue) : key
}

const noBytes = Buffer.alloc(0)
const noEntries: ReadonlyMap<string, AmqpValue> = new Map()

function sectionCode(reader: ByteReader): number {
  const { buffer, offset } = reader
  if (buffer[offset] !== 0x00) {
    throw new MalformedInputError(`a section of a message was expected at ${offset}`)
  }
  let code: number
  if (buffer[offset + 1] === 0x53) {
    reader.skip(3)
    code = buffer[offset + 2] as number
  } else {
    reader.skip(1)
    code = codeOf(decodeValue(reader))
  }
  if (code < Section.header || code > Section.footer) {
    throw new MalformedInputError(`0x${code.toString(16)} at ${offset} is no section of a message`)
  }
  return code
}

function codeOf(descriptor: AmqpValue): number {
  if (descriptor instanceof Typed && descriptor.type === 'ulong') return Number(descriptor.value)
  return symbolicSections[textOf(descriptor) ?? ''] ?? -1
}

/** Body of a message: data, a value, or sequences. */
export type MessageBody =
  | { readonly kind: 'none' }
  | { readonly kind: 'data'; readonly data: Buffer }
  | { readonly kind: 'sequence'; readonly items: readonly AmqpValue[] }
  | { readonly kind: 'value'; readonly value: AmqpValue }

/** The parts of a message to be sent. */
export interface MessageInput {
  /** Header: durability, priority, life time, delivery count. */
  readonly header?: HeaderSection
  /** Annotations for the next hop. */
  readonly deliveryAnnotations?: ReadonlyMap<string, AmqpValue>
  /** Annotations for brokers. */
  readonly messageAnnotations?: ReadonlyMap<string, AmqpValue>
  /** Properties: ids, addresses, content type, group. */
  readonly properties?: PropertiesSection
  /** Properties of the application. */
  readonly applicationProperties?: ReadonlyMap<string, AmqpValue>
  /** Body. Default: null. */
  readonly body?: MessageBody
}

/** Writes a message; absent and empty sections are left out. */
export function encodeMessage(input: MessageInput): Buffer {
  const encoder = new Encoder(512)
  if (input.header !== undefined) HeaderSection.encode(encoder, input.header)
  encodeMap(encoder, Section.deliveryAnnotations, input.deliveryAnnotations)
  encodeMap(encoder, Section.messageAnnotations, input.messageAnnotations)
  if (input.properties !== undefined) PropertiesSection.encode(encoder, input.properties)
  const { applicationProperties } = input
  if (applicationProperties !== undefined && applicationProperties.size > 0) {
    encoder.descriptor(Section.applicationProperties)
    encoder.map(applicationProperties as AmqpMap)
  }
  if (input.body !== undefined) encodeBody(encoder, input.body)
  return encoder.finish()
}

function encodeMap(
  encoder: Encoder,
  section: number,
  entries: ReadonlyMap<string, AmqpValue> | undefined,
): void {
  if (entries === undefined || entries.size === 0) return
  encoder.descriptor(section)
  encoder.fields(entries)
}

function encodeBody(encoder: Encoder, body: MessageBody): void {
  switch (body.kind) {
    case 'none':
      return
    case 'data':
      encoder.descriptor(Section.data)
      return encoder.binary(body.data)
    case 'sequence':
      encoder.descriptor(Section.sequence)
      return encoder.value(body.items)
    default:
      encoder.descriptor(Section.value)
      return encoder.value(body.value)
  }
}

/** The value of an AMQP value section, when it is a described one that carries a command (a transaction's declare). */
export function describedBody(message: EncodedMessage): Described | undefined {
  const { body } = message
  return body.kind === 'value' && body.value instanceof Described ? body.value : undefined
}
