// SPDX-License-Identifier: Apache-2.0
import { connectionOptions, openAdmin } from '../client/connection.ts'
import { printRows, report } from '../client/output.ts'
import type { Command } from '../command.ts'
import type { Options, ParsedOptions } from '../options.ts'
import { UsageError } from '../usage-error.ts'

const MECHANISMS = ['SCRAM-SHA-256', 'SCRAM-SHA-512'] as const
type Mechanism = (typeof MECHANISMS)[number]

const mechanismOption = {
  mechanism: {
    value: 'MECHANISM',
    short: 'm',
    help: `${MECHANISMS.join(' or ')} (default both)`,
  },
} satisfies Options

function mechanismsOf(parsed: ParsedOptions): readonly Mechanism[] {
  const given = parsed.value('mechanism')
  if (given === undefined) return MECHANISMS
  const found = MECHANISMS.find((mechanism) => mechanism === given.toUpperCase())
  if (found === undefined) {
    throw new UsageError(`invalid --mechanism ${given}: expected ${MECHANISMS.join(' or ')}`)
  }
  return [found]
}

const list: Command = {
  name: 'list',
  summary: 'lists users and the mechanisms that they can log in with',
  positionals: ['[NAME...]'],
  options: connectionOptions,
  async run(parsed) {
    await using admin = openAdmin(parsed)
    const names = parsed.positionals
    const users = await admin.describeUserScramCredentials(names.length === 0 ? undefined : names)
    const rows = [...users].flatMap(([user, credentials]) =>
      credentials.map(({ mechanism, iterations }) => ({ user, mechanism, iterations })),
    )
    printRows(rows, { json: parsed.has('json') })
    return 0
  },
}

const set: Command = {
  name: 'set',
  summary: 'creates a user, or changes its password',
  positionals: ['NAME'],
  options: {
    ...connectionOptions,
    ...mechanismOption,
    password: {
      value: 'PASSWORD',
      help: 'the password; others see it in the list of processes, so it is better given on stdin',
    },
    iterations: { value: 'N', help: 'iterations of the salted password (default 4096)' },
  },
  details: `Without --password the first line of stdin is the password. It is not sent to the broker.

Examples:
  millrace user set alice --command-config admin.properties < password.txt
  millrace user set alice --mechanism SCRAM-SHA-512`,
  async run(parsed) {
    const [user = ''] = parsed.positionals
    const mechanisms = mechanismsOf(parsed)
    const iterations = parsed.number('iterations', { min: 4096, max: 16_384 })
    const password = parsed.value('password') ?? (await readPassword())
    await using admin = openAdmin(parsed)
    // One at a time: Kafka accepts one change of a user in a request.
    for (const mechanism of mechanisms) {
      const options = iterations === undefined ? {} : { iterations }
      await admin.alterUserScramCredentials([{ user, mechanism, password, ...options }])
    }
    report(`set ${user}`, { user, mechanisms }, { json: parsed.has('json') })
    return 0
  },
}

async function readPassword(): Promise<string> {
  if (process.stdin.isTTY) process.stderr.write('password: ')
  let text = ''
  for await (const chunk of process.stdin) {
    text += String(chunk)
    if (text.includes('\n')) break
  }
  const [password = ''] = text.split(/\r?\n/)
  if (password === '') throw new UsageError('the password is missing: expected it on stdin')
  return password
}

const remove: Command = {
  name: 'delete',
  summary: 'deletes users, or takes a mechanism away from them',
  positionals: ['NAME...'],
  options: { ...connectionOptions, ...mechanismOption },
  async run(parsed) {
    const wanted = mechanismsOf(parsed)
    await using admin = openAdmin(parsed)
    const users = await admin.describeUserScramCredentials(parsed.positionals)
    for (const user of parsed.positionals) {
      const found = (users.get(user) ?? []).map(({ mechanism }) => mechanism)
      for (const mechanism of wanted.filter((each) => found.includes(each))) {
        await admin.alterUserScramCredentials([{ user, mechanism, delete: true }])
      }
      report(`deleted ${user}`, { user, deleted: true }, { json: parsed.has('json') })
    }
    return 0
  },
}

/** `millrace user …` */
export const user: Command = {
  name: 'user',
  summary: 'lists, sets and deletes SCRAM users',
  subcommands: [list, set, remove],
}
