// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import {
  Admin,
  Consumer,
  type ConsumerRecord,
  type MillraceError,
  Producer,
  ShareConsumer,
} from '@millrace/client'
import { runSeeds, seedsToRun } from './seeds.ts'
import { SimulatedWorld } from './simulated-world.ts'

const ORDERS = 24
const TRANSACTIONS = 8
const JOBS = 20
const DELIVERY_LIMIT = 4
const LOCK_MS = 15_000
const LONGEST_RUN_MS = 600_000

const text = (record: ConsumerRecord): string => String(record.value)
const isRetriable = (error: unknown): boolean => (error as MillraceError).retriable === true

/** Guarantees given to clients, which the broker must keep. */
interface Promises {
  readonly orders: Set<string>
  readonly committed: Set<string>
  readonly aborted: Set<string>
  readonly jobs: Set<string>
  /** Jobs whose acceptance or rejection was confirmed, with their delivery count. */
  readonly done: Map<string, number>
  readonly deliveries: Map<string, number>
  /** Transactions seen by a reader of committed records. */
  readonly seen: Set<string>
}

/** Sends orders one after another; one that fails finally is in doubt, and may be present once. */
async function sendOrders(world: SimulatedWorld, promises: Promises): Promise<void> {
  const producer = new Producer({ ...world.client, deliveryTimeoutMs: 60_000 })
  const sends = Array.from({ length: ORDERS }, async (_, i) => {
    await world.pass(world.random.integer(1500))
    await producer.send({ topic: 'orders', partition: i % 2, value: `${i}` }).then(
      () => promises.orders.add(`${i}`),
      () => undefined,
    )
  })
  await Promise.all(sends)
  await producer.close()
}

/** Moves tokens: each transaction writes to two topics and to an account. */
async function transact(world: SimulatedWorld, promises: Promises): Promise<void> {
  const open = (): Producer =>
    new Producer({ ...world.client, transactionalId: 'mover', maxBlockMs: 60_000 })
  let producer = open()
  for (let i = 0; i < TRANSACTIONS; i++) {
    await world.pass(world.random.integer(200))
    const fails = world.random.integer(4) === 0
    try {
      await producer.transaction(async (tx) => {
        await Promise.all(
          ['left', 'right'].map((topic) => tx.send({ topic, partition: 0, value: `${i}` })),
        )
        await tx.sendOffsets([{ topic: 'left', partition: 0, offset: BigInt(i + 1) }], 'accounts')
        if (fails) throw new Error('intended failure')
      })
      promises.committed.add(`${i}`)
    } catch (error) {
      if ((error as Error).message === 'intended failure') promises.aborted.add(`${i}`)
      else {
        // In doubt. The next producer with the id commits or aborts it.
        await producer.close().catch(() => undefined)
        producer = open()
      }
    }
  }
  await producer.initTransactions().catch(() => undefined)
  await producer.close().catch(() => undefined)
}

async function sendJobs(world: SimulatedWorld, promises: Promises): Promise<void> {
  const producer = new Producer({ ...world.client, deliveryTimeoutMs: 60_000 })
  for (let i = 0; i < JOBS; i++) {
    await world.pass(world.random.integer(80))
    await producer.send({ topic: 'jobs', partition: 0, value: `${i}` }).then(
      () => promises.jobs.add(`${i}`),
      () => undefined,
    )
  }
  await producer.close()
}

/** Takes jobs until stopped: accepts most, releases some, rejects few. */
async function takeJobs(
  world: SimulatedWorld,
  promises: Promises,
  isOver: () => boolean,
): Promise<void> {
  const member = new ShareConsumer({
    ...world.client,
    groupId: 'workers',
    topics: ['jobs'],
    acknowledgementMode: 'explicit',
    maxPollRecords: 5,
  })
  // Records may have been acquired in advance, but not before the last call to poll.
  let polledMs = world.clock.elapsedMs
  while (!isOver()) {
    const acquiredMs = polledMs
    polledMs = world.clock.elapsedMs
    const records = await member.poll(200).catch((error) => {
      if (isRetriable(error)) return []
      throw error
    })
    const meant = new Map<bigint, { job: string; count: number; isDone: boolean }>()
    for (const record of records) {
      const job = text(record)
      const count = record.deliveryCount ?? 0
      assert.ok(count >= 1 && count <= DELIVERY_LIMIT, `job ${job} is delivered ${count} times`)
      // An earlier delivery may arrive late.
      assert.ok(
        count < (promises.done.get(job) ?? DELIVERY_LIMIT) + 1,
        `job ${job} is delivered after it was done`,
      )
      promises.deliveries.set(job, Math.max(count, promises.deliveries.get(job) ?? 0))
      await world.pass(world.random.integer(30))
      const chance = world.random.integer(10)
      const outcome = chance < 6 ? 'accept' : chance < 9 ? 'release' : 'reject'
      member.acknowledge(record, outcome)
      meant.set(record.offset, { job, count, isDone: outcome !== 'release' })
    }
    if (records.length === 0) continue
    const outcomes = await member.commit().catch(() => [])
    // After the lock has expired an acknowledgement is rejected, unless all earlier records are
    // done as well: then Kafka treats it as repeated.
    const isInTime = world.clock.elapsedMs - acquiredMs < LOCK_MS
    for (const { offsets, error } of outcomes) {
      if (error !== undefined) continue
      for (const offset of offsets) {
        const { job = '', count = 0, isDone = false } = meant.get(offset) ?? {}
        if (!isDone) continue
        assert.ok(!isInTime || !promises.done.has(job), `job ${job} is done twice`)
        if (isInTime) promises.done.set(job, count)
      }
    }
  }
  await member.close().catch(() => undefined)
}

