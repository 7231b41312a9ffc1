// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { Broker } from '@millrace/broker'
import { Admin, Consumer } from '@millrace/client'

const places = Array.from({ length: 4 }, (_, i) => ({ topic: `topic-${i}`, partition: 0 }))

describe('offset lookup', () => {
  it('is not affected by a concurrent assignment of other topics', async () => {
    await using broker = await Broker.start()
    const client = { bootstrapServers: broker.address, network: broker.network }
    await using admin = new Admin(client)
    await admin.createTopics(places.map(({ topic }) => ({ name: topic, numPartitions: 1 })))
    await using consumer = new Consumer({ ...client, defaultApiTimeoutMs: 5000 })
    // Each assignment is made while earlier lookups wait for metadata.
    const lookups = places.map((place) => {
      const ends = consumer.endOffsets([place])
      consumer.assign(places.filter((each) => each !== place).slice(0, 1))
      return ends
    })
    assert.deepEqual(await Promise.all(lookups), [[0n], [0n], [0n], [0n]])
  })
})
