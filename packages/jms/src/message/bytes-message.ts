// SPDX-License-Identifier: Apache-2.0
import { JmsMessageType, type MessageBody } from '@millrace/amqp'
import {
  MessageEOFException,
  MessageFormatException,
  MessageNotReadableException,
} from '../exceptions.ts'
import { IllegalArgumentException, Message } from './message.ts'
import { guessValue, jmsValue } from './values.ts'

/** A message whose body is bytes, written and read like Java's data streams. */
export class BytesMessage extends Message {
  #bytes: Buffer = Buffer.alloc(0)
  #size = 0
  #at = 0
  /** False in write mode; true after `reset`. */
  #isReading = false

  override get mappedType(): number {
    return JmsMessageType.bytes
  }

  #reserve(count: number): number {
    this.checkBodyWriteable()
    if (this.#isReading) throw this.#notWriteable()
    const at = this.#size
    if (at + count > this.#bytes.length) {
      const grown = Buffer.alloc(Math.max(this.#bytes.length * 2, at + count, 64))
      this.#bytes.copy(grown, 0, 0, at)
      this.#bytes = grown
    }
    this.#size = at + count
    return at
  }

  #notWriteable(): Error {
    this.isBodyReadOnly = true
    try {
      this.checkBodyWriteable()
      return new Error('unreachable')
    } catch (error) {
      return error as Error
    }
  }

  #take(count: number): number {
    this.#checkReadable()
    if (this.#at + count > this.#size) {
      throw new MessageEOFException(
        `cannot read ${count} bytes: ${this.#size - this.#at} bytes left`,
      )
    }
    const at = this.#at
    this.#at += count
    return at
  }

