// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import {
  AmqpArray,
  type AmqpValue,
  EncodedMessage,
  encodeMessage,
  type MessageInput,
  symbol,
  Typed,
  timestamp,
  ubyte,
  uint,
  ulong,
} from '@millrace/amqp'
import type { SelectorValue } from '../selector/selector.ts'
import { deadLetter, retriedRecord } from './dead-letter.ts'
import { StoredMessage, selectorValue } from './stored-message.ts'
import { type NewRecord, toRecord } from './to-record.ts'
import { withUserId } from './user-id.ts'

const NOW_MS = 1000

function stored(input: MessageInput, nowMs = NOW_MS): StoredMessage {
  const { envelope, body } = toRecord(new EncodedMessage(encodeMessage(input)), {
    nowMs,
    origin: 9n,
  })
  return new StoredMessage({ partition: 0, offset: 4, timestamp: 50 }, envelope, body)
}

/** Values that a selector sees (Jakarta Messaging 3.1, section 3.8.1.1). */
const selectable: readonly (readonly [name: string, input: MessageInput, value: SelectorValue])[] =
  [
    ['JMSPriority', {}, 4n],
    ['JMSPriority', { header: { priority: 9 } }, 9n],
    ['JMSDeliveryMode', { header: { durable: true } }, 'PERSISTENT'],
    ['JMSDeliveryMode', {}, 'NON_PERSISTENT'],
    ['JMSExpiration', {}, 0n],
    ['JMSExpiration', { header: { ttl: 5 } }, 1005n],
    ['JMSDeliveryTime', { properties: { creationTime: 7 } }, 7n],
    ['JMSDeliveryTime', {}, 0n],
    [
      'JMSDeliveryTime',
      { messageAnnotations: new Map([['x-opt-delivery-time', timestamp(2000)]]) },
      2000n,
    ],
    ['JMSMessageID', { properties: { messageId: 'ID:1' } }, 'ID:1'],
    ['JMSMessageID', { properties: { messageId: ulong(1) } }, 'ID:AMQP_ULONG:1'],
    ['JMSMessageID', {}, undefined],
    ['JMSCorrelationID', { properties: { correlationId: 'c' } }, 'c'],
    ['JMSType', { properties: { subject: 't' } }, 't'],
    ['JMSTimestamp', { properties: { creationTime: 7 } }, 7n],
    ['JMSTimestamp', {}, 0n],
    ['JMSXGroupID', { properties: { groupId: 'g' } }, 'g'],
    ['JMSXGroupSeq', { properties: { groupSequence: 3 } }, 3n],
    ['JMSXGroupSeq', {}, undefined],
    ['JMSXUserID', { properties: { userId: Buffer.from('u') } }, 'u'],
    ['JMSRedelivered', {}, undefined],
    ['JMS_Vendor', { applicationProperties: new Map([['JMS_Vendor', 'v']]) }, 'v'],
    ['JMSXOther', { applicationProperties: new Map([['JMSXOther', 'v']]) }, 'v'],
    ['color', { applicationProperties: new Map([['color', 'red']]) }, 'red'],
    ['missing', {}, undefined],
  ]

describe('a header or property in a selector', () => {
  for (const [name, input, value] of selectable) {
    it(`${name} is ${value}`, () => assert.equal(stored(input).valueOf(name), value))
  }

  const types: readonly (readonly [
    what: string,
    value: AmqpValue | undefined,
    expected: SelectorValue,
  ])[] = [
    ['text', 'a', 'a'],
    ['a boolean', false, false],
    ['a byte', new Typed('byte', -1), -1n],
    ['a short', new Typed('short', 300), 300n],
    ['an int', new Typed('int', 7), 7n],
    ['a long', new Typed('long', 2n ** 60n), 2n ** 60n],
    ['an ubyte', ubyte(7), 7n],
    ['an ushort', new Typed('ushort', 7), 7n],
    ['an uint', uint(7), 7n],
    ['an ulong', ulong(7), 7n],
    ['a timestamp', timestamp(7), 7n],
    ['a float', new Typed('float', 0.5), 0.5],
    ['a double', new Typed('double', 0.5), 0.5],
    ['a symbol', symbol('s'), 's'],
    ['a char', new Typed('char', 'c'), 'c'],
    ['null', null, undefined],
    ['absent', undefined, undefined],
    ['binary', Buffer.from('a'), undefined],
    ['a decimal', new Typed('decimal32', Buffer.alloc(4)), undefined],
    ['a list', [], undefined],
    ['an array', new AmqpArray('int', []), undefined],
  ]
  for (const [what, value, expected] of types) {
    it(`is ${typeof expected} for ${what}`, () => assert.equal(selectorValue(value), expected))
  }
})

describe('a message for a receiver', () => {
  const headerOf = (input: MessageInput, deliveryCount: number, nowMs: number) => {
    const {
      durable,
      priority,
      ttl,
      deliveryCount: count,
    } = new EncodedMessage(Buffer.concat(stored(input).pieces(deliveryCount, nowMs))).header
    return [durable, priority, ttl, count]
  }
  for (const [what, input, count, nowMs, expected] of [
    ['the first time', { header: { durable: true } }, 0, NOW_MS, [true, 4, undefined, undefined]],
    ['not durable', { header: { priority: 7 } }, 0, NOW_MS, [false, 7, undefined, undefined]],
    ['again', { header: { durable: true } }, 2, NOW_MS, [true, 4, undefined, 2]],
    ['with the rest of its time to live', { header: { ttl: 100 } }, 0, 1030, [false, 4, 70, 0]],
    ['after its time to live', { header: { ttl: 100 } }, 0, 2000, [false, 4, 0, 0]],
  ] as const) {
    it(`has a header: ${what}`, () => assert.deepEqual(headerOf(input, count, nowMs), expected))
  }

  it('has all other sections unchanged', () => {
    const input: MessageInput = {
      messageAnnotations: new Map([['a', 'b']]),
      properties: { messageId: 'm' },
      applicationProperties: new Map([['c', 'd']]),
      body: { kind: 'value', value: 'text' },
    }
    const [, ...rest] = stored({ header: { durable: true }, ...input }).pieces(0, 0)
    assert.deepEqual(Buffer.concat(rest), encodeMessage(input))
  })
})

