// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { ConnectionFactory, type JmsListener } from '@millrace/jms'
import { isThorough } from '@millrace/testkit'
import { FrameNetwork } from './frame-network.ts'
import { type Deliveries, JmsPrograms, type Ledger } from './jms-programs.ts'
import { runSeeds, seedsToRun } from './seeds.ts'
import { FIRST_AMQP_PORT, jmsFactory, SimulatedProvider } from './simulated-provider.ts'
import { SimulatedWorld } from './simulated-world.ts'
import { RESTART_MS } from './simulation.ts'

const LONGEST_RUN_MS = 1_800_000
/** Time limit for the last messages to arrive after the faults have ended, milliseconds. */
const LONGEST_CALM_MS = 120_000
const SECOND_AMQP_PORT = FIRST_AMQP_PORT + 1

const config = {
  'offsets.topic.num.partitions': '1',
  'transaction.state.log.num.partitions': '1',
  'group.initial.rebalance.delay.ms': '0',
  'log.cleaner.enable': 'false',
}

const names = (prefix: string, count: number): string[] =>
  Array.from({ length: count }, (_, i) => `${prefix}${i}`)

const numbers = (first: number, count: number): number[] =>
  Array.from({ length: count }, (_, i) => first + i)

/** Waits until these queues are empty; fails if a listener no longer receives. */
async function emptied(
  world: SimulatedWorld,
  providers: readonly SimulatedProvider[],
  queues: readonly string[],
): Promise<void> {
  const deadline = world.clock.elapsedMs + LONGEST_CALM_MS
  for (const queue of queues) {
    for (;;) {
      const engine = providers.map(({ provider }) => provider?.engine).find((each) => each)
      if (engine !== undefined) {
        const destination = await engine.destination('queue', queue)
        await destination.caughtUp()
        if (destination.queue.depth === 0) break
        const { depth, inFlight, consumerCount } = destination.queue
        assert.ok(
          world.clock.elapsedMs < deadline,
          `${queue} has ${depth} messages, ${inFlight} in flight, and ${consumerCount} consumers`,
        )
      }
      await world.pass(200)
    }
  }
}

/** Each message sent in a transaction is present once, or absent if it was rolled back. */
function checkEffects(
  name: string,
  found: readonly string[],
  { committed, rolledBack }: Ledger,
  isOrdered: boolean,
): void {
  const counts = new Map<string, number>()
  for (const text of found) counts.set(text, (counts.get(text) ?? 0) + 1)
  for (const [text, count] of counts) {
    assert.equal(count, 1, `${name}: ${text} is present ${count} times`)
    assert.ok(!rolledBack.has(text), `${name}: ${text} was rolled back, and is present`)
  }
  for (const text of committed) assert.ok(counts.has(text), `${name}: ${text} is lost`)
  if (isOrdered) checkOrder(name, found, { committed })
}

const numberIn = (text: string): number => Number(/\d+$/.exec(text)?.[0])

/** A commit in doubt may take effect later, so its messages are excluded from the order check. */
function checkOrder(
  name: string,
  found: readonly string[],
  { committed }: Pick<Ledger, 'committed'>,
): void {
  const sure = found.filter((text) => committed.has(text))
  const sorted = sure.toSorted((a, b) => numberIn(a) - numberIn(b))
  assert.deepEqual(sure, sorted, `${name}: the order`)
}

async function until(
  world: SimulatedWorld,
  condition: () => boolean,
  problem: string,
): Promise<void> {
  const deadline = world.clock.elapsedMs + LONGEST_CALM_MS
  while (!condition()) {
    assert.ok(world.clock.elapsedMs < deadline, problem)
    await world.pass(200)
  }
}

interface Course {
  readonly messages: number
  readonly pauseMs: number
  /** Starts the faults. */
  begin(): void
  /** Ends the faults. */
  settle(): Promise<void>
}

