// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import {
  type Agent,
  type AgentPlan,
  type ChannelProcessor,
  defineAgent,
  Event,
  type SourceContext,
} from '@millrace/flume'
import { runSeeds, seedsToRun } from './seeds.ts'
import { Machine } from './simulated-agents.ts'
import { Simulation } from './simulation.ts'

const EVENTS = 240
const FIRST_PORT = 4141
const LONGEST_RUN_MS = 3_600_000
const FAULTS = { cutOneIn: 15, slowOneIn: 30, longDelayMs: 400 }

/**
 * A channel with its own directories; small, so that segments and checkpoints are created and
 * deleted often.
 */
function channelIn(place: string) {
  return {
    type: 'file',
    dataDirs: `${place}/data,${place}/more`,
    checkpointDir: `${place}/checkpoint`,
    transactionCapacity: 50,
    keepAlive: 1,
    maxFileSize: 1024,
    cacheSize: 500,
    minimumRequiredSpace: 0,
  } as const
}

/** A chain of three: a channel, a hop, a channel, a hop, a channel. */
function chain(): Promise<AgentPlan[]> {
  return Promise.all(
    [0, 1, 2].map((place) =>
      defineAgent({
        name: `agent-${place}`,
        // The last one can hold all events, so that none need to be taken while machines crash.
        channels: { c: { ...channelIn(''), capacity: place === 2 ? 10_000 : 60 } },
        ...(place === 0
          ? {}
          : {
              sources: {
                s: { type: 'avro', bind: '127.0.0.1', port: FIRST_PORT + place, channels: ['c'] },
              },
            }),
        ...(place === 2
          ? {}
          : {
              sinks: {
                k: {
                  type: 'avro',
                  hostname: '127.0.0.1',
                  port: FIRST_PORT + place + 1,
                  batchSize: 7,
                  requestTimeout: 2000,
                  connectTimeout: 2000,
                  channel: 'c',
                },
              },
            }),
      }),
    ),
  )
}

/** Events put by the writers. */
interface Written {
  /** Events whose put was committed. A put interrupted by a crash may or may not be committed. */
  readonly kept: ReadonlySet<string>
  /** Events of each writer, in the order of its puts. */
  readonly byWriter: readonly (readonly string[])[]
}

/** Three writers put batches until all events are written. */
async function putAll(world: Simulation, first: Machine): Promise<Written> {
  const kept = new Set<string>()
  const byWriter: string[][] = [[], [], []]
  let next = 0
  const write = async (written: string[]): Promise<void> => {
    while (next < EVENTS) {
      await world.pass(world.random.integer(300))
      const { channel } = first
      if (channel === undefined) continue
      const names = Array.from({ length: 1 + world.random.integer(6) }, () => `e${next++}`)
      written.push(...names)
      const outcome = await first.attempt(async () => {
        const transaction = await channel.put(names.map((name) => Event.text(name, { name })))
        await transaction.commit()
      })
      if (outcome === 'done') for (const name of names) kept.add(name)
    }
  }
  await Promise.all(byWriter.map(write))
  return { kept, byWriter }
}

/** Takes all events of the last channel, until the channels before it are empty. */
async function takeAll(world: Simulation, machines: readonly Machine[]): Promise<string[]> {
  const found: string[] = []
  for (;;) {
    const channel = machines.at(-1)?.channel
    const taken = await channel?.take(20, { waitMs: 1000 })
    if (taken !== undefined) {
      found.push(...taken.events.map(({ body }) => body.toString()))
      await taken.commit()
      continue
    }
    if (machines.every((machine) => machine.channel?.size === 0)) return found
    await world.pass(50)
  }
}

/** One run; runs with the same seed are identical. Returns a summary of the run for comparison. */
async function simulate(seed: number): Promise<string> {
  const world = new Simulation(seed, FAULTS)
  const machines = (await chain()).map((plan) => new Machine(world, plan))
  const [first] = machines as [Machine]
  const work = async (): Promise<string> => {
    for (const machine of machines) await machine.start()
    const troubles = machines.map((machine) => machine.trouble(1 + world.random.integer(4)))
    const [{ kept, byWriter }] = await Promise.all([
      putAll(world, first),
      Promise.all(troubles),
      world.pass(30_000).then(() => world.calm()),
    ])
    const found = await takeAll(world, machines)
    assert.equal(new Set(found).size, found.length, `duplicated: ${doubles(found)}`)
    for (const name of kept) assert.ok(found.includes(name), `${name} is lost`)
    for (const name of found) assert.match(name, /^e\d+$/)
    for (const written of byWriter) {
      const own = new Set(written)
      const arrived = new Set(found)
      assert.deepEqual(
        found.filter((name) => own.has(name)),
        written.filter((name) => arrived.has(name)),
      )
    }
    const deaths = machines.map((machine) => machine.deaths).join()
    return `${kept.size} confirmed, ${found.length} found, deaths ${deaths}, ${machines.map((machine) => machine.operations)} operations, ${world.clock.elapsedMs} ms`
  }
  return world.clock.run(work(), LONGEST_RUN_MS)
}