  #checkReadable(): void {
    if (!this.#isReading) {
      throw new MessageNotReadableException('the body is write-only: call reset() before reading')
    }
  }

  /** Length of the body in bytes. Throws `MessageNotReadableException` in write mode. */
  getBodyLength(): number {
    this.#checkReadable()
    return this.#size
  }

  /**
   * Reads a boolean. Throws `MessageEOFException` at the end, `MessageNotReadableException` before
   * `reset`.
   */
  readBoolean(): boolean {
    return this.#bytes[this.#take(1)] !== 0
  }
  /**
   * Reads a signed 8-bit integer. Throws `MessageEOFException` at the end,
   * `MessageNotReadableException` before `reset`.
   */
  readByte(): number {
    return this.#bytes.readInt8(this.#take(1))
  }
  /**
   * Reads an unsigned 8-bit integer. Throws `MessageEOFException` at the end,
   * `MessageNotReadableException` before `reset`.
   */
  readUnsignedByte(): number {
    return this.#bytes.readUInt8(this.#take(1))
  }
  /**
   * Reads a signed 16-bit integer, big-endian. Throws `MessageEOFException` at the end,
   * `MessageNotReadableException` before `reset`.
   */
  readShort(): number {
    return this.#bytes.readInt16BE(this.#take(2))
  }
  /**
   * Reads an unsigned 16-bit integer, big-endian. Throws `MessageEOFException` at the end,
   * `MessageNotReadableException` before `reset`.
   */
  readUnsignedShort(): number {
    return this.#bytes.readUInt16BE(this.#take(2))
  }
  /**
   * Reads a character: a string of one UTF-16 unit, big-endian. Throws `MessageEOFException` at the
   * end, `MessageNotReadableException` before `reset`.
   */
  readChar(): string {
    return String.fromCharCode(this.#bytes.readUInt16BE(this.#take(2)))
  }
  /**
   * Reads a signed 32-bit integer, big-endian. Throws `MessageEOFException` at the end,
   * `MessageNotReadableException` before `reset`.
   */
  readInt(): number {
    return this.#bytes.readInt32BE(this.#take(4))
  }
  /**
   * Reads a signed 64-bit integer, as a bigint, big-endian. Throws `MessageEOFException` at the
   * end, `MessageNotReadableException` before `reset`.
   */
  readLong(): bigint {
    return this.#bytes.readBigInt64BE(this.#take(8))
  }
  /**
   * Reads a single-precision number, big-endian. Throws `MessageEOFException` at the end,
   * `MessageNotReadableException` before `reset`.
   */
  readFloat(): number {
    return this.#bytes.readFloatBE(this.#take(4))
  }
  /**
   * Reads a double-precision number, big-endian. Throws `MessageEOFException` at the end,
   * `MessageNotReadableException` before `reset`.
   */
  readDouble(): number {
    return this.#bytes.readDoubleBE(this.#take(8))
  }
  /** Reads text in Java's modified UTF-8, prefixed by its length in two bytes. */
  readUTF(): string {
    const start = this.#at
    try {
      const size = this.readUnsignedShort()
      const at = this.#take(size)
      return fromModifiedUtf8(this.#bytes.subarray(at, at + size))
    } catch (error) {
      this.#at = start
      throw error
    }
  }
  /**
   * Reads into the array, or into its first `length` bytes; returns the number of bytes read, -1 at
   * the end.
   */
  readBytes(value: Uint8Array, length: number = value.length): number {
    this.#checkReadable()
    if (length < 0 || length > value.length) {
      throw new IllegalArgumentException(`length ${length}: expected 0 to ${value.length}`)
    }
    const count = Math.min(length, this.#size - this.#at)
    if (count === 0 && length > 0) return -1
    value.set(this.#bytes.subarray(this.#at, this.#at + count))
    this.#at += count
    return count
  }

  /** Writes a boolean. Throws `MessageNotWriteableException` if the body is read-only. */
  writeBoolean(value: boolean): void {
    // The buffer may grow, and be another one.
    const at = this.#reserve(1)
    this.#bytes[at] = value ? 1 : 0
  }
  /**
   * Writes a signed 8-bit integer. Throws `MessageNotWriteableException` if the body is read-only.
   */
  writeByte(value: number): void {
    jmsValue('byte', value)
    const at = this.#reserve(1)
    this.#bytes.writeInt8(value, at)
  }
  /**
   * Writes a signed 16-bit integer. Throws `MessageNotWriteableException` if the body is read-only.
   */
  writeShort(value: number): void {
    jmsValue('short', value)
    const at = this.#reserve(2)
    this.#bytes.writeInt16BE(value, at)
  }
  /**
   * Writes a character: a string of one UTF-16 unit. Throws `MessageNotWriteableException` if the
   * body is read-only.
   */
  writeChar(value: string): void {
    jmsValue('char', value)
    const at = this.#reserve(2)
    this.#bytes.writeUInt16BE(value.charCodeAt(0), at)
  }
  /**
   * Writes a signed 32-bit integer. Throws `MessageNotWriteableException` if the body is read-only.
   */
  writeInt(value: number): void {
    jmsValue('int', value)
    const at = this.#reserve(4)
    this.#bytes.writeInt32BE(value, at)
  }
  /**
   * Writes a signed 64-bit integer. Throws `MessageNotWriteableException` if the body is read-only.
   */
  writeLong(value: bigint | number): void {
    const { value: whole } = jmsValue('long', value)
    const at = this.#reserve(8)
    this.#bytes.writeBigInt64BE(whole as bigint, at)
  }
  /**
   * Writes a single-precision number. Throws `MessageNotWriteableException` if the body is
   * read-only.
   */
  writeFloat(value: number): void {
    const at = this.#reserve(4)
    this.#bytes.writeFloatBE(value, at)
  }
  /**
   * Writes a double-precision number. Throws `MessageNotWriteableException` if the body is
   * read-only.
   */
  writeDouble(value: number): void {
    const at = this.#reserve(8)
    this.#bytes.writeDoubleBE(value, at)
  }
  /** Writes text of at most 65,535 bytes in Java's modified UTF-8. */
  writeUTF(value: string): void {
    const encoded = toModifiedUtf8(value)
    if (encoded.length > 0xffff) {
      throw new MessageFormatException(
        `writeUTF: ${encoded.length} bytes exceed the limit of 65535`,
      )
    }
    const at = this.#reserve(2 + encoded.length)
    this.#bytes.writeUInt16BE(encoded.length, at)
    this.#bytes.set(encoded, at + 2)
  }
  /**
   * Writes `length` bytes of `value` from `offset`, by default all. Throws
   * `MessageNotWriteableException` if the body is read-only.
   */
  writeBytes(value: Uint8Array, offset = 0, length: number = value.length - offset): void {
    const at = this.#reserve(length)
    this.#bytes.set(value.subarray(offset, offset + length), at)
  }
  /** Writes a boolean, number (`int` or `double`), bigint, string or byte array by its type. */
  writeObject(value: unknown): void {
    if (value === null || value === undefined)
      throw new TypeError('writeObject: the value is null or undefined')
    const held = guessValue(value)
    switch (held.type) {
      case 'boolean':
        return this.writeBoolean(held.value as boolean)
      case 'int':
        return this.writeInt(held.value as number)
      case 'long':
        return this.writeLong(held.value as bigint)
      case 'double':
        return this.writeDouble(held.value as number)
      case 'string':
        return this.writeUTF(held.value as string)
      default:
        return this.writeBytes(held.value as Buffer)
    }
  }

  /** Switches from write mode to read mode, at the start of the body. */
  reset(): void {
    this.#isReading = true
    this.isBodyReadOnly = true
    this.#at = 0
  }

  override clearBody(): void {
    super.clearBody()
    this.#bytes = Buffer.alloc(0)
    this.#size = 0
    this.#at = 0
    this.#isReading = false
  }

  /** Returns a copy of the body. */
  toBuffer(): Buffer {
    return Buffer.from(this.#bytes.subarray(0, this.#size))
  }

  override encodeBody(): MessageBody {
    return { kind: 'data', data: this.#bytes.subarray(0, this.#size) }
  }

  override decodeBody(body: MessageBody): void {
    if (body.kind === 'data') this.#bytes = body.data
    else if (body.kind === 'value' && body.value instanceof Uint8Array) {
      this.#bytes = body.value as Buffer
    }
    this.#size = this.#bytes.length
    this.#isReading = true
  }

  protected override bodyObject(): unknown {
    return this.toBuffer()
  }

  override isBodyAssignableTo(type: unknown): boolean {
    return type === Uint8Array || type === Buffer || type === Object
  }
}

/** Java's modified UTF-8: U+0000 takes two bytes, and each half of a surrogate pair three. */
function toModifiedUtf8(text: string): Buffer {
  const bytes: number[] = []
  for (let i = 0; i < text.length; i++) {
    const unit = text.charCodeAt(i)
    if (unit > 0 && unit < 0x80) bytes.push(unit)
    else if (unit < 0x800) bytes.push(0xc0 | (unit >> 6), 0x80 | (unit & 0x3f))
    else bytes.push(0xe0 | (unit >> 12), 0x80 | ((unit >> 6) & 0x3f), 0x80 | (unit & 0x3f))
  }
  return Buffer.from(bytes)
}

function fromModifiedUtf8(bytes: Buffer): string {
  const units: number[] = []
  const malformed = (): never => {
    throw new MessageFormatException('malformed UTF-8')
  }
  for (let i = 0; i < bytes.length; ) {
    const first = bytes[i++] as number
    if (first < 0x80) {
      units.push(first)
      continue
    }
    const count = (first & 0xe0) === 0xc0 ? 1 : (first & 0xf0) === 0xe0 ? 2 : malformed()
    let unit = count === 1 ? first & 0x1f : first & 0x0f
    for (let k = 0; k < count; k++) {
      const following = bytes[i++] ?? malformed()
      if ((following & 0xc0) !== 0x80) malformed()
      unit = (unit << 6) | (following & 0x3f)
    }
    units.push(unit)
  }
  let text = ''
  for (let i = 0; i < units.length; i += 4096) {
    text += String.fromCharCode(...units.slice(i, i + 4096))
  }
  return text
}
