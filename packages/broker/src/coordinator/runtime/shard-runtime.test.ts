// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { type Clock, nodeWorld, silentLogger, type Timer } from '@millrace/base'
import { readRecords } from '@millrace/protocol'
import { START_MS, TestLog } from '../../log/testing/test-log.ts'
import { Effects } from './effects.ts'
import { type Shard, ShardRuntime } from './shard-runtime.ts'

/** A clock whose timers run when the test lets them. */
class ManualClock implements Clock {
  nowMs = START_MS
  readonly #timers: { dueMs: number; run: () => void }[] = []

  now(): number {
    return this.nowMs
  }

  monotonic(): number {
    return this.nowMs
  }

  yield(): Promise<void> {
    return nodeWorld.clock.yield()
  }

  setTimer(delayMs: number, run: () => void): Timer {
    const timer = { dueMs: this.nowMs + delayMs, run }
    this.#timers.push(timer)
    return { cancel: () => this.#remove(timer) }
  }

  #remove(timer: { dueMs: number; run: () => void }): void {
    const at = this.#timers.indexOf(timer)
    if (at >= 0) this.#timers.splice(at, 1)
  }

  get pendingMs(): number[] {
    return this.#timers.map(({ dueMs }) => dueMs - START_MS).sort((a, b) => a - b)
  }

  async pass(ms: number): Promise<void> {
    this.nowMs += ms
    for (const timer of this.#timers.filter(({ dueMs }) => dueMs <= this.nowMs)) {
      this.#remove(timer)
      timer.run()
    }
    await new Promise((resolve) => setImmediate(resolve))
  }
}

/** The state is a list of words; a word is a record, and a timer adds one. */
class Words implements Shard<string, string, string> {
  readonly words: string[] = []
  readonly #open = new Map<bigint, string[]>()

  apply(word: string, _nowMs: number, producerId?: bigint): void {
    if (word === 'poison') throw new Error('cannot apply')
    if (producerId === undefined) this.words.push(word)
    else this.#open.set(producerId, [...(this.#open.get(producerId) ?? []), word])
  }

