// SPDX-License-Identifier: Apache-2.0
import type { MessageBody } from '@millrace/amqp'
import type { Destination } from '../destination.ts'
import {
  JMSException,
  MessageFormatException,
  MessageNotWriteableException,
} from '../exceptions.ts'
import {
  guessValue,
  type JmsValue,
  jmsValue,
  readAs,
  type ValueType,
  type ValueTypes,
} from './values.ts'

/** Whether a message survives a crash of the provider. */
export const DeliveryMode = { NON_PERSISTENT: 1, PERSISTENT: 2 } as const
/** Default delivery mode: persistent. */
export const DEFAULT_DELIVERY_MODE = DeliveryMode.PERSISTENT
/** Default priority: 4. */
export const DEFAULT_PRIORITY = 4
/** Default time to live: 0, no limit. */
export const DEFAULT_TIME_TO_LIVE = 0
/** Default delivery delay: 0. */
export const DEFAULT_DELIVERY_DELAY = 0

/** An invalid argument; named after Java's exception. */
export class IllegalArgumentException extends Error {
  override readonly name = 'IllegalArgumentException'
}

/** Type that `getBody` and `receiveBody` return, named by its constructor. */
export type BodyType<T = unknown> = abstract new (...args: never[]) => T
/**
 * TypeScript type of a body: the type that a constructor names, or that a codec such as
 * `json<Order>()` decodes.
 */
export type BodyOf<T> = T extends StringConstructor
  ? string
  : T extends { decode(message: Message): infer V }
    ? V
    : T extends BodyType<infer V>
      ? V
      : never

const notNames = new Set([
  'NULL',
  'TRUE',
  'FALSE',
  'NOT',
  'AND',
  'OR',
  'BETWEEN',
  'LIKE',
  'IN',
  'IS',
  'ESCAPE',
])

/** JMS headers, and the values of properties that the provider sets. */
interface Headers {
  messageId: string | null
  timestamp: number
  correlationId: string | Buffer | null
  replyTo: Destination | null
  destination: Destination | null
  deliveryMode: number
  type: string | null
  expiration: number
  deliveryTime: number
  priority: number
  /** Number of deliveries, including this one; 0 before the first. */
  deliveryCount: number
  groupId: string | null
  groupSequence: number | null
  userId: string | null
}

/** Acknowledges a message; set by the session that received it. */
export type Acknowledge = () => Promise<void>

/** A message without a body, and the base of all messages (Jakarta Messaging 3.1, section 3). */
export class Message {
  /** @internal */
  readonly headers: Headers = {
    messageId: null,
    timestamp: 0,
    correlationId: null,
    replyTo: null,
    destination: null,
    deliveryMode: DEFAULT_DELIVERY_MODE,
    type: null,
    expiration: 0,
    deliveryTime: 0,
    priority: DEFAULT_PRIORITY,
    deliveryCount: 0,
    groupId: null,
    groupSequence: null,
    userId: null,
  }
  #properties = new Map<string, JmsValue>()
  #arePropertiesReadOnly = false
  /** Whether the body is read-only. */
  protected isBodyReadOnly = false
  #acknowledge: Acknowledge | undefined

  /** @internal Message type in the AMQP JMS mapping. */
  get mappedType(): number {
    return 0
  }

  /** @internal */
  encodeBody(): MessageBody {
    return { kind: 'value', value: null }
  }

  /** @internal Sets the body of a received message. */
  decodeBody(_body: MessageBody): void {}

  /** @internal Makes a received message read-only until it is cleared. */
  received(acknowledge: Acknowledge): void {
    this.#arePropertiesReadOnly = true
    this.isBodyReadOnly = true
    this.#acknowledge = acknowledge
  }

  /** @internal */
  unlockProperties(): void {
    this.#arePropertiesReadOnly = false
  }

  /** @internal */
  get plainProperties(): ReadonlyMap<string, JmsValue> {
    return this.#properties
  }

  /** @internal */
  setPlainProperty(name: string, value: JmsValue): void {
    this.#properties.set(name, value)
  }