/** Runs all programs, then checks their results. */
async function runPrograms(
  world: SimulatedWorld,
  providers: readonly SimulatedProvider[],
  programs: JmsPrograms,
  { messages, pauseMs, begin, settle }: Course,
): Promise<string> {
  let isOver = false
  const over = (): boolean => isOver
  const listeners: { readonly listener: JmsListener; readonly deliveries: Deliveries }[] = []
  const [retried, plain, shared, answered] = await Promise.all([
    programs.forwardByListener('in-retried', 'out-retried', {
      concurrency: 1,
      retry: { maxAttempts: 3, backoffMs: 10 },
    }),
    programs.forwardByListener('in-plain', 'out-plain', { concurrency: 2, retry: undefined }),
    programs.forwardByListener({ topic: 'news', subscription: 'shared' }, 'out-shared', {
      concurrency: 2,
      retry: { maxAttempts: 2, backoffMs: 10 },
    }),
    programs.answer('questions'),
  ])
  listeners.push(retried, plain, shared, answered)
  const forwarding = programs.forward('in-classic', 'out-classic', over)
  const followed = new Set<string>()
  const following = programs.follow('news', 'follower', {
    clientID: 'follower',
    seen: followed,
    isOver: over,
  })
  const creating = programs.create(over)
  // Subscriptions must exist before messages are published.
  await world.pass(2000)
  begin()
  const [classic, byRetry, byListener, published, answers] = await Promise.all([
    programs.send('queue', 'in-classic', names('c', messages), pauseMs),
    programs.send('queue', 'in-retried', names('r', messages), pauseMs),
    programs.send('queue', 'in-plain', names('p', messages), pauseMs),
    programs.send('topic', 'news', names('n', messages), pauseMs),
    programs.ask('questions', numbers(0, messages), pauseMs * 4),
    programs.askInVain('questions', numbers(1000, Math.ceil(messages / 3))),
  ])
  await settle()
  await emptied(world, providers, ['in-classic', 'in-retried', 'in-plain', 'questions'])
  // Each listener must receive messages sent now.
  const last = await Promise.all([
    programs.send('queue', 'in-classic', names('c9999', 1), 1),
    programs.send('queue', 'in-retried', names('r9999', 1), 1),
    programs.send('queue', 'in-plain', names('p9999', 1), 1),
    programs.send('topic', 'news', names('n9999', 1), 1),
    programs.ask('questions', [9999], 1),
  ])
  await emptied(world, providers, ['in-classic', 'in-retried', 'in-plain', 'questions'])
  for (const { committed } of [published, last[3]]) {
    for (const text of committed) {
      await until(world, () => followed.has(text), `the durable subscriber misses ${text}`)
    }
  }
  // Time for duplicates to arrive.
  await world.pass(5000)
  isOver = true
  const { forwarded } = await forwarding
  await following
  const created = await creating
  for (const { listener } of listeners) {
    assert.equal(listener.state, 'running')
    await listener.close()
    await listener.closed
  }
  const ledgers: readonly (readonly [string, readonly Ledger[], boolean])[] = [
    ['out-classic', [classic, last[0]], true],
    ['out-retried', [byRetry, last[1]], true],
    ['out-plain', [byListener, last[2]], false],
    ['out-shared', [published, last[3]], false],
  ]
  for (const [queue, sent, isOrdered] of ledgers) {
    const found = await programs.drain(queue)
    for (const ledger of sent) checkEffects(queue, found, ledger, isOrdered)
    if (queue === 'out-classic') {
      for (const text of forwarded) assert.ok(found.includes(text), `${text} is lost`)
    }
  }
  checkOrder('the durable subscriber', [...followed], published)
  retried.deliveries.check('in-retried')
  plain.deliveries.check('in-plain')
  shared.deliveries.check('news')
  answered.deliveries.check('questions')
  const interruptions = listeners.map(({ deliveries }) => deliveries.interruptions)
  const sizes = ledgers.map(([, [sent]]) => sent?.committed.size)
  return `${sizes} committed, ${answers} answered, ${created} created, ${interruptions} interruptions`
}