  endTransaction(producerId: bigint, isCommitted: boolean): void {
    if (isCommitted) this.words.push(...(this.#open.get(producerId) ?? []))
    this.#open.delete(producerId)
  }

  restore(nowMs: number): Effects<string, string> {
    const fx = new Effects<string, string>()
    if (this.words.includes('remind')) fx.setTimer('reminder', nowMs + 50, 'reminded')
    return fx
  }

  expire(word: string): Effects<string, string> {
    return effects(word)
  }
}

function effects(...words: readonly string[]): Effects<string, string> {
  const fx = new Effects<string, string>()
  fx.records.push(...words)
  return fx
}

class Bench {
  readonly clock = new ManualClock()
  readonly log: TestLog
  readonly durable: string[] = []
  readonly runtime: ShardRuntime<string, string, string, Words>

  constructor(log = new TestLog({}, { durable: false })) {
    this.log = log
    this.runtime = new ShardRuntime({
      newShard: () => new Words(),
      serde: {
        encode: (word) => ({ key: Buffer.from('word'), value: Buffer.from(word) }),
        decode: (_key, value) => {
          if (value === null) throw new Error('no word')
          return value.toString()
        },
      },
      log: log.log,
      leaderEpoch: () => 0,
      clock: this.clock,
      logger: silentLogger,
      onDurable: (records) => this.durable.push(...records),
    })
  }

  get words(): string {
    return this.runtime.shard.words.join(' ')
  }

  run(fx: Effects<string, string>): Promise<string> {
    return this.runtime.run(() => ({ fx, result: 'done' }))
  }

  /** Another runtime over the same log, as after a restart. */
  restart(): Bench {
    this.runtime.close()
    return new Bench(this.log)
  }
}

describe('a step of a shard', () => {
  it('appends its records, applies them, and then returns', async () => {
    const bench = new Bench()
    assert.equal(await bench.run(effects('a', 'b')), 'done')
    assert.equal(bench.words, 'a b')
    assert.deepEqual(bench.log.records, ['0:a', '1:b'])
    assert.deepEqual(bench.durable, ['a', 'b'])
  })

  it('without records writes nothing', async () => {
    const bench = new Bench()
    assert.equal(await bench.run(effects()), 'done')
    assert.deepEqual(bench.log.records, [])
    assert.deepEqual(bench.durable, [])
  })

  it('replies to an earlier request when its own records are durable', async () => {
    const bench = new Bench()
    const { token, reply } = bench.runtime.expectReply<string>()
    const fx = effects('a')
    fx.reply(token, 'answer')
    let settled = ''
    void reply.then((text) => {
      settled = text
    })
    const done = bench.run(fx)
    assert.equal(settled, '')
    await done
    assert.equal(await reply, 'answer')
  })

  it('splits a large decision into batches', async () => {
    const bench = new Bench()
    const large = 'x'.repeat(300_000)
    await bench.run(effects(large, large, large))
    const counts = [...bench.log.log.batches(0n)].map((batch) => readRecords(batch).length)
    assert.deepEqual(counts, [2, 1])
    assert.equal(bench.runtime.shard.words.length, 3)
  })
})

describe('after a restart', () => {
  it('the state is that of the log', async () => {
    const bench = new Bench()
    await bench.run(effects('a', 'b'))
    assert.equal(bench.restart().words, 'a b')
  })

  it('records that cannot be read or applied are skipped', async () => {
    const log = new TestLog({}, { durable: false })
    log.append({ key: 'word', value: 'a' }, 'no key', { key: 'word', value: null })
    log.append({ key: 'word', value: 'poison' }, { key: 'word', value: 'b' })
    assert.equal(new Bench(log).words, 'a b')
  })

  it('timers follow from the state', async () => {
    const bench = new Bench()
    await bench.run(effects('remind'))
    assert.deepEqual(bench.clock.pendingMs, [])
    const restarted = bench.restart()
    assert.deepEqual(restarted.clock.pendingMs, [50])
    await restarted.clock.pass(50)
    assert.equal(restarted.words, 'remind reminded')
  })
})

describe('a timer', () => {
  type Change = (fx: Effects<string, string>) => void
  const cells: readonly (readonly [what: string, changes: readonly Change[], dueMs: string])[] = [
    ['is set', [(fx) => fx.setTimer('k', START_MS + 10, 'x')], '10'],
    [
      'is replaced by one with its key',
      [(fx) => fx.setTimer('k', START_MS + 10, 'x'), (fx) => fx.setTimer('k', START_MS + 20, 'x')],
      '20',
    ],
    [
      'is kept by one that is set only if absent',
      [
        (fx) => fx.setTimer('k', START_MS + 10, 'x'),
        (fx) => fx.setTimerIfAbsent('k', START_MS + 20, 'x'),
      ],
      '10',
    ],
    ['is set if absent', [(fx) => fx.setTimerIfAbsent('k', START_MS + 20, 'x')], '20'],
    [
      'leaves those with other keys',
      [(fx) => fx.setTimer('k', START_MS + 10, 'x'), (fx) => fx.setTimer('l', START_MS + 20, 'x')],
      '10 20',
    ],
    [
      'is cancelled by its key',
      [
        (fx) => fx.setTimer('k', START_MS + 10, 'x'),
        (fx) => fx.setTimer('l', START_MS + 20, 'x'),
        (fx) => fx.cancelTimer('k'),
      ],
      '20',
    ],
  ]
  for (const [what, changes, dueMs] of cells) {
    it(`${what}: ${dueMs}`, async () => {
      const bench = new Bench()
      for (const change of changes) {
        const fx = effects()
        change(fx)
        await bench.run(fx)
      }
      assert.equal(bench.clock.pendingMs.join(' '), dueMs)
    })
  }

  it('runs a step once', async () => {
    const bench = new Bench()
    const fx = effects()
    fx.setTimer('k', START_MS + 10, 'late')
    await bench.run(fx)
    await bench.clock.pass(9)
    assert.equal(bench.words, '')
    await bench.clock.pass(1)
    await bench.clock.pass(10)
    assert.equal(bench.words, 'late')
    assert.deepEqual(bench.durable, ['late'])
  })
})

describe('records of a transaction', () => {
  for (const isCommitted of [true, false]) {
    it(`${isCommitted ? 'count after a commit' : 'are dropped by an abort'}, live and replayed`, async () => {
      const bench = new Bench()
      const fx = effects('sent')
      fx.producer = { producerId: 7n, producerEpoch: 0 }
      await bench.run(fx)
      await bench.run(effects('other'))
      assert.equal(bench.words, 'other')
      await bench.runtime.endTransaction({
        producerId: 7n,
        producerEpoch: 0,
        coordinatorEpoch: 0,
        isCommitted,
        transactionVersion: 1,
      })
      const expected = isCommitted ? 'other sent' : 'other'
      assert.equal(bench.words, expected)
      assert.equal(bench.restart().words, expected)
    })
  }
})

describe('when the log cannot be written', () => {
  it('the step and all waiting requests fail, and the state is that of the log', async () => {
    const bench = new Bench()
    const timer = effects('a')
    timer.setTimer('k', START_MS + 10, 'late')
    await bench.run(timer)
    const { reply } = bench.runtime.expectReply()
    const refused = assert.rejects(reply, { code: 'COORDINATOR_NOT_AVAILABLE' })
    bench.log.disk.faultOf = ({ kind }) => (kind === 'write' ? 'EIO' : undefined)
    await assert.rejects(bench.run(effects('lost')), { code: 'KAFKA_STORAGE_ERROR' })
    await refused
    bench.log.disk.faultOf = () => undefined
    assert.equal(bench.words, 'a')
    assert.deepEqual(bench.durable, ['a'])
    assert.deepEqual(bench.clock.pendingMs, [], 'timers of the state that was dropped')
  })
})

describe('when the log cannot be made durable', () => {
  it('the step fails: no reply is sent', async () => {
    const log = new TestLog()
    const bench = new Bench(log)
    const first = bench.run(effects('first'))
    await log.log.flush()
    await first
    log.disk.faultOf = ({ kind }) => (kind === 'sync' ? 'EIO' : undefined)
    const { token, reply } = bench.runtime.expectReply()
    const refused = assert.rejects(reply, { code: 'COORDINATOR_NOT_AVAILABLE' })
    const fx = effects('a')
    fx.reply(token, 'answer')
    const failed = assert.rejects(bench.run(fx), { code: 'KAFKA_STORAGE_ERROR' })
    log.log.flush().catch(() => {})
    await failed
    await refused
    assert.deepEqual(bench.durable, ['first'])
  })
})

describe('when a marker cannot be written', () => {
  it('the transaction stays open', async () => {
    const bench = new Bench()
    const fx = effects('sent')
    fx.producer = { producerId: 7n, producerEpoch: 0 }
    await bench.run(fx)
    const marker = {
      producerId: 7n,
      producerEpoch: 0,
      coordinatorEpoch: 0,
      isCommitted: true,
      transactionVersion: 1,
    }
    bench.log.disk.faultOf = ({ kind }) => (kind === 'write' ? 'EIO' : undefined)
    await assert.rejects(bench.runtime.endTransaction(marker), { code: 'KAFKA_STORAGE_ERROR' })
    bench.log.disk.faultOf = () => undefined
    assert.equal(bench.words, '')
  })
})

it('closing cancels timers and refuses waiting requests', async () => {
  const bench = new Bench()
  const fx = effects()
  fx.setTimer('k', START_MS + 10, 'late')
  await bench.run(fx)
  const { reply } = bench.runtime.expectReply()
  bench.runtime.close()
  await assert.rejects(reply, { code: 'COORDINATOR_NOT_AVAILABLE' })
  assert.deepEqual(bench.clock.pendingMs, [])
})
