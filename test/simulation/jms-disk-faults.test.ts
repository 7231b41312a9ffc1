// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { type Connection, type Message, Session, type TextMessage } from '@millrace/jms'
import type { DiskFault, DiskOperation } from '@millrace/testkit'
import { jmsFactory, SimulatedProvider } from './simulated-provider.ts'
import { SimulatedWorld } from './simulated-world.ts'

const LONGEST_RUN_MS = 1_800_000
const ORDERS = 6
/** Files of the provider's state and of the transactions that write it. */
const STATE = /__(jms|transaction)_state-/

/** Outcomes confirmed to the programs. */
class Promises {
  readonly committed = new Set<string>()
  readonly rolledBack = new Set<string>()
  readonly forwarded = new Set<string>()
  readonly acknowledged = new Set<string>()
  /** Whether the outcome of a commit is unknown. */
  isInDoubt = false
}

/** Calls `work` with a session until it succeeds; a failed commit is in doubt. */
async function withSession(
  world: SimulatedWorld,
  mode: number,
  work: (session: Session) => Promise<void>,
): Promise<boolean> {
  let connection: Connection | undefined
  try {
    connection = await jmsFactory(world, { clientID: 'shop' }).createConnection()
    await connection.start()
    await work(await connection.createSession(mode))
    return true
  } catch (error) {
    if (error instanceof assert.AssertionError) throw error
    await world.pass(100)
    return false
  } finally {
    await connection?.close().catch(() => undefined)
  }
}

const textOf = (message: Message): string => (message as TextMessage).getText() ?? ''

/** Sends orders in transactions, one of which is rolled back. */
async function sendOrders(world: SimulatedWorld, promises: Promises): Promise<void> {
  for (let next = 0; next < ORDERS; next += 2) {
    const orders = [`order ${next}`, `order ${next + 1}`]
    const isRolledBack = next === 2
    const isDone = await withSession(world, Session.SESSION_TRANSACTED, async (session) => {
      const producer = await session.createProducer(session.createQueue('orders'))
      for (const order of orders) await producer.send(session.createTextMessage(order))
      if (isRolledBack) await session.rollback()
      else await session.commit()
    })
    if (!isDone) promises.isInDoubt = true
    const outcome = isRolledBack ? promises.rolledBack : promises.committed
    if (isDone || isRolledBack) for (const order of orders) outcome.add(order)
  }
}

/** Moves orders to another queue, each in a transaction, until none is left. */
async function forwardOrders(world: SimulatedWorld, promises: Promises): Promise<void> {
  let isEmpty = false
  while (!isEmpty) {
    await withSession(world, Session.SESSION_TRANSACTED, async (session) => {
      const consumer = await session.createConsumer(session.createQueue('orders'))
      const producer = await session.createProducer(session.createQueue('done'))
      for (;;) {
        const message = await consumer.receive(2000)
        if (message === null) break
        const order = textOf(message)
        assert.ok(!promises.forwarded.has(order), `${order} is redelivered after it was forwarded`)
        await producer.send(session.createTextMessage(order))
        await session.commit()
        promises.forwarded.add(order)
      }
      isEmpty = true
    })
  }
}

/** Publishes news and acknowledges it on a durable subscription. */
async function readNews(world: SimulatedWorld, promises: Promises): Promise<void> {
  let isDone = false
  while (!isDone) {
    isDone = await withSession(world, Session.CLIENT_ACKNOWLEDGE, async (session) => {
      const topic = session.createTopic('news')
      const consumer = await session.createDurableConsumer(topic, 'reader')
      const producer = await session.createProducer(topic)
      await producer.send(session.createTextMessage(`news ${promises.acknowledged.size}`))
      const message = await consumer.receive(2000)
      if (message === null) return
      const text = textOf(message)
      assert.ok(!promises.acknowledged.has(text), `${text} is redelivered after acknowledgement`)
      await message.acknowledge()
      promises.acknowledged.add(text)
    })
  }
}

async function drain(world: SimulatedWorld, queue: string): Promise<string[]> {
  const found: string[] = []
  const isDone = await withSession(world, Session.AUTO_ACKNOWLEDGE, async (session) => {
    const consumer = await session.createConsumer(session.createQueue(queue))
    for (;;) {
      const message = await consumer.receive(2000)
      if (message === null) return
      found.push(textOf(message))
    }
  })
  assert.ok(isDone, `${queue} cannot be read`)
  return found
}

