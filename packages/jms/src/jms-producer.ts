// SPDX-License-Identifier: Apache-2.0
import { type Body, messageOf } from './body.ts'
import { type Destination, Queue, Topic } from './destination.ts'
import { InvalidDestinationException, unchecked } from './exceptions.ts'
import {
  DEFAULT_DELIVERY_MODE,
  DEFAULT_PRIORITY,
  DEFAULT_TIME_TO_LIVE,
  IllegalArgumentException,
  Message,
} from './message/message.ts'
import { checkValue } from './options.ts'
import {
  type CompletionListener,
  checkDeliveryMode,
  checkDuration,
  checkPriority,
  completionListener,
  type MessageProducer,
} from './producer.ts'

/**
 * A producer of the simplified API: its settings and properties apply to all messages it sends, to
 * any destination. Setters return the producer.
 */
export class JMSProducer {
  readonly #producer: () => Promise<MessageProducer>
  /** Headers and properties for messages to be sent. */
  readonly #template = new Message()
  #hasCorrelationId = false
  #disableMessageId = false
  #disableTimestamp = false
  #deliveryMode: number = DEFAULT_DELIVERY_MODE
  #priority: number = DEFAULT_PRIORITY
  #timeToLive: number = DEFAULT_TIME_TO_LIVE
  #deliveryDelay = 0
  #async: CompletionListener | null = null
  /** Chains sends: each applies its own settings to the shared producer, and the order is kept. */
  #last: Promise<unknown> = Promise.resolve()

  /** @internal Created by a context. */
  constructor(producer: () => Promise<MessageProducer>) {
    this.#producer = producer
  }

