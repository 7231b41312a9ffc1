// SPDX-License-Identifier: Apache-2.0
// Copies new rows of a table to a topic. `postgres://…` and `mysql://…` work like `sqlite:`.
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { Broker } from '@millrace/broker'
import { Consumer } from '@millrace/client'
import { startAgent } from '@millrace/flume'

const directory = mkdtempSync(join(tmpdir(), 'orders-'))
const database = new DatabaseSync(join(directory, 'shop.db'))
database.exec('CREATE TABLE orders (id INTEGER PRIMARY KEY, customer TEXT, amount REAL)')
const insert = database.prepare('INSERT INTO orders (customer, amount) VALUES (?, ?)')
insert.run('alice', 12.5)

await using broker = await Broker.start()
await using agent = await startAgent({
  name: 'orders',
  directory,
  sources: {
    table: {
      type: 'sql',
      connection: 'sqlite:shop.db',
      table: 'orders',
      statusFile: 'orders.status',
      pollInterval: 50,
      channels: ['memory'],
      interceptors: {
        // The customer is the key, so the orders of one customer stay in order.
        key: (event) => {
          event.headers.key = (JSON.parse(event.body.toString()) as { customer: string }).customer
          return event
        },
      },
    },
  },
  channels: { memory: { type: 'memory', capacity: 1000 } },
  sinks: {
    kafka: { type: 'kafka', bootstrapServers: broker.address, topic: 'orders', channel: 'memory' },
  },
})

await using consumer = new Consumer({
  bootstrapServers: broker.address,
  groupId: 'readers',
  topics: ['orders'],
  autoOffsetReset: 'earliest',
})
let count = 0
for await (const { key, value } of consumer) {
  console.log(`${key}: ${value}`)
  count++
  if (count === 1) insert.run('bob', 3)
  if (count === 2) break
}
await agent.stop()
database.close()
rmSync(directory, { recursive: true })
