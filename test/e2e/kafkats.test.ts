// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import {
  CompressionType,
  compressionCodecs,
  KafkaClient,
  type ProducerConfig,
  type ProducerMessage,
} from '@kafkats/client'
import { Broker } from '@millrace/broker'
import { compress, decompress } from '@millrace/protocol'
import { until } from './until.ts'

// kafka-ts has no zstd; users register a codec.
compressionCodecs.register(CompressionType.Zstd, {
  compress: async (data) => compress('zstd', data),
  decompress: async (data) => decompress('zstd', data),
})

describe('@kafkats/client', () => {
  let broker: Broker
  let client: KafkaClient
  const closing: (() => unknown)[] = []

  before(async () => {
    broker = await Broker.start()
    client = new KafkaClient({ brokers: [broker.address], clientId: 'e2e', logLevel: 'silent' })
    await client.connect()
  })
  after(async () => {
    for (const close of closing.reverse()) await close()
    await client.disconnect()
    await broker.close()
  })

  /** A separate client: members that share a connection would wait for each other, on Kafka too. */
  async function consume(
    groupId: string,
    topic: string,
  ): Promise<{ readonly value: string; readonly partition: number }[]> {
    const own = new KafkaClient({ brokers: [broker.address], clientId: 'e2e', logLevel: 'silent' })
    await own.connect()
    const consumer = own.consumer({
      groupId,
      autoOffsetReset: 'earliest',
      heartbeatIntervalMs: 100,
      maxWaitMs: 100,
    })
    const seen: { readonly value: string; readonly partition: number }[] = []
    const running = consumer.runEach(topic, async (message, context) => {
      seen.push({ value: String(message.value), partition: context.partition })
    })
    closing.push(async () => {
      consumer.stop()
      await running
      await own.disconnect()
    })
    return seen
  }

  function createTopic(name: string, numPartitions = 1): Promise<unknown> {
    return client.admin().createTopics([{ name, numPartitions }])
  }

  async function produce(
    topic: string,
    messages: readonly (Omit<ProducerMessage, 'value'> & { readonly value: string })[],
    options: ProducerConfig = {},
  ): Promise<void> {
    const producer = client.producer(options)
    await producer.send(
      topic,
      messages.map((message) => ({ ...message, value: Buffer.from(message.value) })),
    )
    await producer.flush()
    await producer.disconnect()
  }

  it('produces and consumes with every codec', async () => {
    const codecs = ['none', 'gzip', 'snappy', 'lz4', 'zstd'] as const
    await createTopic('codecs')
    for (const compression of codecs) {
      await produce('codecs', [{ key: compression, value: compression.repeat(40) }], {
        compression,
      })
    }
    const seen = await consume('codecs-readers', 'codecs')
    await until(() => seen.length === codecs.length)
    assert.deepEqual(
      new Set(seen.map(({ value }) => value)),
      new Set<string>(codecs.map((name) => name.repeat(40))),
    )
  })

  it('is idempotent', async () => {
    await createTopic('idempotent')
    for (let i = 0; i < 3; i++)
      await produce('idempotent', [{ value: `${i}` }], { idempotent: true })
    const seen = await consume('idempotent-readers', 'idempotent')
    await until(() => seen.length === 3)
  })

  it('rebalances a group that grows, with cooperative-sticky', async () => {
    const admin = client.admin()
    await createTopic('shared', 4)
    const first = await consume('sharers', 'shared')
    const second = await consume('sharers', 'shared')
    await until(async () => {
      const [group] = await admin.describeGroups(['sharers'])
      return group?.state === 'Stable' && group.members.length === 2
    })
    let round = 0
    // Cooperative rebalances take two rounds; the assignment is final when both have partitions.
    await until(async () => {
      const messages = [0, 1, 2, 3].map((partition) => ({
        partition,
        value: `${round}-${partition}`,
      }))
      round++
      await produce('shared', messages)
      return first.length > 0 && second.length > 0
    })
    await until(() => new Set([...first, ...second].map(({ value }) => value)).size === round * 4)
  })

  it('administers topics and groups', async () => {
    const admin = client.admin()
    await createTopic('managed', 3)
    assert.ok((await admin.listTopics()).includes('managed'))
    const [described] = await admin.describeTopics(['managed'])
    assert.equal(described?.partitions.length, 3)
    await produce('managed', [{ value: 'v' }])
    const seen = await consume('managed-readers', 'managed')
    await until(() => seen.length === 1)
    assert.ok((await admin.listGroups()).some(({ groupId }) => groupId === 'managed-readers'))
    await admin.deleteTopics(['managed'])
    assert.ok(!(await admin.listTopics()).includes('managed'))
  })
})
