// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { type Connection, type Network, silentLogger, type World } from '@millrace/base'
import { SimulatedWorld } from '@millrace/testkit'
import type { Channel } from '../channel.ts'
import { fileChannel } from '../channels/file/file-channel-keys.ts'
import { memoryChannel } from '../channels/memory-channel.ts'
import { spillableMemoryChannel } from '../channels/spillable-memory-channel.ts'
import { Event } from '../event.ts'
import {
  AvroFramer,
  finishFrame,
  readCallStart,
  readHandshakeRequest,
  Status,
  startFrame,
  writeStatus,
} from '../rpc/avro-protocol.ts'
import { AvroReader, AvroWriter } from '../serialization/avro-event.ts'
import { SinkRunner } from '../sink-runner.ts'
import { avroSource } from '../sources/avro-source.ts'
import { componentContext, sourceContext } from '../testing/context.ts'
import { createComponent } from '../testing/create-component.ts'
import { sleep } from '../waiting.ts'
import { avroSink } from './avro-sink.ts'

const PORT = 4141
const NAMES = Array.from({ length: 60 }, (_, i) => `e${i}`)
const files = { dataDirs: '/data', checkpointDir: '/checkpoint', minimumRequiredSpace: 0 }

class Simulation extends SimulatedWorld {
  /** Delivers all events through an Avro sink, in batches of 5. */
  async sendAll(onRefused: (count: number) => void = () => {}): Promise<void> {
    const { world: machine } = this.machine()
    let refused = 0
    const connect: Network['connect'] = (options) =>
      machine.network.connect(options).catch((error: unknown) => {
        onRefused(++refused)
        throw error
      })
    const world = { ...machine, network: { ...machine.network, connect } }
    const channel = createComponent(memoryChannel, {}, componentContext('CHANNEL', 'c', { world }))
    const sink = createComponent(
      avroSink,
      { hostname: 'localhost', port: PORT, batchSize: 5 },
      componentContext('SINK', 'k', { world }),
    )
    const runner = new SinkRunner({
      name: 'k',
      channel,
      processor: sink,
      batchSize: sink.batchSize,
      world,
      logger: silentLogger,
    })
    await (await channel.put(NAMES.map((name) => Event.text(name)))).commit()
    runner.start()
    while (channel.size > 0) await sleep(world.clock, 20)
    await runner.stop(async () => {})
    await sink.stop?.()
  }
}

type Answer = 'ok' | 'failed' | 'close' | 'store and close'

/** A server as Flume's: it processes the calls of a connection concurrently. */
class FlumeServer {
  readonly stored: string[] = []
  readonly #world: World
  readonly #answers: readonly Answer[]
  #calls = 0
  mostConcurrent = 0

  constructor(world: World, answers: readonly Answer[]) {
    this.#world = world
    this.#answers = answers
  }

  async listen(): Promise<void> {
    await this.#world.network.listen({
      host: 'localhost',
      port: PORT,
      onConnection: (connection) => this.#accept(connection),
      onError: (error) => {
        throw error
      },
    })
  }

  #accept(connection: Connection): void {
    let isFirst = true
    let concurrent = 0
    const framer = new AvroFramer((serial, payload) => {
      const reader = new AvroReader(payload)
      const handshake = isFirst ? readHandshakeRequest(reader) : undefined
      isFirst = false
      assert.equal(readCallStart(reader).message, 'appendBatch')
      const names: string[] = []
      reader.blocks(() => names.push(reader.event().body.toString()))
      const answer = this.#answers[this.#calls++] ?? 'ok'
      concurrent++
      this.mostConcurrent = Math.max(this.mostConcurrent, concurrent)
      this.#world.clock.setTimer(1 + this.#world.random.integer(20), () => {
        concurrent--
        if (answer === 'ok' || answer === 'store and close') this.stored.push(...names)
        if (answer === 'close' || answer === 'store and close') {
          connection.destroy()
          return
        }
        const out = new AvroWriter()
        startFrame(out)
        handshake?.write(out)
        writeStatus(out, new Map(), answer === 'ok' ? Status.OK : Status.FAILED)
        connection.write([Buffer.from(finishFrame(out, serial))])
      })
    })
    connection.onData = (chunk) => framer.push(chunk)
    connection.onClose = () => {}
  }
}

