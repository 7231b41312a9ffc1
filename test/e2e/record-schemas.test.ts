// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { Broker, ConfigError, type SchemaQuestion } from '@millrace/broker'
import { Admin, Consumer, Producer } from '@millrace/client'

const known = Buffer.from('0000000007aa', 'hex')
const unknown = Buffer.from('0000000008aa', 'hex')
const validated = { 'confluent.value.schema.validation': 'true' }

describe('a topic with confluent.value.schema.validation', () => {
  it('refuses records without a registered schema, and keeps the others', async () => {
    const asked: SchemaQuestion[] = []
    const schemaLookup = {
      isRegistered: async (question: SchemaQuestion): Promise<boolean> => {
        asked.push(question)
        await new Promise((resolve) => setTimeout(resolve, 5))
        return question.id === 7
      },
    }
    await using broker = await Broker.start({ schemaLookup })
    const connection = { bootstrapServers: broker.address, network: broker.network }
    await using admin = new Admin(connection)
    await admin.createTopics([{ name: 'orders', numPartitions: 1, configs: validated }])
    await using producer = new Producer(connection)
    const send = (value: Buffer | string | null) => producer.send({ topic: 'orders', value })
    const refused = (pattern: RegExp) => (error: Error & { readonly code?: string }) => {
      assert.equal(error.code, 'INVALID_RECORD')
      assert.match(error.message, pattern)
      return true
    }
    await send(known)
    await assert.rejects(send(unknown), refused(/schema 8, which is not registered/))
    await assert.rejects(send('{"id":1}'), refused(/does not start with a schema id/))
    await Promise.all(Array.from({ length: 50 }, () => send(known)))
    await send(null)
    await using transactional = new Producer({ ...connection, transactionalId: 'tx' })
    await transactional.transaction((tx) => tx.send({ topic: 'orders', value: known }))
    await assert.rejects(
      transactional.transaction((tx) => tx.send({ topic: 'orders', value: 'text' })),
      refused(/does not start with a schema id/),
    )
    await using quick = new Producer({ ...connection, acks: 0, enableIdempotence: false })
    await quick.send({ topic: 'orders', value: known })
    await using consumer = new Consumer({ ...connection, isolationLevel: 'read_committed' })
    consumer.assign([{ topic: 'orders', partition: 0 }])
    consumer.seekToBeginning()
    const values: string[] = []
    while (values.length < 54) {
      for (const { valueBytes } of await consumer.poll(5000)) {
        values.push(valueBytes?.toString('hex') ?? 'null')
      }
    }
    assert.deepEqual(new Set(values), new Set(['0000000007aa', 'null']))
    assert.ok(asked.every(({ topic, part }) => topic === 'orders' && part === 'value'))
  })

  it('is described with its keys, and other topics as Apache Kafka describes them', async () => {
    const schemaLookup = { isRegistered: async () => true }
    await using broker = await Broker.start({ schemaLookup })
    const connection = { bootstrapServers: broker.address, network: broker.network }
    await using admin = new Admin(connection)
    await admin.createTopics([{ name: 'plain' }, { name: 'checked', configs: validated }])
    const keysOf = async (name: string): Promise<string[]> => {
      const described = await admin.describeConfigs([{ type: 'topic', name }])
      return [...described.values()]
        .flat()
        .map((entry) => entry.name)
        .filter((key) => key.startsWith('confluent.'))
    }
    assert.deepEqual(await keysOf('plain'), [])
    assert.deepEqual(await keysOf('checked'), ['confluent.value.schema.validation'])
    await admin.incrementalAlterConfigs([
      {
        type: 'topic',
        name: 'checked',
        changes: [{ name: 'confluent.value.schema.validation', value: 'false' }],
      },
    ])
    await using producer = new Producer(connection)
    await producer.send({ topic: 'checked', value: 'text' })
  })

  it('needs a registry', async () => {
    await using broker = await Broker.start()
    await using admin = new Admin({ bootstrapServers: broker.address, network: broker.network })
    await assert.rejects(admin.createTopics([{ name: 'orders', configs: validated }]), {
      code: 'INVALID_CONFIG',
      message: /expected false: the broker has no confluent.schema.registry.url/,
    })
    await assert.rejects(
      Broker.start({ config: { 'confluent.schema.registry.url': 'http://127.0.0.1:8081' } }),
      ConfigError,
    )
  })
})
