// SPDX-License-Identifier: Apache-2.0
// Ten million messages through one queue, of which a few thousand wait at a time; fails if memory
// or the space of the data directory grows with the number of messages that went through.
// MESSAGES=1000000 npm run soak:queue: one million.
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Broker } from '@millrace/broker'
import { ConnectionFactory, Session } from '@millrace/jms'
import { JmsProvider } from '@millrace/jms-provider'

const MESSAGES = Number(process.env.MESSAGES ?? 10_000_000)
const WAITING = 5000
const STEPS = 20
/**
 * Space allowed at any time, MiB: two segments of the queue and of the provider's state topic, the
 * messages that wait, and what is consumed between two runs of retention.
 */
const MAX_DISK_MIB = 200

const directory = mkdtempSync(join(tmpdir(), 'millrace-soak-queue-'))
const broker = await Broker.start({
  dataDirectory: directory,
  config: { 'log.retention.check.interval.ms': '2000', 'log.segment.delete.delay.ms': '1000' },
})
const provider = await JmsProvider.start({
  client: { bootstrapServers: broker.address, network: broker.network },
  config: { 'amqp.listener': '127.0.0.1:0', 'amqp.consumed.retention.ms': '0' },
})
const factory = new ConnectionFactory(`amqp://${provider.address}`)
const connection = await factory.createConnection()
await connection.start()

const body = 'x'.repeat(100)
const began = performance.now()
let sent = 0
let received = 0
let isWaitingForRoom: (() => void) | undefined

const receiving = await connection.createSession(false, Session.DUPS_OK_ACKNOWLEDGE)
const consumer = await receiving.createConsumer(receiving.createQueue('orders'))
const all = Promise.withResolvers<void>()
await consumer.setMessageListener((message) => {
  assert.equal(message.getLongProperty('number'), BigInt(received))
  received++
  if (received === MESSAGES) all.resolve()
  if (sent - received < WAITING / 2) isWaitingForRoom?.()
})

interface Sample {
  readonly diskMib: number
  readonly heapMib: number
}
const samples: Sample[] = []
function sample(): void {
  globalThis.gc?.()
  const diskMib = Number(execFileSync('du', ['-sm', directory]).toString().split('\t')[0])
  const { heapUsed, rss } = process.memoryUsage()
  const heapMib = Math.round(heapUsed / 2 ** 20)
  samples.push({ diskMib, heapMib })
  const seconds = ((performance.now() - began) / 1000).toFixed(0)
  console.log(
    `${received} messages in ${seconds} s: ${diskMib} MiB on disk, ${heapMib} MiB heap, ` +
      `${Math.round(rss / 2 ** 20)} MiB resident`,
  )
}

const sending = await connection.createSession()
const producer = await sending.createProducer(sending.createQueue('orders'))
while (sent < MESSAGES) {
  const message = sending.createTextMessage(body)
  message.setLongProperty('number', BigInt(sent++))
  const isSent = producer.send(message)
  if (sent % Math.ceil(MESSAGES / STEPS) === 0) sample()
  if (sent - received < WAITING) continue
  await isSent
  if (sent - received < WAITING / 2) continue
  await new Promise<void>((resolve) => {
    isWaitingForRoom = resolve
  })
}
await all.promise
await connection.close()
sample()
await provider.close()
await broker.close()
rmSync(directory, { recursive: true, force: true })

const peakMib = Math.max(...samples.map(({ diskMib }) => diskMib))
const quarter = Math.ceil(samples.length / 4)
const average = (part: readonly Sample[]): number =>
  part.reduce((sum, { heapMib }) => sum + heapMib, 0) / part.length
const growth = average(samples.slice(-quarter)) / average(samples.slice(quarter, 2 * quarter))
console.log(
  `at most ${peakMib} MiB on disk; heap of the last quarter over the second: ${growth.toFixed(2)}`,
)
if (peakMib > MAX_DISK_MIB || growth > 1.25) {
  console.error('the space used grows with the messages that were consumed')
  process.exit(1)
}
process.exit(0)
