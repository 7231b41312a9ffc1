// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { Broker } from '@millrace/broker'

/**
 * Runs a separate program with the client, and returns its output after it has exited by itself.
 */
function run(
  program: string,
  address: string,
): Promise<{ readonly code: number; readonly out: string }> {
  return new Promise((resolve) => {
    const child = spawn(
      process.execPath,
      ['--conditions=millrace-src', '--input-type=module', '--trace-warnings', '--eval', program],
      { env: { ...process.env, ADDRESS: address }, cwd: join(import.meta.dirname, '../..') },
    )
    let out = ''
    for (const stream of [child.stdout, child.stderr]) {
      stream.on('data', (data) => {
        out += data
      })
    }
    const timer = setTimeout(() => child.kill('SIGKILL'), 20_000)
    child.on('close', (code) => {
      clearTimeout(timer)
      resolve({ code: code ?? -1, out })
    })
  })
}

describe('a program that closes its clients', () => {
  let broker: Broker
  before(async () => {
    broker = await Broker.start({ config: { 'group.initial.rebalance.delay.ms': '0' } })
  })
  after(() => broker.close())

  // kafkajs 2.2.4 prints TimeoutNegativeWarning (#1751), others keep sockets or timers.
  it('exits immediately, and leaves no socket, timer or warning behind', async () => {
    const { code, out } = await run(
      `import { Admin, Consumer, Producer } from '@millrace/client'
const base = { bootstrapServers: process.env.ADDRESS }
{
  await using admin = new Admin(base)
  await admin.createTopics([{ name: 'ends', numPartitions: 2 }])
  await using producer = new Producer(base)
  await producer.send([{ topic: 'ends', value: 'a' }, { topic: 'ends', value: 'b' }])
  await using consumer = new Consumer({ ...base, groupId: 'ends', topics: ['ends'], autoOffsetReset: 'earliest' })
  let count = 0
  for await (const record of consumer) if (++count === 2) break
}
// Sockets that were destroyed are gone a turn later.
await new Promise((resolve) => setImmediate(() => setImmediate(resolve)))
const open = process.getActiveResourcesInfo().filter((name) => /TCP|TLS|Timeout|Immediate/.test(name))
process.on('exit', () => console.log(JSON.stringify({ open })))`,
      broker.address,
    )
    assert.equal(code, 0, out)
    assert.deepEqual(JSON.parse(out), { open: [] })
  })

  it('exits even if it closes a client while a broker is unreachable', async () => {
    const { out } = await run(
      `import { Producer } from '@millrace/client'
const producer = new Producer({ bootstrapServers: '127.0.0.1:1', maxBlockMs: 700 })
await producer.send({ topic: 't', value: 'x' }).catch((error) => console.log(error.code, error.retriable))
await producer.close()`,
      broker.address,
    )
    assert.equal(out.trim(), 'MILLRACE_TIMEOUT true')
  })

  // confluent-kafka-javascript leaks a heap for each consumer (#369).
  it('retains no memory of closed clients', async () => {
    const { out } = await run(
      `import v8 from 'node:v8'
import vm from 'node:vm'
import { Consumer, Producer } from '@millrace/client'
v8.setFlagsFromString('--expose-gc')
const gc = vm.runInNewContext('gc')
const base = { bootstrapServers: process.env.ADDRESS }
const round = async () => {
  for (let i = 0; i < 25; i++) {
    await using producer = new Producer(base)
    await producer.send({ topic: 'kept', value: 'x'.repeat(50_000) })
    await using consumer = new Consumer({ ...base, autoOffsetReset: 'earliest' })
    consumer.assign([{ topic: 'kept', partition: 0 }])
    await consumer.poll(1000)
  }
  gc()
  await new Promise((resolve) => setTimeout(resolve, 50))
  gc()
  const { heapUsed, arrayBuffers } = process.memoryUsage()
  return heapUsed + arrayBuffers
}
await round()
const before = await round()
const after = await round()
console.log(JSON.stringify({ grownMb: (after - before) / 1e6 }))`,
      broker.address,
    )
    const { grownMb } = JSON.parse(out) as { readonly grownMb: number }
    assert.ok(grownMb < 3, `grew by ${grownMb} MB for 25 producers and consumers`)
  })
})
