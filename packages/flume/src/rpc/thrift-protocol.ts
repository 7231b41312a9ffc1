// SPDX-License-Identifier: Apache-2.0
import { type EncodingBuffer, MalformedInputError } from '@millrace/base'
import { Event, type Headers, newHeaders } from '../event.ts'

// Thrift's framed transport with its compact or binary protocol, as far as Flume's
// ThriftSourceProtocol needs them:   struct ThriftFlumeEvent { 1: required map<string,string>
// headers, 2: required binary body }   Status append(1: ThriftFlumeEvent event), Status
// appendBatch(1: list<ThriftFlumeEvent> events) Specifications: thrift-binary-protocol.md and
// thrift-compact-protocol.md.

export const Status = { OK: 0, FAILED: 1, ERROR: 2, UNKNOWN: 3 } as const

export type Encoding = 'compact' | 'binary'

export const MessageType = { call: 1, reply: 2, exception: 3 } as const

/** Type numbers of the binary protocol. */
const Type = {
  stop: 0,
  boolean: 2,
  byte: 3,
  double: 4,
  i16: 6,
  i32: 8,
  i64: 10,
  string: 11,
  struct: 12,
  map: 13,
  set: 14,
  list: 15,
} as const

/** Type numbers of the compact protocol. */
const COMPACT: Readonly<Record<number, number>> = {
  [Type.boolean]: 2,
  [Type.byte]: 3,
  [Type.i16]: 4,
  [Type.i32]: 5,
  [Type.i64]: 6,
  [Type.double]: 7,
  [Type.string]: 8,
  [Type.list]: 9,
  [Type.set]: 10,
  [Type.map]: 11,
  [Type.struct]: 12,
}
const FROM_COMPACT = new Map(
  Object.entries(COMPACT).map(([type, compact]) => [compact, Number(type)]),
)
FROM_COMPACT.set(1, Type.boolean)

const COMPACT_ID = 0x82
const BINARY_VERSION = 0x80010000

/** Writes one framed message. */
export class ThriftWriter {
  buffer = Buffer.allocUnsafeSlow(64 * 1024) as EncodingBuffer
  length = 4
  readonly #isCompact: boolean
  #lastField = 0

  constructor(encoding: Encoding) {
    this.#isCompact = encoding === 'compact'
  }

  #reserve(size: number): void {
    if (this.length + size <= this.buffer.length) return
    const grown = Buffer.allocUnsafeSlow(
      Math.max(this.buffer.length * 2, this.length + size),
    ) as EncodingBuffer
    this.buffer.copy(grown, 0, 0, this.length)
    this.buffer = grown
  }

  #byte(value: number): void {
    this.#reserve(1)
    this.buffer[this.length++] = value
  }

  #varint(value: number): void {
    let rest = value >>> 0
    while (rest > 0x7f) {
      this.#byte((rest & 0x7f) | 0x80)
      rest >>>= 7
    }
    this.#byte(rest)
  }

  #int32(value: number): void {
    if (this.#isCompact) {
      this.#varint((value << 1) ^ (value >> 31))
      return
    }
    this.#reserve(4)
    this.length = this.buffer.writeInt32BE(value, this.length)
  }

  begin(name: string, type: number, sequence: number): void {
    this.length = 4
    this.#lastField = 0
    if (this.#isCompact) {
      this.#byte(COMPACT_ID)
      this.#byte(1 | (type << 5))
      this.#varint(sequence)
      this.#bytes(Buffer.from(name))
      return
    }
    this.#reserve(4)
    this.length = this.buffer.writeUInt32BE((BINARY_VERSION | type) >>> 0, this.length)
    this.#bytes(Buffer.from(name))
    this.#reserve(4)
    this.length = this.buffer.writeInt32BE(sequence, this.length)
  }

  #bytes(value: Uint8Array): void {
    this.#size(value.length)
    this.#reserve(value.length)
    this.buffer.set(value, this.length)
    this.length += value.length
  }

  #string(value: string): void {
    const size = Buffer.byteLength(value)
    this.#size(size)
    this.#reserve(size)
    this.length += this.buffer.utf8Write(value, this.length, size)
  }

  #size(size: number): void {
    if (this.#isCompact) this.#varint(size)
    else {
      this.#reserve(4)
      this.length = this.buffer.writeInt32BE(size, this.length)
    }
  }

  #field(id: number, type: number): void {
    if (this.#isCompact) {
      this.#byte(((id - this.#lastField) << 4) | (COMPACT[type] as number))
      if (id === this.#lastField) this.#varint(id << 1)
      this.#lastField = id
      return
    }
    this.#byte(type)
    this.#reserve(2)
    this.length = this.buffer.writeInt16BE(id, this.length)
  }

  #event(event: Event): void {
    const outer = this.#lastField
    this.#lastField = 0
    this.#field(1, Type.map)
    const names = Object.keys(event.headers)
    if (this.#isCompact) {
      this.#varint(names.length)
      if (names.length > 0) this.#byte(0x88)
    } else {
      this.#byte(Type.string)
      this.#byte(Type.string)
      this.#size(names.length)
    }
    for (const name of names) {
      this.#string(name)
      this.#string(event.headers[name] as string)
    }
    this.#field(2, Type.string)
    this.#bytes(event.body)
    this.#byte(Type.stop)
    this.#lastField = outer
  }

  /** The arguments of `appendBatch`. */
  events(events: readonly Event[]): void {
    this.#field(1, Type.list)
    if (this.#isCompact) {
      const type = COMPACT[Type.struct] as number
      if (events.length < 15) this.#byte((events.length << 4) | type)
      else {
        this.#byte(0xf0 | type)
        this.#varint(events.length)
      }
    } else {
      this.#byte(Type.struct)
      this.#size(events.length)
    }
    for (const event of events) this.#event(event)
    this.#byte(Type.stop)
  }

  /** The result of either call. */
  status(status: number): void {
    if (this.#isCompact) {
      // Field 0 after 0: no difference, so the number is written out.
      this.#byte(COMPACT[Type.i32] as number)
      this.#varint(0)
    } else this.#field(0, Type.i32)
    this.#int32(status)
    this.#byte(Type.stop)
  }

  /** A TApplicationException; type 1 is an unknown method. */
  exception(message: string, type: number): void {
    this.#field(1, Type.string)
    this.#string(message)
    this.#field(2, Type.i32)
    this.#int32(type)
    this.#byte(Type.stop)
  }

  /** The message with its size in front; valid until `begin`. */
  finish(): Buffer {
    this.buffer.writeUInt32BE(this.length - 4, 0)
    return this.buffer.subarray(0, this.length)
  }
}

