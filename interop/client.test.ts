// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict'
import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import { after, before, describe, it } from 'node:test'
import { Admin, Consumer, Producer } from '@millrace/client'
import { eventually } from '../test/e2e/until.ts'
import { adminScenarios } from '../test/scenarios/admin-scenarios.ts'
import { type ClusterUnderTest, clusterUnderTest } from '../test/scenarios/cluster-under-test.ts'
import { connectionScenarios } from '../test/scenarios/connection-scenarios.ts'
import { consumerGroupScenarios } from '../test/scenarios/consumer-group-scenarios.ts'
import { consumerScenarios } from '../test/scenarios/consumer-scenarios.ts'
import { failoverScenarios } from '../test/scenarios/failover-scenarios.ts'
import { groupScenarios } from '../test/scenarios/group-scenarios.ts'
import { producerScenarios } from '../test/scenarios/producer-scenarios.ts'
import { shareScenarios } from '../test/scenarios/share-scenarios.ts'
import { transactionScenarios } from '../test/scenarios/transaction-scenarios.ts'
import { type KafkaCluster, type Peer, startKafka, startKafkaCluster } from './peers.ts'

describe('the client and Apache Kafka 4.4.0', () => {
  let kafka: Peer
  let cluster: ClusterUnderTest

  before(async () => {
    kafka = await startKafka()
    cluster = clusterUnderTest({ bootstrapServers: kafka.address })
  })
  after(() => kafka.stop())

  describe('producing', () => producerScenarios(() => cluster))
  describe('consuming', () => consumerScenarios(() => cluster))
  describe('in groups', () => groupScenarios(() => cluster))
  describe('in consumer groups', () => consumerGroupScenarios(() => cluster))
  describe('in share groups', () => shareScenarios(() => cluster))
  describe('in transactions', () => transactionScenarios(() => cluster))
  describe('closing connections', () => connectionScenarios(() => cluster))
  describe('administering', () => adminScenarios(() => cluster))
})

describe('the client and three brokers of Apache Kafka 4.4.0', () => {
  let kafka: KafkaCluster
  let cluster: ClusterUnderTest

  before(async () => {
    kafka = await startKafkaCluster()
    cluster = clusterUnderTest({ bootstrapServers: kafka.addresses }, 3)
  })
  after(() => kafka[Symbol.asyncDispose]())

  describe('producing', () => producerScenarios(() => cluster))
  describe('consuming', () => consumerScenarios(() => cluster))
  describe('in groups', () => groupScenarios(() => cluster))
  describe('in consumer groups', () => consumerGroupScenarios(() => cluster))
  describe('in share groups', () => shareScenarios(() => cluster))
  describe('in transactions', () => transactionScenarios(() => cluster))
  describe('administering', () => adminScenarios(() => cluster))
  it('reads from the replica in its rack (KIP-392)', async () => {
    const topic = await cluster.createTopic('racks')
    await using producer = new Producer({ ...cluster.client })
    await producer.send(Array.from({ length: 100 }, (_, i) => ({ topic, value: `${i}` })))
    await using admin = new Admin(cluster.client)
    let leader = -1
    await eventually(async () => {
      leader = (await admin.describeTopics([topic])).get(topic)?.partitions[0]?.leader ?? -1
      assert.ok(leader >= 0)
    })
    const near = (leader % 3) + 1
    const nodes: number[] = []
    const onFetch = (message: unknown): void => {
      nodes.push((message as { readonly node: number }).node)
    }
    subscribe('millrace:consumer:fetch', onFetch)
    await using consumer = new Consumer({
      ...cluster.client,
      clientRack: `rack-${near}`,
      autoOffsetReset: 'earliest',
    })
    consumer.assign([{ topic, partition: 0 }])
    const seen: string[] = []
    while (seen.length < 100)
      seen.push(...(await consumer.poll(1000)).map(({ value }) => `${value}`))
    await producer.send({ topic, value: 'more' })
    while (seen.length < 101)
      seen.push(...(await consumer.poll(1000)).map(({ value }) => `${value}`))
    unsubscribe('millrace:consumer:fetch', onFetch)
    assert.deepEqual(seen, [...Array.from({ length: 100 }, (_, i) => `${i}`), 'more'])
    assert.equal(nodes.at(-1), near, `leader ${leader}, fetched from ${nodes}`)
  })

  failoverScenarios(
    () => cluster,
    () => ({
      rounds: 3,
      async loseLeader(topic, partition) {
        await using admin = new Admin(cluster.client)
        const description = (await admin.describeTopics([topic])).get(topic)
        const leader = description?.partitions[partition]?.leader ?? 1
        await kafka.kill(leader)
        await new Promise((resolve) => setTimeout(resolve, 6000))
        await kafka.start(leader)
        // The broker must be in sync again before the next one is stopped: two of three must have
        // every record.
        for (;;) {
          const now = (await admin.describeTopics([topic])).get(topic)
          if (now?.partitions.every(({ isr }) => isr.length === 3)) return
          await new Promise((resolve) => setTimeout(resolve, 200))
        }
      },
    }),
  )
})
