// SPDX-License-Identifier: Apache-2.0
// No secret of a configuration is in the output of the CLI, in metrics, or in the problems of an
// agent's configuration.
import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { Broker } from '@millrace/broker'
import { builtIn, checkAgents, problemText } from '@millrace/flume'
import { millraceArguments, readyAddresses } from '@millrace/testkit'

const SECRET = 's3cr3t'
const module = 'org.apache.kafka.common.security.plain.PlainLoginModule'
const jaas = `${module} required username="u" password="${SECRET}";`
const directory = mkdtempSync(join(tmpdir(), 'millrace-secrets-'))
after(() => rmSync(directory, { recursive: true, force: true }))

let files = 0
function fileOf(lines: readonly string[]): string {
  const path = join(directory, `${++files}.properties`)
  writeFileSync(path, `${lines.join('\n')}\n`, { mode: 0o600 })
  return path
}

function assertNoSecret(what: string, text: string): void {
  assert.ok(!text.includes(SECRET), `${what}: ${text.slice(0, 1000)}`)
}

interface Result {
  readonly code: number
  readonly text: string
}

/** Collects everything that a process prints. */
function outputOf(child: ChildProcess): () => string {
  let text = ''
  for (const stream of [child.stdout, child.stderr]) {
    stream?.on('data', (data) => {
      text += data
    })
  }
  return () => text
}

/** Addresses of the ready line of an agent. */
function readyAgent(child: ChildProcess): Promise<Readonly<Record<'web' | 'metrics', string>>> {
  return new Promise((resolve, reject) => {
    let text = ''
    child.stdout?.on('data', (data) => {
      text += data
      const found = /^millrace ready agent=a metrics=(\S+) web=(\S+)$/m.exec(text)
      if (found !== null) resolve({ metrics: found[1] ?? '', web: found[2] ?? '' })
    })
    child.on('exit', () => reject(new Error(`the agent did not start: ${text}`)))
  })
}

async function run(...args: readonly string[]): Promise<Result> {
  const child = spawn(process.execPath, millraceArguments(...args))
  const output = outputOf(child)
  const code = await new Promise<number>((resolve) =>
    child.on('close', (code) => resolve(code ?? -1)),
  )
  return { code, text: output() }
}