export interface ThriftMessage {
  readonly name: string
  readonly type: number
  readonly sequence: number
}

/** Reads one message without its size. */
export class ThriftReader {
  readonly #buffer: Buffer
  readonly #isCompact: boolean
  #offset = 0
  #lastField = 0

  constructor(buffer: Buffer, encoding: Encoding) {
    this.#buffer = buffer
    this.#isCompact = encoding === 'compact'
  }

  #need(size: number): number {
    const at = this.#offset
    if (size < 0 || at + size > this.#buffer.length) {
      throw new MalformedInputError(
        `needed ${size} bytes at ${at}, but the message has ${this.#buffer.length}`,
      )
    }
    this.#offset += size
    return at
  }

  #byte(): number {
    return this.#buffer[this.#need(1)] as number
  }

  #varint(): number {
    let value = 0
    for (let shift = 0; shift < 70; shift += 7) {
      const byte = this.#byte()
      if (shift < 35) value |= (byte & 0x7f) << shift
      if (byte < 0x80) return value >>> 0
    }
    throw new MalformedInputError('a number is longer than ten bytes')
  }

  #int32(): number {
    if (!this.#isCompact) return this.#buffer.readInt32BE(this.#need(4))
    const value = this.#varint()
    return (value >>> 1) ^ -(value & 1)
  }

  #size(): number {
    return this.#isCompact ? this.#varint() : this.#buffer.readInt32BE(this.#need(4))
  }

  #bytes(): Buffer {
    const size = this.#size()
    const at = this.#need(size)
    return this.#buffer.subarray(at, at + size)
  }

  #string(): string {
    return this.#bytes().toString()
  }

  begin(): ThriftMessage {
    if (this.#isCompact) {
      if (this.#byte() !== COMPACT_ID) {
        throw new MalformedInputError('not the compact protocol of Thrift; the peer may use binary')
      }
      const type = this.#byte() >> 5
      const sequence = this.#varint()
      return { type, sequence, name: this.#string() }
    }
    const version = this.#buffer.readUInt32BE(this.#need(4))
    if ((version & 0xffff0000) >>> 0 !== BINARY_VERSION) {
      throw new MalformedInputError('not the binary protocol of Thrift; the peer may use compact')
    }
    const name = this.#string()
    return { type: version & 0xff, name, sequence: this.#buffer.readInt32BE(this.#need(4)) }
  }

  /** The next field of a struct; undefined at its end. */
  #field(): { readonly id: number; readonly type: number; readonly isTrue: boolean } | undefined {
    const head = this.#byte()
    if (head === 0) return undefined
    if (!this.#isCompact) {
      return { type: head, id: this.#buffer.readInt16BE(this.#need(2)), isTrue: false }
    }
    const type = FROM_COMPACT.get(head & 0x0f)
    if (type === undefined) throw new MalformedInputError(`field of unknown type ${head & 0x0f}`)
    const delta = head >> 4
    const id = delta === 0 ? this.#int32() : this.#lastField + delta
    this.#lastField = id
    return { id, type, isTrue: (head & 0x0f) === 1 }
  }

  #struct(read: (id: number, type: number) => boolean): void {
    const outer = this.#lastField
    this.#lastField = 0
    for (let field = this.#field(); field !== undefined; field = this.#field()) {
      if (!read(field.id, field.type)) this.#skip(field.type, true)
    }
    this.#lastField = outer
  }

  #skip(type: number, isField = false): void {
    switch (type) {
      case Type.boolean:
        if (!this.#isCompact || !isField) this.#need(1)
        return
      case Type.byte:
        this.#need(1)
        return
      case Type.double:
        this.#need(8)
        return
      case Type.i16:
      case Type.i32:
      case Type.i64:
        if (this.#isCompact) this.#varint()
        else this.#need(type === Type.i16 ? 2 : type === Type.i32 ? 4 : 8)
        return
      case Type.string:
        this.#bytes()
        return
      case Type.struct:
        this.#struct(() => false)
        return
      case Type.map: {
        const { count, key, value } = this.#mapStart()
        for (let i = 0; i < count; i++) {
          this.#skip(key)
          this.#skip(value)
        }
        return
      }
      case Type.set:
      case Type.list: {
        const { count, type: item } = this.#listStart()
        for (let i = 0; i < count; i++) this.#skip(item)
        return
      }
      default:
        throw new MalformedInputError(`value of unknown type ${type}`)
    }
  }

  #mapStart(): { readonly count: number; readonly key: number; readonly value: number } {
    if (!this.#isCompact) {
      const key = this.#byte()
      const value = this.#byte()
      return { key, value, count: this.#checkCount(this.#size()) }
    }
    const count = this.#checkCount(this.#varint())
    const types = count === 0 ? 0 : this.#byte()
    return {
      count,
      key: FROM_COMPACT.get(types >> 4) ?? 0,
      value: FROM_COMPACT.get(types & 0x0f) ?? 0,
    }
  }

  #listStart(): { readonly count: number; readonly type: number } {
    if (!this.#isCompact) return { type: this.#byte(), count: this.#checkCount(this.#size()) }
    const head = this.#byte()
    const count = head >> 4 === 15 ? this.#varint() : head >> 4
    return { type: FROM_COMPACT.get(head & 0x0f) ?? 0, count: this.#checkCount(count) }
  }

  #checkCount(count: number): number {
    if (count < 0 || count > this.#buffer.length)
      throw new MalformedInputError(`${count} items in ${this.#buffer.length} bytes`)
    return count
  }

  #event(): Event {
    let headers: Headers = newHeaders()
    let body: Buffer | undefined
    this.#struct((id, type) => {
      if (id === 1 && type === Type.map) {
        headers = this.#headers()
        return true
      }
      if (id !== 2 || type !== Type.string) return false
      body = this.#bytes()
      return true
    })
    if (body === undefined) throw new MalformedInputError('an event without a body')
    return new Event(body, headers)
  }

  #headers(): Headers {
    const headers = newHeaders()
    const { count } = this.#mapStart()
    for (let i = 0; i < count; i++) {
      const name = this.#string()
      headers[name] = this.#string()
    }
    return headers
  }

  /** The arguments of `append` or `appendBatch`. */
  eventsOf(name: string): Event[] {
    const events: Event[] = []
    this.#struct((id, type) => {
      if (id !== 1) return false
      if (name === 'append' && type === Type.struct) {
        events.push(this.#event())
        return true
      }
      if (name !== 'appendBatch' || type !== Type.list) return false
      const { count } = this.#listStart()
      for (let i = 0; i < count; i++) events.push(this.#event())
      return true
    })
    return events
  }

  /** The result of either call; throws what a server's exception says. */
  status({ type }: ThriftMessage): number {
    let status: number = Status.UNKNOWN
    let message = ''
    this.#struct((id, fieldType) => {
      if (type === MessageType.exception && id === 1 && fieldType === Type.string) {
        message = this.#string()
        return true
      }
      if (id !== 0 || fieldType !== Type.i32) return false
      status = this.#int32()
      return true
    })
    if (type === MessageType.exception) throw new MalformedInputError(`the server says: ${message}`)
    return status
  }
}

