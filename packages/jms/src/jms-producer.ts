// SPDX-License-Identifier: Apache-2.0
import { type Body, messageOf } from './body.ts'
import { type Destination, Queue, Topic } from './destination.ts'
import { InvalidDestinationException } from './exceptions.ts'
import { unchecked } from './jms-context.ts'
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

/** A producer of the simplified API: settings and properties for all it sends, wherever to. Its setters return itself. */
export class JMSProducer {
  readonly #producer: () => Promise<MessageProducer>
  /** Holds headers and properties for the messages to come. */
  readonly #template = new Message()
  #hasCorrelationId = false
  #disableMessageId = false
  #disableTimestamp = false
  #deliveryMode: number = DEFAULT_DELIVERY_MODE
  #priority: number = DEFAULT_PRIORITY
  #timeToLive: number = DEFAULT_TIME_TO_LIVE
  #deliveryDelay = 0
  #async: CompletionListener | null = null
  /** Sends go out in their order although settings travel with each. */
  #last: Promise<unknown> = Promise.resolve()

  /** @internal Made by a context. */
  constructor(producer: () => Promise<MessageProducer>) {
    this.#producer = producer
  }

  /** Sends a message or a body; resolves with the producer when the provider has it safe, or at once after `setAsync`. */
  async send(destination: Destination, body: Body): Promise<this> {
    await unchecked(async () => {
      if (!(destination instanceof Queue || destination instanceof Topic)) {
        throw new InvalidDestinationException(`${String(destination)} is no destination`)
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

  /**
   * Hints that message ids are not needed. The hint is accepted; messages get ids all the same.
   * Returns this producer.
   */
  setDisableMessageID(value: boolean): this {
    this.#disableMessageId = value
    return this
  }
  /** Whether message ids are hinted to be unnecessary. Default false. */
  getDisableMessageID(): boolean {
    return this.#disableMessageId
  }
  /** Hints that timestamps are not needed. Returns this producer. */
  setDisableMessageTimestamp(value: boolean): this {
    this.#disableTimestamp = value
    return this
  }
  /** Whether timestamps are hinted to be unnecessary. Default false. */
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
  /** Sets the life time of messages, milliseconds; 0 for no limit. Returns this producer. */
  setTimeToLive(timeToLive: number): this {
    unchecked(() => checkDuration('time to live', timeToLive))
    this.#timeToLive = timeToLive
    return this
  }
  /** Life time of messages, milliseconds. Default 0, no limit. */
  getTimeToLive(): number {
    return this.#timeToLive
  }
  /** Sets the time before messages are delivered, milliseconds. Returns this producer. */
  setDeliveryDelay(deliveryDelay: number): this {
    unchecked(() => checkDuration('delivery delay', deliveryDelay))
    this.#deliveryDelay = deliveryDelay
    return this
  }
  /** Time before messages are delivered, milliseconds. Default 0. */
  getDeliveryDelay(): number {
    return this.#deliveryDelay
  }
  /**
   * Makes `send` return at once; the listener is called when the provider has the message. Null:
   * `send` waits. Returns this producer.
   */
  setAsync(listener: CompletionListener | null): this {
    unchecked(() => {
      if (listener === null) return
      checkValue('setAsync', 'completionListener', listener, completionListener)
    })
    this.#async = listener
    return this
  }
  /** The listener of asynchronous sends, or null. */
  getAsync(): CompletionListener | null {
    return this.#async
  }

  /** Booleans, numbers (an `int`, or a `double`), bigints (a `long`) and strings. */
  setProperty(name: string, value: boolean | number | bigint | string | null): this {
    unchecked(() => {
      if (value !== null && typeof value === 'object') {
        throw new IllegalArgumentException('an object cannot be a property')
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
  /** Whether there is a property of this name. */
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
   * The property `name` as a signed number of 8 bits. Throws `MessageFormatException` if it cannot
   * be converted.
   */
  getByteProperty(name: string): number {
    return unchecked(() => this.#template.getByteProperty(name))
  }
  /**
   * The property `name` as a signed number of 16 bits. Throws `MessageFormatException` if it cannot
   * be converted.
   */
  getShortProperty(name: string): number {
    return unchecked(() => this.#template.getShortProperty(name))
  }
  /**
   * The property `name` as a signed number of 32 bits. Throws `MessageFormatException` if it cannot
   * be converted.
   */
  getIntProperty(name: string): number {
    return unchecked(() => this.#template.getIntProperty(name))
  }
  /**
   * The property `name` as a signed number of 64 bits, as a bigint. Throws `MessageFormatException`
   * if it cannot be converted.
   */
  getLongProperty(name: string): bigint {
    return unchecked(() => this.#template.getLongProperty(name))
  }
  /**
   * The property `name` as a number of single precision. Throws `MessageFormatException` if it
   * cannot be converted.
   */
  getFloatProperty(name: string): number {
    return unchecked(() => this.#template.getFloatProperty(name))
  }
  /**
   * The property `name` as a number of double precision. Throws `MessageFormatException` if it
   * cannot be converted.
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
  /** The property `name` as it was set; null if there is none. */
  getObjectProperty(name: string): boolean | number | bigint | string | null {
    return this.#template.getObjectProperty(name)
  }
  /** Names of the properties that messages sent with this producer get. */
  getPropertyNames(): ReadonlySet<string> {
    return new Set(this.#template.getPropertyNames())
  }

  /** Sets the correlation id of messages that are sent. Returns this producer. */
  setJMSCorrelationID(correlationID: string | null): this {
    this.#template.setJMSCorrelationID(correlationID)
    this.#hasCorrelationId = true
    return this
  }
  /** The correlation id of messages that are sent, or null. */
  getJMSCorrelationID(): string | null {
    return this.#template.getJMSCorrelationID()
  }
  /** Sets the correlation id of messages that are sent, as bytes. Returns this producer. */
  setJMSCorrelationIDAsBytes(correlationID: Uint8Array | null): this {
    this.#template.setJMSCorrelationIDAsBytes(correlationID)
    this.#hasCorrelationId = true
    return this
  }
  /** The correlation id of messages that are sent, as bytes, or null. */
  getJMSCorrelationIDAsBytes(): Buffer | null {
    return unchecked(() => this.#template.getJMSCorrelationIDAsBytes())
  }
  /** Sets the type of messages that are sent. Returns this producer. */
  setJMSType(type: string | null): this {
    this.#template.setJMSType(type)
    return this
  }
  /** The type of messages that are sent, or null. */
  getJMSType(): string | null {
    return this.#template.getJMSType()
  }
  /** Sets the destination of replies of messages that are sent. Returns this producer. */
  setJMSReplyTo(replyTo: Destination | null): this {
    this.#template.setJMSReplyTo(replyTo)
    return this
  }
  /** The destination of replies of messages that are sent, or null. */
  getJMSReplyTo(): Destination | null {
    return this.#template.getJMSReplyTo()
  }
}
