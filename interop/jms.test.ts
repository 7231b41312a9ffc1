// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { Broker } from '@millrace/broker'
import { JmsProvider } from '@millrace/jms-provider'
import { jmsScenarios } from '../test/scenarios/jms-scenarios.ts'
import { type JmsUnderTest, jmsUnderTest } from '../test/scenarios/jms-under-test.ts'
import { java, type Peer, startArtemis } from './peers.ts'

describe('our JMS client and ActiveMQ Artemis 2.44.0', () => {
  let artemis: Peer
  let jms: JmsUnderTest

  before(async () => {
    artemis = await startArtemis()
    jms = jmsUnderTest('Artemis', `amqp://${artemis.address}`)
  })
  after(() => artemis.stop())

  jmsScenarios(() => jms)
})

describe('JMS programs in Java', () => {
  let broker: Broker
  let provider: JmsProvider
  let artemis: Peer

  before(async () => {
    broker = await Broker.start()
    provider = await JmsProvider.start({
      client: { bootstrapServers: broker.address, network: broker.network },
      config: { 'amqp.listener': '127.0.0.1:0' },
    })
    artemis = await startArtemis()
  })
  after(async () => {
    await artemis.stop()
    await provider.close()
    await broker.close()
  })

  it('see the same of our provider and of Artemis (Qpid JMS 2, jakarta.jms)', async () => {
    const run = `${process.pid}`
    const probe = (address: string) =>
      java('qpid-jms-2', ['JmsProbe', `amqp://${address}`, run], { timeoutMs: 90_000 })
    const expected = await probe(artemis.address)
    assert.equal(expected.code, 0, expected.stderr)
    assert.ok(expected.stdout.split('\n').length > 40, expected.stdout)
    assert.equal((await probe(provider.address)).stdout, expected.stdout)
  })

  it('in Spring Boot see the same of our provider and of Artemis', async () => {
    const run = (address: string) =>
      java('spring-boot', ['millrace.orders.SpringOrders', `amqp://${address}`, 'spring'], {
        timeoutMs: 60_000,
      })
    const expected = await run(artemis.address)
    assert.match(
      expected.stdout,
      /confirmed: \[order 0 for c0.*\n.*after 2 failures\nrolled back\na: once\n/,
    )
    assert.equal((await run(provider.address)).stdout, expected.stdout)
  })

  it('pass the Joram suite whole (Qpid JMS 1, javax.jms)', async () => {
    const { stdout } = await java(
      'qpid-jms-1',
      [`-Damqp.url=amqp://${provider.address}`, `-Djoram.run=${process.pid}`, 'JoramSuite'],
      { timeoutMs: 240_000 },
    )
    assert.match(stdout, /tests=196 failures=0/, stdout)
  })
})
