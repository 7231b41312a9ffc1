// SPDX-License-Identifier: Apache-2.0
// Ten minutes of producing, consuming, retention and compaction; fails if memory or the data
// directory keeps growing. SOAK_MINUTES=2 npm run soak: two minutes.
import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Broker } from '@millrace/broker'
import kafkajs from 'kafkajs'

const minutes = Number(process.env.SOAK_MINUTES ?? 10)
const directory = mkdtempSync(join(tmpdir(), 'millrace-soak-'))
const broker = await Broker.start({
  dataDirectory: directory,
  config: {
    'log.retention.check.interval.ms': '2000',
    'log.cleaner.backoff.ms': '2000',
    'log.segment.bytes': '4194304',
    'offsets.topic.num.partitions': '4',
  },
})
const kafka = new kafkajs.Kafka({ brokers: [broker.address], logLevel: kafkajs.logLevel.NOTHING })
const admin = kafka.admin()
await admin.connect()
const entries = (configs: Readonly<Record<string, string>>) =>
  Object.entries(configs).map(([name, value]) => ({ name, value }))
await admin.createTopics({
  topics: [
    {
      topic: 'events',
      numPartitions: 3,
      configEntries: entries({ 'retention.bytes': '16777216' }),
    },
    {
      topic: 'state',
      numPartitions: 2,
      configEntries: entries({ 'cleanup.policy': 'compact', 'min.cleanable.dirty.ratio': '0.3' }),
    },
  ],
})
await admin.disconnect()

let produced = 0
let consumed = 0
let stop = false
const producer = kafka.producer({ idempotent: true, maxInFlightRequests: 1 })
await producer.connect()
const consumer = kafka.consumer({ groupId: 'soak', maxWaitTimeInMs: 100 })
await consumer.connect()
await consumer.subscribe({ topics: ['events', 'state'], fromBeginning: true })
await consumer.run({
  eachBatch: async ({ batch }) => {
    consumed += batch.messages.length
  },
})

async function produce(): Promise<void> {
  const payload = Buffer.alloc(500, 'x')
  for (let round = 0; !stop; round++) {
    const messages = Array.from({ length: 200 }, (_, i) => ({
      key: `key-${(round * 200 + i) % 5000}`,
      value: payload,
    }))
    await producer.send({
      topic: round % 3 === 0 ? 'state' : 'events',
      messages,
      compression: round % 2,
    })
    produced += messages.length
  }
}

interface Sample {
  readonly minute: number
  readonly residentMb: number
  readonly heapMb: number
  readonly diskMb: number
}
const samples: Sample[] = []
function sample(minute: number): void {
  globalThis.gc?.()
  const { rss, heapUsed } = process.memoryUsage()
  const diskMb = Number(execFileSync('du', ['-sm', directory]).toString().split('\t')[0])
  samples.push({
    minute,
    residentMb: Math.round(rss / 2 ** 20),
    heapMb: Math.round(heapUsed / 2 ** 20),
    diskMb,
  })
  const last = samples.at(-1)
  console.log(
    `minute ${minute.toFixed(1)}: ${last?.residentMb} MB resident, ${last?.heapMb} MB heap, ${diskMb} MB on disk, ${produced} produced, ${consumed} consumed`,
  )
}

const producing = produce()
const steps = Math.max(8, Math.round(minutes * 2))
for (let step = 1; step <= steps; step++) {
  await new Promise((resolve) => setTimeout(resolve, (minutes * 60_000) / steps))
  sample((step * minutes) / steps)
}
stop = true
await producing
await consumer.disconnect()
await producer.disconnect()
await broker.close()
rmSync(directory, { recursive: true, force: true })

/**
 * Average of a range of samples: the second quarter, when caches are warm, is compared with the
 * last.
 */
function average(from: number, to: number, value: (sample: Sample) => number): number {
  const part = samples.slice(Math.floor(samples.length * from), Math.ceil(samples.length * to))
  return part.reduce((sum, each) => sum + value(each), 0) / part.length
}
const growth = (value: (sample: Sample) => number): number =>
  average(0.75, 1, value) / average(0.25, 0.5, value)
const heap = growth(({ heapMb }) => heapMb)
const resident = growth(({ residentMb }) => residentMb)
const disk = growth(({ diskMb }) => diskMb)
console.log(
  `last quarter over second: heap ${heap.toFixed(2)}, resident ${resident.toFixed(2)}, disk ${disk.toFixed(2)}`,
)
if (heap > 1.25 || resident > 1.25 || disk > 1.5) {
  console.error('memory or disk usage keeps growing')
  process.exit(1)
}
process.exit(0)
