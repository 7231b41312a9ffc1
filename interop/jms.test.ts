// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { Broker } from '@millrace/broker'
import { ConnectionFactory, type MessageConsumer, type TextMessage } from '@millrace/jms'
import { JmsProvider } from '@millrace/jms-provider'
import { until } from '../test/e2e/until.ts'
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
      config: {
        'amqp.listener': '127.0.0.1:0',
        'amqp.destination.prefetch.#.count.prefetched.on.loss': 'unless-transacted',
      },
    })
    artemis = await startArtemis()
  })
  after(async () => {
    await artemis.stop()
    await provider.close()
    await broker.close()
  })

  it('have the same results with our provider and with Artemis (Qpid JMS 2, jakarta.jms)', async () => {
    const run = `${process.pid}`
    const probe = (address: string) =>
      java('qpid-jms-2', ['JmsProbe', `amqp://${address}`, run], { timeoutMs: 90_000 })
    const expected = await probe(artemis.address)
    assert.equal(expected.code, 0, expected.stderr)
    assert.ok(expected.stdout.split('\n').length > 40, expected.stdout)
    assert.equal((await probe(provider.address)).stdout, expected.stdout)
  })

  it('in Spring Boot have the same results with our provider and with Artemis', async () => {
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

  for (const how of ['halt', 'kill', 'close']) {
    it(`that exit with everything open (${how}) leave no resources behind`, async () => {
      const name = `${process.pid}.${how}`
      const { stdout, stderr } = await java('qpid-jms-2', [
        'DyingClient',
        `amqp://${provider.address}`,
        name,
        how,
      ])
      assert.equal(stdout, 'reply\ntick\nwork 0\nwork 1\nwork 2\n', stderr)
      const isEmpty = (): boolean => Object.values(provider.usage).every((count) => count === 0)
      await until(isEmpty).catch(() => undefined)
      assert.ok(isEmpty(), JSON.stringify(provider.usage))
      // The client id is free, the subscription has no consumer, and uncommitted messages are in
      // their order.
      const factory = new ConnectionFactory(`amqp://${provider.address}`)
      await using connection = await factory.createConnection()
      await connection.setClientID(`dying.${name}`)
      await connection.start()
      await using session = await connection.createSession()
      const texts = async (consumer: MessageConsumer): Promise<(string | null)[]> => {
        const found: (string | null)[] = []
        for (;;) {
          const message = await consumer.receive(500)
          if (message === null) return found
          found.push((message as TextMessage).getText())
        }
      }
      await using durable = await session.createDurableConsumer(
        session.createTopic(`dying.topic.${name}`),
        'durable',
      )
      assert.deepEqual(await texts(durable), ['news'])
      await using worker = await session.createConsumer(session.createQueue(`dying.work.${name}`))
      const left = Array.from({ length: 18 }, (_, i) => `work ${i + 2}`)
      assert.deepEqual(await texts(worker), left)
      await using out = await session.createConsumer(session.createQueue(`dying.out.${name}`))
      assert.deepEqual(await texts(out), ['committed 0', 'committed 1'])
    })
  }

  const consumerDies = async (address: string, mode: string): Promise<string> => {
    const url = `amqp://${address}`
    const queue = `prefetch.${process.pid}.${mode}`
    await java('qpid-jms-2', ['PrefetchDeath', url, queue, 'die', mode])
    return (await java('qpid-jms-2', ['PrefetchDeath', url, queue, 'read'])).stdout
  }
  // Whether Artemis counts prefetched messages differs from run to run: it depends on how it
  // detects the end of the connection. So only the messages are compared.
  for (const [mode, expected] of [
    ['auto', 'm2 2 redelivered\nm3 2 redelivered\nm4 2 redelivered\n'],
    ['client', [0, 1, 2, 3, 4].map((i) => `m${i} 2 redelivered\n`).join('')],
    ['transacted', 'm0 2 redelivered\nm1 2 redelivered\nm2 1\nm3 1\nm4 1\n'],
    ['close', 'm2 1\nm3 1\nm4 1\n'],
  ] as const) {
    it(`whose consumer crashes (${mode}) find the same messages as in Artemis`, async () => {
      const names = (text: string): string[] => text.match(/^m\d/gm) ?? []
      assert.deepEqual(names(await consumerDies(artemis.address, mode)), names(expected))
      assert.equal(await consumerDies(provider.address, mode), expected)
    })
  }

  it('get an InvalidDestinationException with the name for a destination with a wildcard', async () => {
    const url = `amqp://${provider.address}`
    const { stdout } = await java('qpid-jms-2', ['WildcardDestinations', url, 'orders.*'])
    const lines = stdout.trim().split('\n')
    assert.equal(lines.length, 9, stdout)
    for (const line of lines) assert.match(line, /: InvalidDestinationException$/)
  })

  it('pass the complete Joram test suite (Qpid JMS 1, javax.jms)', async () => {
    const { stdout } = await java(
      'qpid-jms-1',
      [`-Damqp.url=amqp://${provider.address}`, `-Djoram.run=${process.pid}`, 'JoramSuite'],
      { timeoutMs: 240_000 },
    )
    assert.match(stdout, /tests=196 failures=0/, stdout)
  })
})
