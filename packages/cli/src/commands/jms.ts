// SPDX-License-Identifier: Apache-2.0
import {
  type Connection,
  ConnectionFactory,
  type Destination,
  type Message,
  type MessageConsumer,
  makePropertiesWriteable,
  Queue,
  Session,
  Topic,
} from '@millrace/jms'
import { amqpUrl } from '../client/jms.ts'
import { report } from '../client/output.ts'
import type { Command } from '../command.ts'
import type { ParsedOptions } from '../options.ts'
import { UsageError } from '../usage-error.ts'

/** Number of messages in one transaction. */
const BATCH = 100
/** How long an idle bridge waits for the first message of a batch. */
const IDLE_MS = 1000
const RETRY_MS = 1000

const bridge: Command = {
  name: 'bridge',
  summary: 'forwards messages from one AMQP provider to another, exactly once into millrace',
  options: {
    from: {
      value: 'URL',
      help: 'source provider: Artemis, ActiveMQ, IBM MQ, millrace …',
    },
    'from-user': { value: 'NAME:PASSWORD', help: 'user at the source' },
    to: { value: 'URL', help: 'target provider (default 127.0.0.1:5672)' },
    'to-user': { value: 'NAME:PASSWORD', help: 'user at the target' },
    queue: { value: 'NAME', short: 'q', help: 'source queue' },
    topic: { value: 'NAME', short: 't', help: 'source topic, read with a durable subscription' },
    subscription: { value: 'NAME', help: 'name of the subscription (default millrace-bridge)' },
    as: { value: 'NAME', help: 'destination name at the target, if it differs' },
    selector: { value: 'TEXT', short: 's', help: 'only messages that match the selector' },
    'until-empty': { help: 'exits when no messages are left, instead of waiting for more' },
    json: { help: 'prints JSON' },
  },
  details: `A batch is sent in one transaction and acknowledged only then. After an interruption the batch is sent again. millrace
detects duplicates by the duplicate id that each message gets; other providers may deliver them twice.

Example:
millrace jms bridge --from amqp://artemis:5672 --queue orders --to 127.0.0.1:5672`,
  async run(parsed) {
    const passed = await new Bridge(parsed).run()
    report(`forwarded ${passed}`, { passed }, { json: parsed.has('json') })
    return 0
  },
}

class Bridge {
  readonly #parsed: ParsedOptions
  readonly #from: Destination
  readonly #to: Destination
  #isStopping = false
  /** Whether a failure was reported since the last connection. */
  #isLost = false

  constructor(parsed: ParsedOptions) {
    this.#parsed = parsed
    const [queue, topic] = [parsed.value('queue'), parsed.value('topic')]
    if ((queue === undefined) === (topic === undefined)) {
      throw new UsageError('use either --queue or --topic')
    }
    const name = (queue ?? topic) as string
    const there = parsed.value('as') ?? name
    this.#from = queue === undefined ? new Topic(name) : new Queue(name)
    this.#to = queue === undefined ? new Topic(there) : new Queue(there)
  }

  async run(): Promise<number> {
    for (const signal of ['SIGINT', 'SIGTERM'] as const) {
      process.on(signal, () => {
        this.#isStopping = true
      })
    }
    let passed = 0
    while (!this.#isStopping) {
      try {
        for (;;) {
          const count = await this.#pass((more) => {
            passed += more
          })
          if (count === 'done') return passed
        }
      } catch (error) {
        if (this.#isStopping || this.#parsed.has('until-empty')) throw error
        if (error instanceof UsageError) throw error
        if (!this.#isLost) {
          process.stderr.write(`millrace: ${(error as Error).message}; reconnecting\n`)
        }
        this.#isLost = true
        await new Promise((resolve) => setTimeout(resolve, RETRY_MS))
      }
    }
    return passed
  }

  #connect(which: 'from' | 'to'): Promise<Connection> {
    const url = this.#parsed.value(which) ?? (which === 'to' ? '127.0.0.1:5672' : undefined)
    if (url === undefined) throw new UsageError('missing --from')
    const [username, password] = this.#parsed.value(`${which}-user`)?.split(/:(.*)/s) ?? []
    const clientID = which === 'from' && this.#from instanceof Topic ? 'millrace-bridge' : undefined
    return new ConnectionFactory(amqpUrl(url, which), {
      username,
      password,
      clientID,
    }).createConnection()
  }

  /** Forwards messages over one pair of connections, until aborted or no messages are left. */
  async #pass(onPassed: (count: number) => void): Promise<'done'> {
    await using from = await this.#connect('from')
    await using to = await this.#connect('to')
    await using source = await from.createSession(Session.CLIENT_ACKNOWLEDGE)
    await using target = await to.createSession(Session.SESSION_TRANSACTED)
    await using consumer = await this.#consumer(source)
    await using producer = await target.createProducer(this.#to)
    await from.start()
    await to.start()
    if (this.#isLost) process.stderr.write('millrace: reconnected to both providers\n')
    this.#isLost = false
    while (!this.#isStopping) {
      const batch: Message[] = []
      let message = await consumer.receive(IDLE_MS)
      while (message !== null) {
        batch.push(message)
        message = batch.length < BATCH ? await consumer.receiveNoWait() : null
      }
      if (batch.length === 0) {
        if (this.#parsed.has('until-empty')) return 'done'
        continue
      }
      const sends = batch.map((each) => {
        const copy = marked(each)
        const left =
          each.getJMSExpiration() === 0 ? 0 : Math.max(each.getJMSExpiration() - Date.now(), 1)
        return producer.send(copy, each.getJMSDeliveryMode(), each.getJMSPriority(), left)
      })
      await Promise.all(sends)
      await target.commit()
      await batch.at(-1)?.acknowledge()
      onPassed(batch.length)
    }
    return 'done'
  }

  #consumer(session: Session): Promise<MessageConsumer> {
    const selector = this.#parsed.value('selector') ?? null
    if (this.#from instanceof Queue) return session.createConsumer(this.#from, selector)
    const name = this.#parsed.value('subscription') ?? 'millrace-bridge'
    return session.createDurableConsumer(this.#from as Topic, name, selector)
  }
}

/** Sets the duplicate id of a message, by which the target detects repetitions. */
function marked(message: Message): Message {
  const id = message.getJMSMessageID()
  const known = message.getObjectProperty('_AMQ_DUPL_ID')
  if (id === null || known !== null) return message
  makePropertiesWriteable(message)
  message.setStringProperty('_AMQ_DUPL_ID', id)
  return message
}

/** `millrace jms …` */
export const jms: Command = {
  name: 'jms',
  summary: 'forwards messages between JMS providers: bridge',
  subcommands: [bridge],
}
