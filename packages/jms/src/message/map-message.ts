// SPDX-License-Identifier: Apache-2.0
import { type AmqpValue, JmsMessageType, type MessageBody } from '@millrace/amqp'
import { IllegalArgumentException, Message } from './message.ts'
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

/** A message whose body is a set of name-value pairs. */
export class MapMessage extends Message {
  #items = new Map<string, JmsValue>()

  override get mappedType(): number {
    return JmsMessageType.map
  }

  #read<T extends ValueType>(name: string, type: T): ValueTypes[T] | null {
    return readAs(type, this.#items.get(name), `item ${name}`)
  }

  #set(name: string, value: JmsValue): void {
    this.checkBodyWriteable()
    if (typeof name !== 'string' || name === '') {
      throw new IllegalArgumentException('invalid item name: expected non-empty text')
    }
    this.#items.set(name, value)
  }

  /**
   * The value of `name` as a boolean. Throws `MessageFormatException` if it cannot be converted.
   */
  getBoolean(name: string): boolean {
    return this.#read(name, 'boolean') as boolean
  }
  /**
   * The value of `name` as a signed 8-bit integer. Throws `MessageFormatException` if it cannot be
   * converted.
   */
  getByte(name: string): number {
    return this.#read(name, 'byte') as number
  }
  /**
   * The value of `name` as a signed 16-bit integer. Throws `MessageFormatException` if it cannot be
   * converted.
   */
  getShort(name: string): number {
    return this.#read(name, 'short') as number
  }
  /**
   * The value of `name` as a character: a string of one UTF-16 unit. Throws
   * `MessageFormatException` if it cannot be converted.
   */
  getChar(name: string): string {
    return this.#read(name, 'char') as string
  }
  /**
   * The value of `name` as a signed 32-bit integer. Throws `MessageFormatException` if it cannot be
   * converted.
   */
  getInt(name: string): number {
    return this.#read(name, 'int') as number
  }
  /**
   * The value of `name` as a signed 64-bit integer, as a bigint. Throws `MessageFormatException` if
   * it cannot be converted.
   */
  getLong(name: string): bigint {
    return this.#read(name, 'long') as bigint
  }
  /**
   * The value of `name` as a single-precision number. Throws `MessageFormatException` if it cannot
   * be converted.
   */
  getFloat(name: string): number {
    return this.#read(name, 'float') as number
  }
  /**
   * The value of `name` as a double-precision number. Throws `MessageFormatException` if it cannot
   * be converted.
   */
  getDouble(name: string): number {
    return this.#read(name, 'double') as number
  }
  /**
   * The value of `name` as a string. Throws `MessageFormatException` if it cannot be converted.
   * Null if there is none.
   */
  getString(name: string): string | null {
    return this.#read(name, 'string')
  }
  /**
   * The value of `name` as a byte array. Throws `MessageFormatException` if it cannot be converted.
   * Null if there is none.
   */
  getBytes(name: string): Buffer | null {
    return this.#read(name, 'bytes')
  }
  /** Returns the value as set: a `long` is a bigint. Null if there is none. */
  getObject(name: string): JmsValue['value'] {
    return this.#items.get(name)?.value ?? null
  }
  /** Names of all values. */
  getMapNames(): string[] {
    return [...this.#items.keys()]
  }
  /** Whether a value with this name exists. */
  itemExists(name: string): boolean {
    return this.#items.has(name)
  }

  /**
   * Sets the value of `name` to a boolean. Throws `MessageNotWriteableException` if the body is
   * read-only.
   */
  setBoolean(name: string, value: boolean): void {
    this.#set(name, jmsValue('boolean', value))
  }
  /**
   * Sets the value of `name` to a signed 8-bit integer. Throws `MessageNotWriteableException` if
   * the body is read-only.
   */
  setByte(name: string, value: number): void {
    this.#set(name, jmsValue('byte', value))
  }
  /**
   * Sets the value of `name` to a signed 16-bit integer. Throws `MessageNotWriteableException` if
   * the body is read-only.
   */
  setShort(name: string, value: number): void {
    this.#set(name, jmsValue('short', value))
  }
  /**
   * Sets the value of `name` to a character: a string of one UTF-16 unit. Throws
   * `MessageNotWriteableException` if the body is read-only.
   */
  setChar(name: string, value: string): void {
    this.#set(name, jmsValue('char', value))
  }
  /**
   * Sets the value of `name` to a signed 32-bit integer. Throws `MessageNotWriteableException` if
   * the body is read-only.
   */
  setInt(name: string, value: number): void {
    this.#set(name, jmsValue('int', value))
  }
  /**
   * Sets the value of `name` to a signed 64-bit integer. Throws `MessageNotWriteableException` if
   * the body is read-only.
   */
  setLong(name: string, value: bigint | number): void {
    this.#set(name, jmsValue('long', value))
  }
  /**
   * Sets the value of `name` to a single-precision number. Throws `MessageNotWriteableException` if
   * the body is read-only.
   */
  setFloat(name: string, value: number): void {
    this.#set(name, jmsValue('float', value))
  }
  /**
   * Sets the value of `name` to a double-precision number. Throws `MessageNotWriteableException` if
   * the body is read-only.
   */
  setDouble(name: string, value: number): void {
    this.#set(name, jmsValue('double', value))
  }
  /**
   * Sets the value of `name` to a string. Throws `MessageNotWriteableException` if the body is
   * read-only.
   */
  setString(name: string, value: string | null): void {
    this.#set(name, jmsValue('string', value))
  }
  /**
   * Sets the value of `name` to a byte array. Throws `MessageNotWriteableException` if the body is
   * read-only.
   */
  setBytes(name: string, value: Uint8Array | null, offset = 0, length?: number): void {
    const part =
      value === null ? null : Buffer.from(value.subarray(offset, offset + (length ?? value.length)))
    this.#set(name, jmsValue('bytes', part))
  }
  /**
   * Sets the value of `name` by its type. Throws `MessageFormatException` for a type that a
   * MapMessage cannot hold.
   */
  setObject(name: string, value: unknown): void {
    this.#set(name, guessValue(value))
  }

  override clearBody(): void {
    super.clearBody()
    this.#items = new Map()
  }

  override encodeBody(): MessageBody {
    const map = new Map<AmqpValue, AmqpValue>()
    for (const [name, value] of this.#items) map.set(name, toAmqp(value))
    return { kind: 'value', value: map }
  }

  override decodeBody(body: MessageBody): void {
    if (body.kind !== 'value' || !(body.value instanceof Map)) return
    for (const [name, value] of body.value as ReadonlyMap<AmqpValue, AmqpValue>) {
      this.#items.set(String(name), fromAmqp(value))
    }
  }

  protected override bodyObject(): unknown {
    return new Map([...this.#items].map(([name, { value }]) => [name, value]))
  }

  override isBodyAssignableTo(type: unknown): boolean {
    return type === Map || type === Object
  }
}