/** A run with all kinds of faults; runs with the same seed are identical. */
async function simulate(seed: number): Promise<string> {
  const world = new SimulatedWorld(seed, config)
  const { random } = world
  const providers = [FIRST_AMQP_PORT, SECOND_AMQP_PORT].map(
    (port) => new SimulatedProvider(world, { port, config: { 'amqp.max.delivery.attempts': '0' } }),
  )
  const [first, second] = providers as [SimulatedProvider, SimulatedProvider]
  const ports = [FIRST_AMQP_PORT, SECOND_AMQP_PORT]
  let plainPort = 0
  const programs = new JmsPrograms(world, {
    lasting: () =>
      jmsFactory(world, { ports, prefetch: random.integer(3) * 5, maxReconnectDelayMs: 1000 }),
    plain: () => {
      const network = new FrameNetwork(world.network.machine())
      const factory = jmsFactory(world, {
        ports: [ports[plainPort++ % 2] as number],
        maxReconnectDelayMs: 1000,
        world: { clock: world.clock.process(), random, network },
      })
      return { factory, network }
    },
  })
  const report: string[] = []
  const work = async (): Promise<void> => {
    world.network.isCalm = true
    await world.start()
    await first.start()
    await second.start()
    // Time for both providers to agree on the owner.
    await world.pass(2000)
    const outage = async (): Promise<void> => {
      // Longer than the time limit of any request.
      await world.pass(random.integer(6000))
      first.kill()
      second.kill()
      await world.pass(RESTART_MS + random.integer(2) * 15_000)
      await first.start()
      await second.start()
    }
    let troubles: Promise<unknown> = Promise.resolve()
    report.push(
      await runPrograms(world, providers, programs, {
        messages: 15,
        pauseMs: 400,
        begin() {
          world.network.isCalm = false
          troubles = Promise.all([
            world.trouble({ cuts: random.integer(2), operations: 800 }),
            outage().then(() => first.trouble({ deaths: random.integer(3), withinMs: 3000 })),
          ])
        },
        settle: async () => {
          world.calm()
          await troubles
        },
      }),
    )
    await first.close()
    await second.close()
    await world.close()
  }
  await world.clock.run(work(), LONGEST_RUN_MS)
  return `${report.join()} ${first.deaths + second.deaths} deaths, ${world.cuts} cuts, ${world.clock.elapsedMs} ms`
}

/**
 * A run without faults, except that the connection breaks at one frame. Returns the number of
 * frames.
 */
async function cutAtFrame(frame: number): Promise<{ readonly frames: number }> {
  const world = new SimulatedWorld(1, config)
  world.calm()
  const provider = new SimulatedProvider(world, { config: { 'amqp.max.delivery.attempts': '0' } })
  const network = new FrameNetwork(world.network.machine())
  const clock = world.clock.process()
  const factory = (reconnect?: boolean): ConnectionFactory =>
    new ConnectionFactory(`amqp://127.0.0.1:${FIRST_AMQP_PORT}`, {
      reconnect,
      world: { clock, random: world.random, network },
    })
  const programs = new JmsPrograms(world, {
    lasting: () => factory(true),
    plain: () => ({ factory: factory(), network }),
  })
  let [first, last] = [0, 0]
  const work = async (): Promise<void> => {
    await world.start()
    await provider.start()
    await runPrograms(world, [provider], programs, {
      messages: 3,
      pauseMs: 50,
      begin() {
        first = network.frames
        network.cutAt = first + frame
      },
      async settle() {
        last = network.frames
        network.cutAt = Number.POSITIVE_INFINITY
      },
    })
    await provider.close()
    await world.close()
  }
  await world.clock.run(work(), LONGEST_RUN_MS)
  return { frames: last - first }
}

const seeds = seedsToRun(2, 20)
/** `FRAMES=all`, or the number of frames to test. */
const frames = process.env.FRAMES ?? (isThorough ? 'all' : '6')

describe('JMS programs that rely on automatic reconnection', () => {
  it(`survive outages, with ${seeds.count} seeds from ${seeds.first} (SEEDS=FIRST+COUNT)`, () =>
    runSeeds(seeds, simulate))

  it('are identical for the same seed', async () => {
    assert.equal(await simulate(2), await simulate(2))
  })

  it(`survive a connection loss at any frame, ${frames} frames tested (FRAMES=all)`, async () => {
    const { frames: count } = await cutAtFrame(Number.POSITIVE_INFINITY)
    const step = frames === 'all' ? 1 : Math.max(1, Math.floor(count / Number(frames)))
    for (let frame = 1; frame <= count; frame += step) {
      try {
        await cutAtFrame(frame)
      } catch (error) {
        throw new Error(`frame ${frame} of ${count}: ${(error as Error).message}`, { cause: error })
      }
    }
  })
})