interface Case {
  readonly at: number
  readonly fault: DiskFault
}

/** One run, with one failing call; returns all calls to files of the state. */
async function run(failing?: Case): Promise<DiskOperation[]> {
  const world = new SimulatedWorld(1, {
    'offsets.topic.num.partitions': '1',
    'transaction.state.log.num.partitions': '1',
    'group.initial.rebalance.delay.ms': '0',
    'log.cleaner.enable': 'false',
  })
  world.calm()
  const operations: DiskOperation[] = []
  world.disk.faultOf = (operation) => {
    if (!STATE.test(operation.path)) return undefined
    operations.push(operation)
    return operations.length - 1 === failing?.at ? failing.fault : undefined
  }
  const provider = new SimulatedProvider(world)
  const promises = new Promises()
  const work = async (): Promise<void> => {
    await world.start()
    await provider.start()
    await sendOrders(world, promises)
    await readNews(world, promises)
    await forwardOrders(world, promises)
    // The state is read again.
    provider.kill()
    await provider.start()
    const orders = await drain(world, 'orders')
    const done = await drain(world, 'done')
    const all = [...orders, ...done]
    assert.equal(new Set(all).size, all.length, `doubled: ${all}`)
    for (const order of promises.committed) assert.ok(all.includes(order), `${order} is lost`)
    for (const order of promises.forwarded) assert.ok(done.includes(order), `${order} is lost`)
    for (const order of promises.rolledBack) assert.ok(!all.includes(order), `${order} is back`)
    if (failing === undefined) assert.equal(promises.committed.size, ORDERS - 2)
    await provider.close()
    // A fault at the end concerns the shutdown, which reports it.
    await world.close().catch((error: Error) => assert.match(error.message, /^cannot close .+$/))
  }
  try {
    await world.clock.run(work(), LONGEST_RUN_MS)
  } catch (error) {
    const { kind, path } = operations[failing?.at ?? -1] ?? {}
    throw new Error(
      `AT=${failing?.at} FAULT=${failing?.fault} (${kind} ${path}): ${(error as Error).message}`,
      { cause: error },
    )
  }
  return operations
}

function faultsOf({ kind }: DiskOperation): readonly DiskFault[] {
  if (kind === 'write') return ['ENOSPC', 'short', 'late', 'EIO']
  if (kind === 'create' || kind === 'makeDirectory' || kind === 'rename') {
    return ['ENOSPC', 'late', 'EIO']
  }
  return /^(truncate|sync|remove|syncDirectory)$/.test(kind) ? ['EIO', 'late'] : ['EIO']
}

function allCases(operations: readonly DiskOperation[]): Case[] {
  return operations.flatMap((operation, at) => faultsOf(operation).map((fault) => ({ at, fault })))
}

/**
 * Each kind of call to a log or its directory, in the middle of those there are, and each fault.
 */
function someCases(operations: readonly DiskOperation[]): Case[] {
  const classes = Map.groupBy(allCases(operations), ({ at, fault }) => {
    const { kind = '', path = '' } = operations[at] ?? {}
    return /(\.log|-0)$/.test(path) ? `${kind} ${path} ${fault}` : ''
  })
  classes.delete('')
  return [...classes.values()].flatMap((cases) => cases[cases.length >> 1] ?? [])
}

/** `AT` and `FAULT` select one case, as printed by a failure; `DISK_FAULTS=all` runs all cases. */
function casesToRun(operations: readonly DiskOperation[]): Case[] {
  const { AT, FAULT, DISK_FAULTS } = process.env
  if (AT !== undefined && FAULT !== undefined) {
    return [{ at: Number(AT), fault: FAULT as DiskFault }]
  }
  return DISK_FAULTS === 'all' ? allCases(operations) : someCases(operations)
}

describe('a JMS provider with one failed write of its state', () => {
  it('loses and duplicates no message, and continues', async () => {
    const operations = await run()
    assert.ok(operations.length > 50, `${operations.length} calls`)
    for (const each of casesToRun(operations)) await run(each)
  })
})
