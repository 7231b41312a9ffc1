// SPDX-License-Identifier: Apache-2.0
import type { MessageConsumer } from './consumer.ts'
import type { Destination, Queue, TemporaryQueue, TemporaryTopic, Topic } from './destination.ts'
import { InvalidDestinationException, JMSException } from './exceptions.ts'
import type { Message } from './message/message.ts'
import type { MessageProducer } from './producer.ts'
import type { Session } from './session.ts'

/** Sends a request and waits for its reply, through a temporary destination (Jakarta Messaging 3.1, section 7.2.3). */
abstract class Requestor implements AsyncDisposable {
  readonly #session: Session
  readonly #destination: Destination
  #ready: Promise<Parts> | undefined
  #last: Promise<unknown> = Promise.resolve()

  constructor(session: Session, destination: Destination | null) {
    if (destination === null || destination === undefined) {
      throw new InvalidDestinationException('a requestor needs a destination')
    }
    if (session.getTransacted())
      throw new JMSException('a requestor needs a session without transactions')
    this.#session = session
    this.#destination = destination
  }

  protected abstract makeReplyTo(session: Session): Promise<TemporaryQueue | TemporaryTopic>

  async #prepare(): Promise<Parts> {
    const replyTo = await this.makeReplyTo(this.#session)
    const consumer = await this.#session.createConsumer(replyTo)
    const producer = await this.#session.createProducer(this.#destination)
    return { replyTo, consumer, producer }
  }

  /** One request at a time; others wait their turn. */
  request(message: Message): Promise<Message> {
    const reply = this.#last.then(() => this.#request(message))
    this.#last = reply.catch(() => undefined)
    return reply
  }

  async #request(message: Message): Promise<Message> {
    this.#ready ??= this.#prepare()
    const { replyTo, consumer, producer } = await this.#ready
    message.setJMSReplyTo(replyTo)
    await producer.send(message)
    const reply = await consumer.receive()
    if (reply === null) throw new JMSException('the requestor was closed before a reply came')
    return reply
  }

  /** Closes the session, as in Java. */
  async close(): Promise<void> {
    await this.#session.close()
    const parts = await this.#ready?.catch(() => undefined)
    await parts?.replyTo.delete().catch(() => undefined)
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }
}

interface Parts {
  readonly replyTo: TemporaryQueue | TemporaryTopic
  readonly consumer: MessageConsumer
  readonly producer: MessageProducer
}

export class QueueRequestor extends Requestor {
  constructor(session: Session, queue: Queue | null) {
    super(session, queue)
  }

  protected override makeReplyTo(session: Session): Promise<TemporaryQueue> {
    return session.createTemporaryQueue()
  }
}

export class TopicRequestor extends Requestor {
  constructor(session: Session, topic: Topic | null) {
    super(session, topic)
  }

  protected override makeReplyTo(session: Session): Promise<TemporaryTopic> {
    return session.createTemporaryTopic()
  }
}
