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

/** A message whose body is names and values. */
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
      throw new IllegalArgumentException('an item of a map needs a name')
    }
    this.#items.set(name, value)
  }

  getBoolean(name: string): boolean {
    return this.#read(name, 'boolean') as boolean
  }
  getByte(name: string): number {
    return this.#read(name, 'byte') as number
  }
  getShort(name: string): number {
    return this.#read(name, 'short') as number
  }
  getChar(name: string): string {
    return this.#read(name, 'char') as string
  }
  getInt(name: string): number {
    return this.#read(name, 'int') as number
  }
  getLong(name: string): bigint {
    return this.#read(name, 'long') as bigint
  }
  getFloat(name: string): number {
    return this.#read(name, 'float') as number
  }
  getDouble(name: string): number {
    return this.#read(name, 'double') as number
  }
  getString(name: string): string | null {
    return this.#read(name, 'string')
  }
  getBytes(name: string): Buffer | null {
    return this.#read(name, 'bytes')
  }
  /** As it was set: a `long` is a bigint. Null when there is none. */
  getObject(name: string): JmsValue['value'] {
    return this.#items.get(name)?.value ?? null
  }
  getMapNames(): string[] {
    return [...this.#items.keys()]
  }
  itemExists(name: string): boolean {
    return this.#items.has(name)
  }

  setBoolean(name: string, value: boolean): void {
    this.#set(name, jmsValue('boolean', value))
  }
  setByte(name: string, value: number): void {
    this.#set(name, jmsValue('byte', value))
  }
  setShort(name: string, value: number): void {
    this.#set(name, jmsValue('short', value))
  }
  setChar(name: string, value: string): void {
    this.#set(name, jmsValue('char', value))
  }
  setInt(name: string, value: number): void {
    this.#set(name, jmsValue('int', value))
  }
  setLong(name: string, value: bigint | number): void {
    this.#set(name, jmsValue('long', value))
  }
  setFloat(name: string, value: number): void {
    this.#set(name, jmsValue('float', value))
  }
  setDouble(name: string, value: number): void {
    this.#set(name, jmsValue('double', value))
  }
  setString(name: string, value: string | null): void {
    this.#set(name, jmsValue('string', value))
  }
  setBytes(name: string, value: Uint8Array | null, offset = 0, length?: number): void {
    const part =
      value === null ? null : Buffer.from(value.subarray(offset, offset + (length ?? value.length)))
    this.#set(name, jmsValue('bytes', part))
  }
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
