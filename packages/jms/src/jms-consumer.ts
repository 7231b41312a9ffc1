// SPDX-License-Identifier: Apache-2.0
import type { MessageConsumer, MessageListener } from './consumer.ts'
import { MessageFormatException, unchecked } from './exceptions.ts'
import type { BodyOf, Message } from './message/message.ts'

/** A consumer of the simplified API. */
export class JMSConsumer implements AsyncDisposable {
  readonly #consumer: MessageConsumer

  /** @internal Created by a context. */
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
   * Sets the listener that is called with each message, one at a time; the promise of an async
   * listener is awaited. Null removes the listener.
   */
  setMessageListener(listener: MessageListener | null): void {
    unchecked(() => this.#consumer.setMessageListener(listener))
  }
  /** See `MessageConsumer.receive`. */
  receive(timeout?: number): Promise<Message | null> {
    return unchecked(() => this.#consumer.receive(timeout))
  }
  /** Returns the next message if the provider has one now, else null. */
  receiveNoWait(): Promise<Message | null> {
    return unchecked(() => this.#consumer.receiveNoWait())
  }
  /**
   * Returns the body of the next message: `receiveBody(String)`, `receiveBody(Map)`,
   * `receiveBody(Buffer)`, `receiveBody(json<Order>())`.
   */
  async receiveBody<T>(type: T, timeout?: number): Promise<BodyOf<T> | null> {
    return this.#bodyOf(await this.receive(timeout), type)
  }
  /**
   * Returns the body of the next message as the given type if the provider has a message now, else
   * null. Throws `MessageFormatRuntimeException`.
   */
  async receiveBodyNoWait<T>(type: T): Promise<BodyOf<T> | null> {
    return this.#bodyOf(await this.receiveNoWait(), type)
  }

  #bodyOf<T>(message: Message | null, type: T): BodyOf<T> | null {
    if (message === null) return null
    return unchecked(() => {
      // An instance of `Message` itself has no body.
      if (message.constructor.name === 'Message') {
        throw new MessageFormatException('the message has no body')
      }
      return message.getBody(type)
    })
  }

  /** Closes the consumer; prefetched messages are released. */
  async close(): Promise<void> {
    await unchecked(() => this.#consumer.close())
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }
}
