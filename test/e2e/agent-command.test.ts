// SPDX-License-Identifier: Apache-2.0
// `millrace agent` as a process: sources of its configuration, and reactions to changes.
import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer, type Server } from 'node:http'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { freePort, millraceArguments } from '@millrace/testkit'
import { until } from './until.ts'

const root = mkdtempSync(join(tmpdir(), 'agent-command-'))
after(() => rmSync(root, { recursive: true, force: true }))

const tls = join(import.meta.dirname, '../testdata/tls')

const children = new Set<ChildProcess>()
after(() => {
  for (const child of children) child.kill('SIGKILL')
})

class Command {
  readonly #child: ChildProcess
  output = ''

  constructor(...args: readonly string[]) {
    this.#child = spawn(process.execPath, millraceArguments('agent', ...args), {
      cwd: root,
    })
    children.add(this.#child)
    const note = (data: Buffer): void => {
      this.output += data
    }
    this.#child.stdout?.on('data', note)
    this.#child.stderr?.on('data', note)
  }

  async ready(): Promise<void> {
    await until(() => this.output.includes('millrace ready') || this.#child.exitCode !== null)
    assert.equal(this.#child.exitCode, null, this.output)
  }

  async ended(): Promise<number | null> {
    if (this.#child.exitCode === null) await once(this.#child, 'close')
    return this.#child.exitCode
  }

  stop(): Promise<number | null> {
    this.#child.kill('SIGTERM')
    return this.ended()
  }
}

async function send(port: number, line: string): Promise<void> {
  const socket = connect({ host: '127.0.0.1', port })
  await once(socket, 'connect')
  socket.end(`${line}\n`)
  socket.resume()
  await once(socket, 'close')
}

const linesIn = (directory: string): string[] =>
  readdirSync(directory)
    .flatMap((name) => readFileSync(join(directory, name), 'utf8').split('\n'))
    .filter((line) => line !== '')

function configuration(port: number, out: string, more = ''): string {
  return `a1.sources = r1
a1.channels = c1
a1.sinks = k1
a1.sources.r1.type = netcat
a1.sources.r1.bind = 127.0.0.1
a1.sources.r1.port = ${port}
a1.sources.r1.channels = c1
a1.channels.c1.type = memory
a1.sinks.k1.type = file_roll
a1.sinks.k1.sink.directory = ${out}
a1.sinks.k1.channel = c1
${more}`
}
const marked = (mark: string): string => `a1.sources.r1.interceptors = i1
a1.sources.r1.interceptors.i1.type = search_replace
a1.sources.r1.interceptors.i1.searchPattern = ^
a1.sources.r1.interceptors.i1.replaceString = ${mark}
`

describe('millrace agent', () => {
  let server: Server
  let url = ''
  let page = ''
  let status = 200
  let asked = 0
  before(async () => {
    server = createServer((request, response) => {
      asked++
      const isKnown =
        request.headers.authorization === `Basic ${Buffer.from('me:it is ü').toString('base64')}`
      response.writeHead(isKnown ? status : 401).end(page)
    }).listen(0, '127.0.0.1')
    await once(server, 'listening')
    url = `http://127.0.0.1:${(server.address() as { readonly port: number }).port}/agent.conf`
  })
  after(() => {
    server.closeAllConnections()
    server.close()
  })
  const login = ['--conf-user', 'me', '--conf-password', 'it is ü']

  it('reads its configuration from a server, applies changes, and survives invalid ones and outages', async () => {
    const out = mkdtempSync(join(root, 'out-'))
    const port = await freePort()
    page = configuration(port, out)
    const agent = new Command('-n', 'a1', '-u', url, ...login, '-i', '1', '--metrics', 'none')
    await agent.ready()
    await send(port, 'one')
    await until(() => linesIn(out).length === 1)

    page = configuration(port, out, marked('<')).replace('type = memory', 'type = memroy')
    await until(() => /did you mean memory/.test(agent.output))
    status = 500
    await until(() => /cannot read the configuration.*status 500/.test(agent.output))
    const before = asked
    await until(() => asked > before + 1)
    assert.equal(agent.output.match(/cannot read the configuration/g)?.length, 1, 'reported once')
    await send(port, 'two')

    status = 200
    page = configuration(port, out, marked('<'))
    await until(() => /configuration applied/.test(agent.output))
    await send(port, 'three')
    await until(() => linesIn(out).length === 3)
    assert.deepEqual(linesIn(out), ['one', 'two', '<three'])
    assert.equal(await agent.stop(), 0)
  })

  it('overrides a file with a resource', async () => {
    const out = mkdtempSync(join(root, 'out-'))
    const port = await freePort()
    writeFileSync(join(root, 'base.conf'), configuration(port, out, marked('file-')))
    page = 'a1.sources.r1.interceptors.i1.replaceString = page-\n'
    const agent = new Command('-n', 'a1', '-f', 'base.conf', '-u', url, ...login)
    await agent.ready()
    await send(port, 'line')
    await until(() => linesIn(out).length === 1)
    assert.deepEqual(linesIn(out), ['page-line'])
    assert.equal(await agent.stop(), 0)
  })

  it('reports a configuration that it cannot read, and exits', async () => {
    for (const [args, says] of [
      [
        ['-u', url, '--conf-user', 'me', '--conf-password', 'guess'],
        /cannot read http.*status 401/,
      ],
      [['-u', 'http://127.0.0.1:1/x'], /cannot read http:\/\/127.0.0.1:1\/x: /],
      [['-u', 'classpath:/x'], /invalid --conf-uri classpath:\/x: expected file:, http: or https:/],
      [
        ['-u', 'file://host/x'],
        /invalid --conf-uri file:\/\/host\/x: expected a file of this machine/,
      ],
      [['-u', `file://${root}/missing`], /cannot read .*missing: ENOENT/],
      [['-f', 'missing'], /cannot read missing: ENOENT/],
      [[], /missing -f FILE or -u URI/],
    ] as const) {
      const agent = new Command('-n', 'a1', ...args)
      assert.notEqual(await agent.ended(), 0)
      assert.match(agent.output, says)
    }
  })

  it('validates a file, reports the line of each error, and exits with status 1', async () => {
    const good = join(root, 'good.conf')
    writeFileSync(good, configuration(0, root))
    const check = new Command('-f', good, '--check')
    assert.equal(await check.ended(), 0)
    assert.equal(check.output, `${good}: agent a1 is valid: 1 sources, 1 channels, 1 sinks\n`)
    const bad = join(root, 'bad.conf')
    writeFileSync(
      bad,
      configuration(0, root).replace('channel = c1', 'channel = c2').replace('.bind', '.bin'),
    )
    const wrong = new Command('-f', bad, '--check')
    assert.equal(await wrong.ended(), 1)
    assert.match(
      wrong.output,
      /bad\.conf:5: a1\.sources\.r1\.bin is not known; did you mean bind\?/,
    )
    assert.match(wrong.output, /bad\.conf:11: a1\.sinks\.k1\.channel/)
  })

  it('shows the keys of a component with defaults as they are written in a file', async () => {
    for (const [type, expected] of [
      ['hdfs', /serializer +default TEXT\n/],
      ['search_replace', /charset +default UTF-8\n/],
      ['regex_filter', /regex +default \.\*\n/],
    ] as const) {
      const command = new Command('components', type)
      assert.equal(await command.ended(), 0)
      assert.match(command.output, expected)
      assert.doesNotMatch(command.output, /\[object/)
    }
  })

  it('reports keys that Flume ignores: as warnings, or as errors with --strict', async () => {
    // A blank in the path, and the error in the second file.
    const directory = mkdtempSync(join(root, 'with blank '))
    const [base, more] = [join(directory, 'base.conf'), join(directory, 'more.conf')]
    writeFileSync(base, configuration(0, root))
    writeFileSync(
      more,
      '# nothing on the first line\na1.channels.c1.capasity = 5\na1.sinks.k1.x =\n',
    )
    const files = ['-f', base, '-f', more, '-n', 'a1']
    const warnings = `${more}:2: a1.channels.c1.capasity is not known; did you mean capacity?`
    const check = new Command(...files, '--check')
    assert.equal(await check.ended(), 0)
    assert.ok(check.output.includes(`  ${warnings}\n`), check.output)
    assert.ok(check.output.includes(`  ${more}:3: a1.sinks.k1.x has no value and is ignored`))
    assert.match(check.output, /agent a1 is valid: 1 sources, 1 channels, 1 sinks, 2 warnings\n/)
    const strict = new Command(...files, '--check', '--strict')
    assert.equal(await strict.ended(), 1)
    const refused = new Command(...files, '--strict')
    assert.equal(await refused.ended(), 1)
    assert.ok(refused.output.includes(warnings), refused.output)
  })

  it('runs the valid components without the invalid ones', async () => {
    const out = mkdtempSync(join(root, 'out-'))
    const port = await freePort()
    const file = join(root, 'partly.conf')
    const broken = `a1.sources = r1 r2
a1.sources.r2.type = netcat
a1.sources.r2.port = 1
a1.sources.r2.channels = c1
a1.sinks = k1 k2
a1.sinks.k2.type = file_roll
a1.sinks.k2.sink.directory = ${out}
a1.sinks.k2.channel = c2
`
    writeFileSync(file, configuration(port, out, broken))
    const check = new Command('-f', file, '--check')
    assert.equal(await check.ended(), 1)
    assert.match(check.output, /partly\.conf:13: a1\.sources\.r2\.bind is missing/)
    const agent = new Command('-n', 'a1', '-f', file, '--metrics', 'none')
    await agent.ready()
    assert.match(
      agent.output,
      /ERROR .*a1\.sources\.r2\.bind is missing \(sources\.r2 is omitted\)/,
    )
    assert.match(agent.output, /ERROR .*a1\.sinks\.k2\.channel names channel c2/)
    assert.match(agent.output, /runs without some components components="sources\.r2, sinks\.k2"/)
    await send(port, 'one')
    await until(() => linesIn(out).length === 1)

    // An edit that breaks a running component is not applied; one that fixes an omitted component
    // is.
    writeFileSync(file, configuration(port, out, `${broken}a1.sinks.k1.type = file_rol\n`))
    await until(() => /did you mean file_roll/.test(agent.output))
    await send(port, 'two')
    await until(() => linesIn(out).length === 2)
    const mended = `${broken}a1.sources.r2.bind = 127.0.0.1\na1.sources.r2.port = 0\n`
    writeFileSync(file, configuration(port, out, mended))
    await until(() => /configuration applied.*started="source r2"/.test(agent.output))
    assert.equal(await agent.stop(), 0)
  })

  for (const scheme of ['http', 'https']) {
    it(`prints the address of its metrics: ${scheme}`, async () => {
      const port = await freePort()
      const file = join(root, `${scheme}.conf`)
      const out = mkdtempSync(join(root, 'out-'))
      writeFileSync(file, configuration(port, out))
      const identity = join(root, 'metrics.pem')
      const parts = ['server.key', 'server.pem'].map((name) =>
        readFileSync(join(tls, name), 'utf8'),
      )
      writeFileSync(identity, parts.join(''), { mode: 0o600 })
      const metrics = ['--metrics', `127.0.0.1:${await freePort()}`]
      const options = scheme === 'https' ? [...metrics, '--metrics-tls', identity] : metrics
      const agent = new Command('-n', 'a1', '-f', file, ...options)
      await agent.ready()
      const [, found, address] = /metrics at (\w+):\/\/(\S+)/.exec(agent.output) ?? []
      assert.equal(found, scheme, agent.output)
      assert.equal(address, `${metrics[1]}/metrics`)
      assert.equal(await agent.stop(), 0)
    })
  }

  it('stops within its drain timeout if the cluster of its Kafka sink cannot be reached', async () => {
    const port = await freePort()
    const file = join(root, 'unreachable.conf')
    const sink = [
      'type = org.apache.flume.sink.kafka.KafkaSink',
      `kafka.bootstrap.servers = 127.0.0.1:${await freePort()}`,
      'kafka.topic = t',
    ]
    const lines = sink.map((line) => `a1.sinks.k1.${line}`).join('\n')
    writeFileSync(
      file,
      configuration(port, root).replace(/a1\.sinks\.k1\.type.*\n.*sink\.directory.*/, () => lines),
    )
    const agent = new Command('-n', 'a1', '-f', file, '--metrics', 'none', '--drain-timeout', '1')
    await agent.ready()
    await send(port, 'one')
    const began = performance.now()
    assert.equal(await agent.stop(), 1)
    const tookMs = performance.now() - began
    assert.match(agent.output, /events are lost.*channel=c1 events=1/)
    assert.ok(tookMs < 6000, `${tookMs} ms`)
  })

  it('exits with status 1 if events in memory are lost', async () => {
    const port = await freePort()
    const file = join(root, 'lossy.conf')
    const text = configuration(port, join(root, 'lossy.conf'), '')
    const dead = text
      .replace('k1.type = file_roll', 'k1.type = avro')
      .replace(
        /a1\.sinks\.k1\.sink\.directory.*/,
        'a1.sinks.k1.hostname = 127.0.0.1\na1.sinks.k1.port = 1',
      )
    writeFileSync(file, dead)
    const agent = new Command('-n', 'a1', '-f', file, '--metrics', 'none', '--drain-timeout', '0')
    await agent.ready()
    await send(port, 'one')
    assert.equal(await agent.stop(), 1)
    assert.match(agent.output, /events are lost.*channel=c1 events=1/)
  })
})