/** Without repetitions: Flume stores a batch twice if its answer was lost. */
const firstOnly = (names: readonly string[]): string[] => [...new Set(names)]

describe('an Avro sink and a Flume server', () => {
  it('keeps the order when the server begins to listen after any number of attempts', async () => {
    for (let attempts = 1; attempts < 8; attempts++) {
      const simulation = new Simulation()
      const server = new FlumeServer(simulation.machine().world, [])
      const onRefused = (count: number): void => {
        if (count === attempts) void server.listen()
      }
      await simulation.clock.run(simulation.sendAll(onRefused), 60_000)
      assert.deepEqual(server.stored, NAMES, `after ${attempts} attempts`)
    }
  })

  for (const answer of ['failed', 'close', 'store and close'] as const) {
    it(`keeps the order when one call ends with: ${answer}`, async () => {
      for (let n = 0; n < 8; n++) {
        const simulation = new Simulation()
        const answers = [...Array<Answer>(n).fill('ok'), answer]
        const server = new FlumeServer(simulation.machine().world, answers)
        await server.listen()
        await simulation.clock.run(simulation.sendAll(), 60_000)
        assert.deepEqual(firstOnly(server.stored), NAMES, `call ${n}`)
        assert.equal(server.mostConcurrent, 1)
      }
    })
  }
})

const channels: Readonly<Record<string, (world: World) => Channel>> = {
  memory: (world) =>
    createComponent(
      memoryChannel,
      { capacity: 12, keepAlive: 0 },
      componentContext('CHANNEL', 'c', { world }),
    ),
  file: (world) =>
    createComponent(
      fileChannel,
      { ...files, capacity: 12, transactionCapacity: 10, keepAlive: 0 },
      componentContext('CHANNEL', 'c', { world }),
    ),
  SPILLABLEMEMORY: (world) =>
    createComponent(
      spillableMemoryChannel,
      {
        ...files,
        memoryCapacity: 6,
        overflowCapacity: 12,
        transactionCapacity: 10,
        keepAlive: 0,
        overflowTimeout: 0,
      },
      componentContext('CHANNEL', 'c', { world }),
    ),
}

describe('an Avro sink and a millrace source', () => {
  for (const [name, create] of Object.entries(channels)) {
    it(`keeps the order and stores once: channel ${name} is full, and its disk fails, now and then`, async () => {
      for (let failAtMs = 0; failAtMs < 120; failAtMs += 5) {
        const simulation = new Simulation()
        const { world, disk } = simulation.machine()
        const channel = create(world)
        const source = createComponent(
          avroSource,
          { bind: 'localhost', port: PORT },
          sourceContext(channel, { world }),
        )
        const found: string[] = []
        const takeAll = async (): Promise<void> => {
          while (found.length < NAMES.length) {
            await sleep(world.clock, world.random.integer(40))
            const taken = await channel.take(7, { waitMs: 100 })
            found.push(...(taken?.events ?? []).map(({ body }) => body.toString()))
            await taken?.commit()
          }
        }
        const work = async (): Promise<void> => {
          await channel.start?.()
          await source.start()
          world.clock.setTimer(failAtMs, () => {
            disk.failSyncs = true
          })
          world.clock.setTimer(failAtMs + 4, () => {
            disk.failSyncs = false
          })
          await Promise.all([simulation.sendAll(), takeAll()])
          await source.stop()
          await channel.stop?.()
        }
        await simulation.clock.run(work(), 600_000)
        assert.deepEqual(found, NAMES, `the disk fails after ${failAtMs} ms`)
      }
    })
  }
})