/** Longest frame that libthrift 0.14 accepts by default, as Flume 1.11 uses it. */
export const MAX_FRAME_SIZE = 16_384_000

/** Cuts a stream into frames. Throws `MalformedInputError` for one above `MAX_FRAME_SIZE`. */
export class ThriftFramer {
  readonly #onFrame: (frame: Buffer) => void
  #chunks: Buffer[] = []
  #size = 0

  constructor(onFrame: (frame: Buffer) => void) {
    this.#onFrame = onFrame
  }

  /** Bytes of an incomplete frame. */
  get bufferedBytes(): number {
    return this.#size
  }

  push(chunk: Buffer): void {
    this.#chunks.push(chunk)
    this.#size += chunk.length
    for (;;) {
      if (this.#size < 4) return
      if ((this.#chunks[0] as Buffer).length < 4) this.#chunks = [Buffer.concat(this.#chunks)]
      const need = (this.#chunks[0] as Buffer).readUInt32BE(0)
      if (need > MAX_FRAME_SIZE) {
        throw new MalformedInputError(
          `not a Thrift frame, or too long: its size is ${need} bytes, more than ${MAX_FRAME_SIZE}`,
        )
      }
      if (this.#size < 4 + need) return
      const all =
        this.#chunks.length === 1 ? (this.#chunks[0] as Buffer) : Buffer.concat(this.#chunks)
      this.#chunks = all.length > 4 + need ? [all.subarray(4 + need)] : []
      this.#size -= 4 + need
      this.#onFrame(all.subarray(4, 4 + need))
    }
  }
}
