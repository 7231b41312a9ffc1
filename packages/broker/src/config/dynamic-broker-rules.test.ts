// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { BrokerConfig } from './broker-config.ts'
import { ConfigError } from './config-definition.ts'
import { checkDynamicChange } from './dynamic-broker-rules.ts'

type Settings = Readonly<Record<string, string>>

/**
 * `ok`, or the key named by the error, for a change of one broker or of the cluster-wide default.
 */
function verdict(proposed: Settings, isDefault = false, file: Settings = {}): string {
  const running = new BrokerConfig(new Map(Object.entries(file)))
  try {
    checkDynamicChange({
      given: running.given,
      running,
      proposed: new Map(Object.entries(proposed)),
      other: new Map(),
      isDefault,
    })
    return 'ok'
  } catch (error) {
    if (error instanceof ConfigError) return error.key
    throw error
  }
}

const table: readonly [key: string, value: string, ofBroker: string, ofDefault: string][] = [
  // Whether a key is dynamic, and at which level.
  ['log.retention.ms', '1000', 'ok', 'ok'],
  ['node.id', '7', 'node.id', 'node.id'],
  ['log.retention.hours', '7', 'log.retention.hours', 'log.retention.hours'],
  ['no.such.key', 'x', 'ok', 'ok'],
  ['sasl.enabled.mechanisms', 'PLAIN', 'ok', 'sasl.enabled.mechanisms'],
  ['leader.replication.throttled.rate', '5', 'ok', 'ok'],
  // Certificates can change only for one listener; limits of listeners may have a default.
  ['ssl.keystore.password', 'x', 'ssl.keystore.password', 'ssl.keystore.password'],
  ['listener.name.a.ssl.keystore.password', 'x', 'ok', 'listener.name.a.ssl.keystore.password'],
  ['listener.name.plaintext.max.connections', '5', 'ok', 'ok'],
  // Values, with stricter rules than in a file.
  ['log.retention.ms', 'abc', 'log.retention.ms', 'log.retention.ms'],
  ['log.retention.ms', '0', 'log.retention.ms', 'log.retention.ms'],
  ['max.connections', '0', 'max.connections', 'max.connections'],
  [
    'max.connection.creation.rate',
    '0',
    'max.connection.creation.rate',
    'max.connection.creation.rate',
  ],
  [
    'listener.name.plaintext.max.connections',
    '0',
    'listener.name.plaintext.max.connections',
    'listener.name.plaintext.max.connections',
  ],
  ['listener.name.other.max.connections', '0', 'ok', 'ok'],
  [
    'max.connections.per.ip.overrides',
    'abc',
    'max.connections.per.ip.overrides',
    'max.connections.per.ip.overrides',
  ],
  ['log.cleanup.policy', 'delete,delete', 'log.cleanup.policy', 'log.cleanup.policy'],
  ['metric.reporters', 'com.example.Reporter', 'metric.reporters', 'metric.reporters'],
  // The number of threads at most doubles or halves.
  ['num.io.threads', '16', 'ok', 'ok'],
  ['num.io.threads', '17', 'num.io.threads', 'num.io.threads'],
  ['num.io.threads', '3', 'num.io.threads', 'num.io.threads'],
  // Listeners cannot change.
  ['listeners', 'PLAINTEXT://127.0.0.1:1', 'ok', 'listeners'],
  ['listeners', 'PLAINTEXT://:1,SECOND://:2', 'listeners', 'listeners'],
  // Local retention is at most the total retention.
  ['log.local.retention.ms', '604800001', 'log.local.retention.ms', 'log.local.retention.ms'],
  ['log.local.retention.ms', '-1', 'log.local.retention.ms', 'log.local.retention.ms'],
  ['log.remote.copy.lag.ms', '604800001', 'log.remote.copy.lag.ms', 'log.remote.copy.lag.ms'],
  ['log.local.retention.bytes', '5', 'ok', 'ok'],
]

describe('a dynamic change of a broker', () => {
  for (const [key, value, ofBroker, ofDefault] of table) {
    it(`${key}=${value} → ${ofBroker}; cluster-wide → ${ofDefault}`, () => {
      assert.equal(verdict({ [key]: value }), ofBroker)
      assert.equal(verdict({ [key]: value }, true), ofDefault)
    })
  }

  it('cannot add a listener, even with a security protocol for it', () => {
    const second = {
      listeners: 'PLAINTEXT://:1,SECOND://:2',
      'listener.security.protocol.map': 'PLAINTEXT:PLAINTEXT,SECOND:PLAINTEXT',
    }
    assert.equal(verdict(second), 'listeners')
  })

  it('takes values of the file and of the other level into account', () => {
    const file = { 'log.retention.ms': '100' }
    assert.equal(verdict({ 'log.local.retention.ms': '100' }, false, file), 'ok')
    assert.equal(
      verdict({ 'log.local.retention.ms': '101' }, false, file),
      'log.local.retention.ms',
    )
    const both = { 'log.local.retention.ms': '101', 'log.retention.ms': '200' }
    assert.equal(verdict(both, false, file), 'ok')
  })
})
