// SPDX-License-Identifier: Apache-2.0
import { ByteReader, MalformedInputError } from '@millrace/base'
import { decodeValue, skipValue } from './codec/decode.ts'
import { Encoder } from './codec/encoder.ts'
import { type AmqpMap, type AmqpValue, Described, Typed, textOf } from './codec/types.ts'
import { HeaderSection, PropertiesSection } from './definitions/messaging.ts'

/** Descriptor codes of the message sections, in wire order (part 3, section 3.2). */
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

/** Offsets of a section: start of its descriptor, start of its value, and end. */
interface Extent {
  readonly start: number
  readonly valueStart: number
  readonly end: number
}

/**
 * An encoded message and the positions of its sections. Sections are decoded on demand and never
 * re-encoded, so the bare message reaches the receiver exactly as sent (part 3, section 3.2).
 */
export class EncodedMessage {
  /** The complete message. */
  readonly bytes: Buffer
  readonly #sections = new Map<number, Extent>()
  /** Start of the first body section. */
  readonly bodyStart: number
  /** End of the body, where the footer, if any, starts. */
  readonly bodyEnd: number
  /** Descriptor code of the body sections; undefined for a message without a body. */
  readonly bodySection: number | undefined
  /** Number of body sections: `data` and `sequence` sections may be repeated. */
  readonly bodyCount: number

  /**
   * Locates the sections. Throws `MalformedInputError` for sections that are malformed or out of
   * order.
   */
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
          throw new MalformedInputError('body with sections of different types')
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

  /** Whether the message has the section with a descriptor code. */
  has(section: number): boolean {
    return this.#sections.has(section)
  }

  /**
   * Bytes of a section including its descriptor, empty if it is absent. If a body section is
   * repeated, those of the first one.
   */
  slice(section: number): Buffer {
    const extent = this.#sections.get(section)
    return extent === undefined ? noBytes : this.bytes.subarray(extent.start, extent.end)
  }

  #reader(section: number): ByteReader | undefined {
    const extent = this.#sections.get(section)
    if (extent === undefined) return undefined
    return new ByteReader(this.bytes, extent.valueStart, extent.end)
  }

  /** Header: durability, priority, time to live, delivery count. */
  get header(): HeaderSection {
    const reader = this.#reader(Section.header)
    return reader === undefined ? {} : HeaderSection.decode(reader)
  }

  /** Properties: ids, addresses, content type, group. */
  get properties(): PropertiesSection {
    const reader = this.#reader(Section.properties)
    return reader === undefined ? {} : PropertiesSection.decode(reader)
  }

  /** Message annotations, for brokers. */
  get messageAnnotations(): ReadonlyMap<string, AmqpValue> {
    return this.#map(Section.messageAnnotations)
  }

  /** Delivery annotations, for the next hop. */
  get deliveryAnnotations(): ReadonlyMap<string, AmqpValue> {
    return this.#map(Section.deliveryAnnotations)
  }

  /** Application properties. */
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

  /**
   * All sections before the body except the header and the delivery annotations, which
   * intermediaries may change.
   */
  get lasting(): Buffer {
    const annotations = this.#sections.get(Section.messageAnnotations)
    const first =
      annotations ??
      this.#sections.get(Section.properties) ??
      this.#sections.get(Section.applicationProperties)
    return first === undefined ? noBytes : this.bytes.subarray(first.start, this.bodyStart)
  }

  /** The encoded body sections, unchanged. */
  get bodyBytes(): Buffer {
    return this.bytes.subarray(this.bodyStart, this.bodyEnd)
  }

  /** The encoded footer. */
  get footerBytes(): Buffer {
    return this.bytes.subarray(this.bodyEnd)
  }

  /** The decoded body. Several `data` or `sequence` sections are concatenated. */
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
    throw new MalformedInputError('data section without a binary value')
  })
  return parts.length === 1 ? (parts[0] as Buffer) : Buffer.concat(parts)
}

function asList(value: AmqpValue): readonly AmqpValue[] {
  if (Array.isArray(value)) return value
  throw new MalformedInputError('sequence section without a list')
}

function keyNumber(key: AmqpValue): AmqpValue {
  return key instanceof Typed ? (key.value as AmqpValue) : key
}

const noBytes = Buffer.alloc(0)
const noEntries: ReadonlyMap<string, AmqpValue> = new Map()

function sectionCode(reader: ByteReader): number {
  const { buffer, offset } = reader
  if (buffer[offset] !== 0x00) {
    throw new MalformedInputError(`expected a message section at ${offset}`)
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
    throw new MalformedInputError(`unknown message section 0x${code.toString(16)} at ${offset}`)
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

/** Sections of a message to encode. */
export interface MessageInput {
  /** Header: durability, priority, time to live, delivery count. */
  readonly header?: HeaderSection
  /** Delivery annotations, for the next hop. */
  readonly deliveryAnnotations?: ReadonlyMap<string, AmqpValue>
  /** Message annotations, for brokers. */
  readonly messageAnnotations?: ReadonlyMap<string, AmqpValue>
  /** Properties: ids, addresses, content type, group. */
  readonly properties?: PropertiesSection
  /** Application properties. */
  readonly applicationProperties?: ReadonlyMap<string, AmqpValue>
  /** Body. Default: null. */
  readonly body?: MessageBody
}

/** Encodes a message. Absent and empty sections are omitted. */
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

/**
 * Returns the described value of an AMQP value section, for example a declare command; undefined
 * for any other body.
 */
export function describedBody(message: EncodedMessage): Described | undefined {
  const { body } = message
  return body.kind === 'value' && body.value instanceof Described ? body.value : undefined
}
