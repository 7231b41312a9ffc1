// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { mkdtempSync, openSync, rmSync, writeFileSync } from 'node:fs'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { Broker } from '@millrace/broker'
import { Admin, Producer } from '@millrace/client'
import { JmsProvider } from '@millrace/jms-provider'
import { freePort, millraceArguments } from '@millrace/testkit'
import { dispatch } from '../command.ts'
import { failureOf } from '../explain-error.ts'
import { commands } from './index.ts'

/** Number of concurrent processes. */
const PARALLEL = 4

interface Result {
  readonly code: number | string | null
  readonly out: string
  readonly err: string
}

interface RunOptions {
  readonly input?: string
  /** File to redirect stdout to, instead of a pipe. */
  readonly stdout?: string
  /** Closes the pipe at the first byte. */
  readonly closesStdout?: boolean
  /** Sends SIGINT after the first byte on stdout. */
  readonly interrupts?: boolean
}

/** Expected stderr and exit status of a command line. */
interface Case extends RunOptions {
  readonly args: string
  readonly code: number
  /** Text of the first line of stderr after `millrace: `; a string must match exactly. */
  readonly line: RegExp | string
  /** The second line. Default: none. */
  readonly hint?: RegExp
}

describe('errors of commands', () => {
  const directory = mkdtempSync(join(tmpdir(), 'millrace-errors-'))
  let broker: Broker
  let provider: JmsProvider
  let web: Server
  let nowhere: string
  /** Placeholders for addresses and files in the table. */
  let places: Readonly<Record<string, string>> = {}

  before(async () => {
    broker = await Broker.start({ config: { 'group.initial.rebalance.delay.ms': '0' } })
    provider = await JmsProvider.start({
      client: { bootstrapServers: broker.address, network: broker.network },
      config: { 'amqp.listener': '127.0.0.1:0' },
    })
    web = createServer((_request, response) => response.end('hello'))
    await new Promise<void>((resolve) => web.listen(0, '127.0.0.1', resolve))
    process.env.MILLRACE_BOOTSTRAP = broker.address
    process.env.MILLRACE_AMQP = provider.address
    nowhere = `127.0.0.1:${await freePort()}`
    const invalid = join(directory, 'invalid.properties')
    writeFileSync(invalid, 'acks=perhaps\n')
    places = {
      HTTP: `127.0.0.1:${(web.address() as AddressInfo).port}`,
      KAFKA: broker.address,
      AMQP: provider.address,
      NOWHERE: nowhere,
      DIRECTORY: directory,
      INVALID: invalid,
    }
    await using admin = new Admin({ bootstrapServers: broker.address })
    await admin.createTopics([{ name: 'lines', numPartitions: 1 }])
    await using producer = new Producer({ bootstrapServers: broker.address })
    const value = 'x'.repeat(1000)
    await producer.send(Array.from({ length: 5000 }, () => ({ topic: 'lines', value })))
  })
  after(async () => {
    web.close()
    await provider.close()
    await broker.close()
    rmSync(directory, { recursive: true, force: true })
  })

  function run(args: readonly string[], options: RunOptions = {}): Promise<Result> {
    return new Promise((resolve) => {
      const child = spawn(process.execPath, millraceArguments(...args), {
        env: {
          ...process.env,
          MILLRACE_BOOTSTRAP: broker.address,
          MILLRACE_AMQP: provider.address,
        },
        stdio: [
          'pipe',
          options.stdout === undefined ? 'pipe' : openSync(options.stdout, 'w'),
          'pipe',
        ],
      })
      let out = ''
      let err = ''
      child.stdout?.on('data', (data) => {
        out += data
        if (options.closesStdout === true) child.stdout?.destroy()
        // Sent only once: a second signal would end the process at once.
        if (options.interrupts === true && !child.killed) child.kill('SIGINT')
      })
      child.stderr?.on('data', (data) => {
        err += data
      })
      child.on('close', (code, signal) => resolve({ code: code ?? signal, out, err }))
      child.stdin?.on('error', () => {})
      child.stdin?.end(options.input ?? '')
    })
  }

  const words = (text: string): string[] =>
    text.split(' ').map((word) => places[word.replace(/^@/, '')] ?? word)

  /** Runs a command in this process, as `main.ts` does. */
  async function here(args: readonly string[]): Promise<Result> {
    try {
      return { code: await dispatch(commands, args), out: '', err: '' }
    } catch (error) {
      const { text, status } = failureOf(error, args)
      return { code: status, out: '', err: `millrace: ${text}\n` }
    }
  }

  async function checkInProcess(cases: readonly Case[]): Promise<void> {
    const results = await Promise.all(cases.map(({ args }) => here(words(args))))
    const failures = cases
      .map((each, i) => [each.args, problemOf(each, results[i] as Result)])
      .filter(([, problem]) => problem !== undefined)
    assert.deepEqual(failures, [])
  }

  async function check(cases: readonly Case[]): Promise<void> {
    const left = [...cases]
    const failures: string[] = []
    const worker = async (): Promise<void> => {
      for (let each = left.shift(); each !== undefined; each = left.shift()) {
        const problem = problemOf(each, await run(words(each.args), each))
        if (problem !== undefined) failures.push(`millrace ${each.args}: ${problem}`)
      }
    }
    await Promise.all(Array.from({ length: PARALLEL }, worker))
    assert.deepEqual(failures, [])
  }

  function problemOf({ code, line, hint }: Case, result: Result): string | undefined {
    const said = JSON.stringify(result.err)
    if (result.code !== code) return `exit status ${result.code}, expected ${code}: ${said}`
    // biome-ignore lint/suspicious/noControlCharactersInRegex: escape codes begin with it
    if (/\x1b/.test(result.err + result.out)) return `escape codes: ${said}`
    if (/^ +at |node:internal/m.test(result.err)) return `a stack: ${said}`
    const lines = result.err.split('\n').slice(0, -1)
    const notice = lines.findIndex((each) => /; retrying for /.test(each))
    if (notice >= 0) lines.splice(notice, 1)
    const [first = '', second, ...rest] = lines
    const text = first.replace(/^millrace: /, '')
    const isRight = typeof line === 'string' ? text === line : line.test(text)
    if (!isRight) return `printed ${said}, expected ${line}`
    if (hint === undefined ? second !== undefined : !hint.test(second ?? '')) {
      return `printed ${said}, expected the hint ${hint}`
    }
    return rest.length === 0 ? undefined : `more than a line and a hint: ${said}`
  }

  it('in the command line', async () => {
    const many = { code: 2 } as const
    await checkInProcess([
      { ...many, args: 'tpoic', line: 'unknown command tpoic; did you mean topic?' },
      { ...many, args: 'topic lsit', line: 'unknown command topic lsit; did you mean list?' },
      {
        ...many,
        args: 'queue brwose q',
        line: /^unknown command queue brwose; did you mean browse/,
      },
      {
        ...many,
        args: 'group zzzzzz',
        line: /^unknown command group zzzzzz; commands are list, desc/,
      },
      { ...many, args: 'topic list --jsno', line: 'unknown option --jsno; did you mean --json?' },
      { ...many, args: 'queue list --amqq', line: 'unknown option --amqq; did you mean --amqp?' },
      { ...many, args: 'produce lines -Q', line: 'unknown option -Q' },
      { ...many, args: 'consume', line: 'TOPIC is missing: TOPIC...' },
      { ...many, args: 'produce', line: 'TOPIC is missing: TOPIC [FILE...]' },
      { ...many, args: 'queue move a', line: 'TO is missing: FROM TO' },
      { ...many, args: 'subscription create t', line: 'NAME is missing: TOPIC NAME' },
      { ...many, args: 'group delete', line: 'GROUP is missing: GROUP...' },
      { ...many, args: 'topic list x', line: 'unexpected argument x' },
      { ...many, args: 'topic create t --partitions', line: /^option --partitions needs a value/ },
      {
        ...many,
        args: 'topic create t -p many',
        line: 'invalid --partitions many: expected a whole number from 1',
      },
      {
        ...many,
        args: 'topic create t -p 1.5',
        line: 'invalid --partitions 1.5: expected a whole number from 1',
      },
      {
        ...many,
        args: 'consume lines -c 0',
        line: 'invalid --count 0: expected a whole number from 1',
      },
      {
        ...many,
        args: 'consume lines -p x',
        line: 'invalid --partition x: expected a whole number',
      },
      {
        ...many,
        args: 'queue browse q --max x',
        line: 'invalid --max x: expected a whole number from 1',
      },
      {
        ...many,
        args: 'queue receive q -w x',
        line: 'invalid --wait x: expected a whole number from 1',
      },
      {
        ...many,
        args: 'queue send q hi --priority 12',
        line: 'invalid --priority 12: expected a whole number from 0 to 9',
      },
      {
        ...many,
        args: 'topic list -b localhost',
        line: 'invalid --bootstrap localhost: expected HOST:PORT',
      },
      {
        ...many,
        args: 'queue list -a http://x:1',
        line: /^invalid --amqp http:\/\/x:1: expected /,
      },
      { ...many, args: 'consume lines --grep [', line: /^invalid --grep \[: / },
      {
        ...many,
        args: 'topic list --set novalue',
        line: 'invalid --set novalue: expected KEY=VALUE',
      },
      { ...many, args: 'completion tcsh', line: /^invalid SHELL tcsh: expected bash/ },
      { ...many, args: 'log dump', line: /^\S+ is missing: / },
      {
        ...many,
        args: 'start --lisen 1',
        line: /^unknown option --lisen; did you mean --listen\?/,
      },
      { ...many, args: 'agent --nmae a', line: /^unknown option --nmae; did you mean --name\?/ },
      { ...many, args: 'bench produce t -n x', line: /^invalid --records x: expected a/ },
    ])
  })

  it('in names and files', async () => {
    const topics = /^ {2}`millrace topic list`/
    const unknown = /UNKNOWN_TOPIC_OR_PARTITION|does not host this topic/
    await checkInProcess([
      { args: 'topic describe nothing', code: 1, line: unknown, hint: topics },
      { args: 'topic delete nothing', code: 1, line: unknown, hint: topics },
      { args: 'topic offsets nothing', code: 1, line: unknown, hint: topics },
      { args: 'consume nothing', code: 1, line: unknown, hint: topics },
      { args: 'consume lines -p 7', code: 2, line: 'lines has no partition 7, only 0 to 0' },
      { args: 'group describe nothing', code: 1, line: /nothing/, hint: /`millrace group list`/ },
      { args: 'group delete nothing', code: 1, line: /nothing/, hint: /`millrace group list`/ },
      { args: 'transaction describe nothing', code: 1, line: /nothing/ },
      { args: 'queue browse nothing', code: 2, line: /nothing/ },
      { args: 'queue purge nothing', code: 2, line: /nothing/ },
      { args: 'subscription delete nothing', code: 2, line: /nothing/ },
      { args: 'produce lines /no/such', code: 2, line: 'cannot read /no/such: ENOENT' },
      { args: 'produce lines @DIRECTORY', code: 2, line: /^cannot read .*: EISDIR$/ },
      {
        args: 'topic list --config /no/such',
        code: 2,
        line: 'cannot read --config /no/such: ENOENT',
      },
      {
        args: 'topic list --config @DIRECTORY',
        code: 2,
        line: /^cannot read --config .*: EISDIR$/,
      },
      {
        args: 'produce lines --config @INVALID',
        code: 1,
        line: /^invalid acks=perhaps: expected all/,
      },
      { args: 'log dump /no/such', code: 2, line: 'cannot read /no/such: ENOENT' },
      { args: 'log verify /no/such', code: 2, line: 'cannot read /no/such: ENOENT' },
      { args: 'start --config /no/such', code: 2, line: /^cannot read .*\/no\/such: ENOENT/ },
      { args: 'agent -n a -f /no/such', code: 2, line: /^cannot read .*\/no\/such: ENOENT/ },
    ])
  })

  it('in addresses', async () => {
    const refused = /^cannot connect to 127\.0\.0\.1:\d+: connect ECONNREFUSED$/
    const hint = /^ {2}is a broker running there\? `millrace start` .*--bootstrap HOST:PORT/
    const amqpRefused = /^cannot connect to amqp:\/\/127\.0\.0\.1:\d+: connect ECONNREFUSED/
    const amqpHint = /^ {2}is a JMS provider running there\? `millrace start` .*--amqp HOST:PORT/
    const http = /^127\.0\.0\.1:\d+ speaks HTTP, not the Kafka protocol$/
    const otherBootstrap = /--bootstrap/
    const otherAmqp = /--amqp/
    const fast = '--set default.api.timeout.ms=500'
    await check([
      { args: 'topic list -b @NOWHERE', code: 1, line: refused, hint },
      { args: 'consume t -b @NOWHERE', code: 1, line: refused, hint },
      { args: 'produce t -b @NOWHERE', code: 1, line: refused, hint },
      { args: 'bench produce t -b @NOWHERE', code: 1, line: refused, hint },
      { args: 'queue list -a @NOWHERE', code: 1, line: amqpRefused, hint: amqpHint },
      { args: 'queue receive q -a @NOWHERE', code: 1, line: amqpRefused, hint: amqpHint },
      { args: 'subscription list -a @NOWHERE', code: 1, line: amqpRefused, hint: amqpHint },
      {
        args: 'jms bridge --from @NOWHERE -q q --until-empty',
        code: 1,
        line: amqpRefused,
        hint: /--from/,
      },
      { args: 'topic list -b @HTTP', code: 1, line: http, hint: otherBootstrap },
      { args: 'produce t -b @HTTP', code: 1, line: http, hint: otherBootstrap },
      {
        args: `topic list -b @AMQP ${fast}`,
        code: 1,
        line: /^127\.0\.0\.1:\d+ closed the connection .*Kafka/,
        hint: otherBootstrap,
      },
      {
        args: 'queue list -a @HTTP',
        code: 1,
        line: /speaks HTTP, not AMQP 1\.0$/,
        hint: otherAmqp,
      },
      {
        args: 'queue list -a @KAFKA',
        code: 1,
        line: /^cannot connect to amqp:.*AMQP/,
        hint: otherAmqp,
      },
      {
        args: 'subscription list -a @KAFKA',
        code: 1,
        line: /^cannot connect to amqp:.*AMQP/,
        hint: otherAmqp,
      },
    ])
  })

  it('of the output', async () => {
    const full = { code: 1, stdout: '/dev/full', line: 'cannot write to stdout: ENOSPC' } as const
    await check([
      { ...full, args: 'topic list' },
      { ...full, args: '--version' },
      { ...full, args: 'topic --help' },
      { ...full, args: 'consume lines -o beginning -e' },
      { ...full, args: 'completion bash' },
      { args: 'consume lines -o beginning -e', code: 0, line: '', closesStdout: true },
      { args: 'consume lines -o beginning', code: 0, line: '', closesStdout: true },
      { args: 'bench consume lines --json', code: 0, line: '', closesStdout: true },
      { args: 'consume lines -o beginning', code: 0, line: '', interrupts: true },
      { args: 'topic describe lines', code: 0, line: '' },
    ])
  })
})
