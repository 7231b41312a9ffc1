// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { silentLogger } from '@millrace/base'
import { SimulatedClock } from '@millrace/testkit'
import { BrokerConfig } from '../config/broker-config.ts'
import { ConnectionGate } from './connection-gate.ts'
import { ConnectionLimits } from './connection-limits.ts'

const LISTENER = 'PLAINTEXT'

/** A gate; `connect` numbers the connections, and `log` has what happens to them. */
class Bench {
  readonly #time = new SimulatedClock()
  readonly config: BrokerConfig
  readonly limits: ConnectionLimits
  readonly gate: ConnectionGate
  readonly log: string[] = []
  closingDelayMs = 0
  #count = 0

  constructor(config: Readonly<Record<string, string>> = {}) {
    this.config = new BrokerConfig(new Map(Object.entries(config)))
    this.limits = new ConnectionLimits(this.config, [LISTENER], silentLogger)
    this.gate = new ConnectionGate({
      listenerName: LISTENER,
      limits: this.limits,
      clock: this.#time.process(),
      maxWaiting: 3,
      closingDelayMs: () => this.closingDelayMs,
      onRefused: (_address, limit) => void this.log.push(limit),
      onExcess: () => void this.log.push('excess'),
    })
  }

  connect(address = 'a'): void {
    const name = String(++this.#count)
    const note = (isAdmitted: boolean): void =>
      void this.log.push(`${name} ${isAdmitted ? 'enters' : 'is closed'}`)
    const answer = this.gate.arrive(address)
    if (typeof answer === 'boolean') note(answer)
    else void answer.then(note)
  }

  leave(address = 'a'): void {
    this.limits.remove(address, LISTENER)
    this.gate.onChange()
  }

  set(values: Readonly<Record<string, string>>): void {
    this.config.applyDynamic(new Map(Object.entries(values)))
    this.gate.onChange()
  }

  /** What has happened since the last call. */
  async events(): Promise<string> {
    await new Promise(setImmediate)
    return this.log.splice(0).join(', ')
  }

  async pass(ms: number): Promise<string> {
    const over = new Promise<void>((resolve) => void this.#time.schedule(ms, resolve))
    await this.#time.run(over, Number.POSITIVE_INFINITY)
    return this.events()
  }
}

describe('connections above max.connections', () => {
  it('wait until others leave, in their order', async () => {
    const bench = new Bench({ 'max.connections': '2' })
    for (let i = 0; i < 4; i++) bench.connect()
    assert.equal(await bench.events(), '1 enters, 2 enters')
    bench.leave()
    assert.equal(await bench.events(), '3 enters')
    bench.leave()
    assert.equal(await bench.events(), '4 enters')
    assert.equal(bench.gate.waitingCount, 0)
  })

  it('enter when the limit is raised', async () => {
    const bench = new Bench({ 'max.connections': '1' })
    for (let i = 0; i < 4; i++) bench.connect()
    assert.equal(await bench.events(), '1 enters')
    bench.set({ 'max.connections': '3' })
    assert.equal(await bench.events(), '2 enters, 3 enters')
  })

  it('are closed if as many as the backlog wait already', async () => {
    const bench = new Bench({ 'max.connections': '1' })
    for (let i = 0; i < 5; i++) bench.connect()
    assert.equal(await bench.events(), '1 enters, socket.listen.backlog.size, 5 is closed')
    assert.equal(bench.gate.waitingCount, 3)
  })

  it('are checked against the limits of their address when they may enter', async () => {
    const bench = new Bench({ 'max.connections': '2', 'max.connections.per.ip': '1' })
    for (const address of ['a', 'b', 'a', 'c']) bench.connect(address)
    assert.equal(await bench.events(), '1 enters, 2 enters')
    bench.leave('b')
    assert.equal(await bench.events(), 'max.connections.per.ip, 3 is closed, 4 enters')
  })

  it('are closed with the listener, and so are those that arrive later', async () => {
    const bench = new Bench({ 'max.connections': '1' })
    for (let i = 0; i < 3; i++) bench.connect()
    bench.gate.close()
    bench.connect()
    assert.equal(await bench.events(), '1 enters, 4 is closed, 2 is closed, 3 is closed')
  })

  it('are reported once the limit was lowered', async () => {
    const bench = new Bench()
    bench.connect()
    bench.connect()
    assert.equal(await bench.events(), '1 enters, 2 enters')
    bench.set({ 'max.connections': '1' })
    assert.equal(bench.limits.excess, 1)
  })
})

describe('connections above max.connection.creation.rate', () => {
  it('are delayed one after another', async () => {
    const bench = new Bench({ 'max.connection.creation.rate': '2', 'quota.window.num': '2' })
    for (let i = 0; i < 4; i++) bench.connect()
    assert.equal(await bench.events(), '1 enters, 2 enters')
    assert.equal(await bench.pass(499), '')
    assert.equal(await bench.pass(1), '3 enters')
    assert.equal(await bench.pass(2000), '4 enters')
  })

  it('wait for room after their delay', async () => {
    const bench = new Bench({
      'max.connection.creation.rate': '1',
      'quota.window.num': '2',
      'max.connections': '1',
    })
    bench.connect()
    bench.connect()
    assert.equal(await bench.pass(5000), '1 enters')
    bench.leave()
    assert.equal(await bench.events(), '2 enters')
  })
})

describe('connections that their address opens too soon', () => {
  it('are closed later, hold no others back and do not count', async () => {
    const bench = new Bench({ 'max.connections': '1' })
    bench.closingDelayMs = 700
    bench.connect()
    bench.closingDelayMs = 0
    bench.connect()
    assert.equal(await bench.pass(699), '2 enters')
    assert.equal(await bench.pass(1), '1 is closed')
  })

  it('are closed at once if too many wait for it', async () => {
    const bench = new Bench()
    bench.closingDelayMs = 700
    for (let i = 0; i < 1001; i++) bench.connect()
    assert.equal(await bench.events(), '1001 is closed')
  })
})
