// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { type Clock, silentLogger } from '@millrace/base'
import { BrokerConfig } from '../config/broker-config.ts'
import { ConnectionLimits } from './connection-limits.ts'

class Bench {
  nowMs = 10_000
  readonly limits: ConnectionLimits

  constructor(config: Readonly<Record<string, string>> = {}) {
    const clock = { monotonic: () => this.nowMs } as Clock
    const settings = new BrokerConfig(new Map(Object.entries(config)))
    this.limits = new ConnectionLimits(settings, clock, silentLogger)
  }

  /** Connections by address in turn; what refuses each, or `ok`. */
  connect(addresses: string, listener = 'PLAINTEXT'): string {
    return addresses
      .split(' ')
      .map((address) => this.limits.add(address, listener) ?? 'ok')
      .join(' ')
  }
}

describe('limits of connections', () => {
  const cells: readonly (readonly [
    config: Readonly<Record<string, string>>,
    addresses: string,
    outcomes: string,
  ])[] = [
    [{}, 'a a a', 'ok ok ok'],
    [{ 'max.connections': '2' }, 'a b c', 'ok ok max.connections'],
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
    [{ 'max.connections': '1', 'max.connections.per.ip': '1' }, 'a a', 'ok max.connections'],
  ]
  for (const [config, addresses, outcomes] of cells) {
    it(`${JSON.stringify(config)}: ${addresses} → ${outcomes}`, () => {
      assert.equal(new Bench(config).connect(addresses), outcomes)
    })
  }

  it('of a listener do not count connections of others', () => {
    const bench = new Bench({
      listeners: 'PLAINTEXT://:9092,INSIDE://:9093',
      'listener.security.protocol.map': 'PLAINTEXT:PLAINTEXT,INSIDE:PLAINTEXT',
      'listener.name.inside.max.connections': '1',
    })
    assert.equal(bench.connect('a', 'INSIDE'), 'ok')
    assert.equal(bench.connect('a', 'INSIDE'), 'listener.name.inside.max.connections')
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
})

describe('the rate of new connections', () => {
  it('lets a second’s worth come at once, and spaces those after it', () => {
    const bench = new Bench({ 'max.connection.creation.rate': '4' })
    const delays = Array.from({ length: 7 }, () => bench.limits.delayMs('PLAINTEXT'))
    assert.deepEqual(delays, [0, 0, 0, 0, 250, 500, 750])
    bench.nowMs += 1000
    assert.equal(bench.limits.delayMs('PLAINTEXT'), 0)
  })

  it('does not save up more than a second’s worth', () => {
    const bench = new Bench({ 'max.connection.creation.rate': '2' })
    bench.nowMs += 60_000
    const delays = Array.from({ length: 3 }, () => bench.limits.delayMs('PLAINTEXT'))
    assert.deepEqual(delays, [0, 0, 500])
  })

  it('of a listener is beside that of the broker', () => {
    const bench = new Bench({
      listeners: 'PLAINTEXT://:9092,INSIDE://:9093',
      'listener.security.protocol.map': 'PLAINTEXT:PLAINTEXT,INSIDE:PLAINTEXT',
      'listener.name.inside.max.connection.creation.rate': '1',
    })
    assert.equal(bench.limits.delayMs('INSIDE'), 0)
    assert.equal(bench.limits.delayMs('INSIDE'), 1000)
    assert.equal(bench.limits.delayMs('PLAINTEXT'), 0)
  })
})