  /**
   * Sends a message or a body; resolves with the producer when the provider has accepted the
   * message, or immediately after `setAsync`.
   */
  async send(destination: Destination, body: Body): Promise<this> {
    await unchecked(async () => {
      if (!(destination instanceof Queue || destination instanceof Topic)) {
        throw new InvalidDestinationException(`invalid destination ${String(destination)}`)
      }
      const message = messageOf(body)
      this.#applyTo(message)
      const settings = {
        disableMessageId: this.#disableMessageId,
        disableTimestamp: this.#disableTimestamp,
        deliveryDelay: this.#deliveryDelay,
        rest: [this.#deliveryMode, this.#priority, this.#timeToLive] as const,
        listener: this.#async ?? undefined,
      }
      let sent: Promise<void> = Promise.resolve()
      this.#last = this.#last.then(async () => {
        try {
          const producer = await this.#producer()
          producer.setDisableMessageID(settings.disableMessageId)
          producer.setDisableMessageTimestamp(settings.disableTimestamp)
          producer.setDeliveryDelay(settings.deliveryDelay)
          sent = producer.send(destination, message, ...settings.rest, settings.listener)
        } catch (error) {
          sent = Promise.reject(error as Error)
        }
        sent.catch(() => undefined)
      })
      await this.#last
      await sent
    })
    return this
  }

  #applyTo(message: Message): void {
    const { headers } = this.#template
    if (this.#hasCorrelationId) message.headers.correlationId = headers.correlationId
    if (headers.type !== null) message.setJMSType(headers.type)
    if (headers.replyTo !== null) message.setJMSReplyTo(headers.replyTo)
    if (headers.groupId !== null) message.headers.groupId = headers.groupId
    if (headers.groupSequence !== null) message.headers.groupSequence = headers.groupSequence
    if (headers.userId !== null) message.headers.userId = headers.userId
    for (const [name, value] of this.#template.plainProperties)
      message.setPlainProperty(name, value)
  }

  /** Sets whether messages are sent without a message id. Returns this producer. */
  setDisableMessageID(value: boolean): this {
    this.#disableMessageId = value
    return this
  }
  /** Whether messages are sent without a message id. Default false. */
  getDisableMessageID(): boolean {
    return this.#disableMessageId
  }
  /** Sets whether messages are sent without a timestamp. Returns this producer. */
  setDisableMessageTimestamp(value: boolean): this {
    this.#disableTimestamp = value
    return this
  }
  /** Whether messages are sent without a timestamp. Default false. */
  getDisableMessageTimestamp(): boolean {
    return this.#disableTimestamp
  }
  /**
   * Sets the delivery mode: `DeliveryMode.PERSISTENT` or `NON_PERSISTENT`. Returns this producer.
   */
  setDeliveryMode(deliveryMode: number): this {
    unchecked(() => checkDeliveryMode(deliveryMode))
    this.#deliveryMode = deliveryMode
    return this
  }
  /** Delivery mode. Default `PERSISTENT`. */
  getDeliveryMode(): number {
    return this.#deliveryMode
  }
  /** Sets the priority, 0 (lowest) to 9. Returns this producer. */
  setPriority(priority: number): this {
    unchecked(() => checkPriority(priority))
    this.#priority = priority
    return this
  }
  /** Priority. Default 4. */
  getPriority(): number {
    return this.#priority
  }
  /** Sets the time to live of messages, milliseconds; 0 means no limit. Returns this producer. */
  setTimeToLive(timeToLive: number): this {
    unchecked(() => checkDuration('time to live', timeToLive))
    this.#timeToLive = timeToLive
    return this
  }
  /** Time to live of messages, milliseconds. Default 0, no limit. */
  getTimeToLive(): number {
    return this.#timeToLive
  }
  /** Sets the delivery delay of messages, milliseconds. Returns this producer. */
  setDeliveryDelay(deliveryDelay: number): this {
    unchecked(() => checkDuration('delivery delay', deliveryDelay))
    this.#deliveryDelay = deliveryDelay
    return this
  }
  /** Delivery delay of messages, milliseconds. Default 0. */
  getDeliveryDelay(): number {
    return this.#deliveryDelay
  }
  /**
   * Makes `send` return immediately; the listener is called with the outcome. With null, `send`
   * waits. Returns this producer.
   */
  setAsync(listener: CompletionListener | null): this {
    unchecked(() => {
      if (listener === null) return
      checkValue('setAsync', 'completionListener', listener, completionListener)
    })
    this.#async = listener
    return this
  }
  /** Listener for asynchronous sends, or null. */
  getAsync(): CompletionListener | null {
    return this.#async
  }

  /**
   * Sets a property: a boolean, number (`int` or `double`), bigint (`long`) or string. Returns this
   * producer.
   */
  setProperty(name: string, value: boolean | number | bigint | string | null): this {
    unchecked(() => {
      if (value !== null && typeof value === 'object') {
        throw new IllegalArgumentException(
          'invalid property value: expected a boolean, number, bigint, string or null',
        )
      }
      this.#template.setObjectProperty(name, value)
    })
    return this
  }
  /** Removes all properties. */
  clearProperties(): this {
    this.#template.clearProperties()
    return this
  }
  /** Whether a property with this name exists. */
  propertyExists(name: string): boolean {
    return this.#template.propertyExists(name)
  }
  /**
   * The property `name` as a boolean. Throws `MessageFormatException` if it cannot be converted.
   */
  getBooleanProperty(name: string): boolean {
    return unchecked(() => this.#template.getBooleanProperty(name))
  }
  /**
   * The property `name` as a signed 8-bit integer. Throws `MessageFormatException` if it cannot be
   * converted.
   */
  getByteProperty(name: string): number {
    return unchecked(() => this.#template.getByteProperty(name))
  }
  /**
   * The property `name` as a signed 16-bit integer. Throws `MessageFormatException` if it cannot be
   * converted.
   */
  getShortProperty(name: string): number {
    return unchecked(() => this.#template.getShortProperty(name))
  }
  /**
   * The property `name` as a signed 32-bit integer. Throws `MessageFormatException` if it cannot be
   * converted.
   */
  getIntProperty(name: string): number {
    return unchecked(() => this.#template.getIntProperty(name))
  }
  /**
   * The property `name` as a signed 64-bit integer, as a bigint. Throws `MessageFormatException` if
   * it cannot be converted.
   */
  getLongProperty(name: string): bigint {
    return unchecked(() => this.#template.getLongProperty(name))
  }
  /**
   * The property `name` as a single-precision number. Throws `MessageFormatException` if it cannot
   * be converted.
   */
  getFloatProperty(name: string): number {
    return unchecked(() => this.#template.getFloatProperty(name))
  }
  /**
   * The property `name` as a double-precision number. Throws `MessageFormatException` if it cannot
   * be converted.
   */
  getDoubleProperty(name: string): number {
    return unchecked(() => this.#template.getDoubleProperty(name))
  }
  /**
   * The property `name` as a string. Throws `MessageFormatException` if it cannot be converted.
   * Null if there is none.
   */
  getStringProperty(name: string): string | null {
    return unchecked(() => this.#template.getStringProperty(name))
  }
  /** The property `name` as set; null if there is none. */
  getObjectProperty(name: string): boolean | number | bigint | string | null {
    return this.#template.getObjectProperty(name)
  }
  /** Names of the properties of sent messages. */
  getPropertyNames(): ReadonlySet<string> {
    return new Set(this.#template.getPropertyNames())
  }

  /** Sets the correlation id of sent messages. Returns this producer. */
  setJMSCorrelationID(correlationID: string | null): this {
    this.#template.setJMSCorrelationID(correlationID)
    this.#hasCorrelationId = true
    return this
  }
  /** The correlation id of sent messages, or null. */
  getJMSCorrelationID(): string | null {
    return this.#template.getJMSCorrelationID()
  }
  /** Sets the correlation id of sent messages, as bytes. Returns this producer. */
  setJMSCorrelationIDAsBytes(correlationID: Uint8Array | null): this {
    this.#template.setJMSCorrelationIDAsBytes(correlationID)
    this.#hasCorrelationId = true
    return this
  }
  /** The correlation id of sent messages, as bytes, or null. */
  getJMSCorrelationIDAsBytes(): Buffer | null {
    return unchecked(() => this.#template.getJMSCorrelationIDAsBytes())
  }
  /** Sets the type of sent messages. Returns this producer. */
  setJMSType(type: string | null): this {
    this.#template.setJMSType(type)
    return this
  }
  /** The type of sent messages, or null. */
  getJMSType(): string | null {
    return this.#template.getJMSType()
  }
  /** Sets the reply destination of sent messages. Returns this producer. */
  setJMSReplyTo(replyTo: Destination | null): this {
    this.#template.setJMSReplyTo(replyTo)
    return this
  }
  /** The reply destination of sent messages, or null. */
  getJMSReplyTo(): Destination | null {
    return this.#template.getJMSReplyTo()
  }
}
