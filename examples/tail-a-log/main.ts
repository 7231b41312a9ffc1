// SPDX-License-Identifier: Apache-2.0
import { readFileSync } from 'node:fs'
import { Broker } from '@millrace/broker'
import { Consumer, Producer } from '@millrace/client'

const lines = readFileSync(process.argv[2] ?? '/etc/services', 'utf8')
  .trimEnd()
  .split('\n')
await using broker = await Broker.start() // in memory, on a free port, ready in milliseconds
const bootstrapServers = broker.address

await using producer = new Producer({ bootstrapServers })
await producer.send(lines.map((value) => ({ topic: 'log', value })))

await using consumer = new Consumer({
  bootstrapServers,
  groupId: 'readers',
  topics: ['log'],
  autoOffsetReset: 'earliest',
})
const read: string[] = []
for await (const { value } of consumer) {
  read.push(String(value))
  if (read.length === lines.length) break
}
console.log(`${read.length} lines read, ${read.join() === lines.join() ? 'unchanged' : 'changed'}`)
