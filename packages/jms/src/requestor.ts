// SPDX-License-Identifier: Apache-2.0
import type { MessageConsumer } from './consumer.ts'
import type { Destination, Queue, TemporaryQueue, TemporaryTopic, Topic } from './destination.ts'
import { InvalidDestinationException, JMSException } from './exceptions.ts'
import type { Message } from './message/message.ts'
import type { MessageProducer } from './producer.ts'
import type { Session } from './session.ts'

/**
 * Sends a request and waits for its reply, through a temporary destination (Jakarta Messaging 3.1,
 * section 7.2.3).
 */
abstract class Requestor implements AsyncDisposable {
  readonly #session: Session
  readonly #destination: Destination
  #ready: Promise<ReplyChannel> | undefined
  #last: Promise<unknown> = Promise.resolve()
  #receiving: Promise<Message | null> | undefined

  constructor(session: Session, destination: Destination | null) {
    if (destination === null || destination === undefined) {
      throw new InvalidDestinationException('invalid destination null: a requestor requires one')
    }
    if (session.getTransacted())
      throw new JMSException('a requestor requires a session that is not transacted')
    this.#session = session
    this.#destination = destination
  }

  protected abstract makeReplyTo(session: Session): Promise<TemporaryQueue | TemporaryTopic>

  async #prepare(): Promise<ReplyChannel> {
    const replyTo = await this.makeReplyTo(this.#session)
    const consumer = await this.#session.createConsumer(replyTo)
    const producer = await this.#session.createProducer(this.#destination)
    return { replyTo, consumer, producer }
  }

  /**
   * Sends a request and resolves with its reply. Requests run one at a time. Rejects with
   * `JMSException` and the code `JMS_CONNECTION_LOST` if the connection is lost first. For
   * concurrent requests and a timeout, use `JMSContext.request`.
   */
  request(message: Message): Promise<Message> {
    const reply = this.#last.then(() => this.#request(message))
    this.#last = reply.catch(() => undefined)
    return reply
  }

  async #request(message: Message): Promise<Message> {
    this.#ready ??= this.#prepare().catch((error: unknown) => {
      this.#ready = undefined
      throw error
    })
    const { replyTo, consumer, producer } = await this.#ready
    const lost = Promise.withResolvers<never>()
    lost.promise.catch(() => undefined)
    const stopObserving = this.#session.connection.observe({
      onLost: (error) => {
        // The reply destination was deleted with the connection: the request must not be sent
        // again.
        const reason = `the connection was lost before the reply arrived: ${error.message}`
        const failure = new JMSException(reason, 'JMS_CONNECTION_LOST', error)
        producer.cancelWaiting(failure)
        lost.reject(failure)
      },
    })
    try {
      message.setJMSReplyTo(replyTo)
      await producer.send(message)
      const reply = await Promise.race([this.#receive(consumer), lost.promise])
      if (reply === null)
        throw new JMSException('the requestor was closed before the reply arrived')
      return reply
    } finally {
      stopObserving()
    }
  }

  /**
   * Reuses a receive that is pending since a connection loss; it returns the reply to the next
   * request.
   */
  #receive(consumer: MessageConsumer): Promise<Message | null> {
    this.#receiving ??= consumer.receive().finally(() => {
      this.#receiving = undefined
    })
    return this.#receiving
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

interface ReplyChannel {
  readonly replyTo: TemporaryQueue | TemporaryTopic
  readonly consumer: MessageConsumer
  readonly producer: MessageProducer
}

/** Sends requests to a queue, one at a time, and waits for their replies. */
export class QueueRequestor extends Requestor {
  /** Creates a requestor for a queue, with a temporary queue for replies. */
  constructor(session: Session, queue: Queue | null) {
    super(session, queue)
  }

  protected override makeReplyTo(session: Session): Promise<TemporaryQueue> {
    return session.createTemporaryQueue()
  }
}

/** Publishes requests to a topic, one at a time, and waits for their replies. */
export class TopicRequestor extends Requestor {
  /** Creates a requestor for a topic, with a temporary topic for replies. */
  constructor(session: Session, topic: Topic | null) {
    super(session, topic)
  }

  protected override makeReplyTo(session: Session): Promise<TemporaryTopic> {
    return session.createTemporaryTopic()
  }
}
