// SPDX-License-Identifier: Apache-2.0
import { after, before, describe } from 'node:test'
import { Broker } from '@millrace/broker'
import { adminScenarios } from '../scenarios/admin-scenarios.ts'
import { type ClusterUnderTest, clusterUnderTest } from '../scenarios/cluster-under-test.ts'
import { connectionScenarios } from '../scenarios/connection-scenarios.ts'
import { consumerGroupScenarios } from '../scenarios/consumer-group-scenarios.ts'
import { consumerScenarios } from '../scenarios/consumer-scenarios.ts'
import { groupScenarios } from '../scenarios/group-scenarios.ts'
import { producerScenarios } from '../scenarios/producer-scenarios.ts'
import { securityScenarios, unauthorizedScenarios } from '../scenarios/security-scenarios.ts'
import { shareScenarios } from '../scenarios/share-scenarios.ts'
import { transactionScenarios } from '../scenarios/transaction-scenarios.ts'

const transports = ['in process', 'over TCP'] as const

for (const transport of transports) {
  describe(`the client and an embedded broker, ${transport}`, () => {
    let broker: Broker
    let cluster: ClusterUnderTest

    before(async () => {
      broker = await Broker.start({
        config: { 'group.initial.rebalance.delay.ms': '0' },
      })
      cluster = clusterUnderTest({
        bootstrapServers: broker.address,
        ...(transport === 'in process' ? { network: broker.network } : {}),
      })
    })
    after(() => broker.close())

    describe('producing', () => producerScenarios(() => cluster))
    describe('consuming', () => consumerScenarios(() => cluster))
    describe('in groups', () => groupScenarios(() => cluster))
    describe('in consumer groups', () => consumerGroupScenarios(() => cluster))
    describe('in share groups', () => shareScenarios(() => cluster))
    describe('in transactions', () => transactionScenarios(() => cluster))
    describe('security metadata', () => {
      securityScenarios(() => cluster)
      unauthorizedScenarios(() => cluster)
    })
    describe('closing connections', () => connectionScenarios(() => cluster))
    describe('administering', () => adminScenarios(() => cluster))
  })
}
