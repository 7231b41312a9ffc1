// SPDX-License-Identifier: Apache-2.0
import { JmsMessageType, type MessageBody } from '@millrace/amqp'
import {
  MessageEOFException,
  MessageFormatException,
  MessageNotReadableException,
  MessageNotWriteableException,
} from '../exceptions.ts'
import { Message } from './message.ts'
import {
  fromAmqp,
  guessValue,
  type JmsValue,
  jmsValue,
  readAs,
  toAmqp,
  type ValueType,
  type ValueTypes,
} from './values.ts'

/** A message whose body is a sequence of values. */
export class StreamMessage extends Message {
  #items: JmsValue[] = []
  #at = 0
  #isReading = false
  /** Unread bytes of the value that `readBytes` is reading. */
  #rest: Buffer | undefined

  override get mappedType(): number {
    return JmsMessageType.stream
  }

  #peek(): JmsValue {
    if (!this.#isReading) {
      throw new MessageNotReadableException('the body is write-only: call reset() before reading')
    }
    if (this.#rest !== undefined) {
      throw new MessageFormatException('readBytes has not read all bytes of the current value')
    }
    const item = this.#items[this.#at]
    if (item === undefined) throw new MessageEOFException('end of the stream message')
    return item
  }

  /** A failed conversion leaves the position unchanged. */
  #read<T extends ValueType>(type: T): ValueTypes[T] | null {
    const value = readAs(type, this.#peek(), `item ${this.#at}`)
    this.#at++
    return value
  }

  #write(value: JmsValue): void {
    if (this.#isReading || this.isBodyReadOnly) {
      throw new MessageNotWriteableException('the body is read-only until clearBody()')
    }
    this.#items.push(value)
  }

  /**
   * Reads the next value as a boolean. Throws `MessageFormatException` if it cannot be converted,
   * `MessageEOFException` at the end.
   */
  readBoolean(): boolean {
    return this.#read('boolean') as boolean
  }
  /**
   * Reads the next value as a signed 8-bit integer. Throws `MessageFormatException` if it cannot be
   * converted, `MessageEOFException` at the end.
   */
  readByte(): number {
    return this.#read('byte') as number
  }
  /**
   * Reads the next value as a signed 16-bit integer. Throws `MessageFormatException` if it cannot
   * be converted, `MessageEOFException` at the end.
   */
  readShort(): number {
    return this.#read('short') as number
  }
  /**
   * Reads the next value as a character: a string of one UTF-16 unit. Throws
   * `MessageFormatException` if it cannot be converted, `MessageEOFException` at the end.
   */
  readChar(): string {
    return this.#read('char') as string
  }
  /**
   * Reads the next value as a signed 32-bit integer. Throws `MessageFormatException` if it cannot
   * be converted, `MessageEOFException` at the end.
   */
  readInt(): number {
    return this.#read('int') as number
  }
  /**
   * Reads the next value as a signed 64-bit integer, as a bigint. Throws `MessageFormatException`
   * if it cannot be converted, `MessageEOFException` at the end.
   */
  readLong(): bigint {
    return this.#read('long') as bigint
  }
  /**
   * Reads the next value as a single-precision number. Throws `MessageFormatException` if it cannot
   * be converted, `MessageEOFException` at the end.
   */
  readFloat(): number {
    return this.#read('float') as number
  }
  /**
   * Reads the next value as a double-precision number. Throws `MessageFormatException` if it cannot
   * be converted, `MessageEOFException` at the end.
   */
  readDouble(): number {
    return this.#read('double') as number
  }
  /**
   * Reads the next value as a string. Throws `MessageFormatException` if it cannot be converted,
   * `MessageEOFException` at the end.
   */
  readString(): string | null {
    return this.#read('string')
  }
  /**
   * Reads bytes into the array and returns their number; -1 for null, or after the last byte. If
   * the array was filled, more bytes may follow: call again until fewer are returned.
   */
  readBytes(value: Uint8Array): number {
    if (this.#rest === undefined) {
      const item = this.#peek()
      const bytes = readAs('bytes', item, `item ${this.#at}`)
      if (bytes === null) {
        this.#at++
        return -1
      }
      this.#rest = bytes
      if (bytes.length === 0) {
        this.#endBytes()
        return 0
      }
    } else if (this.#rest.length === 0) {
      this.#endBytes()
      return -1
    }
    const rest = this.#rest as Buffer
    const count = Math.min(rest.length, value.length)
    value.set(rest.subarray(0, count))
    this.#rest = rest.subarray(count)
    if (count < value.length) this.#endBytes()
    return count
  }

  #endBytes(): void {
    this.#rest = undefined
    this.#at++
  }

  /** Returns the next value as written: a `long` is a bigint. */
  readObject(): JmsValue['value'] {
    const { value } = this.#peek()
    this.#at++
    return value
  }

  /** Writes a boolean. Throws `MessageNotWriteableException` if the body is read-only. */
  writeBoolean(value: boolean): void {
    this.#write(jmsValue('boolean', value))
  }
  /**
   * Writes a signed 8-bit integer. Throws `MessageNotWriteableException` if the body is read-only.
   */
  writeByte(value: number): void {
    this.#write(jmsValue('byte', value))
  }
  /**
   * Writes a signed 16-bit integer. Throws `MessageNotWriteableException` if the body is read-only.
   */
  writeShort(value: number): void {
    this.#write(jmsValue('short', value))
  }
  /**
   * Writes a character: a string of one UTF-16 unit. Throws `MessageNotWriteableException` if the
   * body is read-only.
   */
  writeChar(value: string): void {
    this.#write(jmsValue('char', value))
  }
  /**
   * Writes a signed 32-bit integer. Throws `MessageNotWriteableException` if the body is read-only.
   */
  writeInt(value: number): void {
    this.#write(jmsValue('int', value))
  }
  /**
   * Writes a signed 64-bit integer. Throws `MessageNotWriteableException` if the body is read-only.
   */
  writeLong(value: bigint | number): void {
    this.#write(jmsValue('long', value))
  }
  /**
   * Writes a single-precision number. Throws `MessageNotWriteableException` if the body is
   * read-only.
   */
  writeFloat(value: number): void {
    this.#write(jmsValue('float', value))
  }
  /**
   * Writes a double-precision number. Throws `MessageNotWriteableException` if the body is
   * read-only.
   */
  writeDouble(value: number): void {
    this.#write(jmsValue('double', value))
  }
  /** Writes a string. Throws `MessageNotWriteableException` if the body is read-only. */
  writeString(value: string | null): void {
    this.#write(jmsValue('string', value))
  }
  /**
   * Writes `length` bytes of `value` from `offset`, by default all, as one value; null is also a
   * value.
   */
  writeBytes(value: Uint8Array | null, offset = 0, length?: number): void {
    const part =
      value === null ? null : Buffer.from(value.subarray(offset, offset + (length ?? value.length)))
    this.#write(jmsValue('bytes', part))
  }
  /**
   * Writes a boolean, number, bigint, string or byte array by its type. Throws
   * `MessageFormatException` for any other.
   */
  writeObject(value: unknown): void {
    this.#write(guessValue(value))
  }

  /** Switches from write mode to read mode, at the first value. */
  reset(): void {
    this.#isReading = true
    this.isBodyReadOnly = true
    this.#at = 0
    this.#rest = undefined
  }

  override clearBody(): void {
    super.clearBody()
    this.#items = []
    this.#at = 0
    this.#rest = undefined
    this.#isReading = false
  }

  override encodeBody(): MessageBody {
    return { kind: 'sequence', items: this.#items.map(toAmqp) }
  }

  override decodeBody(body: MessageBody): void {
    this.#isReading = true
    if (body.kind === 'sequence') this.#items = body.items.map(fromAmqp)
    else if (body.kind === 'value' && Array.isArray(body.value))
      this.#items = body.value.map(fromAmqp)
  }

  override isBodyAssignableTo(_type: unknown): boolean {
    return false
  }
}
