// SPDX-License-Identifier: Apache-2.0
import { after, before, describe } from 'node:test'
import { Broker } from '@millrace/broker'
import { JmsProvider } from '@millrace/jms-provider'
import { jmsScenarios } from '../scenarios/jms-scenarios.ts'
import { type JmsUnderTest, jmsUnderTest } from '../scenarios/jms-under-test.ts'

describe('JMS over an embedded broker', () => {
  let broker: Broker
  let provider: JmsProvider
  let jms: JmsUnderTest

  before(async () => {
    broker = await Broker.start()
    provider = await JmsProvider.start({
      client: { bootstrapServers: broker.address, network: broker.network },
      config: { 'amqp.listener': '127.0.0.1:0' },
    })
    jms = jmsUnderTest('millrace', `amqp://${provider.address}`)
  })
  after(async () => {
    await provider.close()
    await broker.close()
  })

  jmsScenarios(() => jms)
})
