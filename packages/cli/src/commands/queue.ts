// SPDX-License-Identifier: Apache-2.0
import { readFileSync } from 'node:fs'
import {
  type Connection,
  DeliveryMode,
  type Message,
  Queue,
  Session,
  type TextMessage,
} from '@millrace/jms'
import {
  maxOf,
  maxOption,
  retriedText,
  retryDeadLetters,
  selectorOption,
} from '../client/dead-letters.ts'
import { ask, bodyOf, describeMessage, expectQueue, jmsOptions, openJms } from '../client/jms.ts'
import { printRows, report } from '../client/output.ts'
import type { Command } from '../command.ts'
import { UsageError } from '../usage-error.ts'

/** Messages moved in one transaction. */
const BATCH = 100

const noCreateOption = {
  'no-create': { help: 'fails if the queue does not exist, instead of creating it' },
} as const
const list: Command = {
  name: 'list',
  summary: 'lists queues with their message and consumer counts',
  options: jmsOptions,
  async run(parsed) {
    await using connection = await openJms(parsed)
    const queues = (await ask(connection, 'queue.list')) as Record<string, unknown>[]
    const rows = queues
      .filter(({ isTemporary }) => isTemporary !== true)
      .map(({ isTemporary: _, ...row }) => row)
      .sort((a, b) => (String(a.name) < String(b.name) ? -1 : 1))
    printRows(rows, { json: parsed.has('json') })
    return 0
  },
}

function show(message: Message, json: boolean): void {
  const text = json ? JSON.stringify(describeMessage(message)) : textOf(message)
  process.stdout.write(`${text}\n`)
}

function textOf(message: Message): string {
  const body = bodyOf(message)
  return typeof body === 'string' ? body : JSON.stringify(body)
}

const browse: Command = {
  name: 'browse',
  summary: 'prints the messages of a queue without removing them',
  positionals: ['QUEUE'],
  options: { ...jmsOptions, ...selectorOption, ...maxOption },
  async run(parsed) {
    const max = maxOf(parsed)
    const [name] = parsed.positionals as readonly [string]
    await using connection = await openJms(parsed)
    await expectQueue(connection, name)
    await using session = await connection.createSession()
    const queue = new Queue(name)
    await using browser = await session.createBrowser(queue, parsed.value('selector') ?? null)
    let count = 0
    for await (const message of browser) {
      if (count >= max) break
      show(message, parsed.has('json'))
      count++
    }
    return 0
  },
}

const send: Command = {
  name: 'send',
  summary: 'sends a text, or each line of stdin, as a message',
  positionals: ['QUEUE', '[TEXT]'],
  options: {
    ...jmsOptions,
    property: {
      value: 'NAME=VALUE',
      short: 'p',
      multiple: true,
      help: 'sets a string property; may be repeated',
    },
    type: { value: 'TEXT', help: 'sets JMSType' },
    priority: { value: 'N', help: '0 to 9 (default 4)' },
    ttl: { value: 'MS', help: 'expiration of the messages, in milliseconds' },
    delay: { value: 'MS', help: 'delivery delay of the messages, in milliseconds' },
    'non-persistent': { help: 'sends messages that need not survive a crash' },
    ...noCreateOption,
  },
  async run(parsed) {
    const [name, text] = parsed.positionals as readonly [string, string | undefined]
    const priority = parsed.number('priority', { max: 9 })
    const timeToLive = parsed.number('ttl') ?? 0
    const delay = parsed.number('delay') ?? 0
    await using connection = await openJms(parsed)
    if (parsed.has('no-create')) await expectQueue(connection, name)
    await using session = await connection.createSession()
    await using producer = await session.createProducer(new Queue(name))
    if (priority !== undefined) producer.setPriority(priority)
    producer.setTimeToLive(timeToLive)
    producer.setDeliveryDelay(delay)
    if (parsed.has('non-persistent')) producer.setDeliveryMode(DeliveryMode.NON_PERSISTENT)
    const lines = text === undefined ? linesOf(readFileSync(0, 'utf8')) : [text]
    const sends: Promise<void>[] = []
    for (const line of lines) {
      const message = session.createTextMessage(line)
      message.setJMSType(parsed.value('type') ?? null)
      setProperties(message, parsed.values('property'))
      sends.push(producer.send(message))
    }
    await Promise.all(sends)
    report(
      `sent ${lines.length} to ${name}`,
      { queue: name, sent: lines.length },
      { json: parsed.has('json') },
    )
    return 0
  },
}

