// SPDX-License-Identifier: Apache-2.0
// Kafka's tools for ACLs, users, quotas and delegation tokens: they print the same with millrace
// and with Apache Kafka 4.4.0, and what they set applies to clients.
import assert from 'node:assert/strict'
import { mkdtempSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { before, describe, it } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Output } from './peers.ts'
import {
  brokerNames,
  plainModule,
  type SecuredBroker,
  saslOptions,
  scramModule,
  startSecured,
} from './secured-brokers.ts'
import { startTools, type ToolName, type ToolSession } from './tool-session.ts'

const directory = mkdtempSync(join(tmpdir(), 'security-tools-'))

/** A file of client properties with credentials. */
function credentialsFile(name: string, mechanism: string, jaas: string): string {
  const path = join(directory, `${name}.properties`)
  writeFileSync(
    path,
    [
      'security.protocol=SASL_PLAINTEXT',
      `sasl.mechanism=${mechanism}`,
      `sasl.jaas.config=${jaas}`,
    ].join('\n'),
  )
  return path
}

function plainFile(user: string): string {
  return credentialsFile(
    user,
    'PLAIN',
    `${plainModule} required username="${user}" password="${user}-secret";`,
  )
}

function scramFile(mechanism: string, user: string, password: string, options = ''): string {
  const jaas = `${scramModule} required username="${user}" password="${password}"${options};`
  return credentialsFile(
    `${mechanism}-${user.replaceAll(/\W/g, '_')}-${password.length}`,
    mechanism,
    jaas,
  )
}

const users: Readonly<Record<string, string>> = {
  admin: plainFile('admin'),
  alice: plainFile('alice'),
  bob: plainFile('bob'),
  'carol 256': scramFile('SCRAM-SHA-256', 'carol', 'carol-secret'),
  'carol 512': scramFile('SCRAM-SHA-512', 'carol', 'carol-secret'),
  'carol new': scramFile('SCRAM-SHA-512', 'carol', 'new'),
}

/** A delegation token as `kafka-delegation-tokens --create` prints it. */
interface Token {
  readonly id: string
  readonly hmac: string
}

/** One invocation: user, tool and arguments. `TOKEN` and `HMAC` stand for those of the token. */
type Step = readonly [user: string, tool: ToolName, args: string, exit?: 'fails']

const acls = (args: string): Step => ['admin', 'kafka-acls', args]
const configs = (args: string): Step => ['admin', 'kafka-configs', args]
const tokens = (user: string, args: string): Step => [user, 'kafka-delegation-tokens', args]
const topics = (user: string): Step => [user, 'kafka-topics', '--list']
const fails = ([user, tool, args]: Step): Step => [user, tool, args, 'fails']