/** Reads orders in a group and commits; a committed offset never decreases. */
async function readOrders(world: SimulatedWorld, isOver: () => boolean): Promise<void> {
  const consumer = new Consumer({
    ...world.client,
    groupId: 'readers',
    topics: ['orders'],
    autoOffsetReset: 'earliest',
    enableAutoCommit: false,
  })
  const admin = new Admin({ ...world.client, defaultApiTimeoutMs: 20_000 })
  const confirmed = new Map<number, bigint>()
  while (!isOver()) {
    const records = await consumer.poll(200).catch(() => [])
    const reached = new Map<number, bigint>()
    for (const { partition, offset } of records) reached.set(partition, offset + 1n)
    if (reached.size === 0) continue
    const places = [...reached].map(([partition, offset]) => ({
      topic: 'orders',
      partition,
      offset,
    }))
    const isCommitted = await consumer.commit(places).then(
      () => true,
      () => false,
    )
    if (isCommitted) for (const [partition, offset] of reached) confirmed.set(partition, offset)
    const committed = await admin.listConsumerGroupOffsets(['readers']).catch(() => undefined)
    for (const { partition, offset } of committed?.get('readers') ?? []) {
      const promised = confirmed.get(partition) ?? 0n
      assert.ok(offset >= promised, `committed offset ${offset} after ${promised}`)
    }
  }
  await consumer.close().catch(() => undefined)
  await admin.close()
}

/**
 * Reads records of transactions while they are open: all records read must be present in the end.
 */
async function watch(
  world: SimulatedWorld,
  promises: Promises,
  isOver: () => boolean,
): Promise<void> {
  const consumer = new Consumer({
    ...world.client,
    isolationLevel: 'read_committed',
    autoOffsetReset: 'earliest',
  })
  const places = ['left', 'right'].map((topic) => ({ topic, partition: 0 }))
  consumer.assign(places)
  while (!isOver()) {
    for (const record of await consumer.poll(100).catch(() => [])) promises.seen.add(text(record))
  }
  await consumer.close()
}

async function readAll(
  world: SimulatedWorld,
  topic: string,
  partitions: number,
): Promise<Map<number, string[]>> {
  await using consumer = new Consumer({ ...world.client, isolationLevel: 'read_committed' })
  const places = Array.from({ length: partitions }, (_, partition) => ({ topic, partition }))
  consumer.assign(places)
  await consumer.seekToBeginning(places)
  const ends = await consumer.endOffsets(places)
  const found = new Map<number, string[]>(places.map(({ partition }) => [partition, []]))
  for (;;) {
    for (const record of await consumer.poll(100)) found.get(record.partition)?.push(text(record))
    const positions = await Promise.all(places.map((place) => consumer.position(place)))
    if (positions.every((position, i) => position >= (ends[i] ?? 0n))) return found
  }
}

