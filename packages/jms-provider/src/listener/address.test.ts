// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { type AmqpValue, Described, type Source, symbol, ulong } from '@millrace/amqp'
import { topicNameFor } from '../topic-name.ts'
import { kindOfCapabilities, kindOfType, parseAddress } from './address.ts'
import { filtersOf } from './filters.ts'

describe('an address', () => {
  const addresses: readonly (readonly [
    address: string,
    capabilities: readonly string[],
    name: string,
    kind: string | undefined,
    options: Readonly<Record<string, string>>,
  ])[] = [
    ['a', [], 'a', undefined, {}],
    ['a', ['queue'], 'a', 'queue', {}],
    ['a', ['topic'], 'a', 'topic', {}],
    ['queue://a', [], 'a', 'queue', {}],
    ['topic://a', [], 'a', 'topic', {}],
    ['temp-queue://a', [], 'a', 'queue', {}],
    ['temp-topic://a', [], 'a', 'topic', {}],
    // The prefix is more specific than the capability.
    ['topic://a', ['queue'], 'a', 'topic', {}],
    ['queue://topic://a', [], 'topic://a', 'queue', {}],
    ['other://a', [], 'other://a', undefined, {}],
    ['a?consumer.exclusive=true', [], 'a', undefined, { 'consumer.exclusive': 'true' }],
    ['queue://a?x=1&y=b%20c', [], 'a', 'queue', { x: '1', y: 'b c' }],
    ['a?', [], 'a', undefined, {}],
    ['a?b?c=1', [], 'a', undefined, { 'b?c': '1' }],
    ['Größe/1', [], 'Größe/1', undefined, {}],
  ]
  for (const [address, capabilities, name, kind, options] of addresses) {
    it(`${address} with ${capabilities.join() || 'no capability'} is ${kind ?? 'of any kind'}`, () => {
      const parsed = parseAddress(address, capabilities)
      assert.deepEqual(
        { ...parsed, options: Object.fromEntries(parsed.options) },
        { name, kind, options },
      )
    })
  }

  for (const [address, code] of [
    ['', 'amqp:not-found'],
    ['queue://', 'amqp:not-found'],
    ['?a=b', 'amqp:not-found'],
    ['a.*', 'MILLRACE_INVALID_DESTINATION_NAME'],
    ['topic://a.#', 'MILLRACE_INVALID_DESTINATION_NAME'],
    ['a.>', 'MILLRACE_INVALID_DESTINATION_NAME'],
  ] as const) {
    it(`${address || 'of nothing'} is refused`, () => {
      assert.throws(() => parseAddress(address), { code })
    })
  }

  for (const [capabilities, kind] of [
    [[], undefined],
    [['shared'], undefined],
    [['queue'], 'queue'],
    [['temporary-queue'], 'queue'],
    [['topic', 'shared'], 'topic'],
    [['shared', 'temporary-topic'], 'topic'],
    [['queue', 'topic'], 'queue'],
  ] as const) {
    it(`with the capabilities ${capabilities.join() || 'none'} is ${kind}`, () => {
      assert.equal(kindOfCapabilities(capabilities), kind)
    })
  }

  for (const [type, kind] of [
    [0, 'queue'],
    [1, 'topic'],
    [2, 'queue'],
    [3, 'topic'],
    [4, undefined],
    [undefined, undefined],
  ] as const) {
    it(`of type ${type} is ${kind}`, () => assert.equal(kindOfType(type), kind))
  }
})

describe('the Kafka topic of a destination', () => {
  const longest = 'x'.repeat(249)
  for (const name of ['a', 'a.b_c-D9', '_a', 'a..', longest]) {
    it(`has the name ${name.slice(0, 20)}`, () => assert.equal(topicNameFor(name), name))
  }

  for (const [name, start] of [
    ['a b', 'a_b-'],
    ['ä', '_-'],
    ['.', '.-'],
    ['..', '..-'],
    ['__state', '_state-'],
    ['a/b', 'a_b-'],
  ] as const) {
    it(`of ${name} is ${start} and a hash`, () => {
      const topic = topicNameFor(name)
      assert.ok(topic.startsWith(start), topic)
      assert.match(topic.slice(start.length), /^[\da-f]{8}$/)
    })
  }

  it('is distinct for names that differ only in what Kafka does not allow', () => {
    assert.notEqual(topicNameFor('a/b'), topicNameFor('a b'))
    assert.notEqual(topicNameFor(`${longest}1`), topicNameFor(`${longest}2`))
    assert.equal(topicNameFor(`${longest}1`).length, 249)
  })
})

describe('filters of a source', () => {
  const selector = (text: AmqpValue): AmqpValue => new Described(ulong(0x0000468c00000004n), text)
  const sourceOf = (...filters: readonly (readonly [string, AmqpValue])[]): Source => ({
    kind: 'source',
    filter: new Map(filters),
  })
  const rows: readonly (readonly [
    what: string,
    source: Source,
    selector: string | undefined,
    noLocal: boolean,
    applied: readonly string[],
  ])[] = [
    ['none', { kind: 'source' }, undefined, false, []],
    ['a selector', sourceOf(['s', selector('a = 1')]), 'a = 1', false, ['s']],
    ['a blank selector', sourceOf(['s', selector(' ')]), undefined, false, ['s']],
    [
      'a selector by its symbol',
      sourceOf(['s', new Described(symbol('apache.org:selector-filter:string'), 'a = 1')]),
      'a = 1',
      false,
      ['s'],
    ],
    [
      'no local messages',
      sourceOf(['n', new Described(ulong(0x0000468c00000003n), [])]),
      undefined,
      true,
      ['n'],
    ],
    [
      'no local messages by the symbol',
      sourceOf(['n', new Described(symbol('apache.org:no-local-filter:list'), 'NoLocalFilter{}')]),
      undefined,
      true,
      ['n'],
    ],
    ['an unknown filter', sourceOf(['x', new Described(ulong(1), 'a')]), undefined, false, []],
    [
      'a selector without its descriptor',
      sourceOf(['jms-selector', 'a = 1']),
      undefined,
      false,
      [],
    ],
  ]
  for (const [what, source, text, noLocal, applied] of rows) {
    it(`may have ${what}`, () => {
      const filters = filtersOf(source)
      assert.deepEqual(
        [filters.selector?.text, filters.noLocal, [...filters.applied.keys()]],
        [text, noLocal, applied],
      )
    })
  }

  for (const [what, value] of [
    ['syntax', 'a ='],
    ['type', ulong(1)],
  ] as const) {
    it(`are refused for a selector with a wrong ${what}`, () => {
      assert.throws(() => filtersOf(sourceOf(['s', selector(value)])), {
        code: 'amqp:invalid-field',
      })
    })
  }
})