describe('secrets in the configuration of an agent', () => {
  const isSecretName = (name: string): boolean =>
    /pass(word|phrase)|secret|token|credential/i.test(name) && !/file$/i.test(name)

  /** Every key of every component that has a secret, with the lines of its agent. */
  function* secretKeys(): Generator<readonly [role: string, type: string, key: string]> {
    for (const [role, definitions] of Object.entries(builtIn)) {
      for (const { type, keys } of definitions) {
        for (const [name, key] of Object.entries(keys)) {
          if (key.kind === 'prefix') {
            if (!key.prefix.startsWith('kafka.')) continue
            for (const inner of ['sasl.jaas.config', 'ssl.key.password', 'ssl.keystore.key'])
              yield [role, type, `${key.prefix}${inner}`]
          } else if (isSecretName(('key' in key ? key.key : undefined) ?? name)) {
            yield [role, type, ('key' in key ? key.key : undefined) ?? name]
          }
        }
      }
    }
  }

  function linesOf(role: string, type: string, entries: readonly string[]): string[] {
    const component = { sources: 'sources.x', sinks: 'sinks.x', channels: 'channels.x' }[role]
    const [list, prefix] =
      component === undefined ? ['sources', 'sources.x.interceptors.i'] : [role, component]
    return [
      `a.${list} = x`,
      `a.channels = c${role === 'channels' ? ' x' : ''}`,
      'a.channels.c.type = memory',
      ...(component === undefined
        ? ['a.sources.x.type = seq', 'a.sources.x.interceptors = i', 'a.sources.x.channels = c']
        : [role === 'sinks' ? 'a.sinks.x.channel = c' : `a.${component}.channels = c`]),
      `a.${prefix}.type = ${type}`,
      ...entries.map((entry) => `a.${prefix}.${entry}`),
    ]
  }

  it('are in no problem that is reported', async () => {
    const found = [...secretKeys()]
    assert.ok(found.length > 20, found.map((each) => each.join(' ')).join(', '))
    const reported: string[] = []
    for (const [role, type, key] of found) {
      const entries = [
        `${key} = ${SECRET}`,
        `${key} = ${jaas}`,
        `${key} = ${jaas.replace(';', ' broken')}`,
        // A typo, another case, and a key with a suffix.
        `${key.slice(0, -1)} = ${SECRET}`,
        `${key.toUpperCase()} = ${SECRET}`,
        `${key}.more = ${SECRET}`,
        `${key} = \${${SECRET}`,
      ]
      for (const entry of entries) {
        const text = linesOf(role, type, [entry]).join('\n')
        const checked = await checkAgents([{ where: 'agent.conf', text }], {})
        const problems = checked.flatMap((agent) => agent.problems).map(problemText)
        reported.push(...problems)
        assertNoSecret(`${role} ${type}, ${entry}`, problems.join('\n'))
      }
    }
    assert.ok(reported.length > found.length, 'typos are reported')
  })

  it('are neither in what an agent prints, nor in its metrics and its status', async () => {
    const users = fileOf([`admin=${SECRET}`])
    const conf = fileOf([
      'a.sources = web',
      'a.channels = c',
      'a.sinks = out',
      'a.channels.c.type = memory',
      'a.sources.web.type = http',
      'a.sources.web.bind = 127.0.0.1',
      'a.sources.web.port = 0',
      `a.sources.web.auth.users.file = ${users}`,
      'a.sources.web.channels = c',
      'a.sinks.out.type = org.apache.flume.sink.kafka.KafkaSink',
      'a.sinks.out.channel = c',
      'a.sinks.out.kafka.bootstrap.servers = 127.0.0.1:1',
      'a.sinks.out.kafka.producer.security.protocol = SASL_PLAINTEXT',
      'a.sinks.out.kafka.producer.sasl.mechanism = PLAIN',
      `a.sinks.out.kafka.producer.sasl.jaas.config = ${jaas}`,
      `a.sinks.out.kafka.producer.ssl.key.pasword = ${SECRET}`,
    ])
    const checked = await run('agent', '-n', 'a', '-f', conf, '--check')
    assert.equal(checked.code, 0, checked.text)
    assert.match(checked.text, /ssl\.key\.pasword/)
    assertNoSecret('--check', checked.text)
    const tokens = fileOf([`${SECRET}-token`])
    const child = spawn(
      process.execPath,
      millraceArguments(
        ...['agent', '-n', 'a', '-f', conf, '--log-level', 'debug'],
        ...['--metrics', '127.0.0.1:0', '--metrics-tokens', tokens, '--drain-timeout', '0'],
      ),
    )
    const output = outputOf(child)
    const exit = new Promise<void>((resolve) => child.on('close', () => resolve()))
    const ready = await readyAgent(child)
    const post = await fetch(`http://${ready.web}/`, {
      method: 'POST',
      headers: { authorization: `Basic ${btoa(`admin:${SECRET}`)}` },
      body: JSON.stringify([{ headers: {}, body: 'x' }]),
    })
    assert.equal(post.status, 200)
    for (const authorization of ['', `Bearer ${SECRET}-token`, `Basic ${btoa(`u:${SECRET}`)}`]) {
      for (const path of ['/metrics', '/status', '/taps', `/${SECRET.slice(0, 2)}`]) {
        const reply = await fetch(`http://${ready.metrics}${path}`, { headers: { authorization } })
        assertNoSecret(path, await reply.text())
      }
    }
    // Without waiting for the unreachable cluster.
    child.kill('SIGKILL')
    await exit
    assertNoSecret('the log', output())
  })
})

