// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict'
import { mkdtempSync, readdirSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { Broker } from '@millrace/broker'
import { type BytesMessage, ConnectionFactory } from '@millrace/jms'
import { JmsProvider } from '@millrace/jms-provider'
import { until } from '../test/e2e/until.ts'
import { startKafka } from './peers.ts'

const SEGMENT_BYTES = 32 * 1024 * 1024
const MESSAGE_BYTES = 100_000
const MESSAGES = 1000
const WAITING = 10
const settings = {
  'log.retention.check.interval.ms': '500',
  'log.segment.delete.delay.ms': '0',
  'log.initial.task.delay.ms': '0',
} as const

interface Cluster extends AsyncDisposable {
  readonly address: string
  readonly directory: string
  /** Bytes of consumed messages that the cluster keeps. */
  readonly keeps: number
}

async function apacheKafka(): Promise<Cluster> {
  const directory = mkdtempSync(join(tmpdir(), 'kafka-trim-'))
  const lines = Object.entries(settings).map(([key, value]) => `${key}=${value}`)
  const kafka = await startKafka({ directory, settings: lines })
  return {
    address: kafka.address,
    directory,
    // The last segment, which is never deleted before it is full, and the one before it.
    keeps: 2 * SEGMENT_BYTES,
    [Symbol.asyncDispose]: () => kafka[Symbol.asyncDispose](),
  }
}

async function ours(): Promise<Cluster> {
  const directory = mkdtempSync(join(tmpdir(), 'millrace-trim-'))
  const broker = await Broker.start({ dataDirectory: directory, config: settings })
  return {
    address: broker.address,
    directory,
    keeps: 0,
    [Symbol.asyncDispose]: () => broker.close(),
  }
}

function sizeOf(directory: string, topic: string): number {
  const folder = join(directory, `${topic}-0`)
  return readdirSync(folder)
    .filter((name) => name.endsWith('.log'))
    .reduce((sum, name) => sum + statSync(join(folder, name)).size, 0)
}

describe('a queue after many messages', () => {
  for (const [name, start] of [
    ['Apache Kafka 4.4.0', apacheKafka],
    ['millrace', ours],
  ] as const) {
    it(`uses disk space only for waiting messages, on ${name}`, async () => {
      await using cluster = await start()
      await using provider = await JmsProvider.start({
        client: { bootstrapServers: cluster.address },
        config: { 'amqp.listener': '127.0.0.1:0', 'amqp.consumed.retention.ms': '0' },
      })
      const factory = new ConnectionFactory(`amqp://${provider.address}`)
      await using connection = await factory.createConnection()
      await connection.start()
      await using session = await connection.createSession()
      const queue = session.createQueue('work')
      await using producer = await session.createProducer(queue)
      await using receiving = await connection.createSession()
      await using consumer = await receiving.createConsumer(queue)
      const body = Buffer.alloc(MESSAGE_BYTES, 'x')
      const send = (): Promise<void> => {
        const message = session.createBytesMessage()
        message.writeBytes(body)
        return producer.send(message)
      }
      const receive = async (): Promise<void> => {
        const message = (await consumer.receive(10_000)) as BytesMessage | null
        assert.equal(message?.getBodyLength(), MESSAGE_BYTES)
      }
      for (let i = 0; i < MESSAGES; i += 50) {
        await Promise.all(Array.from({ length: 50 }, send))
        for (let each = 0; each < 50; each++) await receive()
      }
      await until(() => sizeOf(cluster.directory, 'work') <= cluster.keeps, 60_000)
      await Promise.all(Array.from({ length: WAITING }, send))
      const limit = cluster.keeps + 2 * WAITING * MESSAGE_BYTES
      assert.ok(sizeOf(cluster.directory, 'work') <= limit)
      for (let each = 0; each < WAITING; each++) await receive()
    })
  }
})
