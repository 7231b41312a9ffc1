// SPDX-License-Identifier: Apache-2.0
import type { QuotaEntity } from '@millrace/client'
import { connectionOptions, openAdmin } from '../client/connection.ts'
import { printRows, report } from '../client/output.ts'
import type { Command } from '../command.ts'
import type { Options, ParsedOptions } from '../options.ts'
import { UsageError } from '../usage-error.ts'

const entityOptions = {
  user: { value: 'NAME', help: 'a user' },
  'user-default': { help: 'users without a specific quota' },
  client: { value: 'ID', help: 'a client id' },
  'client-default': { help: 'client ids without a specific quota' },
  ip: { value: 'ADDRESS', help: 'an address' },
  'ip-default': { help: 'addresses without a specific quota' },
} satisfies Options

const types = [
  ['user', 'user'],
  ['client', 'client-id'],
  ['ip', 'ip'],
] as const

function entityOf(parsed: ParsedOptions): QuotaEntity {
  const parts: [type: string, name: string | null][] = []
  for (const [option, type] of types) {
    const name = parsed.value(option)
    if (name !== undefined) parts.push([type, name])
    else if (parsed.has(`${option}-default`)) parts.push([type, null])
  }
  if (parts.length === 0) throw new UsageError('expected --user, --client or --ip, or a default')
  return Object.fromEntries(parts)
}

function entityText(entity: QuotaEntity): string {
  return Object.entries(entity)
    .map(([type, name]) => `${type}=${name ?? '<default>'}`)
    .join(',')
}

const list: Command = {
  name: 'list',
  summary: 'lists all quotas',
  options: connectionOptions,
  async run(parsed) {
    await using admin = openAdmin(parsed)
    const rows = (await admin.describeClientQuotas()).flatMap(({ entity, quotas }) =>
      Object.entries(quotas).map(([key, value]) => ({ entity: entityText(entity), key, value })),
    )
    printRows(rows, { json: parsed.has('json') })
    return 0
  },
}

const set: Command = {
  name: 'set',
  summary: 'sets quotas of a user, a client id, both together, or an address',
  positionals: ['KEY=VALUE...'],
  options: { ...connectionOptions, ...entityOptions },
  details: `Keys: producer_byte_rate, consumer_byte_rate, request_percentage, controller_mutation_rate;
of addresses connection_creation_rate.

Example:
  millrace quota set --user alice producer_byte_rate=1048576`,
  async run(parsed) {
    const quotas = Object.fromEntries(
      parsed.positionals.map((text) => {
        const [key = '', given = ''] = text.split('=')
        const value = Number(given)
        if (given === '' || Number.isNaN(value)) {
          throw new UsageError(`invalid ${text}: expected KEY=NUMBER`)
        }
        return [key, value]
      }),
    )
    await using admin = openAdmin(parsed)
    const entity = entityOf(parsed)
    await admin.alterClientQuotas([{ entity, quotas }])
    const name = entityText(entity)
    report(`set quotas of ${name}`, { entity: name, ...quotas }, { json: parsed.has('json') })
    return 0
  },
}

const remove: Command = {
  name: 'delete',
  summary: 'removes quotas',
  positionals: ['KEY...'],
  options: { ...connectionOptions, ...entityOptions },
  async run(parsed) {
    const entity = entityOf(parsed)
    const quotas = Object.fromEntries(parsed.positionals.map((key) => [key, null]))
    await using admin = openAdmin(parsed)
    await admin.alterClientQuotas([{ entity, quotas }])
    const name = entityText(entity)
    report(`removed quotas of ${name}`, { entity: name }, { json: parsed.has('json') })
    return 0
  },
}

/** `millrace quota …` */
export const quota: Command = {
  name: 'quota',
  summary: 'lists, sets and removes quotas',
  subcommands: [list, set, remove],
}
