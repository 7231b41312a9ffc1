// SPDX-License-Identifier: Apache-2.0
import { Broker } from '@millrace/broker'
import { JmsProvider } from '@millrace/jms-provider'
import { jmsSecurityConfig, type SecuredProvider } from './jms-security-scenarios.ts'

const carol = 'SCRAM-SHA-256=[name=carol,password=carol-secret]'

/** Starts a broker with `jmsSecurityConfig`. */
export function startSecuredBroker(): Promise<Broker> {
  return Broker.start({
    config: {
      ...jmsSecurityConfig,
      listeners: 'SASL_PLAINTEXT://127.0.0.1:0',
      'inter.broker.listener.name': 'SASL_PLAINTEXT',
    },
    scramUsers: [carol],
  })
}

/** A provider in the process of its broker, with the broker's users and ACLs. */
export async function providerInsideBroker(): Promise<SecuredProvider> {
  const broker = await startSecuredBroker()
  const client = { bootstrapServers: broker.address, network: broker.network }
  const config = { 'amqp.listener': '127.0.0.1:0' }
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
}