  /** The message id, or null. */
  getJMSMessageID(): string | null {
    return this.headers.messageId
  }
  /** Sets the message id. Sending replaces it. */
  setJMSMessageID(id: string | null): void {
    this.headers.messageId = id
  }
  /** Time of sending, milliseconds since 1970; 0 if the sender omitted it. */
  getJMSTimestamp(): number {
    return this.headers.timestamp
  }
  /** Sets the time of sending, milliseconds since 1970. Sending replaces it. */
  setJMSTimestamp(timestamp: number): void {
    this.headers.timestamp = timestamp
  }
  /** The correlation id, or null. */
  getJMSCorrelationID(): string | null {
    const { correlationId } = this.headers
    if (correlationId === null || typeof correlationId === 'string') return correlationId
    return `ID:AMQP_BINARY:${correlationId.toString('hex').toUpperCase()}`
  }
  /** Sets the correlation id. */
  setJMSCorrelationID(correlationId: string | null): void {
    this.headers.correlationId = correlationId
  }
  /** The correlation id as bytes, or null. Throws `JMSException` if the id is text. */
  getJMSCorrelationIDAsBytes(): Buffer | null {
    const { correlationId } = this.headers
    if (typeof correlationId === 'string') {
      throw new JMSException('the correlation id is a string, not bytes', 'JMS_MESSAGE_FORMAT')
    }
    return correlationId === null ? null : Buffer.from(correlationId)
  }
  /** Sets the correlation id as bytes. */
  setJMSCorrelationIDAsBytes(correlationId: Uint8Array | null): void {
    this.headers.correlationId = correlationId === null ? null : Buffer.from(correlationId)
  }
  /** The destination of replies, or null. */
  getJMSReplyTo(): Destination | null {
    return this.headers.replyTo
  }
  /** Sets the destination of replies. */
  setJMSReplyTo(destination: Destination | null): void {
    this.headers.replyTo = destination
  }
  /** The destination, or null. */
  getJMSDestination(): Destination | null {
    return this.headers.destination
  }
  /** Sets the destination. Sending replaces it. */
  setJMSDestination(destination: Destination | null): void {
    this.headers.destination = destination
  }
  /** Delivery mode, one of `DeliveryMode`. */
  getJMSDeliveryMode(): number {
    return this.headers.deliveryMode
  }
  /** Sets the delivery mode. Sending replaces it. */
  setJMSDeliveryMode(deliveryMode: number): void {
    if (deliveryMode !== DeliveryMode.PERSISTENT && deliveryMode !== DeliveryMode.NON_PERSISTENT) {
      throw new JMSException(`invalid delivery mode ${deliveryMode}: expected 1 or 2`)
    }
    this.headers.deliveryMode = deliveryMode
  }
  /** Whether the message may have been delivered before. */
  getJMSRedelivered(): boolean {
    return this.headers.deliveryCount > 1
  }
  /** Sets the redelivery flag. Sending replaces it. */
  setJMSRedelivered(redelivered: boolean): void {
    if (!redelivered) this.headers.deliveryCount = Math.min(this.headers.deliveryCount, 1)
    else this.headers.deliveryCount = Math.max(this.headers.deliveryCount, 2)
  }
  /** The type, or null. */
  getJMSType(): string | null {
    return this.headers.type
  }
  /** Sets the type. */
  setJMSType(type: string | null): void {
    this.headers.type = type
  }
  /** Time of expiry, milliseconds since 1970; 0 if the message does not expire. */
  getJMSExpiration(): number {
    return this.headers.expiration
  }
  /** Sets the time of expiry, milliseconds since 1970. Sending replaces it. */
  setJMSExpiration(expiration: number): void {
    this.headers.expiration = expiration
  }
  /** Earliest time of delivery, milliseconds since 1970. */
  getJMSDeliveryTime(): number {
    return this.headers.deliveryTime || this.headers.timestamp
  }
  /** Sets the earliest time of delivery, milliseconds since 1970. Sending replaces it. */
  setJMSDeliveryTime(deliveryTime: number): void {
    this.headers.deliveryTime = deliveryTime
  }
  /** Priority, 0 to 9. */
  getJMSPriority(): number {
    return this.headers.priority
  }
  /** Sets the priority. Sending replaces it. */
  setJMSPriority(priority: number): void {
    if (!Number.isInteger(priority) || priority < 0 || priority > 9) {
      throw new JMSException(`invalid priority ${priority}: expected 0 to 9`)
    }
    this.headers.priority = priority
  }

  // Properties.

  /** Deletes all properties; on a received message, properties can then be set. */
  clearProperties(): void {
    this.#properties = new Map()
    this.headers.groupId = null
    this.headers.groupSequence = null
    this.#arePropertiesReadOnly = false
  }

