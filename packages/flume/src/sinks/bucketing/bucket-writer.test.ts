// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { silentLogger } from '@millrace/base'
import { SimulatedWorld } from '@millrace/testkit'
import { memoryChannel } from '../../channels/memory-channel.ts'
import { Event } from '../../event.ts'
import { serializerFactory } from '../../serialization/serializers.ts'
import { SinkRunner } from '../../sink-runner.ts'
import { componentContext } from '../../testing/context.ts'
import { createComponent } from '../../testing/create-component.ts'
import { sleep } from '../../waiting.ts'
import { BucketingSink, type BucketStore } from './bucket-writer.ts'

const NAMES = Array.from({ length: 48 }, (_, i) => `e${i}`)

type Operation = 'open' | 'append' | 'close'

/** A store of complete files whose n-th operation of a kind fails. */
class FailingStore implements BucketStore {
  readonly isDurable = false
  /** Lines by directory, in the order in which their files were completed. */
  readonly stored = new Map<string, string[]>()
  readonly #failing: Operation
  readonly #number: number
  readonly #pass: () => Promise<void>
  #count = 0

  constructor(failing: Operation, number: number, pass: () => Promise<void>) {
    this.#failing = failing
    this.#number = number
    this.#pass = pass
  }

  async #perform(operation: Operation): Promise<void> {
    await this.#pass()
    if (operation === this.#failing && this.#count++ === this.#number) {
      throw new Error(`${operation} failed`)
    }
  }

  async open(path: string) {
    await this.#perform('open')
    const parts: Buffer[] = []
    const directory = path.slice(0, path.lastIndexOf('/'))
    return {
      append: async (part: Buffer) => {
        await this.#perform('append')
        parts.push(part)
      },
      close: async () => {
        await this.#perform('close')
        const lines = Buffer.concat(parts).toString().trim().split('\n')
        const before = this.stored.get(directory) ?? []
        this.stored.set(directory, [...before, ...lines])
      },
    }
  }
}

describe('a bucketing sink with a store of complete files', () => {
  for (const failing of ['open', 'append', 'close'] as const) {
    it(`keeps the order of each path when any one ${failing} fails`, async () => {
      for (let number = 0; number < 12; number++) {
        const simulation = new SimulatedWorld()
        const { world } = simulation.machine()
        const store = new FailingStore(failing, number, () => sleep(world.clock, 2))
        const sink = new BucketingSink(
          {
            directory: '/%{kind}',
            filePrefix: 'f',
            fileSuffix: '',
            rollInterval: 1,
            rollSize: 0,
            rollCount: 5,
            idleTimeout: 0,
            maxOpenFiles: 10,
            batchSize: 4,
            codec: 'none',
            timeZone: undefined,
            rounding: undefined,
            usesLocalTime: false,
            newSerializer: serializerFactory({ type: 'TEXT' } as never, new Map()),
          },
          store,
          componentContext('SINK', 'k', { world }),
        )
        const channel = createComponent(
          memoryChannel,
          {},
          componentContext('CHANNEL', 'c', { world }),
        )
        const runner = new SinkRunner({
          name: 'k',
          channel,
          processor: sink,
          batchSize: sink.batchSize,
          world,
          logger: silentLogger,
        })
        const kindOf = (name: string): string => (Number(name.slice(1)) % 3 === 0 ? 'a' : 'b')
        const work = async (): Promise<void> => {
          await sink.start()
          runner.start()
          for (const name of NAMES) {
            await (await channel.put([Event.text(name, { kind: kindOf(name) })])).commit()
            await sleep(world.clock, 3)
          }
          while (channel.size > 0) await sleep(world.clock, 100)
          await runner.stop(() => sink.flush())
          await sink.stop()
        }
        await simulation.clock.run(work(), 60_000)
        for (const kind of ['a', 'b']) {
          // A batch with files of both paths may be stored twice in the one that was complete.
          const found = [...new Set(store.stored.get(`/${kind}`))]
          const expected = NAMES.filter((name) => kindOf(name) === kind)
          assert.deepEqual(found, expected, `${failing} ${number}, path ${kind}`)
        }
      }
    })
  }
})
