// SPDX-License-Identifier: Apache-2.0
import { ask, jmsOptions, openJms } from '../client/jms.ts'
import { printRows, report } from '../client/output.ts'
import type { Command } from '../command.ts'

const list: Command = {
  name: 'list',
  summary: 'lists durable subscriptions with what waits in them',
  options: jmsOptions,
  async run(parsed) {
    await using connection = await openJms(parsed)
    const rows = (await ask(connection, 'subscription.list')) as Record<string, unknown>[]
    printRows(rows, { json: parsed.has('json') })
    return 0
  },
}

const remove: Command = {
  name: 'delete',
  summary: 'deletes durable subscriptions that nobody consumes from, and what waits in them',
  positionals: ['ID...'],
  options: jmsOptions,
  async run(parsed) {
    await using connection = await openJms(parsed)
    for (const name of parsed.positionals) {
      await ask(connection, 'subscription.delete', { name })
      report(`deleted ${name}`, { subscription: name, deleted: true }, { json: parsed.has('json') })
    }
    return 0
  },
}

/** `millrace subscription …` */
export const subscription: Command = {
  name: 'subscription',
  summary: 'lists and deletes durable subscriptions of a JMS provider',
  subcommands: [list, remove],
}
