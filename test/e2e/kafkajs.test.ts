// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { Broker } from '@millrace/broker'
import { compress, decompress } from '@millrace/protocol'
import kafkajs, { type Consumer, type EachMessagePayload } from 'kafkajs'
import { until } from './until.ts'

const { Kafka, CompressionTypes, CompressionCodecs, logLevel } = kafkajs

// kafkajs knows gzip only; the other codecs are plugged in, as its users do.
for (const [type, name] of [
  [CompressionTypes.Snappy, 'snappy'],
  [CompressionTypes.LZ4, 'lz4'],
  [CompressionTypes.ZSTD, 'zstd'],
] as const) {
  CompressionCodecs[type] = () => ({
    compress: async (encoder: { readonly buffer: Buffer }) => compress(name, encoder.buffer),
    decompress: async (data: Buffer) => decompress(name, data),
  })
}

describe('kafkajs', () => {
  let broker: Broker
  let kafka: InstanceType<typeof Kafka>
  const consumers: Consumer[] = []

  before(async () => {
    broker = await Broker.start()
    kafka = new Kafka({ brokers: [broker.address], clientId: 'e2e', logLevel: logLevel.NOTHING })
  })
  after(async () => {
    for (const consumer of consumers) await consumer.disconnect()
    await broker.close()
  })

  async function consume(
    groupId: string,
    topic: string,
  ): Promise<{ consumer: Consumer; seen: EachMessagePayload[] }> {
    const consumer = kafka.consumer({ groupId, maxWaitTimeInMs: 100, heartbeatInterval: 100 })
    consumers.push(consumer)
    const seen: EachMessagePayload[] = []
    await consumer.connect()
    await consumer.subscribe({ topic, fromBeginning: true })
    await consumer.run({ eachMessage: async (payload) => void seen.push(payload) })
    return { consumer, seen }
  }

  it('produces and consumes with every codec', async () => {
    const producer = kafka.producer()
    await producer.connect()
    const codecs = Object.entries(CompressionTypes).filter(([, value]) => typeof value === 'number')
    for (const [name, compression] of codecs) {
      await producer.send({
        topic: 'codecs',
        compression: compression as number,
        messages: [{ key: name, value: `value ${name}`.repeat(20), headers: { codec: name } }],
      })
    }
    await producer.disconnect()
    const { seen } = await consume('codecs-readers', 'codecs')
    await until(() => seen.length === codecs.length)
    for (const { message } of seen) {
      assert.equal(String(message.value), `value ${message.key}`.repeat(20))
      assert.equal(String(message.headers?.codec), String(message.key))
    }
  })

  it('is idempotent', async () => {
    const producer = kafka.producer({ idempotent: true, maxInFlightRequests: 1 })
    await producer.connect()
    for (let i = 0; i < 5; i++) {
      const [result] = await producer.send({ topic: 'idempotent', messages: [{ value: `${i}` }] })
      assert.equal(result?.baseOffset, `${i}`)
    }
    await producer.disconnect()
  })

  it('shares partitions among members, and reassigns those of a member that leaves', async () => {
    const admin = kafka.admin()
    await admin.connect()
    await admin.createTopics({ topics: [{ topic: 'shared', numPartitions: 4 }] })
    const first = await consume('sharers', 'shared')
    const second = await consume('sharers', 'shared')
    await until(async () => {
      const described = await admin.describeGroups(['sharers'])
      const [group] = described.groups
      return group?.state === 'Stable' && group.members.length === 2
    })
    const producer = kafka.producer()
    await producer.connect()
    const send = (from: number): Promise<unknown> =>
      producer.send({
        topic: 'shared',
        messages: [0, 1, 2, 3].map((partition) => ({ partition, value: `${from + partition}` })),
      })
    await send(0)
    await until(() => first.seen.length + second.seen.length === 4)
    assert.equal(first.seen.length, 2)
    await second.consumer.disconnect()
    await send(4)
    await until(() => first.seen.length === 6)
    await producer.disconnect()
    await admin.disconnect()
  })

  it('administers topics, configurations, groups and offsets', async () => {
    const admin = kafka.admin()
    await admin.connect()
    assert.equal(
      await admin.createTopics({ topics: [{ topic: 'managed', numPartitions: 2 }] }),
      true,
    )
    assert.equal(await admin.createTopics({ topics: [{ topic: 'managed' }] }), false)
    await admin.createPartitions({ topicPartitions: [{ topic: 'managed', count: 3 }] })
    const { topics } = await admin.fetchTopicMetadata({ topics: ['managed'] })
    assert.equal(topics[0]?.partitions.length, 3)
    const resource = { type: kafkajs.ConfigResourceTypes.TOPIC, name: 'managed' }
    await admin.alterConfigs({
      validateOnly: false,
      resources: [{ ...resource, configEntries: [{ name: 'retention.ms', value: '1234' }] }],
    })
    const configs = await admin.describeConfigs({ includeSynonyms: false, resources: [resource] })
    const retention = configs.resources[0]?.configEntries.find(
      (entry) => entry.configName === 'retention.ms',
    )
    assert.equal(retention?.configValue, '1234')
    const producer = kafka.producer()
    await producer.connect()
    await producer.send({
      topic: 'managed',
      messages: [0, 1, 2].map((i) => ({ partition: 0, value: `${i}` })),
    })
    await producer.disconnect()
    await admin.setOffsets({
      groupId: 'managed-group',
      topic: 'managed',
      partitions: [{ partition: 0, offset: '2' }],
    })
    const [offsets] = await admin.fetchOffsets({ groupId: 'managed-group', topics: ['managed'] })
    assert.equal(offsets?.partitions.find(({ partition }) => partition === 0)?.offset, '2')
    const listed = await admin.listGroups()
    assert.ok(listed.groups.some(({ groupId }) => groupId === 'managed-group'))
    await admin.deleteGroups(['managed-group'])
    await admin.deleteTopicRecords({
      topic: 'managed',
      partitions: [{ partition: 0, offset: '2' }],
    })
    const topicOffsets = await admin.fetchTopicOffsets('managed')
    assert.deepEqual(
      topicOffsets.find(({ partition }) => partition === 0),
      { partition: 0, offset: '3', high: '3', low: '2' },
    )
    await admin.deleteTopics({ topics: ['managed'] })
    assert.ok(!(await admin.listTopics()).includes('managed'))
    await admin.disconnect()
  })

  it('resumes at the committed offsets of a group', async () => {
    const producer = kafka.producer()
    await producer.connect()
    await producer.send({ topic: 'resumed', messages: [{ value: 'one' }, { value: 'two' }] })
    const first = await consume('resumers', 'resumed')
    await until(() => first.seen.length === 2)
    await first.consumer.disconnect()
    await producer.send({ topic: 'resumed', messages: [{ value: 'three' }] })
    await producer.disconnect()
    const second = await consume('resumers', 'resumed')
    await until(() => second.seen.length > 0)
    assert.deepEqual(
      second.seen.map(({ message }) => String(message.value)),
      ['three'],
    )
  })
})
