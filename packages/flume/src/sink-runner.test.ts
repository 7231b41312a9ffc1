// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { silentLogger, type World } from '@millrace/base'
import { SimulatedWorld } from '@millrace/testkit'
import type { Channel } from './channel.ts'
import { fileChannel } from './channels/file/file-channel-keys.ts'
import { memoryChannel } from './channels/memory-channel.ts'
import { spillableMemoryChannel } from './channels/spillable-memory-channel.ts'
import type { Sink, SinkBatch, SinkOutcome } from './component.ts'
import { Event } from './event.ts'
import { SinkRunner } from './sink-runner.ts'
import { componentContext } from './testing/context.ts'
import { createComponent } from './testing/create-component.ts'
import { sleep } from './waiting.ts'

type Outcome = SinkOutcome | 'error'

/**
 * A sink of a receiver that stores batches one after another, each taking a while. Attempt number n
 * has the n-th outcome of the script; further ones are stored.
 */
class ScriptedSink implements Sink {
  readonly batchSize = 3
  readonly maxInFlight: number
  readonly stored: string[] = []
  readonly #world: World
  readonly #script: readonly Outcome[]
  #attempts = 0
  #isBroken = false
  #last: Promise<unknown> = Promise.resolve()

  constructor(maxInFlight: number, script: readonly Outcome[], world: World) {
    this.maxInFlight = maxInFlight
    this.#script = script
    this.#world = world
  }

  get attempts(): number {
    return this.#attempts
  }

  process(batch: SinkBatch): Promise<SinkOutcome> {
    if (batch.isFollowUp !== true) this.#isBroken = false
    const result = this.#last.then(() => this.#store(batch))
    this.#last = result.catch(() => {})
    return result
  }

  async #store({ events }: SinkBatch): Promise<SinkOutcome> {
    if (this.#isBroken) throw new Error('an earlier batch failed')
    const outcome = this.#script[this.#attempts++] ?? 'ready'
    await sleep(this.#world.clock, 10)
    if (outcome === 'ready' || outcome === 'backoff') {
      this.stored.push(...events.map(({ body }) => body.toString()))
      return outcome
    }
    this.#isBroken = true
    if (outcome === 'error') throw new Error('refused')
    return outcome
  }
}

const files = { dataDirs: '/data', checkpointDir: '/checkpoint', minimumRequiredSpace: 0 }
const channels: Readonly<Record<string, (world: World) => Channel>> = {
  memory: (world) =>
    createComponent(memoryChannel, {}, componentContext('CHANNEL', 'c', { world })),
  file: (world) =>
    createComponent(
      fileChannel,
      { ...files, transactionCapacity: 100 },
      componentContext('CHANNEL', 'c', { world }),
    ),
  'SPILLABLEMEMORY with 5 events in memory': (world) =>
    createComponent(
      spillableMemoryChannel,
      { ...files, memoryCapacity: 5, transactionCapacity: 100 },
      componentContext('CHANNEL', 'c', { world }),
    ),
}

const scripts: readonly (readonly Outcome[])[] = [
  [],
  ['error'],
  ['ready', 'error'],
  ['ready', 'ready', 'error'],
  ['ready', 'ready', 'ready', 'error'],
  ['error', 'error', 'error', 'ready', 'error'],
  ['rollback'],
  ['ready', 'rollback', 'rollback'],
  ['rollback-and-backoff', 'ready', 'rollback-and-backoff'],
  ['backoff', 'ready', 'backoff', 'error'],
]

/**
 * Sizes of puts, and when they happen: before the sink starts, or one every 4 ms while it works.
 */
const feeds = [
  { sizes: [30], everyMs: 0 },
  { sizes: Array<number>(30).fill(1), everyMs: 4 },
  { sizes: [2, 7, 1, 1, 1, 5, 3, 4, 6], everyMs: 4 },
]

describe('a sink runner keeps the order of its channel', () => {
  for (const [name, create] of Object.entries(channels)) {
    it(`channel ${name}: whichever batches fail, with 1 or 3 in flight`, async () => {
      for (const script of scripts) {
        for (const maxInFlight of [1, 3]) {
          for (const { sizes, everyMs } of feeds) {
            const simulation = new SimulatedWorld()
            const { world } = simulation.machine()
            const channel = create(world)
            const sink = new ScriptedSink(maxInFlight, script, world)
            const runner = new SinkRunner({
              name: 'k',
              channel,
              processor: sink,
              batchSize: sink.batchSize,
              world,
              logger: silentLogger,
            })
            const names = Array.from({ length: 30 }, (_, i) => `e${i}`)
            const work = async (): Promise<void> => {
              await channel.start?.()
              if (everyMs > 0) runner.start()
              let at = 0
              for (const size of sizes) {
                const events = names.slice(at, at + size).map((each) => Event.text(each))
                at += size
                await (await channel.put(events)).commit()
                if (everyMs > 0) await sleep(world.clock, everyMs)
              }
              if (everyMs === 0) runner.start()
              while (channel.size > 0) await sleep(world.clock, 50)
              await runner.stop(async () => {})
              await channel.stop?.()
            }
            await simulation.clock.run(work(), 60_000)
            assert.deepEqual(
              sink.stored,
              names,
              JSON.stringify({ script, maxInFlight, sizes, everyMs }),
            )
          }
        }
      }
    })
  }

  it('pauses twice as long after each failure, at most 5 s, and batches that fail together count once', async () => {
    const simulation = new SimulatedWorld()
    const { world } = simulation.machine()
    const channel = (channels.memory as (world: World) => Channel)(world)
    const script = Array<Outcome>(9).fill('error')
    const sink = new ScriptedSink(3, script, world)
    const pauses: unknown[] = []
    const logger = {
      ...silentLogger,
      warn: (_message: string, fields?: Record<string, unknown>) => pauses.push(fields?.retryInMs),
    }
    const runner = new SinkRunner({
      name: 'k',
      channel,
      processor: sink,
      batchSize: 1,
      world,
      logger,
    })
    const work = async (): Promise<void> => {
      await (await channel.put([Event.text('a'), Event.text('b'), Event.text('c')])).commit()
      runner.start()
      while (channel.size > 0) await sleep(world.clock, 50)
      await runner.stop(async () => {})
    }
    await simulation.clock.run(work(), 60_000)
    assert.deepEqual(sink.stored, ['a', 'b', 'c'])
    assert.deepEqual([...new Set(pauses)], [100, 200, 400, 800, 1600, 3200, 5000])
    assert.equal(sink.attempts, script.length + 3)
  })
})
