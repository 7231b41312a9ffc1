// SPDX-License-Identifier: Apache-2.0
import { type EncodingBuffer, MalformedInputError } from '@millrace/base'
import { Event, type Headers, newHeaders } from '../event.ts'

// Avro binary encoding of Flume's AvroFlumeEvent { map<string> headers; bytes body }: between
// agents, in Kafka channels, and in the file channel's log. Hand-written, since every event passes
// here.

/** A growing, reusable buffer of Avro values. */
export class AvroWriter {
  buffer: EncodingBuffer
  length = 0

  constructor(size = 64 * 1024) {
    this.buffer = Buffer.allocUnsafeSlow(size) as EncodingBuffer
  }

  clear(): void {
    this.length = 0
  }

  /** Starts with a new, smaller buffer. */
  shrink(size: number): void {
    this.buffer = Buffer.allocUnsafeSlow(size) as EncodingBuffer
    this.length = 0
  }

  /** The written bytes; valid until the next use. */
  written(): Buffer {
    return this.buffer.subarray(0, this.length)
  }

  reserve(size: number): void {
    if (this.length + size <= this.buffer.length) return
    const grown = Buffer.allocUnsafeSlow(
      Math.max(this.buffer.length * 2, this.length + size),
    ) as EncodingBuffer
    this.buffer.copy(grown, 0, 0, this.length)
    this.buffer = grown
  }

  byte(value: number): void {
    this.reserve(1)
    this.buffer[this.length++] = value
  }

  /** An Avro long: zig-zag, seven bits per byte. */
  long(value: number): void {
    this.reserve(10)
    const { buffer } = this
    let rest = value >= 0 ? value * 2 : -value * 2 - 1
    while (rest > 0x7fffffff) {
      buffer[this.length++] = (rest % 128) | 0x80
      rest = Math.floor(rest / 128)
    }
    while (rest > 0x7f) {
      buffer[this.length++] = (rest & 0x7f) | 0x80
      rest >>>= 7
    }
    buffer[this.length++] = rest
  }

  string(value: string): void {
    const { length } = value
    if (length < 64 && this.#ascii(value, length)) return
    const size = Buffer.byteLength(value)
    this.long(size)
    this.reserve(size)
    this.length += this.buffer.utf8Write(value, this.length, size)
  }

  /** Fast path: short texts are mostly ASCII. */
  #ascii(value: string, length: number): boolean {
    this.reserve(length + 1)
    const { buffer } = this
    let at = this.length
    buffer[at++] = length * 2
    for (let i = 0; i < length; i++) {
      const code = value.charCodeAt(i)
      if (code > 0x7f) return false
      buffer[at++] = code
    }
    this.length = at
    return true
  }

  bytes(value: Uint8Array): void {
    const { length } = value
    this.long(length)
    this.raw(value)
  }

  raw(value: Uint8Array): void {
    this.reserve(value.length)
    this.buffer.set(value, this.length)
    this.length += value.length
  }

  headers(headers: Readonly<Headers>): void {
    let count = 0
    for (const _ in headers) count++
    if (count > 0) {
      this.long(count)
      for (const name in headers) {
        this.string(name)
        this.string(headers[name] as string)
      }
    }
    this.byte(0)
  }

  event(event: Event): void {
    this.headers(event.headers)
    this.bytes(event.body)
  }

  events(events: readonly Event[]): void {
    for (const event of events) this.event(event)
  }
}

/** Reads Avro values; throws `MalformedInputError` for invalid bytes. */
export class AvroReader {
  readonly buffer: EncodingBuffer
  offset: number

  constructor(buffer: Buffer, offset = 0) {
    this.buffer = buffer as EncodingBuffer
    this.offset = offset
  }

  get remaining(): number {
    return this.buffer.length - this.offset
  }

  byte(): number {
    const value = this.buffer[this.offset]
    if (value === undefined) throw new MalformedInputError(`input ends at ${this.offset}`)
    this.offset++
    return value
  }

  long(): number {
    const { buffer } = this
    let byte = buffer[this.offset++]
    if (byte === undefined) throw new MalformedInputError(`input ends at ${this.offset - 1}`)
    if (byte < 0x80) return (byte >>> 1) ^ -(byte & 1)
    let value = byte & 0x7f
    let factor = 128
    for (let i = 1; i < 10; i++) {
      byte = buffer[this.offset++]
      if (byte === undefined) throw new MalformedInputError(`input ends at ${this.offset - 1}`)
      value += (byte & 0x7f) * factor
      if (byte < 0x80) return value % 2 === 0 ? value / 2 : -(value + 1) / 2
      factor *= 128
    }
    throw new MalformedInputError(`number at ${this.offset - 10} is longer than ten bytes`)
  }

  #size(): number {
    const size = this.long()
    if (size < 0 || size > this.remaining) {
      throw new MalformedInputError(
        `size ${size} at ${this.offset} is not within the ${this.remaining} bytes that are left`,
      )
    }
    return size
  }

  string(): string {
    const size = this.#size()
    const from = this.offset
    this.offset += size
    if (size < 24) {
      const text = shortAscii(this.buffer, from, size)
      if (text !== undefined) return text
    }
    return this.buffer.utf8Slice(from, this.offset)
  }

  /** A view: it shares memory with the input. */
  bytes(): Buffer {
    const size = this.#size()
    const from = this.offset
    this.offset += size
    return this.buffer.subarray(from, this.offset)
  }

  raw(size: number): Buffer {
    if (size > this.remaining) throw new MalformedInputError(`input ends at ${this.buffer.length}`)
    this.offset += size
    return this.buffer.subarray(this.offset - size, this.offset)
  }

  /** Calls `read` for each item of an array or a map, block by block. */
  blocks(read: () => void): void {
    for (;;) {
      let count = this.long()
      if (count === 0) return
      if (count < 0) {
        count = -count
        // Size of the block in bytes, for skipping it.
        this.long()
      }
      if (count > this.remaining)
        throw new MalformedInputError(`block of ${count} items at ${this.offset}`)
      for (let i = 0; i < count; i++) read()
    }
  }

  headers(): Headers {
    const headers = newHeaders()
    if (this.buffer[this.offset] === 0) {
      this.offset++
      return headers
    }
    this.blocks(() => {
      const name = this.string()
      headers[name] = this.string()
    })
    return headers
  }

  event(): Event {
    const headers = this.headers()
    return new Event(this.bytes(), headers)
  }
}

function shortAscii(buffer: Buffer, from: number, size: number): string | undefined {
  let text = ''
  for (let i = from; i < from + size; i++) {
    const byte = buffer[i] as number
    if (byte > 0x7f) return undefined
    text += String.fromCharCode(byte)
  }
  return text
}
