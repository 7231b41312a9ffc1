// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { MalformedInputError } from '@millrace/base'
import { decodeEnvelope, type Envelope, encodeEnvelope, summarizeEnvelope } from './envelope.ts'

const plain: Envelope = {
  durable: true,
  priority: 4,
  expiresAtMs: 0,
  deliverAtMs: 0,
  origin: 7n,
  hasGroup: false,
  hasDuplicateId: false,
  head: Buffer.from('head and properties'),
  propertiesSize: 10,
}
const body = { isWhole: false, bytes: Buffer.from('start'), footer: Buffer.from('footer') }

const envelopes: readonly (readonly [string, Envelope])[] = [
  ['a plain one', plain],
  ['a non-persistent one', { ...plain, durable: false, priority: 0 }],
  ['one with times', { ...plain, expiresAtMs: 1_900_000_000_123, deliverAtMs: 2 ** 41 }],
  ['one in a group', { ...plain, hasGroup: true }],
  ['one with a duplicate id', { ...plain, hasDuplicateId: true, priority: 9 }],
  ['one for a subscription', { ...plain, onlyFor: 'durable/me/Bücher%2F1' }],
  ['one for a subscription with an empty name', { ...plain, onlyFor: '' }],
]

describe('an envelope', () => {
  for (const [what, envelope] of envelopes) {
    it(`is unchanged after a round trip: ${what}`, () => {
      for (const footer of [body.footer, Buffer.alloc(0)]) {
        const encoded = encodeEnvelope(envelope, { ...body, footer })
        assert.deepEqual(decodeEnvelope(encoded), { ...envelope, ...body, footer })
      }
    })

    it(`is never read beyond its end: ${what}`, () => {
      const encoded = encodeEnvelope(envelope, { ...body, footer: Buffer.alloc(0) })
      for (let length = 0; length < encoded.length; length++) {
        assert.throws(() => decodeEnvelope(encoded.subarray(0, length)), MalformedInputError)
      }
    })
  }

  it('has a summary unless its group or duplicate id needs the message', () => {
    const summarized = envelopes
      .filter(([, each]) => summarizeEnvelope(encodeEnvelope(each, body)) !== undefined)
      .map(([what]) => what)
    assert.deepEqual(summarized, [
      'a plain one',
      'a non-persistent one',
      'one with times',
      'one for a subscription',
      'one for a subscription with an empty name',
    ])
  })
})