describe('secrets in the output of the CLI', () => {
  let broker: Broker
  before(async () => {
    broker = await Broker.start({
      config: {
        'authorizer.class.name': 'org.apache.kafka.metadata.authorizer.StandardAuthorizer',
        'super.users': 'User:ANONYMOUS',
        'listener.name.plaintext.plain.sasl.jaas.config': jaas,
        'ssl.key.password': SECRET,
        'delegation.token.secret.key': SECRET,
      },
    })
  })
  after(() => broker?.close())

  const at = (): string[] => ['--bootstrap', broker.address]
  const commands: readonly (readonly [string, () => readonly string[]])[] = [
    ['a description', () => ['config', 'describe', 'broker', '1', '--all', ...at()]],
    ['a description in JSON', () => ['config', 'describe', 'broker', '1', '--json', ...at()]],
    [
      'a change',
      () => ['config', 'alter', 'broker', '1', '--put', `ssl.key.password=${SECRET}`, ...at()],
    ],
    [
      'a change without --put',
      () => ['config', 'alter', 'broker', '1', `ssl.key.password=${SECRET}`, ...at()],
    ],
    [
      'a change in JSON',
      () => [
        ...['config', 'alter', 'broker', '1', '--json', '--dry-run', ...at()],
        ...['--put', `listener.name.plaintext.ssl.key.password=${SECRET}`],
      ],
    ],
    [
      'a change that is refused',
      () => [
        ...['config', 'alter', 'broker', '1', ...at()],
        ...['--put', `listener.name.plaintext.plain.sasl.jaas.config=${jaas} ${SECRET}`],
      ],
    ],
    ['a new user', () => ['user', 'set', 'alice', '--password', SECRET, ...at()]],
    ['users', () => ['user', 'list', ...at()]],
  ]
  for (const [name, args] of commands) {
    it(`of ${name}`, async () => {
      const { text } = await run(...args())
      assertNoSecret(args().join(' '), text)
    })
  }

  const serverSettings: readonly (readonly string[])[] = [
    [`listener.name.plaintext.plain.sasl.jaas.config=${jaas} broken`],
    [`listener.name.plaintext.plain.sasl.jaas.conf=${jaas}`],
    [`plain.sasl.jaas.config=${jaas.replace('required', 'never')}`],
    [`ssl.key.pasword=${SECRET}`, 'num.partitions=x'],
    [`ssl.keystore.key=${SECRET}`, 'listeners=SSL://127.0.0.1:0'],
    [`delegation.token.secret.key=${SECRET}`, 'listeners=SASL_SSL://127.0.0.1:0'],
    [`amqp.users=alice:${SECRET},bob`],
    [`amqp.usres=alice:${SECRET}`],
    [`amqp.tls.key.password=${SECRET}`, 'amqp.listener=amqps://127.0.0.1:0'],
    [`amqp.tls.key.pasword=${SECRET}`],
  ]
  for (const settings of serverSettings) {
    it(`of a start with ${settings.map((line) => line.split('=')[0]).join(', ')}`, async () => {
      const file = fileOf([
        ...settings,
        ...(settings.some((line) => line.startsWith('listeners='))
          ? []
          : ['listeners=PLAINTEXT://127.0.0.1:0']),
      ])
      const child = spawn(
        process.execPath,
        millraceArguments(
          ...['start', '--config', file, '--data', join(directory, `data-${files}`)],
          ...['--log-level', 'debug'],
        ),
      )
      const output = outputOf(child)
      const exit = new Promise<void>((resolve) => child.on('close', () => resolve()))
      await Promise.race([readyAddresses(child).catch(() => {}), exit])
      child.kill('SIGTERM')
      await exit
      assert.notEqual(output(), '')
      assertNoSecret(settings.join(), output())
    })
  }

  const clientSettings: readonly (readonly string[])[] = [
    [`sasl.jaas.config=${jaas} broken`, 'security.protocol=SASL_PLAINTEXT', 'sasl.mechanism=PLAIN'],
    [`sasl.jaas.conf=${jaas}`, 'security.protocol=SASL_PLAINTEXT', 'sasl.mechanism=PLAIN'],
    [`sasl.jaas.config=${jaas}`, 'security.protocol=SASL_PLAINTEXT', 'sasl.mechanism=PLAIN'],
    [`ssl.keystore.key=${SECRET}`, 'security.protocol=SSL'],
    [`ssl.key.password=${SECRET}`, `ssl.keystore.location=${import.meta.filename}`],
  ]
  for (const settings of clientSettings) {
    it(`of a command whose client properties have ${settings[0]?.split('=')[0]}`, async () => {
      const file = fileOf(settings)
      const { text } = await run('topic', 'list', '--command-config', file, ...at())
      assertNoSecret(settings.join(), text)
    })
  }
})
