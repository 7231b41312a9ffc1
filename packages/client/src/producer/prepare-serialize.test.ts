// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { ProduceRequest, RecordBatch } from '@millrace/protocol'
import { decodeRecords } from '../consumer/consumer-record.ts'
import { bytes, type Serde, type SerializerContext, string } from '../serde/serde.ts'
import { schema } from '../serde/standard-schema.ts'
import { topic } from '../serde/topic.ts'
import { ProduceScript } from '../testing/produce-script.ts'
import { Producer } from './producer.ts'
import type { ProducerOptions } from './producer-options.ts'

const plain = { key: bytes(), value: bytes() }

class Bench extends ProduceScript {
  readonly calls: string[] = []
  readonly test: Producer<string, string>

  constructor(options: Partial<ProducerOptions> = {}) {
    super()
    this.test = new Producer<string, string>({
      ...this.options,
      lingerMs: 0,
      ...options,
      serializers: { key: string(), value: this.serde },
    })
  }

  /**
   * `a` is prepared at once, `a after 20` after 20 ms, `a fails 20` never, `a throws` throws, `a
   * hangs` is never answered.
   */
  get serde(): Serde<string> {
    const prepare = (value: string, { headers }: SerializerContext): Promise<void> | undefined => {
      const [, what = '', ms = ''] = /^\w+ ?(\w*) ?(\d*)$/.exec(value) ?? []
      headers.set('prepared', value)
      if (what === '') return undefined
      if (what === 'throws') throw new Error('thrown')
      return new Promise((resolve, reject) => {
        if (what === 'hangs') return
        const end = what === 'after' ? resolve : () => reject(new Error('no such schema'))
        this.timer(Number(ms), () => end(undefined))
      })
    }
    return {
      prepareSerialize: prepare,
      serialize: (value, { headers }) => {
        assert.equal(String(headers.get('prepared')), value)
        headers.set('id', '7')
        if (value.startsWith('unserializable')) throw new Error('not this one')
        return value.split(' ')[0] as string
      },
      deserialize: (data) => data.toString(),
    }
  }

  /** Values in the order in which the broker received them, by partition. */
  get written(): string {
    const lists = new Map<number, string[]>()
    for (const { message } of this.requests(ProduceRequest)) {
      for (const { partitionData } of message.topicData) {
        for (const { index, records } of partitionData) {
          const batch = new RecordBatch(records ?? Buffer.alloc(0))
          const options = { topic: 't', partition: index, from: 0n, deserializers: plain }
          const values = decodeRecords(batch, options).map(({ value }) => String(value))
          lists.set(index, [...(lists.get(index) ?? []), ...values])
        }
      }
    }
    return [...lists.values()].map((values) => values.join(' ')).join('; ')
  }

  /** Sends each value on its own, or those of a list together; returns the outcomes. */
  async outcomes(
    sends: readonly (string | readonly string[])[],
    options: { readonly signal?: AbortSignal; readonly atomic?: boolean } = {},
  ): Promise<string[]> {
    const record = (value: string) => ({ topic: 't', partition: 0, value })
    const all = sends.map((each) => {
      const sent =
        typeof each === 'string'
          ? this.test.send(record(each), options)
          : this.test.send(each.map(record), options)
      return sent.then(
        () => 'sent',
        (error: Error & { code: string }) => {
          const cause = error.cause instanceof Error ? ` ${error.cause.message}` : ''
          return `${error.code}${cause}`
        },
      )
    })
    return await this.run(Promise.all(all))
  }
}

const missing = 'MILLRACE_SERDE no such schema'

