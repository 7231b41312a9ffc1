// SPDX-License-Identifier: Apache-2.0
import type { MessageConsumer, MessageListener } from './consumer.ts'
import { MessageFormatException } from './exceptions.ts'
import { unchecked } from './jms-context.ts'
import type { BodyOf, Message } from './message/message.ts'

/** A consumer of the simplified API. */
export class JMSConsumer implements AsyncDisposable {
  readonly #consumer: MessageConsumer

  /** @internal Made by a context. */
  constructor(consumer: MessageConsumer) {
    this.#consumer = consumer
  }

  /** Selector, or null. */
  getMessageSelector(): string | null {
    return unchecked(() => this.#consumer.getMessageSelector())
  }
  /** The listener, or null. */
  getMessageListener(): MessageListener | null {
    return unchecked(() => this.#consumer.getMessageListener())
  }
  /**
   * Sets the listener that is called with each message, one at a time; an async one is awaited.
   * Null removes it.
   */
  setMessageListener(listener: MessageListener | null): void {
    unchecked(() => this.#consumer.setMessageListener(listener))
  }
  /** See `MessageConsumer.receive`. */
  receive(timeout?: number): Promise<Message | null> {
    return unchecked(() => this.#consumer.receive(timeout))
  }
  /** The next message if one is there, else null. */
  receiveNoWait(): Promise<Message | null> {
    return unchecked(() => this.#consumer.receiveNoWait())
  }
  /** The body of the next message: `receiveBody(String)`, `receiveBody(Map)`, `receiveBody(Buffer)`, `receiveBody(json<Order>())`. */
  async receiveBody<T>(type: T, timeout?: number): Promise<BodyOf<T> | null> {
    return this.#bodyOf(await this.receive(timeout), type)
  }
  /**
   * The body of the next message as the given type if one is there, else null. Throws
   * `MessageFormatRuntimeException`.
   */
  async receiveBodyNoWait<T>(type: T): Promise<BodyOf<T> | null> {
    return this.#bodyOf(await this.receiveNoWait(), type)
  }

  #bodyOf<T>(message: Message | null, type: T): BodyOf<T> | null {
    if (message === null) return null
    return unchecked(() => {
      // A message without a body has none to receive.
      if (message.constructor.name === 'Message') {
        throw new MessageFormatException('the message has no body')
      }
      return message.getBody(type)
    })
  }

  /** Closes the consumer; what was prefetched goes back. */
  async close(): Promise<void> {
    await unchecked(() => this.#consumer.close())
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }
}
