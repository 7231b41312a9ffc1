// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { type AmqpValue, symbol, Typed, ulong } from './codec/types.ts'
import { amqpIdOf, jmsCorrelationIdOf, jmsIdOf } from './jms-mapping.ts'

const uuid = '00112233-4455-6677-8899-aabbccddeeff'

/** AMQP ids and their JMS form; the way back gives the same AMQP id. */
const pairs: readonly (readonly [what: string, amqp: AmqpValue, jms: string])[] = [
  ['text with the prefix is unchanged', 'ID:a', 'ID:a'],
  ['text without the prefix', 'a', 'ID:AMQP_NO_PREFIX:a'],
  ['empty text', '', 'ID:AMQP_NO_PREFIX:'],
  ['text over several lines', 'a\nb', 'ID:AMQP_NO_PREFIX:a\nb'],
  ['lower case is not the prefix', 'id:a', 'ID:AMQP_NO_PREFIX:id:a'],
  [
    'text that looks like an encoded uuid',
    `ID:AMQP_UUID:${uuid}`,
    `ID:AMQP_STRING:ID:AMQP_UUID:${uuid}`,
  ],
  ['text that looks like an encoded string', 'ID:AMQP_STRING:a', 'ID:AMQP_STRING:ID:AMQP_STRING:a'],
  [
    'text that looks like one without prefix',
    'ID:AMQP_NO_PREFIX:a',
    'ID:AMQP_STRING:ID:AMQP_NO_PREFIX:a',
  ],
  ['an unknown encoding is text', 'ID:AMQP_OTHER:a', 'ID:AMQP_OTHER:a'],
  ['an uuid', new Typed('uuid', uuid), `ID:AMQP_UUID:${uuid}`],
  ['an ulong', ulong(2n ** 64n - 1n), 'ID:AMQP_ULONG:18446744073709551615'],
  ['binary in upper case', Buffer.from([0, 0xab]), 'ID:AMQP_BINARY:00AB'],
  ['empty binary', Buffer.alloc(0), 'ID:AMQP_BINARY:'],
]

describe('message ids', () => {
  for (const [what, amqp, jms] of pairs) {
    it(`are converted both ways: ${what}`, () => {
      assert.equal(jmsIdOf(amqp), jms)
      assert.deepEqual(amqpIdOf(jms), amqp)
    })
  }

  for (const [what, amqp] of [
    ['null', null],
    ['an absent id', undefined],
    ['a symbol', symbol('a')],
    ['an int', 7],
    ['a list', []],
  ] as const) {
    it(`have no JMS form: ${what}`, () => assert.equal(jmsIdOf(amqp), undefined))
  }

  for (const [what, id] of [
    ['an uuid that is none', 'ID:AMQP_UUID:1234'],
    ['an ulong with a letter', 'ID:AMQP_ULONG:1a'],
    ['an ulong of 21 digits', 'ID:AMQP_ULONG:111111111111111111111'],
    ['half a byte', 'ID:AMQP_BINARY:0AB'],
    ['no hex digits', 'ID:AMQP_BINARY:zz'],
  ] as const) {
    it(`that are malformed stay text: ${what}`, () => assert.equal(amqpIdOf(id), id))
  }

  it('accept hex digits of either case', () => {
    assert.deepEqual(amqpIdOf('ID:AMQP_BINARY:aB'), Buffer.from([0xab]))
  })
})

describe('correlation ids', () => {
  for (const [what, amqp, jms] of [
    ['text is unchanged', 'a', 'a'],
    ['text with the prefix is unchanged', 'ID:a', 'ID:a'],
    ['an ulong is like a message id', ulong(7), 'ID:AMQP_ULONG:7'],
    ['absent', undefined, undefined],
  ] as const) {
    it(`are converted: ${what}`, () => assert.equal(jmsCorrelationIdOf(amqp), jms))
  }
})