/** The message that a record holds. */
function written({ envelope, body }: NewRecord): EncodedMessage {
  return new EncodedMessage(Buffer.concat([envelope.head, ...body]))
}

describe('a dead letter', () => {
  const told = { reason: 'rejected', source: 'queue://q', deliveryCount: 3, nowMs: 5000 } as const
  const original: MessageInput = {
    header: { durable: true, priority: 7, ttl: 100 },
    messageAnnotations: new Map<string, AmqpValue>([
      ['x-opt-delivery-time', timestamp(2000)],
      ['x-opt-jms-msg-type', new Typed('byte', 5)],
    ]),
    properties: { messageId: 'ID:1', absoluteExpiryTime: 1100, groupId: 'g' },
    applicationProperties: new Map<string, AmqpValue>([
      ['mine', 'x'],
      ['_AMQ_DUPL_ID', 'd'],
      ['JMS_Millrace_DuplicateID', 'd'],
      ['JMS_Millrace_DeadLetterSubscription', 'before'],
    ]),
    body: { kind: 'value', value: 'text' },
  }

  it('has the properties of the message, and why it was moved', () => {
    const letter = written(deadLetter(stored(original), told))
    assert.deepEqual(
      [...letter.applicationProperties],
      [
        ['mine', 'x'],
        ['JMS_Millrace_DeadLetterReason', 'rejected'],
        ['JMS_Millrace_DeadLetterSource', 'queue://q'],
        ['JMS_Millrace_DeadLetterDeliveryCount', new Typed('int', 3)],
        ['JMS_Millrace_DeadLetterMessageID', 'ID:1'],
      ],
    )
    assert.deepEqual(letter.body, { kind: 'value', value: 'text' })
  })

  it('names its subscription and the details', () => {
    const letter = deadLetter(stored(original), {
      ...told,
      subscription: 'durable/a/b',
      detail: 'why',
    })
    const properties = written(letter).applicationProperties
    assert.equal(properties.get('JMS_Millrace_DeadLetterSubscription'), 'durable/a/b')
    assert.equal(properties.get('JMS_Millrace_DeadLetterDetail'), 'why')
  })

  it('neither expires nor is it delayed; priority, durability and group remain', () => {
    const { envelope, key } = deadLetter(stored(original), told)
    const { expiresAtMs, deliverAtMs, priority, durable, hasDuplicateId, origin } = envelope
    assert.deepEqual(
      { expiresAtMs, deliverAtMs, priority, durable, hasDuplicateId, origin, key },
      {
        expiresAtMs: 0,
        deliverAtMs: 0,
        priority: 7,
        durable: true,
        hasDuplicateId: false,
        origin: 9n,
        key: 'g',
      },
    )
  })

  it('has no id if the message had none', () => {
    const letter = written(deadLetter(stored({}), told))
    assert.ok(!letter.applicationProperties.has('JMS_Millrace_DeadLetterMessageID'))
  })

  it('that is retried goes to its subscription only and keeps its properties', () => {
    const letter = deadLetter(stored(original), told)
    const again = retriedRecord(
      new StoredMessage({ partition: 0, offset: 0, timestamp: 0 }, letter.envelope, letter.body),
      { nowMs: 6000, onlyFor: 'durable/a/b' },
    )
    assert.equal(again.envelope.onlyFor, 'durable/a/b')
    assert.deepEqual(
      [...written(again).applicationProperties],
      [...written(letter).applicationProperties],
    )
  })
})

describe('the user id of a sent message', () => {
  const body = { kind: 'value', value: 'text' } as const
  for (const [what, input] of [
    ['none', { body }],
    ['another one', { properties: { userId: Buffer.from('admin'), messageId: 'm' }, body }],
    [
      'sections before and after the properties',
      {
        header: { durable: true },
        messageAnnotations: new Map([['a', 'b']]),
        properties: { messageId: 'm' },
        applicationProperties: new Map([['c', 'd']]),
        body,
      },
    ],
    [
      'no properties between annotations and body',
      { messageAnnotations: new Map([['a', 'b']]), body },
    ],
  ] as const satisfies readonly (readonly [string, MessageInput])[]) {
    it(`is that of the client instead of ${what}`, () => {
      const changed = withUserId(new EncodedMessage(encodeMessage(input)), 'alice')
      const given: MessageInput = input
      const expected = {
        ...given,
        properties: { ...given.properties, userId: Buffer.from('alice') },
      }
      assert.deepEqual(changed.bytes, encodeMessage(expected))
    })
  }

  it('is left alone if it is right', () => {
    const message = new EncodedMessage(
      encodeMessage({ properties: { userId: Buffer.from('alice') } }),
    )
    assert.equal(withUserId(message, 'alice'), message)
  })
})
