// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { Broker } from '@millrace/broker'
import {
  Admin,
  Consumer,
  ListOffsetTimestamps,
  MessagesStreamModes,
  Producer,
  stringDeserializers,
  stringSerializers,
} from '@platformatic/kafka'
import { until } from './until.ts'

describe('@platformatic/kafka', () => {
  let broker: Broker
  const closing: (() => Promise<unknown>)[] = []

  before(async () => {
    broker = await Broker.start()
  })
  after(async () => {
    for (const close of closing.reverse()) await close()
    await broker.close()
  })

  function base(clientId: string) {
    return { clientId, bootstrapBrokers: [broker.address], strict: true }
  }

  function producer(options: object = {}) {
    const created = new Producer({
      ...base('producer'),
      serializers: stringSerializers,
      autocreateTopics: true,
      ...options,
    })
    closing.push(() => created.close())
    return created
  }

  async function consume(groupId: string, topic: string) {
    const consumer = new Consumer({
      ...base(`consumer-${groupId}`),
      groupId,
      deserializers: stringDeserializers,
    })
    const stream = await consumer.consume({
      topics: [topic],
      mode: MessagesStreamModes.EARLIEST,
      sessionTimeout: 10_000,
      heartbeatInterval: 300,
      rebalanceTimeout: 10_000,
      maxWaitTime: 200,
    })
    const seen: { readonly key: string; readonly value: string; readonly partition: number }[] = []
    stream.on('data', ({ key, value, partition }) => seen.push({ key, value, partition }))
    closing.push(async () => {
      await stream.close()
      await consumer.close()
    })
    return { consumer, stream, seen }
  }

  it('produces and consumes with every codec', async () => {
    const codecs = ['none', 'gzip', 'snappy', 'lz4', 'zstd'] as const
    for (const compression of codecs) {
      await producer({ compression }).send({
        messages: [{ topic: 'codecs', key: compression, value: compression.repeat(50) }],
      })
    }
    const { seen } = await consume('codecs', 'codecs')
    await until(() => seen.length === codecs.length)
    for (const { key, value } of seen) assert.equal(value, key.repeat(50))
  })

  it('is idempotent', async () => {
    const idempotent = producer({ idempotent: true })
    for (let i = 0; i < 3; i++) {
      const { offsets } = await idempotent.send({
        messages: [{ topic: 'idempotent', key: 'k', value: `${i}` }],
      })
      assert.equal(offsets?.[0]?.offset, BigInt(i))
    }
  })

  it('rebalances a group that grows', async () => {
    const admin = new Admin(base('admin'))
    closing.push(() => admin.close())
    await admin.createTopics({ topics: ['shared'], partitions: 4, replicas: 1 })
    const first = await consume('sharers', 'shared')
    const second = await consume('sharers', 'shared')
    await until(async () => {
      const groups = await admin.describeGroups({ groups: ['sharers'] })
      const group = groups.get('sharers')
      return group?.state.toUpperCase() === 'STABLE' && group.members.size === 2
    })
    await producer().send({
      messages: [0, 1, 2, 3].map((partition) => ({
        topic: 'shared',
        partition,
        key: 'k',
        value: `${partition}`,
      })),
    })
    await until(
      () => new Set([...first.seen, ...second.seen].map(({ partition }) => partition)).size === 4,
    )
    assert.ok(first.seen.length > 0 && second.seen.length > 0)
  })

  it('administers topics, groups and offsets', async () => {
    const admin = new Admin(base('admin'))
    closing.push(() => admin.close())
    await admin.createTopics({ topics: ['managed'], partitions: 2, replicas: 1 })
    await assert.rejects(admin.createTopics({ topics: ['managed'], partitions: 2, replicas: 1 }))
    assert.ok((await admin.listTopics()).includes('managed'))
    await producer().send({ messages: [{ topic: 'managed', partition: 1, key: 'k', value: 'v' }] })
    const offsets = await admin.listOffsets({
      topics: [
        {
          name: 'managed',
          partitions: [{ partitionIndex: 1, timestamp: ListOffsetTimestamps.LATEST }],
        },
      ],
    })
    assert.equal(offsets[0]?.partitions[0]?.offset, 1n)
    const { seen, consumer, stream } = await consume('managed-readers', 'managed')
    await until(() => seen.length === 1)
    assert.ok((await admin.listGroups()).has('managed-readers'))
    await stream.close()
    await consumer.close()
    await admin.deleteGroups({ groups: ['managed-readers'] })
    await admin.deleteTopics({ topics: ['managed'] })
    assert.ok(!(await admin.listTopics()).includes('managed'))
  })
})