function linesOf(text: string): string[] {
  const lines = text.split('\n')
  if (lines.at(-1) === '') lines.pop()
  return lines
}

function setProperties(message: TextMessage, pairs: readonly string[]): void {
  for (const pair of pairs) {
    const at = pair.indexOf('=')
    if (at <= 0) throw new UsageError(`invalid --property ${pair}: expected NAME=VALUE`)
    message.setStringProperty(pair.slice(0, at), pair.slice(at + 1))
  }
}

const receive: Command = {
  name: 'receive',
  summary: 'removes messages from a queue and prints them',
  positionals: ['QUEUE'],
  options: {
    ...jmsOptions,
    ...selectorOption,
    ...maxOption,
    ...noCreateOption,
    wait: {
      value: 'MS',
      short: 'w',
      help: 'timeout for the next message, in milliseconds (default 1000)',
    },
  },
  async run(parsed) {
    const max = maxOf(parsed)
    const wait = parsed.number('wait', { min: 1 }) ?? 1000
    const [name] = parsed.positionals as readonly [string]
    await using connection = await openJms(parsed)
    if (parsed.has('no-create')) await expectQueue(connection, name)
    await using session = await connection.createSession(Session.CLIENT_ACKNOWLEDGE)
    const queue = new Queue(name)
    await using consumer = await session.createConsumer(queue, parsed.value('selector') ?? null)
    for (let count = 0; count < max; count++) {
      const message = await consumer.receive(wait)
      if (message === null) return 0
      show(message, parsed.has('json'))
      await message.acknowledge()
    }
    return 0
  },
}

/** Moves messages, each batch in a transaction. Returns their number. */
async function moveAll(
  connection: Connection,
  from: string,
  options: {
    readonly selector: string | undefined
    readonly max: number
    readonly to: string
  },
): Promise<number> {
  await using session = await connection.createSession(Session.SESSION_TRANSACTED)
  await using producer = await session.createProducer(new Queue(options.to))
  await using consumer = await session.createConsumer(new Queue(from), options.selector ?? null)
  let moved = 0
  for (;;) {
    const sends: Promise<void>[] = []
    while (sends.length < BATCH && moved + sends.length < options.max) {
      const message = await consumer.receiveNoWait()
      if (message === null) break
      sends.push(producer.send(message, message.getJMSDeliveryMode(), message.getJMSPriority(), 0))
    }
    await Promise.all(sends)
    await session.commit()
    moved += sends.length
    if (sends.length < BATCH) return moved
  }
}

const move: Command = {
  name: 'move',
  summary: 'moves messages from one queue to another, each exactly once',
  positionals: ['FROM', 'TO'],
  options: { ...jmsOptions, ...selectorOption, ...maxOption, ...noCreateOption },
  details: 'FROM must exist; TO is created unless --no-create is set.',
  async run(parsed) {
    const [from, to] = parsed.positionals as readonly [string, string]
    if (from === to) throw new UsageError(`${from} is both source and target`)
    await using connection = await openJms(parsed)
    await expectQueue(connection, from)
    if (parsed.has('no-create')) await expectQueue(connection, to)
    const moved = await moveAll(connection, from, {
      selector: parsed.value('selector'),
      max: maxOf(parsed),
      to,
    })
    report(
      `moved ${moved} from ${from} to ${to}`,
      { from, to, moved },
      { json: parsed.has('json') },
    )
    return 0
  },
}

