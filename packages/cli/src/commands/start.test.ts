// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict'
import { type ChildProcess, type ChildProcessByStdio, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Readable, Writable } from 'node:stream'
import { after, describe, it } from 'node:test'
import { Admin, Producer } from '@millrace/client'
import { freePort, millraceArguments } from '@millrace/testkit'

const directory = mkdtempSync(join(tmpdir(), 'millrace-cli-'))
after(() => rmSync(directory, { recursive: true, force: true }))

interface Running {
  readonly child: ChildProcess
  readonly output: () => string
  readonly exited: Promise<number | string | null>
}

function millrace(...args: string[]): Running {
  return running(spawn(process.execPath, millraceArguments(...args), { cwd: directory }))
}

function running(child: ChildProcessByStdio<null | Writable, Readable, Readable>): Running {
  let text = ''
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (data) => {
      text += data
    })
  }
  const exited = new Promise<number | string | null>((resolve) => {
    child.on('close', (code, signal) => resolve(code ?? signal))
  })
  return { child, output: () => text, exited }
}

async function ready(running: Running): Promise<string> {
  return new Promise((resolve, reject) => {
    const look = (): void => {
      const match = /^millrace ready kafka=(\S+) amqp=\S+ registry=\S+$/m.exec(running.output())
      if (match !== null) resolve(match[1] as string)
    }
    running.child.stdout?.on('data', look)
    void running.exited.then(() => reject(new Error(running.output())))
  })
}

async function failed(
  ...args: string[]
): Promise<{ readonly code: unknown; readonly output: string }> {
  const running = millrace(...args)
  const code = await running.exited
  return { code, output: running.output() }
}

