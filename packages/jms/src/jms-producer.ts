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

  setDisableMessageID(value: boolean): this {
    this.#disableMessageId = value
    return this
  }
  getDisableMessageID(): boolean {
    return this.#disableMessageId
  }
  setDisableMessageTimestamp(value: boolean): this {
    this.#disableTimestamp = value
    return this
  }
  getDisableMessageTimestamp(): boolean {
    return this.#disableTimestamp
  }
  setDeliveryMode(deliveryMode: number): this {
    unchecked(() => checkDeliveryMode(deliveryMode))
    this.#deliveryMode = deliveryMode
    return this
  }
  getDeliveryMode(): number {
    return this.#deliveryMode
  }
  setPriority(priority: number): this {
    unchecked(() => checkPriority(priority))
    this.#priority = priority
    return this
  }
  getPriority(): number {
    return this.#priority
  }
  setTimeToLive(timeToLive: number): this {
    unchecked(() => checkDuration('time to live', timeToLive))
    this.#timeToLive = timeToLive
    return this
  }
  getTimeToLive(): number {
    return this.#timeToLive
  }
  setDeliveryDelay(deliveryDelay: number): this {
    unchecked(() => checkDuration('delivery delay', deliveryDelay))
    this.#deliveryDelay = deliveryDelay
    return this
  }
  getDeliveryDelay(): number {
    return this.#deliveryDelay
  }
  setAsync(listener: CompletionListener | null): this {
    unchecked(() => {
      if (listener === null) return
      checkValue('setAsync', 'completionListener', listener, completionListener)
    })
    this.#async = listener
    return this
  }
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
  clearProperties(): this {
    this.#template.clearProperties()
    return this
  }
  propertyExists(name: string): boolean {
    return this.#template.propertyExists(name)
  }
  getBooleanProperty(name: string): boolean {
    return unchecked(() => this.#template.getBooleanProperty(name))
  }
  getByteProperty(name: string): number {
    return unchecked(() => this.#template.getByteProperty(name))
  }
  getShortProperty(name: string): number {
    return unchecked(() => this.#template.getShortProperty(name))
  }
  getIntProperty(name: string): number {
    return unchecked(() => this.#template.getIntProperty(name))
  }
  getLongProperty(name: string): bigint {
    return unchecked(() => this.#template.getLongProperty(name))
  }
  getFloatProperty(name: string): number {
    return unchecked(() => this.#template.getFloatProperty(name))
  }
  getDoubleProperty(name: string): number {
    return unchecked(() => this.#template.getDoubleProperty(name))
  }
  getStringProperty(name: string): string | null {
    return unchecked(() => this.#template.getStringProperty(name))
  }
  getObjectProperty(name: string): boolean | number | bigint | string | null {
    return this.#template.getObjectProperty(name)
  }
  getPropertyNames(): ReadonlySet<string> {
    return new Set(this.#template.getPropertyNames())
  }

  setJMSCorrelationID(correlationID: string | null): this {
    this.#template.setJMSCorrelationID(correlationID)
    this.#hasCorrelationId = true
    return this
  }
  getJMSCorrelationID(): string | null {
    return this.#template.getJMSCorrelationID()
  }
  setJMSCorrelationIDAsBytes(correlationID: Uint8Array | null): this {
    this.#template.setJMSCorrelationIDAsBytes(correlationID)
    this.#hasCorrelationId = true
    return this
  }
  getJMSCorrelationIDAsBytes(): Buffer | null {
    return unchecked(() => this.#template.getJMSCorrelationIDAsBytes())
  }
  setJMSType(type: string | null): this {
    this.#template.setJMSType(type)
    return this
  }
  getJMSType(): string | null {
    return this.#template.getJMSType()
  }
  setJMSReplyTo(replyTo: Destination | null): this {
    this.#template.setJMSReplyTo(replyTo)
    return this
  }
  getJMSReplyTo(): Destination | null {
    return this.#template.getJMSReplyTo()
  }
}
