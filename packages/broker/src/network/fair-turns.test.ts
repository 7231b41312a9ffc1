// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { type Clock, silentLogger } from '@millrace/base'
import { FairTurns, type TurnTaker } from './fair-turns.ts'

/** Time advances only by work; `turn` is the next turn of the event loop. */
class WorkClock implements Clock {
  #nowMs = 0
  #waiting: (() => void)[] = []
  now = (): number => this.#nowMs
  monotonic = (): number => this.#nowMs
  setTimer(): never {
    throw new Error('not used')
  }
  yield(): Promise<void> {
    return new Promise((resolve) => this.#waiting.push(resolve))
  }
  work(ms: number): void {
    this.#nowMs += ms
  }
  get hasTurn(): boolean {
    return this.#waiting.length > 0
  }
  async turn(): Promise<void> {
    for (const resolve of this.#waiting.splice(0)) resolve()
    await new Promise((resolve) => setImmediate(resolve))
  }
}

/** A connection with requests of given cost; records in `log` which it started. */
class Client {
  readonly taker: TurnTaker
  readonly #turns: FairTurns
  readonly #clock: WorkClock
  readonly #log: string[]
  readonly #name: string
  left: number
  readonly #costMs: number

  constructor(
    name: string,
    options: {
      turns: FairTurns
      clock: WorkClock
      log: string[]
      requests: number
      costMs: number
    },
  ) {
    this.#name = name
    this.#turns = options.turns
    this.#clock = options.clock
    this.#log = options.log
    this.left = options.requests
    this.#costMs = options.costMs
    this.taker = options.turns.taker(() => this.arrive())
  }

  arrive(): void {
    while (this.left > 0 && this.#turns.mayStart(this.taker)) {
      this.left--
      const startedMs = this.#clock.monotonic()
      this.#log.push(this.#name)
      this.#clock.work(this.#costMs)
      this.#turns.count(this.taker, startedMs)
    }
  }
}

describe('FairTurns', () => {
  function setup() {
    const clock = new WorkClock()
    const turns = new FairTurns(clock, silentLogger)
    const log: string[] = []
    return { clock, turns, log }
  }

  it('starts cheap requests at once, without waiting for a turn', () => {
    const { clock, turns, log } = setup()
    const client = new Client('a', { clock, turns, log, requests: 9, costMs: 0.1 })
    client.arrive()
    assert.equal(client.left, 0)
    assert.equal(clock.hasTurn, false)
  })

  it('yields to the event loop after a bounded amount of work for one connection', async () => {
    const { clock, turns, log } = setup()
    const client = new Client('a', { clock, turns, log, requests: 100, costMs: 8 })
    client.arrive()
    assert.equal(log.length, 1)
    await clock.turn()
    assert.equal(log.length, 2)
    while (clock.hasTurn) await clock.turn()
    assert.equal(client.left, 0)
    assert.equal(turns.waiting, 0)
  })

  it('bounds the work of one turn over all connections', async () => {
    const { clock, turns, log } = setup()
    const clients = Array.from(
      { length: 50 },
      (_, i) => new Client(`${i}`, { clock, turns, log, requests: 3, costMs: 8 }),
    )
    for (const client of clients) client.arrive()
    assert.ok(log.length <= 3, `${log.length} requests in one turn`)
    let started = log.length
    while (clock.hasTurn) {
      await clock.turn()
      assert.ok(log.length - started <= 3, `${log.length - started} requests in one turn`)
      started = log.length
    }
    assert.equal(log.length, 150)
  })

  it('serves connections with less recent usage first', async () => {
    const { clock, turns, log } = setup()
    const greedy = Array.from(
      { length: 20 },
      (_, i) => new Client(`greedy ${i}`, { clock, turns, log, requests: 100, costMs: 8 }),
    )
    for (const client of greedy) client.arrive()
    for (let i = 0; i < 8; i++) await clock.turn()
    const honest = new Client('honest', { clock, turns, log, requests: 1, costMs: 1 })
    const before = log.length
    honest.arrive()
    await clock.turn()
    assert.ok(log.slice(before).indexOf('honest') <= 1, log.slice(before).join())
  })

  it('continues with the others if one fails', async () => {
    const { clock, turns, log } = setup()
    const first = new Client('a', { clock, turns, log, requests: 4, costMs: 30 })
    first.arrive()
    const broken = turns.taker(() => {
      throw new Error('broken')
    })
    assert.equal(turns.mayStart(broken), false)
    while (clock.hasTurn) await clock.turn()
    assert.equal(first.left, 0)
  })
})