  /** Whether a property with this name exists. */
  propertyExists(name: string): boolean {
    return this.#lookUp(name) !== undefined
  }

  #lookUp(name: string): JmsValue | undefined {
    const { deliveryCount, groupId, groupSequence, userId } = this.headers
    switch (name) {
      case 'JMSXDeliveryCount':
        return deliveryCount === 0 ? undefined : { type: 'int', value: deliveryCount }
      case 'JMSXGroupID':
        return groupId === null ? undefined : { type: 'string', value: groupId }
      case 'JMSXGroupSeq':
        return groupSequence === null ? undefined : { type: 'int', value: groupSequence }
      case 'JMSXUserID':
        return userId === null ? undefined : { type: 'string', value: userId }
      default:
        return this.#properties.get(name)
    }
  }

  #read<T extends ValueType>(name: string, type: T): ValueTypes[T] | null {
    return readAs(type, this.#lookUp(name), `property ${name}`)
  }

  /**
   * The property `name` as a boolean. Throws `MessageFormatException` if it cannot be converted.
   */
  getBooleanProperty(name: string): boolean {
    return this.#read(name, 'boolean') as boolean
  }
  /**
   * The property `name` as a signed 8-bit integer. Throws `MessageFormatException` if it cannot be
   * converted.
   */
  getByteProperty(name: string): number {
    return this.#read(name, 'byte') as number
  }
  /**
   * The property `name` as a signed 16-bit integer. Throws `MessageFormatException` if it cannot be
   * converted.
   */
  getShortProperty(name: string): number {
    return this.#read(name, 'short') as number
  }
  /**
   * The property `name` as a signed 32-bit integer. Throws `MessageFormatException` if it cannot be
   * converted.
   */
  getIntProperty(name: string): number {
    return this.#read(name, 'int') as number
  }
  /**
   * The property `name` as a signed 64-bit integer, as a bigint. Throws `MessageFormatException` if
   * it cannot be converted.
   */
  getLongProperty(name: string): bigint {
    return this.#read(name, 'long') as bigint
  }
  /**
   * The property `name` as a single-precision number. Throws `MessageFormatException` if it cannot
   * be converted.
   */
  getFloatProperty(name: string): number {
    return this.#read(name, 'float') as number
  }
  /**
   * The property `name` as a double-precision number. Throws `MessageFormatException` if it cannot
   * be converted.
   */
  getDoubleProperty(name: string): number {
    return this.#read(name, 'double') as number
  }
  /**
   * The property `name` as a string. Throws `MessageFormatException` if it cannot be converted.
   * Null if there is none.
   */
  getStringProperty(name: string): string | null {
    return this.#read(name, 'string')
  }
  /** The property `name` as set: a `long` is a bigint. Null if there is none. */
  getObjectProperty(name: string): boolean | number | bigint | string | null {
    return (this.#lookUp(name)?.value ?? null) as boolean | number | bigint | string | null
  }
  /** Property names, in no particular order; headers are not included. */
  getPropertyNames(): string[] {
    const names = [...this.#properties.keys()]
    for (const name of ['JMSXDeliveryCount', 'JMSXGroupID', 'JMSXGroupSeq', 'JMSXUserID']) {
      if (this.#lookUp(name) !== undefined) names.push(name)
    }
    return names
  }

  #set(name: string, value: JmsValue): void {
    if (typeof name !== 'string' || name === '') {
      throw new IllegalArgumentException('invalid property name: expected non-empty text')
    }
    if (this.#arePropertiesReadOnly) {
      throw new MessageNotWriteableException(
        `property ${name}: properties of a received message are read-only until clearProperties()`,
      )
    }
    const isName = /^[\p{L}\p{Nl}\p{Sc}\p{Pc}][\p{L}\p{Nl}\p{Sc}\p{Pc}\p{Nd}\p{Mn}\p{Mc}]*$/u.test(
      name,
    )
    if (!isName || notNames.has(name.toUpperCase())) {
      throw new IllegalArgumentException(
        `${JSON.stringify(name)} is not a property name: expected a Java identifier that selectors do not use`,
      )
    }
    switch (name) {
      case 'JMSXGroupID':
        this.headers.groupId = readAs('string', value, name)
        return
      case 'JMSXGroupSeq':
        this.headers.groupSequence = readAs('int', value, name)
        return
      case 'JMSXUserID':
        this.headers.userId = readAs('string', value, name)
        return
      case 'JMSXDeliveryCount':
        throw new MessageFormatException('JMSXDeliveryCount is set by the provider')
      default:
        this.#properties.set(name, value)
    }
  }

  /**
   * Sets the property `name` to a boolean. Throws `MessageNotWriteableException` if the properties
   * are read-only.
   */
  setBooleanProperty(name: string, value: boolean): void {
    this.#set(name, jmsValue('boolean', value))
  }
  /**
   * Sets the property `name` to a signed 8-bit integer. Throws `MessageNotWriteableException` if
   * the properties are read-only.
   */
  setByteProperty(name: string, value: number): void {
    this.#set(name, jmsValue('byte', value))
  }
  /**
   * Sets the property `name` to a signed 16-bit integer. Throws `MessageNotWriteableException` if
   * the properties are read-only.
   */
  setShortProperty(name: string, value: number): void {
    this.#set(name, jmsValue('short', value))
  }
  /**
   * Sets the property `name` to a signed 32-bit integer. Throws `MessageNotWriteableException` if
   * the properties are read-only.
   */
  setIntProperty(name: string, value: number): void {
    this.#set(name, jmsValue('int', value))
  }
  /**
   * Sets the property `name` to a signed 64-bit integer. Throws `MessageNotWriteableException` if
   * the properties are read-only.
   */
  setLongProperty(name: string, value: bigint | number): void {
    this.#set(name, jmsValue('long', value))
  }
  /**
   * Sets the property `name` to a single-precision number. Throws `MessageNotWriteableException` if
   * the properties are read-only.
   */
  setFloatProperty(name: string, value: number): void {
    this.#set(name, jmsValue('float', value))
  }
  /**
   * Sets the property `name` to a double-precision number. Throws `MessageNotWriteableException` if
   * the properties are read-only.
   */
  setDoubleProperty(name: string, value: number): void {
    this.#set(name, jmsValue('double', value))
  }
  /**
   * Sets the property `name` to a string. Throws `MessageNotWriteableException` if the properties
   * are read-only.
   */
  setStringProperty(name: string, value: string | null): void {
    this.#set(name, jmsValue('string', value))
  }
  /**
   * Sets a property by the type of its value: whole numbers of 32 bits become `int`, others
   * `double`, a bigint `long`. Throws `MessageFormatException` for objects.
   */
  setObjectProperty(name: string, value: boolean | number | bigint | string | null): void {
    const guessed = guessValue(value)
    if (guessed.type === 'bytes')
      throw new MessageFormatException('invalid property value: bytes are not allowed')
    this.#set(name, guessed)
  }

  // Acknowledgment and body.

  /** Acknowledges all messages that the session has consumed, in `CLIENT_ACKNOWLEDGE` mode. */
  async acknowledge(): Promise<void> {
    await this.#acknowledge?.()
  }

  /** Clears the body; the body of a received message can then be written. */
  clearBody(): void {
    this.isBodyReadOnly = false
  }

  /**
   * Returns the body as a type, named by its constructor (`String`, `Map`, `Buffer`, `Object`) or
   * decoded by a codec (`json<Order>()`). Throws `MessageFormatException` if the body does not have
   * that type.
   */
  getBody<T>(type: T): BodyOf<T> | null {
    const { decode } = type as { readonly decode?: unknown }
    if (typeof decode === 'function') return decode.call(type, this) as BodyOf<T>
    if (!this.isBodyAssignableTo(type)) {
      throw new MessageFormatException(
        `the body of a ${this.constructor.name} cannot be returned as ${(type as { readonly name?: string }).name}`,
      )
    }
    return this.bodyObject() as BodyOf<T> | null
  }

  /** @internal */
  protected bodyObject(): unknown {
    return null
  }

  /** Whether `getBody` can return the body as this type. */
  isBodyAssignableTo(_type: unknown): boolean {
    return true
  }

  /** Throws `MessageNotWriteableException` if the body is read-only. */
  protected checkBodyWriteable(): void {
    if (this.isBodyReadOnly) {
      throw new MessageNotWriteableException(
        'the body of a received message is read-only until clearBody()',
      )
    }
  }
}

/**
 * Makes the properties of a received message writeable and keeps their values, for programs that
 * forward messages.
 */
export function makePropertiesWriteable(message: Message): void {
  message.unlockProperties()
}
