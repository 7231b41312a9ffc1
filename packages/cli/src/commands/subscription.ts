// SPDX-License-Identifier: Apache-2.0
import {
  maxOf,
  maxOption,
  retriedText,
  retryDeadLetters,
  selectorOption,
} from '../client/dead-letters.ts'
import { ask, jmsOptions, openJms } from '../client/jms.ts'
import { printRows, report } from '../client/output.ts'
import type { Command } from '../command.ts'
import { UsageError } from '../usage-error.ts'

const list: Command = {
  name: 'list',
  summary: 'lists durable subscriptions with their message counts',
  options: jmsOptions,
  async run(parsed) {
    await using connection = await openJms(parsed)
    const rows = (await ask(connection, 'subscription.list')) as Record<string, unknown>[]
    printRows(rows, { json: parsed.has('json') })
    return 0
  },
}

const create: Command = {
  name: 'create',
  summary: 'creates a durable subscription, so that messages wait for its first consumer',
  positionals: ['TOPIC', 'NAME'],
  options: {
    ...jmsOptions,
    'client-id': {
      value: 'ID',
      short: 'c',
      help: 'client id of the consumers; required unless the subscription is shared',
    },
    shared: { help: 'allows any number of consumers (createSharedDurableConsumer)' },
    selector: {
      value: 'TEXT',
      short: 's',
      help: 'only messages that match the selector, such as "color = \'red\'"',
    },
  },
  async run(parsed) {
    const [topic, name] = parsed.positionals as readonly [string, string]
    const clientId = parsed.value('client-id') ?? ''
    if (clientId === '' && !parsed.has('shared')) {
      throw new UsageError('a subscription needs --client-id or --shared')
    }
    await using connection = await openJms(parsed)
    const created = await ask(connection, 'subscription.create', {
      topic,
      name,
      clientId,
      shared: String(parsed.has('shared')),
      selector: parsed.value('selector') ?? '',
    })
    const { id } = created as { readonly id: string }
    report(`created ${id}`, { subscription: id, created: true }, { json: parsed.has('json') })
    return 0
  },
}

const remove: Command = {
  name: 'delete',
  summary: 'deletes durable subscriptions without consumers, with their messages',
  positionals: ['ID...'],
  options: jmsOptions,
  details:
    'ID is an id from `millrace subscription list`, or the name if only one subscription has it.',
  async run(parsed) {
    await using connection = await openJms(parsed)
    for (const name of parsed.positionals) {
      const deleted = await ask(connection, 'subscription.delete', { name })
      const { deleted: id } = deleted as { readonly deleted: string }
      report(`deleted ${id}`, { subscription: id, deleted: true }, { json: parsed.has('json') })
    }
    return 0
  },
}

const retryDead: Command = {
  name: 'retry-dead',
  summary: 'sends dead letters of a durable subscription back to it, each exactly once',
  positionals: ['ID'],
  options: {
    ...jmsOptions,
    from: { value: 'QUEUE', help: 'queue of the dead letters (default: as configured, DLQ)' },
    ...selectorOption,
    ...maxOption,
  },
  details: 'Other subscriptions of the topic do not receive the messages again.',
  async run(parsed) {
    const [name] = parsed.positionals as readonly [string]
    await using connection = await openJms(parsed)
    const { id, deadLetterQueue } = (await ask(connection, 'subscription.find', { name })) as {
      readonly id: string
      readonly deadLetterQueue: string | null
    }
    const queue = parsed.value('from') ?? deadLetterQueue ?? 'DLQ'
    const own = `JMS_Millrace_DeadLetterSubscription = '${id.replaceAll("'", "''")}'`
    const selector = parsed.value('selector')
    const result = await retryDeadLetters(connection, queue, {
      selector: selector === undefined ? own : `(${selector}) AND ${own}`,
      max: maxOf(parsed),
    })
    report(
      retriedText(queue, result),
      { subscription: id, queue, ...result },
      { json: parsed.has('json') },
    )
    return 0
  },
}

/** `millrace subscription …` */
export const subscription: Command = {
  name: 'subscription',
  summary:
    'lists, creates and deletes durable subscriptions of a JMS provider, and retries their dead letters',
  subcommands: [list, create, remove, retryDead],
}