describe('millrace start', () => {
  it('prints its addresses when it is ready, and keeps all data on SIGTERM', async () => {
    const first = millrace('start', '--listen', '127.0.0.1:0')
    assert.match(await ready(first), /^127\.0\.0\.1:\d+$/)
    first.child.kill('SIGTERM')
    assert.equal(await first.exited, 0)
    const cluster = /Cluster +(\S+),/.exec(first.output())?.[1]
    const second = millrace('start', '--listen', '127.0.0.1:0')
    await ready(second)
    assert.equal(/Cluster +(\S+),/.exec(second.output())?.[1], cluster)
    second.child.kill('SIGINT')
    assert.equal(await second.exited, 0)
  })

  it("accepts Kafka's server.properties, with --set and --listen over it", async () => {
    const file = join(directory, 'server.properties')
    writeFileSync(
      file,
      [
        '# as Kafka ships it',
        'process.roles=broker,controller',
        'node.id=4',
        'controller.quorum.voters=4@localhost:19093',
        'listeners=PLAINTEXT://127.0.0.1:0,INSIDE://127.0.0.1:0,CONTROLLER://127.0.0.1:0',
        'advertised.listeners=PLAINTEXT://broker.example:9092',
        'controller.listener.names=CONTROLLER',
        'listener.security.protocol.map=CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT,INSIDE:PLAINTEXT',
        `log.dirs=${join(directory, 'from-file')}`,
        'num.partition=3',
      ].join('\n'),
    )
    const running = millrace('start', '--config', file, '--set', 'num.partitions=2')
    await ready(running)
    assert.match(running.output(), /num\.partition is ignored; did you mean num\.partitions\?/)
    assert.match(running.output(), /node 4/)
    assert.match(running.output(), /Kafka +127\.0\.0\.1:\d+, 127\.0\.0\.1:\d+/)
    running.child.kill('SIGTERM')
    assert.equal(await running.exited, 0)
  })

  it('rejects a value with an error that names the key, the value and the expected values', async () => {
    const wrong = await failed('start', '--ephemeral', '--set', 'log.retention.hours=soon')
    assert.equal(wrong.code, 1)
    assert.match(
      wrong.output,
      /Invalid value soon for configuration log\.retention\.hours: expected a 32-bit number/,
    )
    const cluster = await failed(
      'start',
      '--ephemeral',
      '--set',
      'controller.quorum.voters=1@a:1,2@b:2',
    )
    assert.match(cluster.output, /expected 1@host:port: millrace is a single node/)
  })

  it('suggests the nearest key for a typo', async () => {
    assert.match((await failed('strat')).output, /unknown command strat; did you mean start\?/)
    assert.match((await failed('start', '--ephemral')).output, /did you mean --ephemeral\?/)
    assert.match((await failed('start', '--data')).output, /--data needs a value/)
    assert.match((await failed('start', '--listen', '9092')).output, /expected HOST:PORT/)
    assert.match(
      (await failed('start', '--release-version', '3.9')).output,
      /one of 4\.1, 4\.2, 4\.3, 4\.4/,
    )
  })

  it('reports the process that holds the address or the directory', async () => {
    const first = millrace('start', '--data', 'held', '--listen', '127.0.0.1:0')
    const address = await ready(first)
    assert.match(
      (await failed('start', '--data', 'other', '--listen', address)).output,
      /address is in use/,
    )
    assert.match(
      (await failed('start', '--data', 'held', '--listen', '127.0.0.1:0')).output,
      /in use by another process/,
    )
    first.child.kill('SIGTERM')
    await first.exited
  })

  it('starts without AMQP if its default port is in use, and fails if a requested port is', async () => {
    const held = createServer().listen(5672, '127.0.0.1')
    await Promise.race([once(held, 'listening'), once(held, 'error')])
    const port = await freePort()
    const broker = millrace(
      'start',
      '--ephemeral',
      '--set',
      `listeners=PLAINTEXT://127.0.0.1:${port}`,
    )
    await ready(broker)
    assert.match(
      broker.output(),
      /cannot listen for AMQP on 127\.0\.0\.1:5672: the address is in use/,
    )
    assert.match(
      broker.output(),
      new RegExp(`^millrace ready kafka=127.0.0.1:${port} amqp=none registry=\\S+$`, 'm'),
    )
    const asked = await failed(
      'start',
      '--ephemeral',
      '--listen',
      '127.0.0.1:0',
      '--amqp',
      '127.0.0.1:5672',
    )
    assert.notEqual(asked.code, 0)
    assert.match(asked.output, /cannot listen for AMQP on 127\.0\.0\.1:5672: the address is in use/)
    const own = await failed(
      'start',
      '--ephemeral',
      '--listen',
      `127.0.0.1:${port}`,
      '--amqp',
      'none',
    )
    assert.notEqual(own.code, 0)
    assert.match(
      own.output,
      new RegExp(`cannot listen for Kafka on .*127.0.0.1:${port}: the address is in use`),
    )
    if (process.platform === 'linux')
      assert.match(own.output, new RegExp(`\\(process ${broker.child.pid}\\)`))
    broker.child.kill('SIGTERM')
    await broker.exited
    held.close()
  })

  it('checks the schemas of records in its registry', async () => {
    const server = millrace('start', '--ephemeral', '--listen', '127.0.0.1:0', '--amqp', 'none')
    try {
      const bootstrapServers = await ready(server)
      const [, address] = / registry=(\S+)$/m.exec(server.output()) ?? []
      await using admin = new Admin({ bootstrapServers })
      const configs = { 'confluent.value.schema.validation': 'true' }
      await admin.createTopics([{ name: 'checked', configs }])
      const answer = await fetch(`http://${address}/subjects/checked-value/versions`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ schema: '"string"' }),
      })
      const { id } = (await answer.json()) as { readonly id: number }
      await using producer = new Producer({ bootstrapServers })
      await producer.send({ topic: 'checked', value: Buffer.from([0, 0, 0, 0, id, 2, 65]) })
      const unknown = Buffer.from([0, 0, 0, 1, id, 2, 65])
      await assert.rejects(producer.send({ topic: 'checked', value: unknown }), {
        code: 'INVALID_RECORD',
      })
    } finally {
      server.child.kill()
      await server.exited
    }
  })

  it('starts the registry with its first client, and without it if the default port is in use', async () => {
    const held = createServer().listen(8081, '127.0.0.1')
    await Promise.race([once(held, 'listening'), once(held, 'error')])
    const port = await freePort()
    const listeners = `listeners=PLAINTEXT://127.0.0.1:${port}`
    const without = millrace('start', '--ephemeral', '--set', listeners, '--amqp', 'none')
    await ready(without)
    assert.match(
      without.output(),
      /cannot listen for the schema registry on 127\.0\.0\.1:8081: the address is in use/,
    )
    assert.match(without.output(), / amqp=none registry=none$/m)
    without.child.kill('SIGTERM')
    assert.equal(await without.exited, 0)
    const start = [
      'start',
      '--ephemeral',
      '--listen',
      '127.0.0.1:0',
      '--amqp',
      'none',
      '--registry',
    ]
    const asked = await failed(...start, '127.0.0.1:8081')
    assert.notEqual(asked.code, 0)
    assert.match(asked.output, /8081: the address is in use.*; choose another with --registry/)
    held.close()
    const open = await failed(...start, '0.0.0.0:0')
    assert.notEqual(open.code, 0)
    assert.match(open.output, /would let any machine on the network change schemas/)
    assert.match((await failed(...start, '8081')).output, /invalid --registry 8081: expected HOST/)
    const settings = ['--set', 'registry.schema.compatibility.level=full']
    const running = millrace(...start, '127.0.0.1:0', ...settings)
    await ready(running)
    const [, address] = / registry=(\S+)$/m.exec(running.output()) ?? []
    const config = await (await fetch(`http://${address}/config`)).json()
    assert.deepEqual(config, { compatibilityLevel: 'FULL' })
    running.child.kill('SIGTERM')
    assert.equal(await running.exited, 0)
    const lazy = millrace(...start, '127.0.0.1:0')
    await ready(lazy)
    const [, other] = / registry=(\S+)$/m.exec(lazy.output()) ?? []
    const first = ['/subjects', '/mode'].map(async (path) =>
      (await fetch(`http://${other}${path}`)).json(),
    )
    assert.deepEqual(await Promise.all(first), [[], { mode: 'READWRITE' }])
    lazy.child.kill('SIGTERM')
    assert.equal(await lazy.exited, 0)
    assert.doesNotMatch(lazy.output(), /ERROR|WARN/)
  })

  it('lists all options in its help', async () => {
    const { code, output } = await failed('start', '--help')
    assert.equal(code, 0)
    for (const option of [
      '--config',
      '--set',
      '--data',
      '--listen',
      '--ephemeral',
      '--release-version',
      '--log-level',
    ]) {
      assert.ok(output.includes(option), option)
    }
  })
})

