// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { type Connection, type ConnectionFactory, Session, type TextMessage } from '@millrace/jms'
import { runSeeds, seedsToRun } from './seeds.ts'
import { jmsFactory, SimulatedProvider } from './simulated-provider.ts'
import { SimulatedWorld } from './simulated-world.ts'

const ORDERS = 40
const LONGEST_RUN_MS = 1_800_000
/**
 * Time that a receive waits, milliseconds. If it returns nothing, the queue is empty or the
 * provider is down.
 */
const RECEIVE_MS = 500

/** Outcomes confirmed to the programs. */
interface Promises {
  /** Orders whose commit was confirmed. */
  readonly committed: Set<string>
  /** Orders whose transaction was rolled back on purpose. */
  readonly rolledBack: Set<string>
  /** Orders forwarded by a confirmed commit. */
  readonly forwarded: Set<string>
}

/**
 * Calls `work` with transacted sessions until it returns true; after each failure it creates a new
 * connection.
 */
async function withSessions(
  world: SimulatedWorld,
  factory: ConnectionFactory,
  work: (session: Session) => Promise<boolean>,
): Promise<void> {
  for (;;) {
    let connection: Connection | undefined
    try {
      connection = await factory.createConnection()
      await connection.start()
      const session = await connection.createSession(Session.SESSION_TRANSACTED)
      while (!(await work(session)));
      return
    } catch (error) {
      if (error instanceof assert.AssertionError) throw error
      await world.pass(50)
    } finally {
      await connection?.close().catch(() => undefined)
    }
  }
}

/**
 * Sends orders, a few in each transaction. A failed transaction is in doubt, and its orders are not
 * sent again.
 */
async function sendOrders(world: SimulatedWorld, promises: Promises): Promise<void> {
  let next = 0
  await withSessions(world, jmsFactory(world), async (session) => {
    const producer = await session.createProducer(session.createQueue('orders'))
    while (next < ORDERS) {
      await world.pass(world.random.integer(150))
      const orders = Array.from({ length: 1 + world.random.integer(3) }, () => `order ${next++}`)
      for (const order of orders) await producer.send(session.createTextMessage(order))
      if (world.random.integer(5) === 0) {
        for (const order of orders) promises.rolledBack.add(order)
        await session.rollback()
        continue
      }
      await session.commit()
      for (const order of orders) promises.committed.add(order)
    }
    return true
  })
}

/** Moves orders to another queue, each in a separate transaction. */
async function forwardOrders(
  world: SimulatedWorld,
  promises: Promises,
  isOver: () => boolean,
): Promise<void> {
  await withSessions(world, jmsFactory(world), async (session) => {
    const consumer = await session.createConsumer(session.createQueue('orders'))
    const producer = await session.createProducer(session.createQueue('done'))
    while (!isOver()) {
      const message = (await consumer.receive(RECEIVE_MS)) as TextMessage | null
      if (message === null) continue
      const order = message.getText() ?? ''
      assert.ok(!promises.forwarded.has(order), `${order} is delivered after it was forwarded`)
      await producer.send(session.createTextMessage(order))
      await world.pass(world.random.integer(30))
      if (world.random.integer(8) === 0) {
        await session.rollback()
        continue
      }
      await session.commit()
      promises.forwarded.add(order)
    }
    return true
  })
}

async function drain(world: SimulatedWorld, queue: string): Promise<string[]> {
  await using connection = await jmsFactory(world).createConnection()
  await connection.start()
  await using session = await connection.createSession()
  await using consumer = await session.createConsumer(session.createQueue(queue))
  const found: string[] = []
  for (;;) {
    const message = (await consumer.receive(5000)) as TextMessage | null
    if (message === null) return found
    found.push(message.getText() ?? '')
  }
}

/** Waits until a queue is empty. */
async function emptied(world: SimulatedWorld, provider: SimulatedProvider, queue: string) {
  for (;;) {
    const engine = provider.provider?.engine
    if (engine !== undefined) {
      const destination = await engine.destination('queue', queue)
      await destination.caughtUp()
      if (destination.queue.depth === 0) return
    }
    await world.pass(200)
  }
}

/** One run; runs with the same seed are identical. Returns a summary of the run for comparison. */
async function simulate(seed: number): Promise<string> {
  const world = new SimulatedWorld(seed, {
    'offsets.topic.num.partitions': '1',
    'transaction.state.log.num.partitions': '1',
    'group.initial.rebalance.delay.ms': '0',
    'log.cleaner.enable': 'false',
  })
  const provider = new SimulatedProvider(world, {
    // Consumed messages are deleted from the logs during the run.
    config: { 'amqp.max.delivery.attempts': '0', 'amqp.consumed.retention.ms': '0' },
  })
  const promises: Promises = {
    committed: new Set(),
    rolledBack: new Set(),
    forwarded: new Set(),
  }
  const work = async (): Promise<void> => {
    await world.start()
    await provider.start()
    let isOver = false
    const sending = async (): Promise<void> => {
      await sendOrders(world, promises)
      world.calm()
      await troubles
      await emptied(world, provider, 'orders')
      isOver = true
    }
    const troubles = Promise.all([
      world.trouble({ cuts: world.random.integer(3), operations: 400 }),
      provider.trouble({ deaths: 1 + world.random.integer(3), withinMs: 3000 }),
    ])
    // Trims more often than by default, to provoke a wrong deletion.
    const trimming = async (): Promise<void> => {
      while (!isOver) {
        await world.pass(100)
        void provider.provider?.engine?.trim()
      }
    }
    await Promise.all([
      sending(),
      trimming(),
      forwardOrders(world, promises, () => isOver),
      forwardOrders(world, promises, () => isOver),
    ])
    const done = await drain(world, 'done')
    assert.equal(new Set(done).size, done.length, `duplicated: ${doubles(done)}`)
    for (const order of promises.committed) assert.ok(done.includes(order), `${order} is lost`)
    for (const order of promises.forwarded) assert.ok(done.includes(order), `${order} is lost`)
    for (const order of promises.rolledBack) {
      assert.ok(!done.includes(order), `${order} was rolled back, and is present`)
    }
    await provider.close()
    await world.close()
  }
  await world.clock.run(work(), LONGEST_RUN_MS)
  const { committed, rolledBack, forwarded } = promises
  const sizes = [committed, rolledBack, forwarded].map(({ size }) => size)
  return `${sizes.join()} ${world.cuts} cuts, ${provider.deaths} deaths, ${world.disk.operations} operations, ${world.clock.elapsedMs} ms`
}

const doubles = (names: readonly string[]): string =>
  [...new Set(names.filter((name, index) => names.indexOf(name) !== index))].join(' ')

const seeds = seedsToRun(8, 200)

describe('JMS clients, a provider that is killed, a broker with power failures, and an unreliable network', () => {
  it(`lose and duplicate no message in transactions, with ${seeds.count} seeds from ${seeds.first} (SEEDS=FIRST+COUNT)`, () =>
    runSeeds(seeds, simulate))

  it('are identical for the same seed', async () => {
    assert.equal(await simulate(7), await simulate(7))
  })
})