async function verify(world: SimulatedWorld, promises: Promises): Promise<void> {
  const seen = new Set<string>()
  for (const [, values] of await readAll(world, 'orders', 2)) {
    for (const value of values) {
      assert.ok(!seen.has(value), `order ${value} is duplicated`)
      seen.add(value)
    }
  }
  for (const order of promises.orders) assert.ok(seen.has(order), `order ${order} is lost`)

  const left = (await readAll(world, 'left', 1)).get(0) ?? []
  const right = (await readAll(world, 'right', 1)).get(0) ?? []
  assert.deepEqual(left, right, 'both sides of every transaction')
  assert.deepEqual(left, [...new Set(left)], 'once each')
  assert.deepEqual(
    left,
    left.toSorted((a, b) => Number(a) - Number(b)),
    'in order',
  )
  for (const each of promises.committed)
    assert.ok(left.includes(each), `transaction ${each} is lost`)
  for (const each of promises.seen)
    assert.ok(left.includes(each), `transaction ${each} was seen too early`)
  for (const each of promises.aborted) {
    assert.ok(!left.includes(each), `transaction ${each} was aborted, and is present`)
  }
  await using admin = new Admin(world.client)
  const [account] = (await admin.listConsumerGroupOffsets(['accounts'])).get('accounts') ?? []
  const newest = left.at(-1)
  assert.equal(account?.offset, newest === undefined ? undefined : BigInt(newest) + 1n)

  const jobs = (await readAll(world, 'jobs', 1)).get(0) ?? []
  for (const job of promises.jobs) assert.ok(jobs.includes(job), `job ${job} is lost`)
  for (const job of jobs) {
    assert.ok(promises.deliveries.has(job), `job ${job} was never delivered`)
  }
}

/** One run; runs with the same seed are identical. Returns a summary of the run for comparison. */
async function simulate(seed: number): Promise<string> {
  const world = new SimulatedWorld(seed, {
    'offsets.topic.num.partitions': '1',
    'transaction.state.log.num.partitions': '1',
    'share.coordinator.state.topic.num.partitions': '1',
    'group.initial.rebalance.delay.ms': '0',
    'log.cleaner.enable': 'false',
  })
  const promises: Promises = {
    orders: new Set(),
    committed: new Set(),
    aborted: new Set(),
    jobs: new Set(),
    done: new Map(),
    deliveries: new Map(),
    seen: new Set(),
  }
  const work = async (): Promise<void> => {
    await world.start()
    await prepare(world)
    let isOver = false
    const trouble = world.trouble({ cuts: 1 + world.random.integer(3), operations: 500 })
    const writing = async (): Promise<void> => {
      await Promise.all([
        sendOrders(world, promises),
        transact(world, promises),
        sendJobs(world, promises),
      ])
      world.calm()
      await trouble
      // Acquisition locks of crashed members expire in the meantime.
      await drained(world)
      isOver = true
    }
    await Promise.all([
      writing(),
      takeJobs(world, promises, () => isOver),
      takeJobs(world, promises, () => isOver),
      readOrders(world, () => isOver),
      watch(world, promises, () => isOver),
    ])
    await verify(world, promises)
    await world.close()
  }
  await world.clock.run(work(), LONGEST_RUN_MS)
  const { orders, committed, aborted, done, deliveries } = promises
  const sizes = [orders, committed, aborted, done, deliveries].map(({ size }) => size)
  return `${sizes.join()} ${world.cuts} cuts, ${world.disk.operations} operations, ${world.clock.elapsedMs} ms`
}

async function prepare(world: SimulatedWorld): Promise<void> {
  await using admin = new Admin(world.client)
  const until = async (work: () => Promise<unknown>): Promise<void> => {
    for (;;) {
      const isDone = await work().then(
        () => true,
        ({ code }: MillraceError) => code === 'TOPIC_ALREADY_EXISTS',
      )
      if (isDone) return
      await world.pass(50)
    }
  }
  for (const [name, numPartitions] of Object.entries({ orders: 2, left: 1, right: 1, jobs: 1 })) {
    await until(() => admin.createTopics([{ name, numPartitions }]))
  }
  const settings = {
    'share.auto.offset.reset': 'earliest',
    'share.delivery.count.limit': `${DELIVERY_LIMIT}`,
    'share.record.lock.duration.ms': `${LOCK_MS}`,
  }
  const changes = Object.entries(settings).map(([name, value]) => ({ name, value }))
  await until(() => admin.incrementalAlterConfigs([{ type: 'group', name: 'workers', changes }]))
}

/** Waits until the queue is empty. */
async function drained(world: SimulatedWorld): Promise<void> {
  await using admin = new Admin(world.client)
  for (;;) {
    const offsets = await admin.listShareGroupOffsets(['workers']).catch(() => undefined)
    const [place] = offsets?.get('workers') ?? []
    if (place !== undefined && place.startOffset >= 0n && place.lag === 0n) return
    await world.pass(500)
  }
}

const seeds = seedsToRun(20, 500)

describe('clients, a broker with power failures, and an unreliable network', () => {
  it(`keep every guarantee, with ${seeds.count} seeds from ${seeds.first} (SEEDS=FIRST+COUNT)`, () =>
    runSeeds(seeds, simulate))

  it('are identical for the same seed', async () => {
    assert.equal(await simulate(7), await simulate(7))
  })
})