/**
 * Runs millrace where no file may grow beyond so many KiB: what a full disk is to it, without one.
 */
function limited(kibibytes: number, ...args: string[]): Running {
  const main = new URL('../main.ts', import.meta.url).pathname
  const command = `ulimit -f ${kibibytes}; exec "$0" "$@"`
  return running(
    spawn('bash', ['-c', command, process.execPath, '--conditions=millrace-src', main, ...args], {
      cwd: directory,
    }),
  )
}

describe('a disk that takes nothing', () => {
  it('ends the start with one line and status 1', async () => {
    const started = limited(
      0,
      'start',
      '--data',
      'full',
      '--listen',
      '127.0.0.1:0',
      '--amqp',
      'none',
    )
    assert.equal(await started.exited, 1)
    assert.match(
      started.output(),
      /^millrace: log directory full is offline: cannot [^\n]*EFBIG[^\n]*\n$/,
    )
  })

  it('is reported to a client that creates a topic, and the broker stops cleanly', async () => {
    const broker = limited(
      8,
      'start',
      '--data',
      'little',
      '--listen',
      '127.0.0.1:0',
      '--amqp',
      'none',
    )
    const bootstrap = await ready(broker)
    // The metadata of so many partitions is longer than a file may be.
    const created = await failed(
      'topic',
      'create',
      'wide',
      '--partitions',
      '500',
      '--bootstrap',
      bootstrap,
    )
    assert.equal(created.code, 1)
    assert.match(
      created.output,
      /^millrace: wide: cannot append to __cluster_metadata-0: EFBIG[^\n]*\n$/,
    )
    const narrow = await failed('topic', 'create', 'narrow', '--bootstrap', bootstrap)
    assert.equal(narrow.code, 0, narrow.output)
    broker.child.kill('SIGTERM')
    assert.equal(await broker.exited, 0)
    assert.doesNotMatch(broker.output(), /^ +at /m)
  })
})
