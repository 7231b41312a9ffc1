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

  getMessageSelector(): string | null {
    return unchecked(() => this.#consumer.getMessageSelector())
  }
  getMessageListener(): MessageListener | null {
    return unchecked(() => this.#consumer.getMessageListener())
  }
  setMessageListener(listener: MessageListener | null): void {
    unchecked(() => this.#consumer.setMessageListener(listener))
  }
  /** See `MessageConsumer.receive`. */
  receive(timeout?: number): Promise<Message | null> {
    return unchecked(() => this.#consumer.receive(timeout))
  }
  receiveNoWait(): Promise<Message | null> {
    return unchecked(() => this.#consumer.receiveNoWait())
  }
  /** The body of the next message: `receiveBody(String)`, `receiveBody(Map)`, `receiveBody(Buffer)`, `receiveBody(json<Order>())`. */
  async receiveBody<T>(type: T, timeout?: number): Promise<BodyOf<T> | null> {
    return this.#bodyOf(await this.receive(timeout), type)
  }
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

  async close(): Promise<void> {
    await unchecked(() => this.#consumer.close())
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }
}
