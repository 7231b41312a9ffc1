// SPDX-License-Identifier: Apache-2.0

import {
  BytesMessage,
  type Connection,
  ConnectionFactory,
  type Message,
  type MessageConsumer,
  ObjectMessage,
  Queue,
  Session,
  TextMessage,
  Topic,
} from '@millrace/jms'
import { charsetOf } from '../charsets/charset.ts'
import { defineSource, type Source, type SourceContext } from '../component.ts'
import {
  boolean,
  type CheckProblem,
  choice,
  ignored,
  integer,
  optionalText,
  parsed,
  requiredText,
  type ValuesOf,
} from '../config/keys.ts'
import { reasonOf } from '../errors.ts'
import { Event, newHeaders } from '../event.ts'
import { amqpUrlOf, readPassword } from '../jms/provider.ts'
import { sleep } from '../waiting.ts'

/** How long an idle source waits for the first message of a batch. */
const IDLE_MS = 1000
const RETRY_MS = 1000

const keys = {
  initialContextFactory: ignored('there is no JNDI: providerURL says where the provider is'),
  connectionFactory: ignored('there is no JNDI: providerURL says where the provider is'),
  providerURL: requiredText(),
  destinationName: requiredText(),
  destinationType: choice(['QUEUE', 'TOPIC'], 'QUEUE'),
  destinationLocator: ignored('there is no JNDI: destinationName is the name itself'),
  messageSelector: optionalText(),
  userName: optionalText(),
  passwordFile: optionalText(),
  batchSize: integer(100, { min: 1 }),
  pollTimeout: ignored('messages are put as soon as they arrive'),
  errorThreshold: ignored('a lost connection is replaced'),
  converterType: choice(['DEFAULT'], 'DEFAULT', { key: 'converter.type' }),
  converterCharset: parsed(charsetOf, charsetOf('UTF-8'), { key: 'converter.charset' }),
  createDurableSubscription: boolean(false),
  clientId: optionalText(),
  durableSubscriptionName: optionalText(),
}

type Config = ValuesOf<typeof keys>

interface Link {
  readonly connection: Connection
  readonly session: Session
  readonly consumer: MessageConsumer
}

/**
 * Messages of a queue or topic. A batch is one transaction: received for good when the channels
 * have it.
 */
class JmsSource implements Source {
  readonly #config: Config
  readonly #context: SourceContext
  readonly #batchSize: number
  readonly #stopping = new AbortController()
  #running: Promise<void> | undefined

  constructor(config: Config, context: SourceContext) {
    this.#config = config
    this.#context = context
    this.#batchSize = context.channels.batchSizeWithin(config.batchSize)
  }

  async start(): Promise<void> {
    this.#running = this.#run()
  }

  async #run(): Promise<void> {
    const { signal } = this.#stopping
    while (!signal.aborted) {
      let link: Link | undefined
      try {
        link = await this.#connect()
        while (!signal.aborted) await this.#receive(link)
      } catch (error) {
        if (signal.aborted) break
        this.#context.counters.add('EventReadFail')
        this.#context.logger.warn('cannot receive; reconnecting', {
          source: this.#context.name,
          reason: reasonOf(error),
        })
        await sleep(this.#context.world.clock, RETRY_MS, signal)
      } finally {
        await link?.connection.close().catch(() => {})
      }
    }
  }

  async #connect(): Promise<Link> {
    const { providerURL, userName, passwordFile, clientId } = this.#config
    const connection = await new ConnectionFactory(amqpUrlOf(providerURL), {
      username: userName,
      password: readPassword(passwordFile, this.#context.directory),
      clientID: clientId,
      prefetch: this.#batchSize * 2,
    }).createConnection()
    try {
      const session = await connection.createSession(Session.SESSION_TRANSACTED)
      const consumer = await this.#consumer(session)
      await connection.start()
      return { connection, session, consumer }
    } catch (error) {
      await connection.close().catch(() => {})
      throw error
    }
  }

  #consumer(session: Session): Promise<MessageConsumer> {
    const { destinationName, destinationType, messageSelector = null } = this.#config
    if (destinationType === 'QUEUE')
      return session.createConsumer(new Queue(destinationName), messageSelector)
    const topic = new Topic(destinationName)
    if (!this.#config.createDurableSubscription)
      return session.createConsumer(topic, messageSelector)
    const name = this.#config.durableSubscriptionName ?? ''
    return session.createDurableConsumer(topic, name, messageSelector)
  }

  async #receive({ session, consumer }: Link): Promise<void> {
    const messages: Message[] = []
    let message = await consumer.receive(IDLE_MS)
    while (message !== null) {
      messages.push(message)
      message = messages.length < this.#batchSize ? await consumer.receiveNoWait() : null
    }
    if (messages.length === 0) return
    try {
      await this.#context.channels.process(messages.map((each) => this.#event(each)))
      await session.commit()
    } catch (error) {
      await session.rollback()
      this.#context.logger.warn('cannot put messages; they return to the destination', {
        source: this.#context.name,
        reason: reasonOf(error),
      })
      await sleep(this.#context.world.clock, RETRY_MS, this.#stopping.signal)
    }
  }

  #event(message: Message): Event {
    const headers = newHeaders()
    for (const name of message.getPropertyNames()) {
      headers[name] = message.getStringProperty(name) ?? 'null'
    }
    return new Event(this.#body(message), headers)
  }

  #body(message: Message): Buffer {
    if (message instanceof TextMessage) {
      return this.#config.converterCharset.encode(message.getText() ?? '')
    }
    if (message instanceof BytesMessage) {
      const body = Buffer.alloc(Number(message.getBodyLength()))
      message.readBytes(body)
      return body
    }
    // Java would serialize the object; here it is JSON.
    if (message instanceof ObjectMessage)
      return Buffer.from(JSON.stringify(message.getObject()) ?? '')
    return Buffer.alloc(0)
  }

  async stop(): Promise<void> {
    this.#stopping.abort()
    await this.#running
  }
}

export const jmsSource = defineSource({
  type: 'jms',
  aliases: ['org.apache.flume.source.jms.JMSSource'],
  about: 'messages of a JMS queue or topic, over AMQP',
  keys,
  check(config) {
    if (!config.createDurableSubscription) return []
    const problems: CheckProblem[] = []
    const needed = 'is missing: createDurableSubscription = true needs it'
    if (config.destinationType !== 'TOPIC') {
      problems.push({
        key: 'destinationType',
        message: 'is QUEUE; allowed with createDurableSubscription is TOPIC',
      })
    }
    if (config.clientId === undefined) problems.push({ key: 'clientId', message: needed })
    if (config.durableSubscriptionName === undefined) {
      problems.push({ key: 'durableSubscriptionName', message: needed })
    }
    return problems
  },
  create: (config, context) => new JmsSource(config, context),
})
