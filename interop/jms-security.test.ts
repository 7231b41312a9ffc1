// SPDX-License-Identifier: Apache-2.0
// The users and ACLs of an Apache Kafka 4.4.0 cluster apply to the JMS clients of a provider.
import { nodeWorld, silentLogger } from '@millrace/base'
import { ClusterSecurity, JmsProvider } from '@millrace/jms-provider'
import {
  jmsSecurityConfig,
  jmsSecurityScenarios,
} from '../test/scenarios/jms-security-scenarios.ts'
import { startSecuredKafka } from './secured-brokers.ts'

const module_ = 'org.apache.kafka.common.security.scram.ScramLoginModule'

jmsSecurityScenarios('JMS clients of a provider over Apache Kafka 4.4.0', async () => {
  const kafka = await startSecuredKafka({
    settings: [
      ...Object.entries(jmsSecurityConfig).map(([key, value]) => `${key}=${value}`),
      `listener.name.sasl_plaintext.scram-sha-256.sasl.jaas.config=${module_} required;`,
    ],
    credentials: [],
    isPlainOnly: true,
  })
  const client = {
    bootstrapServers: kafka.address('SASL_PLAINTEXT'),
    sasl: { mechanism: 'PLAIN', username: 'root', password: 'root-secret' },
  } as const
  const security = await ClusterSecurity.open(client, {
    clock: nodeWorld.clock,
    logger: silentLogger,
    settings: { superUsers: ['User:root'] },
  })
  const provider = await JmsProvider.start({
    client,
    config: { 'amqp.listener': '127.0.0.1:0' },
    security,
  })
  return {
    address: provider.address,
    client,
    scramUsers: [],
    aclsFollowed: () => security.refresh(),
    async [Symbol.asyncDispose]() {
      await provider.close()
      await kafka[Symbol.asyncDispose]()
    },
  }
})
