// SPDX-License-Identifier: Apache-2.0
import { after, before, describe } from 'node:test'
import { Admin } from '@millrace/client'
import { adminScenarios } from '../test/scenarios/admin-scenarios.ts'
import { type ClusterUnderTest, clusterUnderTest } from '../test/scenarios/cluster-under-test.ts'
import { consumerScenarios } from '../test/scenarios/consumer-scenarios.ts'
import { failoverScenarios } from '../test/scenarios/failover-scenarios.ts'
import { groupScenarios } from '../test/scenarios/group-scenarios.ts'
import { producerScenarios } from '../test/scenarios/producer-scenarios.ts'
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
  describe('administering', () => adminScenarios(() => cluster))
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
        // Back in sync before the next one goes: two of three must have every record.
        for (;;) {
          const now = (await admin.describeTopics([topic])).get(topic)
          if (now?.partitions.every(({ isr }) => isr.length === 3)) return
          await new Promise((resolve) => setTimeout(resolve, 200))
        }
      },
    }),
  )
})
