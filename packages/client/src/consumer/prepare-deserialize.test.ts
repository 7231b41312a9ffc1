// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { buildBatch } from '@millrace/protocol'
import { bytes, type Deserializer } from '../serde/serde.ts'
import { FetchScript } from '../testing/fetch-script.ts'
import { Consumer } from './consumer.ts'
import type { ConsumerOptions } from './consumer-options.ts'
import type { ConsumerRecord } from './consumer-record.ts'

type TestRecord = ConsumerRecord<Buffer, string>

/** What `prepareDeserialize` does for an offset; at once by default. */
type Preparations = Readonly<Record<number, 'throws' | 'hangs' | 'fails' | number>>

class Bench extends FetchScript {
  readonly calls: number[] = []
  readonly consumer: Consumer<ConsumerOptions & { deserializers: never }>
  mostAtOnce = 0
  #atOnce = 0
  readonly #preparations: Preparations

  constructor(preparations: Preparations, count = 20) {
    super()
    this.#preparations = preparations
    this.ends.set('t-0', count)
    this.consumer = new Consumer({
      ...this.options,
      deserializers: { key: bytes(), value: this.#value } as never,
    })
    this.consumer.assign([{ topic: 't', partition: 0 }])
    this.consumer.seek({ topic: 't', partition: 0 }, 0n)
  }

  get #value(): Deserializer<string> {
    return {
      prepareDeserialize: (data) => {
        const offset = Number(data.toString())
        this.calls.push(offset)
        const what = this.#preparations[offset]
        if (what === undefined) return undefined
        if (what === 'throws') throw new Error('thrown')
        this.mostAtOnce = Math.max(this.mostAtOnce, ++this.#atOnce)
        return new Promise((resolve, reject) => {
          if (what === 'hangs') return
          this.timer(what === 'fails' ? 10 : what, () => {
            this.#atOnce--
            if (what === 'fails') reject(new Error('no such schema'))
            else resolve()
          })
        })
      },
      deserialize: (data) => `v${data}`,
    }
  }

  /** The value of a record, or the code and cause of the error of reading it. */
  static textOf(record: TestRecord): string {
    try {
      return String(record.value)
    } catch (error) {
      const { code, cause } = error as Error & { code: string }
      return `${code} ${(cause as Error).message}`
    }
  }
}

/** The ways to read: values of the first `count` records. */
const ways: Readonly<Record<string, (bench: Bench, count: number) => Promise<string[]>>> = {
  async poll({ consumer }, count) {
    const values: string[] = []
    while (values.length < count) {
      const records = (await consumer.poll(5000)) as unknown as TestRecord[]
      values.push(...records.map(Bench.textOf))
    }
    return values
  },
  async 'for await'({ consumer }, count) {
    const values: string[] = []
    for await (const record of consumer) {
      values.push(Bench.textOf(record as unknown as TestRecord))
      if (values.length === count) break
    }
    return values
  },
  async partitions({ consumer }, count) {
    const values: string[] = []
    for await (const partition of consumer.partitions()) {
      for await (const record of partition) {
        values.push(Bench.textOf(record as unknown as TestRecord))
        if (values.length === count) break
      }
      break
    }
    return values
  },
  async 'run, by record'({ consumer }, count) {
    const values: string[] = []
    const end = new AbortController()
    await consumer.run({
      signal: end.signal,
      eachRecord: (record) => {
        values.push(Bench.textOf(record as unknown as TestRecord))
        if (values.length === count) end.abort()
      },
    })
    return values
  },
  async 'run, in any order'({ consumer }, count) {
    const values: string[] = []
    const end = new AbortController()
    await consumer.run({
      signal: end.signal,
      concurrency: 4,
      ordering: 'none',
      eachRecord: (record) => {
        values.push(Bench.textOf(record as unknown as TestRecord))
        if (values.length === count) end.abort()
      },
    })
    return values
  },
  async 'run, by batch'({ consumer }, count) {
    const values: string[] = []
    const end = new AbortController()
    await consumer.run({
      signal: end.signal,
      eachBatch: (records) => {
        values.push(...(records as unknown as TestRecord[]).map(Bench.textOf))
        if (values.length >= count) end.abort()
      },
    })
    return values
  },
}

const cells: readonly {
  readonly rule: string
  readonly preparations: Preparations
  /** Values other than `v<offset>`, by offset. */
  readonly errors?: Readonly<Record<number, string>>
}[] = [
  { rule: 'nothing waits', preparations: {} },
  { rule: 'records wait for one of their batch', preparations: { 3: 500, 12: 20 } },
  {
    rule: 'an error is thrown by its record only',
    preparations: { 0: 'fails', 4: 100, 5: 'fails', 11: 'throws', 19: 'fails' },
    errors: {
      0: 'MILLRACE_SERDE no such schema',
      5: 'MILLRACE_SERDE no such schema',
      11: 'MILLRACE_SERDE thrown',
      19: 'MILLRACE_SERDE no such schema',
    },
  },
]

for (const [way, read] of Object.entries(ways)) {
  describe(`deserializers that prepare first: ${way}`, () => {
    for (const { rule, preparations, errors = {} } of cells) {
      it(rule, async () => {
        const bench = new Bench(preparations)
        const expected = Array.from({ length: 20 }, (_, i) => errors[i] ?? `v${i}`)
        assert.deepEqual(await bench.run(read(bench, 20)), expected)
        assert.deepEqual(
          [...new Set(bench.calls)],
          expected.map((_, i) => i),
        )
        await bench.run(bench.consumer.close())
      })
    }

    it('close interrupts the wait', async () => {
      const bench = new Bench({ 0: 'hangs' })
      const ended = read(bench, 1).then(
        (values) => values.join(),
        ({ code }: { code: string }) => code,
      )
      await bench.pass(1000)
      await bench.run(bench.consumer.close())
      const outcome = await bench.run(ended)
      assert.equal(outcome, way === 'poll' ? 'MILLRACE_CLOSED' : '')
      assert.ok(bench.nowMs < 5000)
    })
  })
}

describe('a wait for deserializers', () => {
  it('ends with the time of poll, and the records follow', async () => {
    const bench = new Bench({ 0: 2000 }, 10)
    assert.equal((await bench.run(bench.consumer.poll(500))).length, 0)
    assert.equal((await bench.run(bench.consumer.poll(0))).length, 0)
    assert.equal((await bench.run(bench.consumer.poll(5000))).length, 10)
    assert.deepEqual(bench.calls, [0, 1, 2, 3, 4, 5, 6, 7, 8, 9])
    await bench.run(bench.consumer.close())
  })

  it('ends with the signal of poll', async () => {
    const bench = new Bench({ 0: 'hangs' })
    const abort = new AbortController()
    bench.timer(100, () => abort.abort())
    const error = await bench.failure(bench.consumer.poll(60_000, { signal: abort.signal }))
    assert.equal(error.code, 'ABORT_ERR')
    assert.ok(bench.nowMs < 1000)
    await bench.run(bench.consumer.close())
  })

  it('ends with a seek, whose records are read', async () => {
    const bench = new Bench({ 0: 'hangs', 1: 3000 })
    assert.equal((await bench.run(bench.consumer.poll(500))).length, 0)
    bench.consumer.seek({ topic: 't', partition: 0 }, 10n)
    const records = await bench.run(bench.consumer.poll(1000))
    assert.deepEqual(
      records.map(({ offset }) => Number(offset)),
      [10, 11, 12, 13, 14, 15, 16, 17, 18, 19],
    )
    await bench.pass(5000)
    assert.equal((await bench.run(bench.consumer.poll(100))).length, 0)
    await bench.run(bench.consumer.close())
  })

  it('does not commit the records that wait', async () => {
    const bench = new Bench({ 10: 'hangs' })
    assert.equal((await bench.run(bench.consumer.poll(1000))).length, 10)
    assert.equal((await bench.run(bench.consumer.poll(1000))).length, 0)
    assert.equal(await bench.run(bench.consumer.position({ topic: 't', partition: 0 })), 10n)
    await bench.run(bench.consumer.close())
  })

  it('prepares 16 records at a time', async () => {
    const count = 100
    const bench = new Bench(Object.fromEntries(Array.from({ length: count }, (_, i) => [i, 10])), 0)
    const records = Array.from({ length: count }, (_, i) => ({
      timestamp: 0n,
      key: null,
      value: Buffer.from(String(i)),
    }))
    bench.ends.set('t-0', count)
    bench.fetchSteps('t-0', {
      records: buildBatch(records, { baseOffset: 0n, partitionLeaderEpoch: 0 }),
    })
    assert.equal((await bench.run(bench.consumer.poll(5000))).length, count)
    assert.equal(bench.mostAtOnce, 16)
    await bench.run(bench.consumer.close())
  })

  it('shows headers to deserializers', async () => {
    const bench = new FetchScript()
    const headers = [
      { key: 'id', value: Buffer.from('old') },
      { key: 'id', value: Buffer.from('7') },
      { key: 'none', value: null },
    ]
    const batch = buildBatch(
      [{ timestamp: 0n, key: Buffer.from('k'), value: Buffer.from('v'), headers }],
      { baseOffset: 0n, partitionLeaderEpoch: 0 },
    )
    bench.ends.set('t-0', 1)
    bench.fetchSteps('t-0', { records: batch })
    const seen: string[] = []
    const deserializer: Deserializer<string> = {
      prepareDeserialize: (_data, { topic, part, headers }) => {
        seen.push(
          `${topic} ${part} ${headers.get('id')} ${headers.get('none')} ${headers.get('x')}`,
        )
        return undefined
      },
      deserialize: (_data, { headers }) => `${headers.get('id')}`,
    }
    const consumer = new Consumer({
      ...bench.options,
      deserializers: { key: deserializer, value: deserializer },
    })
    consumer.assign([{ topic: 't', partition: 0 }])
    consumer.seek({ topic: 't', partition: 0 }, 0n)
    const [record] = await bench.run(consumer.poll(1000))
    assert.deepEqual([record?.key, record?.value], ['7', '7'])
    assert.deepEqual(seen, ['t key 7 null undefined', 't value 7 null undefined'])
    await bench.run(consumer.close())
  })
})
