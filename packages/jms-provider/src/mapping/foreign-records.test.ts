// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { EncodedMessage, encodeMessage, numberOf, Typed } from '@millrace/amqp'
import { fromRecord } from './from-record.ts'
import type { StoredMessage } from './stored-message.ts'
import { toRecord } from './to-record.ts'

/** Converts a record that a Kafka program wrote to a message. */
function foreign(value: string, headers: Readonly<Record<string, string>> = {}): StoredMessage {
  const all = Object.entries(headers).map(([key, text]) => ({ key, value: Buffer.from(text) }))
  return fromRecord({
    topic: 't',
    partition: 0,
    offset: 0n,
    timestamp: 0,
    keyBytes: null,
    valueBytes: Buffer.from(value),
    headers: all,
    header: (name) => all.find(({ key }) => key === name)?.value,
  })
}

function bodyOf(message: StoredMessage) {
  return new EncodedMessage(Buffer.concat([message.envelope.head, ...message.body])).body
}

const numbers: readonly (readonly [json: string, type: string])[] = [
  ['0', 'int'],
  ['-2147483648', 'int'],
  ['2147483648', 'long'],
  ['9007199254740993', 'long'],
  ['9223372036854775807', 'long'],
  ['-9223372036854775808', 'long'],
  ['9223372036854775808', 'double'],
  ['1.5', 'double'],
  ['2.0', 'double'],
  ['1e3', 'double'],
]

describe('a JSON object written by a Kafka program', () => {
  for (const [json, type] of numbers) {
    it(`converts ${json} to ${type} without loss of precision`, () => {
      const body = bodyOf(foreign(`{"n":${json}}`, { JMSMessageType: 'map' }))
      const value = body.kind === 'value' && body.value instanceof Map ? body.value.get('n') : null
      assert.ok(value instanceof Typed)
      assert.equal(value.type, type)
      assert.equal(
        type === 'double' ? value.value : BigInt(value.value as bigint),
        type === 'double' ? Number(json) : BigInt(json),
      )
    })
  }

  it('keeps the precision of numbers nested in JSON text', () => {
    const body = bodyOf(foreign('{"n":{"deep":[9007199254740993,1.5]}}', { JMSMessageType: 'map' }))
    const value = body.kind === 'value' && body.value instanceof Map ? body.value.get('n') : null
    assert.equal(value, '{"deep":[9007199254740993,1.5]}')
  })
})

it('writes a map message as JSON without loss of precision, including properties and keys', () => {
  const long = new Typed('long', 9007199254740993n)
  const message = encodeMessage({
    applicationProperties: new Map([['long', long]]),
    body: {
      kind: 'value',
      value: new Map([
        ['n', long],
        ['deep', [long]],
      ] as never),
    },
  })
  const record = toRecord(new EncodedMessage(message), { nowMs: 0, origin: 0n })
  assert.equal(record.value?.toString(), '{"n":9007199254740993,"deep":[9007199254740993]}')
  assert.equal(record.headers.find(({ key }) => key === 'long')?.value, '9007199254740993')
})

describe('the header JMSPriority written by a Kafka program', () => {
  for (const [text, priority] of [
    ['0', 0],
    ['9', 9],
    ['10', 4],
    ['-1', 4],
    ['high', 4],
    ['', 4],
    ['4.5', 4],
  ] as const) {
    it(`maps ${JSON.stringify(text)} to ${priority}`, () => {
      const message = foreign('x', { JMSPriority: text })
      assert.equal(message.envelope.priority, priority)
      assert.equal(numberOf(message.applicationProperties.get('JMSPriority') ?? null), undefined)
    })
  }
})