/** Consecutive invocations, as a user would type them. */
const steps: readonly Step[] = [
  ['admin', 'kafka-topics', '--create --topic orders'],
  ['admin', 'kafka-topics', '--create --topic orders-paid'],
  ['admin', 'kafka-topics', '--create --topic other'],
  topics('alice'),
  // ACLs.
  acls('--list'),
  acls('--add --allow-principal User:alice --operation Describe --topic orders'),
  topics('alice'),
  acls(
    '--add --allow-principal User:alice --operation Read --operation Write --topic orders --resource-pattern-type prefixed',
  ),
  topics('alice'),
  acls(
    '--add --deny-principal User:alice --deny-host 127.0.0.1 --operation All --topic orders-paid',
  ),
  topics('alice'),
  acls(
    '--add --allow-principal User:bob --allow-principal User:carol --allow-host 127.0.0.1 --allow-host ::1 --producer --topic other',
  ),
  topics('bob'),
  acls(
    '--add --allow-principal User:bob --producer --idempotent --topic other --transactional-id tx',
  ),
  acls('--add --allow-principal User:bob --consumer --topic * --group readers'),
  topics('bob'),
  acls(
    '--add --allow-principal User:dave --consumer --topic other- --group g --resource-pattern-type prefixed',
  ),
  acls('--add --allow-principal User:* --operation Describe --cluster'),
  acls('--add --allow-principal User:dave --operation CreateTokens --user-principal User:erin'),
  acls('--add --allow-principal User:dave --operation Describe --delegation-token some'),
  acls('--list'),
  acls('--list --topic orders'),
  acls('--list --topic orders-paid --resource-pattern-type match'),
  acls('--list --topic orders --resource-pattern-type any'),
  acls('--list --topic orders --resource-pattern-type prefixed'),
  acls('--list --group readers'),
  acls('--list --cluster'),
  acls('--list --transactional-id tx'),
  acls('--list --principal User:bob'),
  acls(
    '--list --principal User:alice --principal User:dave --topic other- --resource-pattern-type any',
  ),
  acls('--list --topic nothing'),
  // Mistakes.
  fails(acls('--add --allow-principal alice --operation Read --topic orders')),
  fails(acls('--add --allow-principal User:alice --operation Read')),
  fails(acls('--add --operation Read --topic orders')),
  fails(
    acls(
      '--add --allow-principal User:alice --operation Read --topic orders --resource-pattern-type any',
    ),
  ),
  fails(acls('--list --remove --topic orders')),
  ['alice', 'kafka-acls', '--list --topic orders'],
  fails(['bob', 'kafka-acls', '--remove --force --topic orders']),
  // Removal.
  acls(
    '--remove --force --allow-principal User:alice --operation Write --topic orders --resource-pattern-type prefixed',
  ),
  acls('--list --principal User:alice'),
  acls('--remove --force --deny-principal User:alice --deny-host 127.0.0.1 --topic orders-paid'),
  topics('alice'),
  acls('--remove --force --allow-principal User:bob --consumer --topic * --group readers'),
  acls('--remove --force --topic other- --resource-pattern-type match'),
  acls('--remove --force --cluster'),
  acls('--remove --force --topic nothing'),
  acls('--list'),
  // SCRAM users.
  fails(topics('carol 512')),
  configs(
    '--alter --entity-type users --entity-name carol --add-config SCRAM-SHA-512=[password=carol-secret]',
  ),
  topics('carol 512'),
  fails(topics('carol 256')),
  configs(
    '--alter --entity-type users --entity-name carol --add-config SCRAM-SHA-256=[iterations=8192,password=carol-secret]',
  ),
  topics('carol 256'),
  configs('--describe --entity-type users --entity-name carol'),
  configs('--describe --entity-type users'),
  configs('--describe --entity-type users --entity-name nobody'),
  configs(
    '--alter --entity-type users --entity-name carol --add-config SCRAM-SHA-512=[password=new]',
  ),
  fails(topics('carol 512')),
  topics('carol new'),
  configs(
    '--alter --entity-type users --entity-name dora --add-config SCRAM-SHA-256=[iterations=4096,password=a]',
  ),
  fails(
    configs(
      '--alter --entity-type users --entity-name dora --add-config SCRAM-SHA-256=[iterations=4096,password=a],SCRAM-SHA-512=[iterations=4096,password=b]',
    ),
  ),
  fails(
    configs(
      '--alter --entity-type users --entity-name dora --add-config SCRAM-SHA-256=[iterations=100,password=a]',
    ),
  ),
  fails(
    configs(
      '--alter --entity-type users --entity-name dora --add-config SCRAM-SHA-256=[iterations=20000,password=a]',
    ),
  ),
  fails(
    configs('--alter --entity-type users --entity-name dora --add-config SCRAM-SHA-1=[password=a]'),
  ),
  configs('--alter --entity-type users --entity-name dora --delete-config SCRAM-SHA-256'),
  fails(configs('--alter --entity-type users --entity-name dora --delete-config SCRAM-SHA-256')),
  configs('--describe --entity-type users --entity-name dora'),
  configs('--alter --entity-type users --entity-name carol --delete-config SCRAM-SHA-512'),
  fails(topics('carol new')),
  topics('carol 256'),
  fails(['alice', 'kafka-configs', '--describe --entity-type users --entity-name carol']),
  // Quotas.
  fails(
    configs(
      '--alter --entity-type users --entity-name alice --add-config producer_byte_rate=1048576,consumer_byte_rate=2097152.5',
    ),
  ),
  configs(
    '--alter --entity-type users --entity-name alice --add-config producer_byte_rate=1048576,consumer_byte_rate=2097152',
  ),
  configs('--alter --entity-type users --entity-default --add-config request_percentage=75'),
  configs(
    '--alter --entity-type clients --entity-name app --add-config controller_mutation_rate=5',
  ),
  configs('--alter --entity-type clients --entity-default --add-config consumer_byte_rate=4096'),
  configs(
    '--alter --entity-type users --entity-name alice --entity-type clients --entity-name app --add-config producer_byte_rate=2048',
  ),
  configs(
    '--alter --entity-type users --entity-name alice --entity-type clients --entity-default --add-config producer_byte_rate=1024',
  ),
  configs(
    '--alter --entity-type users --entity-default --entity-type clients --entity-default --add-config producer_byte_rate=512',
  ),
  configs(
    '--alter --entity-type ips --entity-name 192.0.2.1 --add-config connection_creation_rate=10',
  ),
  configs('--alter --entity-type ips --entity-default --add-config connection_creation_rate=1000'),
  configs('--describe --entity-type users'),
  configs('--describe --entity-type users --entity-name alice'),
  configs('--describe --entity-type users --entity-default'),
  configs('--describe --entity-type users --entity-name alice --entity-type clients'),
  configs(
    '--describe --entity-type users --entity-name alice --entity-type clients --entity-name app',
  ),
  configs('--describe --entity-type users --entity-type clients'),
  configs('--describe --entity-type clients'),
  configs('--describe --entity-type clients --entity-default'),
  configs('--describe --entity-type ips'),
  configs('--describe --entity-type ips --entity-name 192.0.2.1'),
  fails(configs('--alter --entity-type users --entity-name alice --add-config nosuch=1')),
  fails(
    configs('--alter --entity-type users --entity-name alice --add-config producer_byte_rate=-1'),
  ),
  fails(
    configs('--alter --entity-type users --entity-name alice --add-config producer_byte_rate=fast'),
  ),
  fails(
    configs('--alter --entity-type ips --entity-name 192.0.2.1 --add-config producer_byte_rate=1'),
  ),
  fails(
    configs(
      '--alter --entity-type ips --entity-name no.such.host.invalid --add-config connection_creation_rate=1',
    ),
  ),
  configs('--alter --entity-type users --entity-name alice --delete-config consumer_byte_rate'),
  fails(configs('--alter --entity-type users --entity-name alice --delete-config nosuch')),
  configs('--alter --entity-type users --entity-name dora --add-config producer_byte_rate=77'),
  configs('--describe --entity-type users --entity-name dora'),
  configs('--alter --entity-type ips --entity-default --delete-config connection_creation_rate'),
  configs('--describe --entity-type ips'),
  fails(['alice', 'kafka-configs', '--describe --entity-type clients']),
  // Delegation tokens.
  tokens('bob', '--create --max-life-time-period -1 --renewer-principal User:alice'),
  tokens('bob', '--describe'),
  tokens('alice', '--describe'),
  tokens('alice', '--describe --owner-principal User:bob'),
  topics('token'),
  fails(tokens('token', '--create --max-life-time-period -1')),
  fails(tokens('token', '--describe')),
  tokens('alice', '--renew --renew-time-period 3600000 --hmac HMAC'),
  fails(tokens('admin', '--renew --renew-time-period 3600000 --hmac HMAC')),
  fails(tokens('alice', '--renew --renew-time-period -1 --hmac bm9uc2Vuc2U=')),
  fails(tokens('alice', '--create --max-life-time-period -1 --owner-principal User:bob')),
  tokens('admin', '--describe --owner-principal User:bob'),
  fails(tokens('admin', '--expire --expiry-time-period -1 --hmac HMAC')),
  tokens('bob', '--expire --expiry-time-period -1 --hmac HMAC'),
  tokens('bob', '--describe'),
  fails(tokens('bob', '--expire --expiry-time-period -1 --hmac HMAC')),
  fails(topics('token')),
]

