// SPDX-License-Identifier: Apache-2.0
import { nodeWorld, silentLogger } from '@millrace/base'
import { Broker } from '@millrace/broker'
import { ClusterSecurity, JmsProvider } from '@millrace/jms-provider'
import { jmsSecurityConfig, jmsSecurityScenarios } from '../scenarios/jms-security-scenarios.ts'

const carol = 'SCRAM-SHA-256=[name=carol,password=carol-secret]'

function startBroker(): Promise<Broker> {
  return Broker.start({
    config: {
      ...jmsSecurityConfig,
      listeners: 'SASL_PLAINTEXT://127.0.0.1:0',
      'inter.broker.listener.name': 'SASL_PLAINTEXT',
    },
    scramUsers: [carol],
  })
}

const config = { 'amqp.listener': '127.0.0.1:0' }

jmsSecurityScenarios('JMS clients of a provider inside the broker', async () => {
  const broker = await startBroker()
  const client = { bootstrapServers: broker.address, network: broker.network }
  const provider = await JmsProvider.start({ client, config, security: broker.security })
  return {
    address: provider.address,
    client,
    scramUsers: ['carol'],
    aclsFollowed: async () => {},
    async [Symbol.asyncDispose]() {
      await provider.close()
      await broker.close()
    },
  }
})

jmsSecurityScenarios('JMS clients of a provider over a cluster', async () => {
  const broker = await startBroker()
  const client = {
    bootstrapServers: broker.address,
    sasl: { mechanism: 'PLAIN', username: 'root', password: 'root-secret' },
  } as const
  const security = await ClusterSecurity.open(client, {
    clock: nodeWorld.clock,
    logger: silentLogger,
    settings: { superUsers: ['User:root'] },
  })
  const provider = await JmsProvider.start({ client, config, security })
  return {
    address: provider.address,
    client,
    // The provider logs in with PLAIN, for which they have no password.
    scramUsers: [],
    aclsFollowed: () => security.refresh(),
    async [Symbol.asyncDispose]() {
      await provider.close()
      await broker.close()
    },
  }
})