describe('records whose serializers prepare first', () => {
  const cells: readonly {
    readonly rule: string
    readonly sends: readonly (string | readonly string[])[]
    readonly atomic?: boolean
    readonly outcomes: readonly string[]
    readonly written: string
  }[] = [
    {
      rule: 'nothing waits if all is at hand',
      sends: ['a', 'b'],
      outcomes: ['sent', 'sent'],
      written: 'a b',
    },
    {
      rule: 'later records wait behind a record that waits, whether they are prepared or not',
      sends: ['a', 'b after 50', 'c', 'd after 20', 'e'],
      outcomes: ['sent', 'sent', 'sent', 'sent', 'sent'],
      written: 'a b c d e',
    },
    {
      rule: 'an error fails its record only',
      sends: ['a', 'b fails 50', 'c', 'd fails 20', 'e after 70'],
      outcomes: ['sent', missing, 'sent', missing, 'sent'],
      written: 'a c e',
    },
    {
      rule: 'an exception is an error',
      sends: ['a', 'b throws', 'c'],
      outcomes: ['sent', 'MILLRACE_SERDE thrown', 'sent'],
      written: 'a c',
    },
    {
      rule: 'a record that is not serializable after all fails alone',
      sends: ['a', 'unserializable after 10', 'unserializable', 'c'],
      outcomes: ['sent', 'MILLRACE_SERDE not this one', 'MILLRACE_SERDE not this one', 'sent'],
      written: 'a c',
    },
    {
      rule: 'the records of one call are sent all or none',
      sends: [
        ['a', 'b after 50', 'c'],
        ['d', 'e fails 10', 'f'],
        ['g after 1', 'unserializable'],
        'h',
      ],
      outcomes: ['sent', missing, 'MILLRACE_SERDE not this one', 'sent'],
      written: 'a b c h',
    },
    {
      rule: 'atomic calls, too',
      sends: [
        ['a', 'b after 50'],
        ['c', 'd fails 10'],
      ],
      atomic: true,
      outcomes: ['sent', missing],
      written: 'a b',
    },
    {
      rule: 'a wait ends after deliveryTimeoutMs, and the next record is sent',
      sends: ['a hangs', 'b'],
      outcomes: ['MILLRACE_DELIVERY_TIMEOUT', 'sent'],
      written: 'b',
    },
    {
      rule: 'the wait of an atomic call ends, too',
      sends: [['a hangs', 'b']],
      atomic: true,
      outcomes: ['MILLRACE_DELIVERY_TIMEOUT'],
      written: '',
    },
  ]
  for (const { rule, sends, outcomes, written, atomic = false } of cells) {
    for (const isKnown of [false, true]) {
      it(`${rule}; metadata ${isKnown ? 'known' : 'unknown'}`, async () => {
        const bench = new Bench({ deliveryTimeoutMs: 5000, requestTimeoutMs: 1000 })
        if (isKnown) await bench.run(bench.test.partitionsFor('t'))
        assert.deepEqual(await bench.outcomes(sends, { atomic }), outcomes)
        assert.equal(bench.written, written)
        await bench.run(bench.test.close())
      })
    }
  }

  it('an aborted record leaves the queue, and the next one is sent', async () => {
    const bench = new Bench()
    const abort = new AbortController()
    bench.timer(100, () => abort.abort())
    const aborted = bench.outcomes(['a hangs'], { signal: abort.signal })
    const others = bench.outcomes(['b', 'c after 1'])
    assert.deepEqual(await aborted, ['ABORT_ERR This operation was aborted'])
    assert.deepEqual(await others, ['sent', 'sent'])
    assert.equal(bench.written, 'b c')
    assert.ok(bench.nowMs < 1000)
  })

  it('flush and close wait for records that are prepared', async () => {
    const bench = new Bench()
    const outcomes = bench.outcomes(['a after 500', 'b'])
    await bench.run(bench.test.close())
    assert.deepEqual(await outcomes, ['sent', 'sent'])
    assert.equal(bench.written, 'a b')
  })

  for (const atomic of [false, true]) {
    it(`close with a time limit fails them${atomic ? ', atomic calls too' : ''}`, async () => {
      const bench = new Bench()
      const outcomes = bench.outcomes([['a hangs'], ['b hangs']], { atomic })
      await bench.run(bench.test.close({ timeoutMs: 100 }))
      assert.deepEqual(await outcomes, ['MILLRACE_CLOSED', 'MILLRACE_CLOSED'])
      assert.ok(bench.nowMs < 1000)
    })
  }

  it('headers that serializers set follow those given, and replace their namesakes', async () => {
    const bench = new Bench()
    const headers = { id: 'old', trace: 'x' }
    for (const value of ['a', 'b after 10']) {
      await bench.run(bench.test.send({ topic: 't', partition: 0, value, headers }))
      const records = bench.requests(ProduceRequest).at(-1)?.message.topicData[0]?.partitionData[0]
      const batch = new RecordBatch(records?.records ?? Buffer.alloc(0))
      const options = { topic: 't', partition: 0, from: 0n, deserializers: plain }
      const sent = decodeRecords(batch, options)[0]?.headers.map(
        (each) => `${each.key}=${each.value}`,
      )
      assert.deepEqual(sent, ['trace=x', `prepared=${value}`, 'id=7'])
    }
    assert.deepEqual(headers, { id: 'old', trace: 'x' })
  })

  it('typed topics and schemas pass it on', async () => {
    const bench = new Bench()
    const any = {
      '~standard': { version: 1, vendor: 'test', validate: (value: unknown) => ({ value }) },
    }
    const typed = topic('t', {
      key: string(),
      value: schema(any as never, bench.serde as Serde<unknown>),
    })
    const sent = [
      bench.test.send(typed, { partition: 0, value: 'a after 50' as never }),
      bench.test.send(typed, { partition: 0, value: 'b' as never }),
    ]
    await bench.run(Promise.all(sent))
    assert.equal(bench.written, 'a b')
  })

  it('an error fails the transaction of its record', async () => {
    const bench = new Bench({ transactionalId: 'x' })
    const failure = bench.failure(
      bench.test.transaction(async ({ send }) => {
        void send({ topic: 't', partition: 0, value: 'a fails 10' })
      }),
    )
    assert.equal((await failure).code, 'MILLRACE_SERDE')
  })
})