/** Runs the steps on one broker and collects their outputs. */
async function runSteps(broker: SecuredBroker, tools: ToolSession): Promise<Output[]> {
  const outputs: Output[] = []
  let token: Token = { id: 'none', hmac: 'none' }
  for (const [user, tool, args] of steps) {
    const { id, hmac } = token
    const file =
      user === 'token'
        ? scramFile('SCRAM-SHA-256', id, hmac, ' tokenauth="true"')
        : (users[user] ?? '')
    const words = args.split(' ').map((word) => (word === 'HMAC' ? hmac : word))
    const output = await tools.run(tool, [
      ...['--bootstrap-server', broker.address('SASL'), '--command-config', file],
      ...words,
    ])
    // Other parts of Kafka learn of a change a moment later.
    if (/--(add|alter|remove|create|renew|expire)/.test(args)) await sleep(300)
    if (tool === 'kafka-delegation-tokens' && user === 'bob' && words.includes('--create')) {
      const created = /^(\S+)\s+(\S{80,})\s+User:bob/m.exec(output.stdout)
      token = { id: created?.[1] ?? 'none', hmac: created?.[2] ?? 'none' }
    }
    outputs.push(comparable(output, token))
  }
  return outputs
}

/** Values that differ between any two runs. */
function comparable({ code, stdout, stderr }: Output, { id, hmac }: Token): Output {
  const clean = (text: string): string =>
    // The usage follows the error.
    (/^Option\s+Description/m.test(text) ? (text.split('\n')[0] ?? '') : text)
      .split('\n')
      .map((line) =>
        line
          .replaceAll(hmac, 'HMAC')
          .replaceAll(id, 'TOKEN')
          .replace(/localhost:\d+/g, 'ADDRESS')
          .replace(/\d{4}-\d\d-\d\dT\d\d:\d\d/g, 'TIME')
          // Kafka's text names objects of its process.
          .replace(/Request Request\(.* needs (\w+) permission\.|\S+ needs .*/, 'DENIED')
          // In the order of a hash table.
          .replace(/(?<= configs for .* are ).*/, (items) => items.split(', ').sort().join(', '))
          .replace(/\s+/g, ' ')
          .trim(),
      )
      // Traces contain lines of the tool.
      .filter((line) => line !== '' && !line.startsWith('at '))
      .sort()
      .join('\n')
  return { code, stdout: clean(stdout), stderr: clean(stderr) }
}

describe("Kafka's tools for security print the same with Apache Kafka 4.4.0 and millrace:", () => {
  const outputs = new Map<string, Output[]>()

  before(async () => {
    await Promise.all(
      brokerNames.map(async (name) => {
        await using broker = await startSecured(name, saslOptions(['alice', 'bob']))
        await using tools = startTools()
        outputs.set(name, await runSteps(broker, tools))
      }),
    )
  })
  for (const [i, [user, tool, args, exit]] of steps.entries()) {
    it(`${tool} ${args} (as ${user})`, () => {
      const [ours, theirs] = brokerNames.map((name) => outputs.get(name)?.[i])
      assert.equal(theirs?.code, exit === 'fails' ? 1 : 0, JSON.stringify(theirs))
      assert.deepEqual(ours, theirs, 'ours, theirs')
    })
  }
})
