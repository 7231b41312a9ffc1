// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { Broker } from '@millrace/broker'
import { Admin } from '@millrace/client'
import { millraceArguments } from '@millrace/testkit'

describe('millrace registry', () => {
  const directory = mkdtempSync(join(tmpdir(), 'millrace-registry-'))
  let broker: Broker
  before(async () => {
    broker = await Broker.start()
  })
  after(async () => {
    await broker.close()
    rmSync(directory, { recursive: true, force: true })
  })

  function start(...args: string[]): { child: ChildProcess; output: () => string } {
    const child = spawn(process.execPath, millraceArguments('registry', ...args), {
      cwd: directory,
    })
    let text = ''
    for (const stream of [child.stdout, child.stderr]) {
      stream.on('data', (data) => {
        text += data
      })
    }
    return { child, output: () => text }
  }

  async function ready({ child, output }: ReturnType<typeof start>): Promise<string> {
    for (;;) {
      const [, address] = /^millrace ready registry=(\S+)$/m.exec(output()) ?? []
      if (address !== undefined) return address
      assert.equal(child.exitCode, null, output())
      await Promise.race([once(child.stdout as NodeJS.ReadableStream, 'data'), once(child, 'exit')])
    }
  }

  async function exited({ child, output }: ReturnType<typeof start>): Promise<string> {
    if (child.exitCode === null) await once(child, 'close')
    assert.notEqual(child.exitCode, 0, output())
    return output()
  }

  it("runs over a cluster with Confluent's properties, and stops on SIGTERM", async () => {
    writeFileSync(
      join(directory, 'schema-registry.properties'),
      [
        'listeners=http://127.0.0.1:1',
        `kafkastore.bootstrap.servers=PLAINTEXT://${broker.address}`,
        'kafkastore.topic=own_schemas',
        'schema.compatibility.level=full',
      ].join('\n'),
    )
    const file = ['--config', 'schema-registry.properties']
    const running = start(...file, '--listen', '127.0.0.1:0', '--set', 'mode.mutability=false')
    const address = await ready(running)
    const json = async (path: string, options: RequestInit = {}): Promise<unknown> =>
      (await fetch(`http://${address}${path}`, options)).json()
    assert.deepEqual(await json('/config'), { compatibilityLevel: 'FULL' })
    const headers = { 'content-type': 'application/json' }
    const mode = { method: 'PUT', headers, body: '{"mode":"READONLY"}' }
    assert.equal(((await json('/mode', mode)) as { error_code: number }).error_code, 42205)
    await using admin = new Admin({ bootstrapServers: broker.address })
    const topics = (await admin.listTopics()).map(({ name }) => name)
    assert.ok(topics.includes('own_schemas'))

    const taken = start(...file, '--listen', address)
    assert.match(
      await exited(taken),
      /^millrace: cannot listen for the schema registry on .*the address is in use.*; choose another with --listen HOST:PORT$/m,
    )
    running.child.kill('SIGTERM')
    await once(running.child, 'exit')
    assert.equal(running.child.exitCode, 0, running.output())
  })

  it('refuses settings that it cannot use', async () => {
    const bootstrap = ['--bootstrap', broker.address]
    const cases: readonly (readonly [readonly string[], RegExp])[] = [
      [[...bootstrap, '--listen', '0.0.0.0:0'], /would let any machine on the network/],
      [[...bootstrap, '--listen', 'somewhere'], /somewhere/],
      [[...bootstrap, '--set', 'schema.compatibility.level=some'], /expected none, backward/],
      [['--config', 'missing.properties'], /cannot read --config missing\.properties: ENOENT/],
      [['--bootstrap', 'kafka'], /invalid --bootstrap kafka: expected HOST:PORT/],
    ]
    const outputs = await Promise.all(cases.map(([args]) => exited(start(...args))))
    for (const [i, [args, message]] of cases.entries()) {
      assert.match(outputs[i] ?? '', message, args.join(' '))
      assert.doesNotMatch(outputs[i] ?? '', /^ +at /m, args.join(' '))
    }
  })
})
