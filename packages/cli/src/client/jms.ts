// SPDX-License-Identifier: Apache-2.0
import { MillraceError } from '@millrace/base'
import {
  BytesMessage,
  type Connection,
  ConnectionFactory,
  MapMessage,
  type Message,
  Queue,
  Session,
  StreamMessage,
  TextMessage,
} from '@millrace/jms'
import type { Options, ParsedOptions } from '../options.ts'
import { UsageError } from '../usage-error.ts'

/** Options of all commands that connect to a JMS provider. */
export const jmsOptions = {
  amqp: {
    value: 'URL',
    short: 'a',
    help: 'provider, as amqp://HOST:PORT or HOST:PORT (default $MILLRACE_AMQP, else 127.0.0.1:5672)',
  },
  user: { value: 'NAME', short: 'u', help: 'user to connect as' },
  password: { value: 'TEXT', help: 'password (default $MILLRACE_AMQP_PASSWORD)' },
  json: { help: 'prints JSON, one object per line' },
} satisfies Options

/** Converts the address in an option to a URL; throws `UsageError` for an unsupported scheme. */
export function amqpUrl(address: string, option = 'amqp'): string {
  const isUrl = /^[a-z]+:/.test(address) && !/^[\w.-]+:\d+$/.test(address)
  if (isUrl && !/^((amqp|ws|amqpws)s?:\/\/|failover:)/.test(address)) {
    throw new UsageError(
      `invalid --${option} ${address}: expected HOST:PORT, or a URL with amqp:, amqps:, ws: or wss:`,
    )
  }
  return isUrl ? address : `amqp://${address}`
}

/** Connects with the given options, and starts the connection. */
export async function openJms(parsed: ParsedOptions): Promise<Connection> {
  const address = parsed.value('amqp') ?? process.env.MILLRACE_AMQP ?? '127.0.0.1:5672'
  const factory = new ConnectionFactory(amqpUrl(address), {
    username: parsed.value('user'),
    password: parsed.value('password') ?? process.env.MILLRACE_AMQP_PASSWORD,
  })
  const connection = await factory.createConnection()
  await connection.start()
  return connection
}

/** Sends a management request to a millrace provider; rejects with its error. */
export async function ask(
  connection: Connection,
  operation: string,
  args: Readonly<Record<string, string>> = {},
): Promise<unknown> {
  await using session = await connection.createSession(Session.AUTO_ACKNOWLEDGE)
  const replyTo = await session.createTemporaryQueue()
  await using consumer = await session.createConsumer(replyTo)
  await using producer = await session.createProducer(new Queue('$management'))
  const question = session.createMessage()
  question.setStringProperty('operation', operation)
  for (const [name, value] of Object.entries(args)) question.setStringProperty(name, value)
  question.setJMSReplyTo(replyTo)
  await producer.send(question)
  const answer = await consumer.receive(30_000)
  if (!(answer instanceof TextMessage))
    throw new UsageError('no reply from the provider: is it millrace?')
  const error = answer.getStringProperty('error')
  if (error !== null) {
    const code = answer.getStringProperty('code')
    // The cluster failed the operation; otherwise the request was wrong.
    throw code === 'KAFKA_STORAGE_ERROR' ? new MillraceError(code, error) : new UsageError(error)
  }
  return JSON.parse(answer.getText() ?? 'null')
}

/**
 * Rejects with the nearest existing name if a queue does not exist, so that a typo creates nothing.
 * Providers other than millrace are not asked: they decide how to handle an unknown name.
 */
export async function expectQueue(connection: Connection, name: string): Promise<void> {
  const { remote } = await connection.amqp()
  if (remote?.properties?.get('product') === 'millrace')
    await ask(connection, 'queue.find', { name })
}

/** Formats a message for output. */
export function describeMessage(message: Message): Record<string, unknown> {
  const properties: Record<string, unknown> = {}
  for (const name of message.getPropertyNames()) {
    const value = message.getObjectProperty(name)
    properties[name] = typeof value === 'bigint' ? String(value) : value
  }
  return {
    id: message.getJMSMessageID(),
    timestamp:
      message.getJMSTimestamp() === 0 ? null : new Date(message.getJMSTimestamp()).toISOString(),
    type: message.constructor.name,
    priority: message.getJMSPriority(),
    properties,
    body: bodyOf(message),
  }
}

/** The body as text, or as data that can be shown as JSON. */
export function bodyOf(message: Message): unknown {
  if (message instanceof TextMessage) return message.getText()
  if (message instanceof BytesMessage) return message.toBuffer().toString('base64')
  if (message instanceof MapMessage) {
    return Object.fromEntries(
      message.getMapNames().map((name) => [name, plain(message.getObject(name))]),
    )
  }
  if (message instanceof StreamMessage) return '(stream)'
  return null
}

function plain(value: unknown): unknown {
  if (typeof value === 'bigint') return String(value)
  return value instanceof Uint8Array ? Buffer.from(value).toString('base64') : value
}
