// SPDX-License-Identifier: Apache-2.0
import { nodeWorld, silentLogger } from '@millrace/base'
import { ClusterSecurity, JmsProvider } from '@millrace/jms-provider'
import { jmsSecurityScenarios } from '../scenarios/jms-security-scenarios.ts'
import { providerInsideBroker, startSecuredBroker } from '../scenarios/provider-inside-broker.ts'

const config = { 'amqp.listener': '127.0.0.1:0' }

jmsSecurityScenarios('JMS clients of a provider inside the broker', providerInsideBroker)

jmsSecurityScenarios('JMS clients of a provider over a cluster', async () => {
  const broker = await startSecuredBroker()
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