const purge: Command = {
  name: 'purge',
  summary: 'deletes the messages in a queue',
  positionals: ['QUEUE'],
  options: { ...jmsOptions, ...selectorOption },
  async run(parsed) {
    const [name] = parsed.positionals as readonly [string]
    await using connection = await openJms(parsed)
    await expectQueue(connection, name)
    const selector = parsed.value('selector')
    const purged =
      selector === undefined
        ? ((await ask(connection, 'queue.purge', { name })) as { readonly purged: number }).purged
        : await purgeSelected(connection, name, selector)
    report(`purged ${purged} from ${name}`, { queue: name, purged }, { json: parsed.has('json') })
    return 0
  },
}

async function purgeSelected(
  connection: Connection,
  name: string,
  selector: string,
): Promise<number> {
  await using session = await connection.createSession(Session.CLIENT_ACKNOWLEDGE)
  await using consumer = await session.createConsumer(new Queue(name), selector)
  for (let purged = 0; ; purged++) {
    const message = await consumer.receiveNoWait()
    if (message === null) return purged
    await message.acknowledge()
  }
}

const retryDead: Command = {
  name: 'retry-dead',
  summary: 'returns dead letters to their source, each exactly once',
  positionals: ['[QUEUE]'],
  options: { ...jmsOptions, ...selectorOption, ...maxOption },
  details: `QUEUE is the queue of the dead letters, DLQ by default. A letter of a topic returns to its durable
subscription only. Letters stay if their subscription no longer exists, or if another provider wrote them.

Example:
  millrace queue retry-dead --selector "JMS_Millrace_DeadLetterSource = 'queue://orders'"`,
  async run(parsed) {
    const [name = 'DLQ'] = parsed.positionals
    await using connection = await openJms(parsed)
    const result = await retryDeadLetters(connection, name, {
      selector: parsed.value('selector') ?? '',
      max: maxOf(parsed),
    })
    report(retriedText(name, result), { queue: name, ...result }, { json: parsed.has('json') })
    return 0
  },
}

const create: Command = {
  name: 'create',
  summary: 'creates queues, with the Kafka topic of each',
  positionals: ['QUEUE...'],
  options: {
    ...jmsOptions,
    partitions: {
      value: 'N',
      short: 'p',
      help: 'partitions of the topic; more than one means no total order (default: as configured, 1)',
    },
  },
  details: 'Queues are created on first use too, unless amqp.auto.create is false.',
  async run(parsed) {
    const partitions = parsed.value('partitions') ?? ''
    if (!/^([1-9]\d*)?$/.test(partitions)) {
      throw new UsageError(`invalid --partitions ${partitions}: expected a whole number from 1`)
    }
    await using connection = await openJms(parsed)
    for (const name of parsed.positionals) {
      const created = await ask(connection, 'queue.create', { name, partitions })
      const { topic } = created as { readonly topic: string }
      report(`created ${name}`, { queue: name, topic, created: true }, { json: parsed.has('json') })
    }
    return 0
  },
}

const remove: Command = {
  name: 'delete',
  summary: 'deletes queues with their messages and Kafka topics',
  positionals: ['QUEUE...'],
  options: {
    ...jmsOptions,
    force: {
      short: 'f',
      help: 'includes queues with consumers, which are detached, and topics that Kafka programs created',
    },
  },
  async run(parsed) {
    await using connection = await openJms(parsed)
    for (const name of parsed.positionals) {
      const args = { name, force: String(parsed.has('force')) }
      const { topic, messages } = (await ask(connection, 'queue.delete', args)) as {
        readonly topic: string
        readonly messages: number
      }
      report(
        messages === 0
          ? `deleted ${name}`
          : `deleted ${name} with ${messages} message${messages === 1 ? '' : 's'}`,
        { queue: name, topic, messages, deleted: true },
        { json: parsed.has('json') },
      )
    }
    return 0
  },
}

/** `millrace queue …` */
export const queue: Command = {
  name: 'queue',
  summary: 'lists, creates, browses, fills, empties and deletes queues of a JMS provider',
  subcommands: [list, create, remove, browse, send, receive, move, purge, retryDead],
}
