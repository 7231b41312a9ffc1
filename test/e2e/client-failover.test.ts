// SPDX-License-Identifier: Apache-2.0
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe } from 'node:test'
import { Broker } from '@millrace/broker'
import { type ClusterUnderTest, clusterUnderTest } from '../scenarios/cluster-under-test.ts'
import { failoverScenarios } from '../scenarios/failover-scenarios.ts'

describe('the client and a millrace broker that crashes and restarts', () => {
  const dataDirectory = mkdtempSync(join(tmpdir(), 'millrace-failover-'))
  const config = { 'group.initial.rebalance.delay.ms': '0' }
  let broker: Broker
  let cluster: ClusterUnderTest

  before(async () => {
    broker = await Broker.start({ dataDirectory, config })
    cluster = clusterUnderTest({ bootstrapServers: broker.address })
  })
  after(async () => {
    await broker.close()
    rmSync(dataDirectory, { recursive: true, force: true })
  })

  failoverScenarios(
    () => cluster,
    () => ({
      rounds: 4,
      async loseLeader() {
        const { address } = broker
        await broker.abandon()
        await new Promise((resolve) => setTimeout(resolve, 200))
        broker = await Broker.start({ dataDirectory, config, listen: address })
      },
    }),
  )
})
