// SPDX-License-Identifier: Apache-2.0
// Orders with a schema: invalid ones are rejected before they are sent, and received ones are
// typed.
import { Broker } from '@millrace/broker'
import { Consumer, Producer, schema, string, topic } from '@millrace/client'
import { z } from 'zod'

const orders = topic('orders', {
  key: string(),
  value: schema(z.object({ item: z.string(), amount: z.number().positive() })),
})

await using broker = await Broker.start()
const connection = { bootstrapServers: broker.address, network: broker.network }

await using producer = new Producer(connection)
await producer.send(orders, [
  { key: 'alice', value: { item: 'tea', amount: 2 } },
  { key: 'bob', value: { item: 'cups', amount: 12 } },
])
await producer
  .send(orders, { key: 'carol', value: { item: 'air', amount: -1 } })
  .catch((error: Error) => console.log(`rejected: ${error.message}`))

await using consumer = new Consumer({
  ...connection,
  groupId: 'billing',
  topics: [orders],
  autoOffsetReset: 'earliest',
})
let total = 0
for await (const { key, value } of consumer) {
  // `value` is { item: string; amount: number } | null; null would be a tombstone.
  total += value?.amount ?? 0
  console.log(`${key} ordered ${value?.amount} ${value?.item}`)
  if (total === 14) break
}
