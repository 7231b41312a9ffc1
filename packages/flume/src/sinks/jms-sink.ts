// SPDX-License-Identifier: Apache-2.0
import {
  type Connection,
  ConnectionFactory,
  type MessageProducer,
  Queue,
  Session,
  Topic,
} from '@millrace/jms'
import type { TakeTransaction } from '../channel.ts'
import { type ComponentContext, defineSink, type Sink } from '../component.ts'
import { choice, integer, optionalText, requiredText, type ValuesOf } from '../config/keys.ts'
import { DeliveryError, reasonOf } from '../errors.ts'
import { amqpUrlOf, readPassword } from '../jms/provider.ts'

const keys = {
  providerURL: requiredText(),
  destinationName: requiredText(),
  destinationType: choice(['QUEUE', 'TOPIC'], 'QUEUE'),
  userName: optionalText(),
  passwordFile: optionalText(),
  batchSize: integer(100, { min: 1 }),
  messageType: choice(['text', 'bytes'], 'text'),
}

interface Link {
  readonly connection: Connection
  readonly session: Session
  readonly producer: MessageProducer
}

/** The name of a JMS property is a Java identifier; other names are converted to one. */
function propertyName(name: string): string {
  const plain = name.replaceAll(/[^\w$]/g, '_')
  return /^\d/.test(plain) ? `_${plain}` : plain
}

/**
 * Sends each event as a message with its headers as properties; a batch is one session transaction.
 */
class JmsSink implements Sink {
  readonly batchSize: number
  readonly #config: ValuesOf<typeof keys>
  readonly #context: ComponentContext
  #link: Link | undefined

  constructor(config: ValuesOf<typeof keys>, context: ComponentContext) {
    this.#config = config
    this.#context = context
    this.batchSize = config.batchSize
  }

  async process({ events }: TakeTransaction): Promise<void> {
    try {
      this.#link ??= await this.#connect()
      const { session, producer } = this.#link
      const sends = events.map(({ headers, body }) => {
        const message =
          this.#config.messageType === 'text'
            ? session.createTextMessage(body.toString())
            : session.createBytesMessage()
        if ('writeBytes' in message) message.writeBytes(body)
        for (const name in headers)
          message.setStringProperty(propertyName(name), headers[name] as string)
        return producer.send(message)
      })
      await Promise.all(sends)
      await session.commit()
    } catch (error) {
      await this.#disconnect()
      throw new DeliveryError(`${this.#config.providerURL}: ${reasonOf(error)}`, error)
    }
  }

  async #connect(): Promise<Link> {
    const { providerURL, userName, passwordFile, destinationName, destinationType } = this.#config
    const connection = await new ConnectionFactory(amqpUrlOf(providerURL), {
      username: userName,
      password: readPassword(passwordFile, this.#context.directory),
    }).createConnection()
    this.#context.counters.add('ConnectionCreatedCount')
    const session = await connection.createSession(Session.SESSION_TRANSACTED)
    const destination =
      destinationType === 'QUEUE' ? new Queue(destinationName) : new Topic(destinationName)
    return { connection, session, producer: await session.createProducer(destination) }
  }

  async #disconnect(): Promise<void> {
    const link = this.#link
    this.#link = undefined
    if (link === undefined) return
    await link.connection.close().catch(() => {})
    this.#context.counters.add('ConnectionClosedCount')
  }

  stop(): Promise<void> {
    return this.#disconnect()
  }
}

export const jmsSink = defineSink({
  type: 'jms',
  about: 'messages of a JMS queue or topic, over AMQP',
  keys,
  create: (config, context) => new JmsSink(config, context),
})
