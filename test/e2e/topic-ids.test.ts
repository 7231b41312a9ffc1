// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { Broker } from '@millrace/broker'
import { Admin, Consumer, Producer } from '@millrace/client'

interface Running extends AsyncDisposable {
  readonly admin: Admin
  readonly client: { readonly bootstrapServers: string; readonly retryBackoffMs: number }
  create(): Promise<string>
}

async function start(): Promise<Running> {
  const broker = await Broker.start()
  const client = {
    bootstrapServers: broker.address,
    network: broker.network,
    retryBackoffMs: 20,
  }
  const admin = new Admin(client)
  return {
    admin,
    client,
    async create() {
      const created = await admin.createTopics([{ name: 'orders', numPartitions: 1 }])
      return created.get('orders')?.topicId ?? ''
    },
    async [Symbol.asyncDispose]() {
      await admin.close()
      await broker.close()
    },
  }
}

const place = { topic: 'orders', partition: 0 }

async function contents(running: Running): Promise<string[]> {
  await using consumer = new Consumer({ ...running.client, autoOffsetReset: 'earliest' })
  const [end] = await consumer.endOffsets([place])
  consumer.assign([place])
  const found: string[] = []
  while (found.length < Number(end)) {
    for (const { value } of await consumer.poll(500)) found.push(String(value))
  }
  return found
}

describe('a record for a topic with an id', () => {
  it('is written to that topic and never to a later one with the same name', async () => {
    await using running = await start()
    const topicId = await running.create()
    await using producer = new Producer(running.client)
    await producer.send({ ...place, topicId, value: 'one' })
    assert.deepEqual(await contents(running), ['one'])
    await running.admin.deleteTopics(['orders'])
    const newId = await running.create()
    const refused = producer.send([
      { ...place, topicId, value: 'two' },
      { ...place, topicId, value: 'three' },
    ])
    await assert.rejects(refused, { code: 'UNKNOWN_TOPIC_ID' })
    // Records of the same request are not written to it either.
    const [late, now, whichever] = await Promise.allSettled([
      producer.send({ ...place, topicId, value: 'four' }),
      producer.send({ ...place, topicId: newId, value: 'five' }),
      producer.send({ ...place, value: 'six' }),
    ])
    assert.deepEqual(
      [late, now, whichever].map(({ status }) => status),
      ['rejected', 'fulfilled', 'fulfilled'],
    )
    assert.deepEqual(await contents(running), ['five', 'six'])
  })

  it('is written to a partition that only the new topic has, or that only the old one had', async () => {
    for (const [before, after] of [
      [3, 1],
      [1, 3],
    ] as const) {
      await using running = await start()
      const { admin } = running
      const create = async (numPartitions: number): Promise<string> => {
        const created = await admin.createTopics([{ name: 'orders', numPartitions }])
        return created.get('orders')?.topicId ?? ''
      }
      const topicId = await create(before)
      await using producer = new Producer({ ...running.client, partitioner: 'roundRobin' })
      await producer.send({ topic: 'orders', topicId, value: 'old' })
      await admin.deleteTopics(['orders'])
      const newId = await create(after)
      const partition = after - 1
      await Promise.all([
        ...Array.from({ length: 6 }, () =>
          producer.send({ topic: 'orders', topicId: newId, value: 'new' }),
        ),
        producer.send({ topic: 'orders', topicId: newId, partition, value: 'new' }),
        producer.send([{ topic: 'orders', topicId: newId, partition, value: 'new' }], {
          atomic: true,
        }),
      ])
    }
  })

  it('is rejected if the topic is deleted, and does not create one', async () => {
    await using running = await start()
    const topicId = await running.create()
    await using producer = new Producer({ ...running.client, allowAutoCreateTopics: false })
    await producer.send({ ...place, topicId, value: 'one' })
    await running.admin.deleteTopics(['orders'])
    // The second time its metadata is no longer cached.
    for (const atomic of [false, false, true]) {
      await assert.rejects(producer.send([{ ...place, topicId, value: 'two' }], { atomic }), {
        code: 'UNKNOWN_TOPIC_OR_PARTITION',
      })
    }
    assert.deepEqual(await running.admin.listTopics(), [])
  })

  it('fails its transaction', async () => {
    await using running = await start()
    const topicId = await running.create()
    await using producer = new Producer({ ...running.client, transactionalId: 'pinned' })
    await producer.initTransactions()
    await producer.transaction((tx) => tx.send({ ...place, topicId, value: 'one' }))
    await running.admin.deleteTopics(['orders'])
    const newId = await running.create()
    await assert.rejects(
      producer.transaction((tx) => tx.send({ ...place, topicId, value: 'two' })),
      { code: 'UNKNOWN_TOPIC_ID' },
    )
    await producer.transaction((tx) => tx.send({ ...place, topicId: newId, value: 'three' }))
    await using consumer = new Consumer({
      ...running.client,
      isolationLevel: 'read_committed',
      autoOffsetReset: 'earliest',
    })
    consumer.assign([{ ...place, topicId: newId }])
    const records = await consumer.poll(5000)
    assert.deepEqual(
      records.map(({ value }) => String(value)),
      ['three'],
    )
  })
})

describe('a partition that is assigned with the id of its topic', () => {
  it('is not read from a later topic with the same name', async () => {
    await using running = await start()
    const topicId = await running.create()
    await using producer = new Producer(running.client)
    await producer.send(Array.from({ length: 3 }, (_, i) => ({ ...place, value: `old ${i}` })))
    await using consumer = new Consumer({ ...running.client, autoOffsetReset: 'earliest' })
    consumer.assign([{ ...place, topicId }])
    assert.equal((await consumer.poll(5000)).length, 3)
    await running.admin.deleteTopics(['orders'])
    const newId = await running.create()
    // More than before: by offset alone, the new topic would be read.
    await producer.send(Array.from({ length: 5 }, (_, i) => ({ ...place, value: `new ${i}` })))
    const read = async (): Promise<void> => {
      for (;;) assert.deepEqual(await consumer.poll(5000), [])
    }
    await assert.rejects(read(), { code: 'UNKNOWN_TOPIC_ID' })
    consumer.assign([{ ...place, topicId: newId }])
    consumer.seekToBeginning()
    assert.equal((await consumer.poll(5000)).length, 5)
  })

  it('fails if the topic is deleted', async () => {
    await using running = await start()
    const topicId = await running.create()
    await using consumer = new Consumer({
      ...running.client,
      autoOffsetReset: 'earliest',
      allowAutoCreateTopics: false,
    })
    consumer.assign([{ ...place, topicId }])
    await consumer.poll(50)
    await running.admin.deleteTopics(['orders'])
    const read = async (): Promise<void> => {
      for (;;) await consumer.poll(5000)
    }
    await assert.rejects(read(), { code: 'UNKNOWN_TOPIC_OR_PARTITION' })
  })
})
