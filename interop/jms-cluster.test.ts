// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { ConnectionFactory, type TextMessage } from '@millrace/jms'
import { freePort, readyAddresses } from '@millrace/testkit'
import { jmsScenarios } from '../test/scenarios/jms-scenarios.ts'
import { type JmsUnderTest, jmsUnderTest } from '../test/scenarios/jms-under-test.ts'
import { type KafkaCluster, startKafkaCluster } from './peers.ts'

describe('JMS over three brokers of Apache Kafka 4.4.0', () => {
  let kafka: KafkaCluster
  const providers = new Map<string, ChildProcess>()
  let jms: JmsUnderTest

  async function startProvider(): Promise<string> {
    const address = `127.0.0.1:${await freePort()}`
    const child = spawn(process.execPath, [
      '--conditions=millrace-src',
      join(import.meta.dirname, '../packages/cli/src/main.ts'),
      'start',
      '--bootstrap',
      kafka.addresses,
      '--amqp',
      address,
      '--log-level',
      'warn',
    ])
    providers.set(address, child)
    await readyAddresses(child)
    return address
  }

  before(async () => {
    kafka = await startKafkaCluster()
    jms = jmsUnderTest('millrace', `amqp://${await startProvider()}`)
  })
  after(async () => {
    for (const child of providers.values()) child.kill('SIGKILL')
    await kafka[Symbol.asyncDispose]()
  })

  jmsScenarios(() => jms)

  it('loses no confirmed message when a broker and the provider are killed', async () => {
    const [first = ''] = providers.keys()
    const second = await startProvider()
    const url = `failover:(amqp://${first},amqp://${second})?failover.maxReconnectDelay=300`
    const confirmed: string[] = []
    const received = new Set<string>()
    await using connection = await new ConnectionFactory(url).createConnection()
    await connection.start()
    await using session = await connection.createSession()
    const queue = session.createQueue('survives')
    await using producer = await session.createProducer(queue)
    await using receiving = await connection.createSession()
    await using consumer = await receiving.createConsumer(queue)
    consumer.setMessageListener((message) => {
      received.add((message as TextMessage).getText() ?? '')
    })
    let isSending = true
    const sending = (async () => {
      for (let i = 0; isSending; i++) {
        const text = `m${i}`
        await producer.send(session.createTextMessage(text)).then(
          () => confirmed.push(text),
          () => undefined,
        )
      }
    })()
    const progress = async (): Promise<number> => {
      const [before, began] = [confirmed.length, performance.now()]
      while (confirmed.length < before + 20) {
        await new Promise((resolve) => setTimeout(resolve, 20))
        assert.ok(performance.now() - began < 30_000, 'no message is confirmed any more')
      }
      return performance.now() - began
    }
    await progress()
    await kafka.kill(2)
    await progress()
    await kafka.start(2)
    providers.get(first)?.kill('SIGKILL')
    const tookMs = await progress()
    isSending = false
    await sending
    const began = performance.now()
    while (confirmed.some((text) => !received.has(text))) {
      assert.ok(performance.now() - began < 30_000, 'confirmed messages are missing')
      await new Promise((resolve) => setTimeout(resolve, 50))
    }
    assert.ok(tookMs < 10_000, `it took ${tookMs} ms until another provider had taken over`)
  })
})
