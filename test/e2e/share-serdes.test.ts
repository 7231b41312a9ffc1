// SPDX-License-Identifier: Apache-2.0
// Share consumers whose deserializers look something up first.
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { Broker } from '@millrace/broker'
import { Admin, bytes, type Deserializer, Producer, ShareConsumer } from '@millrace/client'

/** Prepares each value once `release` was called; value 3 fails. */
function lookups(): { readonly value: Deserializer<string>; release(): void; calls(): number } {
  const gate = Promise.withResolvers<void>()
  let calls = 0
  return {
    value: {
      prepareDeserialize: async (data) => {
        calls++
        await gate.promise
        if (data.toString() === '3') throw new Error('no such schema')
      },
      deserialize: (data) => `v${data}`,
    },
    release: () => gate.resolve(),
    calls: () => calls,
  }
}

function open(broker: Broker, value: Deserializer<string>) {
  return new ShareConsumer({
    bootstrapServers: broker.address,
    network: broker.network,
    groupId: 'g',
    topics: ['t'],
    deserializers: { key: bytes(), value },
  })
}

async function startWith(count: number): Promise<Broker> {
  const broker = await Broker.start()
  await using admin = new Admin({ bootstrapServers: broker.address, network: broker.network })
  await admin.incrementalAlterConfigs([
    {
      type: 'group',
      name: 'g',
      changes: [{ name: 'share.auto.offset.reset', value: 'earliest' }],
    },
  ])
  await using producer = new Producer({ bootstrapServers: broker.address, network: broker.network })
  for (let i = 0; i < count; i++) await producer.send({ topic: 't', value: String(i) })
  return broker
}

describe('share consumers whose deserializers prepare first', () => {
  it('return records once they are prepared; an error is thrown by its record alone', async () => {
    await using broker = await startWith(6)
    const { value, release, calls } = lookups()
    await using consumer = open(broker, value)
    assert.deepEqual(await consumer.poll(1), [])
    while (calls() < 6) assert.deepEqual(await consumer.poll(20), [])
    release()
    const values: string[] = []
    while (values.length < 6) {
      for (const record of await consumer.poll(5000)) {
        try {
          values.push(record.value ?? '')
        } catch (error) {
          values.push(((error as Error).cause as Error).message)
        }
      }
    }
    assert.deepEqual(values, ['v0', 'v1', 'v2', 'no such schema', 'v4', 'v5'])
  })

  it('release records that wait when they are closed', async () => {
    await using broker = await startWith(3)
    const first = lookups()
    const waiting = open(broker, first.value)
    while (first.calls() < 3) assert.deepEqual(await waiting.poll(20), [])
    await waiting.close()
    const second = lookups()
    second.release()
    await using consumer = open(broker, second.value)
    const seen: string[] = []
    while (seen.length < 3) {
      for (const { value, deliveryCount } of await consumer.poll(5000))
        seen.push(`${value} ${deliveryCount}`)
    }
    assert.deepEqual(seen, ['v0 2', 'v1 2', 'v2 2'])
  })
})