const doubles = (names: readonly string[]): string =>
  [...new Set(names.filter((name, index) => names.indexOf(name) !== index))].join(' ')

/** A source driven by the test. */
class ManualSource {
  static processor: ChannelProcessor | undefined

  constructor(_config: unknown, { channels }: SourceContext) {
    ManualSource.processor = channels
  }
  async start(): Promise<void> {}
  async stop(): Promise<void> {}
}

/**
 * Puts each batch into three channels of a machine that crashes; all three must have the same
 * events.
 */
async function simulateFanOut(seed: number): Promise<string> {
  const world = new Simulation(seed, FAULTS)
  const names = ['c', 'd', 'e']
  const machine = new Machine(
    world,
    await defineAgent({
      name: 'a',
      sources: { s: { type: ManualSource, channels: names } },
      // One of them is full from time to time.
      channels: Object.fromEntries(
        names.map((name) => [
          name,
          { ...channelIn(`/${name}`), capacity: name === 'e' ? 200 : 10_000 },
        ]),
      ),
    }),
  )
  const kept = new Set<string>()
  const refused = new Set<string>()
  let next = 0
  const write = async (): Promise<void> => {
    while (next < EVENTS) {
      await world.pass(world.random.integer(200))
      const batch = Array.from({ length: 1 + world.random.integer(6) }, () => `e${next++}`)
      const outcome = await machine.attempt(async () => {
        await ManualSource.processor?.process(batch.map((name) => Event.text(name)))
      })
      if (outcome === 'died') continue
      for (const name of batch) (outcome === 'done' ? kept : refused).add(name)
    }
  }
  const work = async (): Promise<string> => {
    await machine.start()
    await Promise.all([
      Promise.all([write(), write(), write()]),
      machine.trouble(2 + world.random.integer(4)),
      world.pass(20_000).then(() => world.calm()),
    ])
    const found = await Promise.all(names.map((name) => contentsOf(machine.agent, name)))
    const [first = []] = found
    for (const other of found) assert.deepEqual(other, first)
    assert.equal(new Set(first).size, first.length, `duplicated: ${doubles(first)}`)
    for (const name of kept) assert.ok(first.includes(name), `${name} is lost`)
    for (const name of refused)
      assert.ok(!first.includes(name), `${name} was rejected, and is present`)
    return `${kept.size} confirmed, ${refused.size} rejected, ${first.length} found, ${machine.deaths} deaths, ${machine.operations} operations`
  }
  return world.clock.run(work(), LONGEST_RUN_MS)
}

async function contentsOf(agent: Agent | undefined, name: string): Promise<string[]> {
  const channel = agent?.channels.get(name)
  const found: string[] = []
  for (;;) {
    const taken = await channel?.take(20, { waitMs: 100 })
    if (taken === undefined) break
    found.push(...taken.events.map(({ body }) => body.toString()))
    await taken.commit()
  }
  assert.equal(channel?.size, 0)
  return found.sort()
}

const seeds = seedsToRun(10, 300)

describe('a chain of agents on machines that crash, over an unreliable network', () => {
  it(`loses and duplicates no event and keeps the order, with ${seeds.count} seeds from ${seeds.first} (SEEDS=FIRST+COUNT)`, () =>
    runSeeds(seeds, simulate))

  it('is identical for the same seed', async () => {
    assert.equal(await simulate(7), await simulate(7))
  })
})

describe('a source with three channels on a machine that crashes', () => {
  it(`puts each batch into all channels or none, with ${seeds.count} seeds from ${seeds.first} (SEEDS=FIRST+COUNT)`, () =>
    runSeeds(seeds, simulateFanOut))

  it('is identical for the same seed', async () => {
    assert.equal(await simulateFanOut(7), await simulateFanOut(7))
  })
})
