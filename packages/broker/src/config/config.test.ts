// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { parseProperties } from '@millrace/base'
import { BrokerConfig } from './broker-config.ts'
import { resolveLogConfig, topicValue } from './topic-config.ts'

const config = (settings: Readonly<Record<string, string>>): BrokerConfig =>
  new BrokerConfig(new Map(Object.entries(settings)))

describe('a properties file', () => {
  it('is parsed as Java parses it', () => {
    const text = [
      '# comment',
      '! another',
      'plain=value',
      'spaced : out  ',
      'blank separated',
      'empty=',
      'long=one,\\',
      '    two',
      'path=C\\:\\\\data',
      'unicode=\\u00e9',
    ].join('\r\n')
    assert.deepEqual(Object.fromEntries(parseProperties(text)), {
      plain: 'value',
      spaced: 'out  ',
      blank: 'separated',
      empty: '',
      long: 'one,two',
      path: 'C:\\data',
      unicode: 'é',
    })
  })
})

describe('a broker configuration', () => {
  it('rejects a value with an error that names the key, the value and the expected values', () => {
    const cases: readonly [Readonly<Record<string, string>>, RegExp][] = [
      [{ 'num.partitions': 'many' }, /Invalid value many for configuration num\.partitions/],
      [{ 'num.partitions': '0' }, /expected at least 1/],
      [
        { 'compression.type': 'brotli' },
        /expected one of uncompressed, zstd, lz4, snappy, gzip, producer/,
      ],
      [{ 'auto.create.topics.enable': 'perhaps' }, /expected true or false/],
      [{ 'log.segment.bytes': '99999999999' }, /32-bit/],
      [{ listeners: 'here' }, /NAME:\/\/host:port/],
      [{ listeners: 'PLAINTEXT://:99999' }, /expected a port from 0 to 65535/],
      [{ listeners: 'PLAINTEXT://:1,PLAINTEXT://:2' }, /different name/],
      [{ listeners: 'MINE://:1' }, /no security protocol/],
      [{ listeners: 'CONTROLLER://:1' }, /at least one listener for clients/],
      [{ 'advertised.listeners': 'OTHER://a:1' }, /expected names of listeners/],
      [{ 'advertised.listeners': 'PLAINTEXT://0.0.0.0:1' }, /clients can reach/],
      [
        { listeners: 'SASL_PLAINTEXT://:1', 'security.inter.broker.protocol': 'SASL_PLAINTEXT' },
        /sasl\.enabled\.mechanisms: expected .* PLAIN, SCRAM-SHA-256/,
      ],
      [{ 'process.roles': 'controller' }, /one node that is both/],
    ]
    for (const [settings, expected] of cases) assert.throws(() => config(settings), expected)
  })

  it('suggests the nearest key for an unknown one', () => {
    assert.deepEqual(config({ 'log.retention.hour': '1' }).warnings, [
      'unknown configuration log.retention.hour is ignored; did you mean log.retention.hours?',
    ])
    assert.deepEqual(config({ 'listener.name.inside.ssl.client.auth': 'none' }).warnings, [])
  })
})

describe('a topic configuration', () => {
  const layers = (
    settings: Readonly<Record<string, string>>,
    dynamic: Readonly<Record<string, string>> = {},
  ) => ({
    file: config(settings),
    dynamic: new Map(Object.entries(dynamic)),
    dynamicDefault: new Map<string, string>(),
  })

  it('falls back to broker keys, the most specific first, converted to its unit', () => {
    const none = new Map<string, string>()
    const retention = (settings: Readonly<Record<string, string>>, dynamic = {}) =>
      topicValue('retention.ms', none, layers(settings, dynamic)).value
    assert.equal(retention({}), '604800000')
    assert.equal(retention({ 'log.retention.hours': '2' }), '7200000')
    assert.equal(retention({ 'log.retention.hours': '2', 'log.retention.minutes': '1' }), '60000')
    assert.equal(retention({ 'log.retention.minutes': '1', 'log.retention.ms': '5' }), '5')
    assert.equal(retention({ 'log.retention.ms': '5' }, { 'log.retention.ms': '7' }), '7')
    assert.equal(retention({ 'log.retention.hours': '-1' }), '-1')
    assert.equal(
      topicValue('retention.ms', new Map([['retention.ms', '9']]), layers({})).value,
      '9',
    )
  })

  it('flushes every append by default', () => {
    const none = new Map<string, string>()
    assert.equal(resolveLogConfig(none, layers({})).flushMessages, undefined)
    assert.equal(
      resolveLogConfig(none, layers({ 'log.flush.interval.messages': '10' })).flushMessages,
      10,
    )
    assert.equal(resolveLogConfig(new Map([['flush.ms', '50']]), layers({})).flushMs, 50)
  })
})
