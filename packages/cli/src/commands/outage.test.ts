// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { Broker } from '@millrace/broker'
import { Admin } from '@millrace/client'
import { JmsProvider } from '@millrace/jms-provider'
import { freePort, millraceArguments } from '@millrace/testkit'

/** A command whose output can be awaited. */
class Running {
  readonly child: ChildProcess
  #text = ''
  #onText: () => void = () => {}

  constructor(args: readonly string[]) {
    this.child = spawn(process.execPath, millraceArguments(...args))
    for (const stream of [this.child.stdout, this.child.stderr]) {
      stream?.on('data', (data) => {
        this.#text += data
        this.#onText()
      })
    }
  }

  get text(): string {
    return this.#text
  }

  async until(pattern: RegExp): Promise<void> {
    while (!pattern.test(this.#text)) {
      await new Promise<void>((resolve) => {
        this.#onText = resolve
      })
    }
  }
}

describe('a long-running command', { timeout: 120_000 }, () => {
  const dataDirectory = mkdtempSync(join(tmpdir(), 'millrace-outage-'))
  let address: string
  let broker: Broker

  const start = (): Promise<Broker> => Broker.start({ dataDirectory, listen: address })

  before(async () => {
    address = `127.0.0.1:${await freePort()}`
    broker = await start()
    await using admin = new Admin({ bootstrapServers: address })
    await admin.createTopics([{ name: 'followed', numPartitions: 1 }])
  })
  after(async () => {
    await broker.close()
    rmSync(dataDirectory, { recursive: true, force: true })
  })

  it('reports that its broker is lost and that it is back, once each', async () => {
    const consume = new Running(['consume', 'followed', '-o', 'beginning', '-b', address])
    const produce = new Running(['produce', 'followed', '-b', address])
    try {
      produce.child.stdin?.write('one\n')
      await consume.until(/^one$/m)
      await broker.close()
      produce.child.stdin?.write('two\n')
      const lost = new RegExp(
        `^millrace: lost the connection to ${address}: .*; reconnecting$`,
        'm',
      )
      await consume.until(lost)
      await produce.until(lost)
      broker = await start()
      await consume.until(/^two$/m)
      produce.child.stdin?.end()
      const ended = once(produce.child, 'close')
      await consume.until(/^millrace: reconnected to .*$/m)
      assert.deepEqual(await ended, [0, null])
      const closed = once(consume.child, 'close')
      consume.child.kill('SIGINT')
      assert.deepEqual(await closed, [0, null])
      for (const { text } of [consume, produce]) {
        const lines = text.split('\n').filter((line) => line.startsWith('millrace:'))
        assert.equal(lines.length, 2, text)
        assert.match(lines[1] ?? '', new RegExp(`reconnected to ${address}`))
      }
    } finally {
      consume.child.kill('SIGKILL')
      produce.child.kill('SIGKILL')
    }
  })

  it('reports that a JMS provider is lost and that it is back, once each', async () => {
    const amqp = `127.0.0.1:${await freePort()}`
    const ends = ['--from', amqp, '--to', amqp, '-q', 'a', '--as', 'b']
    const bridge = new Running(['jms', 'bridge', ...ends])
    await bridge.until(/^millrace: cannot connect to amqp:.*ECONNREFUSED.*; reconnecting$/m)
    const provider = await JmsProvider.start({
      client: { bootstrapServers: address },
      config: { 'amqp.listener': amqp },
    })
    try {
      await bridge.until(/^millrace: reconnected to both providers$/m)
      const ended = once(bridge.child, 'close')
      bridge.child.kill('SIGINT')
      assert.deepEqual(await ended, [0, null], bridge.text)
      assert.equal(bridge.text.match(/^millrace:/gm)?.length, 2, bridge.text)
    } finally {
      bridge.child.kill('SIGKILL')
      await provider.close()
    }
  })

  it('waits for a broker that restarts', async () => {
    await broker.close()
    const list = new Running(['topic', 'list', '-b', address])
    const ended = once(list.child, 'close')
    await list.until(/cannot connect to .*; retrying for/)
    broker = await start()
    assert.deepEqual(await ended, [0, null], list.text)
    assert.match(list.text, /^followed$/m)
  })
})
