// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { SimulatedWorld } from '@millrace/testkit'
import { Event } from '../../event.ts'
import { serializerFactory } from '../../serialization/serializers.ts'
import { componentContext } from '../../testing/context.ts'
import { sleep } from '../../waiting.ts'
import { BucketingSink, type BucketStore } from './bucket-writer.ts'

/** Files in memory, durable with each part. `|` separates parts, `.` ends a closed file. */
class MemoryStore implements BucketStore {
  readonly isDurable = true
  readonly files = new Map<string, string>()
  /** Operations that fail: `open`, `append` or `close`, with the number of the operation. */
  readonly #failing: ReadonlySet<string>
  readonly #counts = new Map<string, number>()

  constructor(failing: readonly string[] = []) {
    this.#failing = new Set(failing)
  }

  #perform(operation: string): void {
    const count = (this.#counts.get(operation) ?? 0) + 1
    this.#counts.set(operation, count)
    if (this.#failing.has(`${operation} ${count}`)) throw new Error(`${operation} failed`)
  }

  async open(given: string) {
    this.#perform('open')
    // Names end with a number, which counts from the time at which the sink was created.
    const path = given.replace(/\.\d+$/, `#${this.files.size + 1}`)
    this.files.set(path, '')
    const add = (text: string): void => {
      this.files.set(path, this.files.get(path) + text)
    }
    return {
      append: async (part: Buffer) => {
        this.#perform('append')
        add(`${part.toString()}|`)
      },
      close: async () => {
        add('.')
        this.#perform('close')
      },
    }
  }
}

interface Row {
  readonly title: string
  readonly rules?: Readonly<Record<string, number>>
  readonly serializer?: string
  readonly failing?: readonly string[]
  /**
   * A batch in each text: bodies with their path in front, as `a/x`; a number is a time to wait, in
   * seconds. A batch with `!` must fail.
   */
  readonly steps: readonly (string | number)[]
  readonly files: Readonly<Record<string, string>>
}

const rows: readonly Row[] = [
  {
    title: 'a file gets the batches of its path',
    steps: ['a/x b/y a/z', 'a/w'],
    files: { 'a#1': 'xz|w|', 'b#2': 'y|' },
  },
  {
    title: 'a file has rollCount events at most',
    rules: { rollCount: 3 },
    steps: ['a/1 a/2', 'a/3 a/4 a/5 a/6 a/7'],
    files: { 'a#1': '12|3|.', 'a#2': '456|.', 'a#3': '7|' },
  },
  {
    title: 'a file is closed with the event that reaches rollSize',
    rules: { rollSize: 4 },
    steps: ['a/123 a/4567 a/8', 'a/90123'],
    files: { 'a#1': '1234567|.', 'a#2': '8|90123|.' },
  },
  {
    title: 'whichever of size and count is reached first counts',
    rules: { rollSize: 4, rollCount: 2 },
    steps: ['a/1 a/2 a/3456 a/7'],
    files: { 'a#1': '12|.', 'a#2': '3456|.', 'a#3': '7|' },
  },
  {
    title: 'a file is closed rollInterval seconds after it was opened',
    rules: { rollInterval: 10 },
    steps: ['a/1', 6, 'a/2', 3, 'a/3', 2, 'a/4'],
    files: { 'a#1': '1|2|3|.', 'a#2': '4|' },
  },
  {
    title: 'a file is closed idleTimeout seconds after its last event',
    rules: { idleTimeout: 10 },
    steps: ['a/1', 6, 'a/2', 6, 'a/3 b/x', 6, 'b/y', 6, 'a/4'],
    files: { 'a#1': '1|2|3|.', 'b#2': 'x|y|', 'a#3': '4|' },
  },
  {
    title: 'nothing is closed without a rule',
    steps: ['a/1', 1000, 'a/2'],
    files: { 'a#1': '1|2|' },
  },
  {
    title: 'the file that was used least recently makes room',
    rules: { maxOpenFiles: 2 },
    steps: ['a/1', 1, 'b/2', 1, 'a/3', 1, 'c/4', 1, 'b/5'],
    files: { 'a#1': '1|3|.', 'b#2': '2|.', 'c#3': '4|', 'b#4': '5|' },
  },
  {
    title: 'after a part that failed, the retry has another file',
    failing: ['append 2'],
    steps: ['a/1', '!a/2', 'a/2'],
    files: { 'a#1': '1|.', 'a#2': '2|' },
  },
  {
    title: 'a file that cannot be closed is replaced',
    rules: { rollCount: 1 },
    failing: ['close 1'],
    steps: ['!a/1', 'a/1'],
    files: { 'a#1': '1|.', 'a#2': '1|.' },
  },
  {
    title: 'a file that cannot be created fails its batch only',
    failing: ['open 1'],
    steps: ['!a/1', 'a/1'],
    files: { 'a#1': '1|' },
  },
  {
    title: 'a file whose head cannot be written is closed',
    serializer: 'AVRO_EVENT',
    failing: ['append 1'],
    steps: ['!a/1'],
    files: { 'a#1': '.' },
  },
]

describe('files of a bucketing sink:', () => {
  for (const { title, rules = {}, serializer = 'TEXT', failing = [], steps, files } of rows) {
    it(title, async () => {
      const simulation = new SimulatedWorld()
      const { world } = simulation.machine()
      const store = new MemoryStore(failing)
      const sink = new BucketingSink(
        {
          directory: '%{path}',
          filePrefix: '',
          fileSuffix: '',
          rollInterval: 0,
          rollSize: 0,
          rollCount: 0,
          idleTimeout: 0,
          maxOpenFiles: 10,
          batchSize: 100,
          codec: 'none',
          timeZone: undefined,
          rounding: undefined,
          usesLocalTime: false,
          newSerializer: serializerFactory(
            { type: serializer, custom: undefined },
            new Map(serializer === 'TEXT' ? [['appendNewline', 'false']] : []),
          ),
          ...rules,
        },
        store,
        componentContext('SINK', 'k', { world }),
      )
      const work = async (): Promise<void> => {
        await sink.start()
        for (const step of steps) {
          if (typeof step === 'number') await sleep(world.clock, step * 1000)
          else await deliver(sink, step)
        }
        const found = [...store.files].map(([path, text]) => [path.replace('/', ''), text])
        assert.deepEqual(Object.fromEntries(found), files)
        await sink.stop()
        for (const text of store.files.values()) assert.match(text, /\.$/, 'all are closed')
      }
      await simulation.clock.run(work(), 1e9)
    })
  }
})

async function deliver(sink: BucketingSink, batch: string): Promise<void> {
  const events = batch
    .replace('!', '')
    .split(' ')
    .map((text) => {
      const [path = '', body = ''] = text.split('/')
      return Event.text(body, { path })
    })
  const delivery = sink.process({ events } as unknown as Parameters<BucketingSink['process']>[0])
  if (batch.startsWith('!')) await assert.rejects(delivery, /failed/)
  else await delivery
}
