// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { type Message, Session, type TextMessage } from '@millrace/jms'
import { jmsFactory, SimulatedProvider } from './simulated-provider.ts'
import { SimulatedWorld } from './simulated-world.ts'
import { RESTART_MS } from './simulation.ts'

const LIMIT_MS = 600_000

function describeMessage(message: Message): string {
  const count = message.getIntProperty('JMSXDeliveryCount')
  const text = (message as TextMessage).getText()
  return `${text} ${count}${message.getJMSRedelivered() ? ' redelivered' : ''}`
}

/**
 * Delivers some of ten messages, kills the provider, and returns what a consumer receives from the
 * next provider.
 */
async function killWithMessagesInHand(
  config: Readonly<Record<string, string>>,
  waitMs: number,
): Promise<string[]> {
  const world = new SimulatedWorld(1, {})
  world.calm()
  const work = async (): Promise<string[]> => {
    await world.start()
    const provider = new SimulatedProvider(world, { config })
    await provider.start()
    const connect = async () => {
      const made = await jmsFactory(world, { prefetch: 3 }).createConnection()
      await made.start()
      return made
    }
    const first = await connect()
    const session = await first.createSession(Session.CLIENT_ACKNOWLEDGE)
    const queue = session.createQueue('held')
    const producer = await session.createProducer(queue)
    for (let i = 0; i < 10; i++) await producer.send(session.createTextMessage(`m${i}`))
    const consumer = await session.createConsumer(queue)
    const acknowledged = await consumer.receive(1000)
    await acknowledged?.acknowledge()
    await consumer.receive(1000)
    if (waitMs > 0) await world.pass(waitMs)
    provider.kill()
    await first.close().catch(() => undefined)
    await world.pass(RESTART_MS)
    await provider.start()
    const second = await connect()
    const reader = await second.createSession()
    const rest = await reader.createConsumer(reader.createQueue('held'))
    const found: string[] = []
    for (;;) {
      const message = await rest.receive(2000)
      if (message === null) break
      found.push(describeMessage(message))
    }
    await second.close()
    await provider.close()
    await world.close()
    return found
  }
  return world.clock.run(work(), LIMIT_MS)
}

describe('messages in delivery when the provider is killed', () => {
  it('are redelivered with JMSRedelivered, the others without', async () => {
    const found = await killWithMessagesInHand({}, 50)
    assert.equal(found.length, 9)
    const redelivered = found.filter((each) => each.endsWith('redelivered'))
    assert.ok(redelivered.length >= 1 && redelivered.length < 9, found.join())
    assert.deepEqual(redelivered, found.slice(0, redelivered.length))
    assert.equal(found[0], 'm1 2 redelivered')
    assert.equal(found.at(-1), 'm9 1')
  })

  it('have JMSRedelivered however soon it is killed if deliveries are counted before', async () => {
    const found = await killWithMessagesInHand({ 'amqp.delivery.count.persistence': 'before' }, 0)
    assert.equal(found[0], 'm1 2 redelivered')
    assert.equal(found.length, 9)
  })

  it('do not have JMSRedelivered if deliveries are not counted', async () => {
    const found = await killWithMessagesInHand({ 'amqp.delivery.count.persistence': 'none' }, 50)
    assert.deepEqual(
      found,
      Array.from({ length: 9 }, (_, i) => `m${i + 1} 1`),
    )
  })
})
