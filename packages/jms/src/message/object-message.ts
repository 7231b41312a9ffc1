// SPDX-License-Identifier: Apache-2.0
import {
  type AmqpMap,
  type AmqpValue,
  JmsMessageType,
  type MessageBody,
  Typed,
} from '@millrace/amqp'
import { MessageFormatException } from '../exceptions.ts'
import { Message } from './message.ts'

export const JAVA_SERIALIZED = 'application/x-java-serialized-object'

/**
 * A message whose body is an object. Objects are plain data (null, booleans, numbers, bigints,
 * strings, bytes, arrays, maps and plain objects) and are sent as AMQP values, which Java programs
 * read as lists and maps. Objects serialized by Java are passed through byte for byte and never
 * deserialized: `getSerializedObject` returns the bytes.
 */
export class ObjectMessage extends Message {
  #value: AmqpValue = null
  #serialized: Buffer | undefined

  override get mappedType(): number {
    return JmsMessageType.object
  }

  /** @internal */
  get isSerialized(): boolean {
    return this.#serialized !== undefined
  }

  /** Returns the object. Throws `MessageFormatException` if Java serialized it. */
  getObject(): unknown {
    if (this.#serialized !== undefined) {
      throw new MessageFormatException(
        'objects serialized by Java are not deserialized; getSerializedObject() returns the bytes',
      )
    }
    return toPlain(this.#value)
  }

  /** Sets the object. Throws `MessageFormatException` if it is not plain data. */
  setObject(object: unknown): void {
    this.checkBodyWriteable()
    this.#value = fromPlain(object)
    this.#serialized = undefined
  }

  /** Returns the bytes of an object that Java serialized; null for any other object. */
  getSerializedObject(): Buffer | null {
    return this.#serialized === undefined ? null : Buffer.from(this.#serialized)
  }

  /** Sets the bytes of an object that Java serialized, to forward it. */
  setSerializedObject(bytes: Uint8Array): void {
    this.checkBodyWriteable()
    this.#serialized = Buffer.from(bytes)
  }

  override clearBody(): void {
    super.clearBody()
    this.#value = null
    this.#serialized = undefined
  }

  override encodeBody(): MessageBody {
    if (this.#serialized !== undefined) return { kind: 'data', data: this.#serialized }
    return { kind: 'value', value: this.#value }
  }

  override decodeBody(body: MessageBody): void {
    if (body.kind === 'data') this.#serialized = body.data
    else if (body.kind === 'value') this.#value = body.value
    else if (body.kind === 'sequence') this.#value = body.items
  }

  protected override bodyObject(): unknown {
    return this.getObject()
  }

  override isBodyAssignableTo(type: unknown): boolean {
    if (this.#serialized !== undefined) return false
    const object = this.getObject()
    if (object === null || type === Object) return true
    if (typeof type !== 'function') return false
    return Object(object) instanceof type
  }
}

function fromPlain(object: unknown): AmqpValue {
  if (object === null || object === undefined) return null
  switch (typeof object) {
    case 'boolean':
    case 'string':
      return object
    case 'bigint':
      return new Typed('long', object)
    case 'number':
      return Number.isInteger(object) && Math.abs(object) <= 0x7fffffff
        ? new Typed('int', object)
        : new Typed('double', object)
    case 'object':
      break
    default:
      throw new MessageFormatException(`a ${typeof object} cannot be stored in an ObjectMessage`)
  }
  if (object instanceof Uint8Array) return Buffer.from(object)
  if (object instanceof Date) return new Typed('timestamp', object.getTime())
  if (Array.isArray(object)) return object.map(fromPlain)
  const entries = object instanceof Map ? [...object] : Object.entries(object)
  const prototype = Object.getPrototypeOf(object) as unknown
  if (!(object instanceof Map) && prototype !== Object.prototype && prototype !== null) {
    throw new MessageFormatException(
      `a ${object.constructor.name} cannot be stored in an ObjectMessage: expected plain data`,
    )
  }
  return new Map(entries.map(([key, value]) => [fromPlain(key), fromPlain(value)]))
}

function toPlain(value: AmqpValue): unknown {
  if (value instanceof Typed) {
    return value.type === 'timestamp' ? new Date(value.value as number) : value.value
  }
  if (Array.isArray(value)) return value.map((each) => toPlain(each as AmqpValue))
  if (!(value instanceof Map)) return value
  const entries = [...(value as AmqpMap)].map(
    ([key, each]) => [toPlain(key), toPlain(each)] as const,
  )
  return entries.every(([key]) => typeof key === 'string')
    ? Object.fromEntries(entries as [string, unknown][])
    : new Map(entries)
}
