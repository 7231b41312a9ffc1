// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { silentLogger } from '@millrace/base'
import { BrokerConfig } from '../config/broker-config.ts'
import { ConnectionLimits } from './connection-limits.ts'

const TWO_LISTENERS = {
  listeners: 'PLAINTEXT://:9092,INSIDE://:9093',
  'listener.security.protocol.map': 'PLAINTEXT:PLAINTEXT,INSIDE:PLAINTEXT',
}

class Bench {
  nowMs = 10_000
  readonly limits: ConnectionLimits

  constructor(config: Readonly<Record<string, string>> = {}) {
    const settings = new BrokerConfig(new Map(Object.entries(config)))
    const names = settings.listeners.map(({ listenerName }) => listenerName)
    this.limits = new ConnectionLimits(settings, names, silentLogger)
  }

  /** Connections by address in turn; what refuses each, `ok`, or `waits`. */
  connect(addresses: string, listener = 'PLAINTEXT'): string {
    return addresses
      .split(' ')
      .map((address) =>
        this.limits.hasRoom(listener) ? (this.limits.add(address, listener) ?? 'ok') : 'waits',
      )
      .join(' ')
  }

  /** Delays of connections that arrive at the same time. */
  delays(count: number, listener = 'PLAINTEXT'): number[] {
    return Array.from({ length: count }, () => this.limits.delayMs(listener, this.nowMs))
  }
}

describe('limits of connections', () => {
  const cells: readonly (readonly [
    config: Readonly<Record<string, string>>,
    addresses: string,
    outcomes: string,
  ])[] = [
    [{}, 'a a a', 'ok ok ok'],
    [{ 'max.connections': '2' }, 'a b c', 'ok ok waits'],
    [{ 'max.connections.per.ip': '1' }, 'a a b', 'ok max.connections.per.ip ok'],
    [
      { 'max.connections.per.ip': '1', 'max.connections.per.ip.overrides': '10.0.0.1:2' },
      '10.0.0.1 10.0.0.1 10.0.0.1 b b',
      'ok ok max.connections.per.ip.overrides ok max.connections.per.ip',
    ],
    [
      { 'max.connections.per.ip.overrides': '10.0.0.1:0' },
      '10.0.0.1 b',
      'max.connections.per.ip.overrides ok',
    ],
    [{ 'max.connections': '1', 'max.connections.per.ip': '1' }, 'a a', 'ok waits'],
  ]
  for (const [config, addresses, outcomes] of cells) {
    it(`${JSON.stringify(config)}: ${addresses} → ${outcomes}`, () => {
      assert.equal(new Bench(config).connect(addresses), outcomes)
    })
  }

  it('of a listener do not count connections of others', () => {
    const bench = new Bench({ ...TWO_LISTENERS, 'listener.name.inside.max.connections': '1' })
    assert.equal(bench.connect('a a', 'INSIDE'), 'ok waits')
    assert.equal(bench.connect('a a', 'PLAINTEXT'), 'ok ok')
  })

  it('have room again for each connection that is gone; a refused one did not count', () => {
    const bench = new Bench({ 'max.connections.per.ip': '2' })
    assert.equal(bench.connect('a a a a'), 'ok ok max.connections.per.ip max.connections.per.ip')
    bench.limits.remove('a', 'PLAINTEXT')
    assert.equal(bench.connect('a a'), 'ok max.connections.per.ip')
    for (let i = 0; i < 2; i++) bench.limits.remove('a', 'PLAINTEXT')
    assert.equal(bench.connect('a a a'), 'ok ok max.connections.per.ip')
  })

  it('do not hold back connections between brokers, unless there is no other listener', () => {
    const limit = { 'max.connections': '1', 'listener.name.inside.max.connections': '9' }
    const inside = { ...TWO_LISTENERS, 'inter.broker.listener.name': 'INSIDE' }
    const bench = new Bench({ ...inside, ...limit })
    assert.equal(bench.connect('a a', 'PLAINTEXT'), 'ok waits')
    assert.equal(bench.limits.excess, 0)
    assert.equal(bench.connect('a a', 'INSIDE'), 'ok ok')
    assert.equal(bench.limits.excess, 2)
    assert.equal(new Bench(limit).connect('a a'), 'ok waits')
  })
})

describe('the rate of new connections', () => {
  it('may be exceeded until the window is full; a delay is at most one sample', () => {
    const bench = new Bench({
      'max.connection.creation.rate': '4',
      'quota.window.num': '3',
      'quota.window.size.seconds': '2',
    })
    // Two complete samples of 2 s: 16 connections.
    assert.deepEqual(
      bench.delays(16).filter((delayMs) => delayMs > 0),
      [],
    )
    assert.deepEqual(bench.delays(3), [250, 500, 750])
    assert.deepEqual(bench.delays(20).at(-1), 2000)
    bench.nowMs += 60_000
    assert.deepEqual(bench.delays(1), [0])
  })

  it('of a listener is beside that of the broker, which does not delay those between brokers', () => {
    const window = { 'quota.window.num': '2' }
    const bench = new Bench({
      ...TWO_LISTENERS,
      ...window,
      'inter.broker.listener.name': 'PLAINTEXT',
      'max.connection.creation.rate': '2',
      'listener.name.inside.max.connection.creation.rate': '1',
      'listener.name.plaintext.max.connection.creation.rate': '3',
    })
    assert.deepEqual(bench.delays(2, 'INSIDE'), [0, 1000])
    assert.deepEqual(bench.delays(4, 'PLAINTEXT'), [0, 0, 0, 333])
    assert.deepEqual(bench.delays(1, 'INSIDE'), [1000])
  })
})
