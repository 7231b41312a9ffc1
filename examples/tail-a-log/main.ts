// SPDX-License-Identifier: Apache-2.0
import { readFileSync } from 'node:fs'
import { Broker } from '@millrace/broker'
import kafkajs from 'kafkajs'

const lines = readFileSync(process.argv[2] ?? '/etc/services', 'utf8')
  .trimEnd()
  .split('\n')
await using broker = await Broker.start() // in memory, on a free port, ready in milliseconds
const kafka = new kafkajs.Kafka({ brokers: [broker.address] })

const producer = kafka.producer()
await producer.connect()
await producer.send({ topic: 'log', messages: lines.map((value) => ({ value })) })
await producer.disconnect()

const consumer = kafka.consumer({ groupId: 'readers', maxWaitTimeInMs: 100 })
await consumer.connect()
await consumer.subscribe({ topic: 'log', fromBeginning: true })
const read: string[] = []
await new Promise<void>((resolve) =>
  consumer.run({
    eachMessage: async ({ message }) => {
      if (read.push(String(message.value)) === lines.length) resolve()
    },
  }),
)
await consumer.disconnect()
console.log(
  `${read.length} lines came back, ${read.join() === lines.join() ? 'the same' : 'changed'}`,
)
