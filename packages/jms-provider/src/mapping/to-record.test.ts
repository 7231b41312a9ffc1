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
import { decodeEnvelope, ENVELOPE_HEADER } from './envelope.ts'
import { fromRecord } from './from-record.ts'
import { type NewRecord, originOf, toRecord } from './to-record.ts'

const NOW_MS = 1_000_000

function record(input: MessageInput, onlyFor?: string): NewRecord {
  const message = new EncodedMessage(encodeMessage(input))
  return toRecord(message, { nowMs: NOW_MS, origin: 5n, onlyFor })
}

/** Readable headers of the record, without the envelope. */
function headersOf({ headers }: NewRecord): Record<string, string> {
  const texts = headers.filter(({ key }) => key !== ENVELOPE_HEADER)
  return Object.fromEntries(texts.map(({ key, value }) => [key, value.toString()]))
}

const durable = { header: { durable: true } }
const annotated = (name: string, value: AmqpValue): MessageInput => ({
  ...durable,
  messageAnnotations: new Map([[name, value]]),
})

/** What a message has, and the readable headers of its record. */
const headerRows: readonly (readonly [
  what: string,
  input: MessageInput,
  headers: Readonly<Record<string, string>>,
])[] = [
  ['nothing', durable, {}],
  ['no durability', {}, { JMSDeliveryMode: 'NON_PERSISTENT' }],
  ['a message id', { ...durable, properties: { messageId: 'ID:1' } }, { JMSMessageID: 'ID:1' }],
  [
    'a message id of another type',
    { ...durable, properties: { messageId: ulong(7) } },
    { JMSMessageID: 'ID:AMQP_ULONG:7' },
  ],
  [
    'a correlation id',
    { ...durable, properties: { correlationId: 'c' } },
    { JMSCorrelationID: 'c' },
  ],
  ['a subject', { ...durable, properties: { subject: 'car' } }, { JMSType: 'car' }],
  ['the default priority', { header: { durable: true, priority: 4 } }, {}],
  ['the lowest priority', { header: { durable: true, priority: 0 } }, { JMSPriority: '0' }],
  ['a priority above 9', { header: { durable: true, priority: 200 } }, { JMSPriority: '9' }],
  ['a reply-to', { ...durable, properties: { replyTo: 'r' } }, { JMSReplyTo: 'queue://r' }],
  [
    'a reply-to of a topic',
    { ...annotated('x-opt-jms-reply-to', ubyte(1)), properties: { replyTo: 'r' } },
    { JMSReplyTo: 'topic://r' },
  ],
  [
    'a reply-to of a temporary queue',
    { ...annotated('x-opt-jms-reply-to', ubyte(2)), properties: { replyTo: 'r' } },
    { JMSReplyTo: 'queue://r' },
  ],
  [
    'a reply-to of a temporary topic',
    { ...annotated('x-opt-jms-reply-to', ubyte(3)), properties: { replyTo: 'r' } },
    { JMSReplyTo: 'topic://r' },
  ],
  ['a type of reply-to without address', annotated('x-opt-jms-reply-to', ubyte(1)), {}],
  ['a time to live', { header: { durable: true, ttl: 500 } }, { JMSExpiration: '1000500' }],
  ['a time to live of 0', { header: { durable: true, ttl: 0 } }, {}],
  [
    'an expiry time',
    { ...durable, properties: { absoluteExpiryTime: 1_000_700 } },
    { JMSExpiration: '1000700' },
  ],
  [
    'both: the time to live counts',
    { header: { durable: true, ttl: 500 }, properties: { absoluteExpiryTime: 7 } },
    { JMSExpiration: '1000500' },
  ],
  [
    'a delivery time',
    annotated('x-opt-delivery-time', timestamp(1_000_001)),
    { JMSDeliveryTime: '1000001' },
  ],
  ['a delivery time that has passed', annotated('x-opt-delivery-time', timestamp(NOW_MS)), {}],
  ['a delay', annotated('x-opt-delivery-delay', ulong(30)), { JMSDeliveryTime: '1000030' }],
  ['a delay of 0', annotated('x-opt-delivery-delay', ulong(0)), {}],
  ['a group', { ...durable, properties: { groupId: 'g' } }, { JMSXGroupID: 'g' }],
  [
    'properties of each type',
    {
      ...durable,
      applicationProperties: new Map<string, AmqpValue>([
        ['text', 'a'],
        ['yes', true],
        ['int', new Typed('int', -1)],
        ['long', new Typed('long', 9007199254740993n)],
        ['double', new Typed('double', 0.5)],
        ['nan', new Typed('double', Number.NaN)],
        ['none', null],
        ['bytes', Buffer.from('a')],
        ['symbol', symbol('s')],
      ]),
    },
    {
      text: 'a',
      yes: 'true',
      int: '-1',
      long: '9007199254740993',
      double: '0.5',
      nan: 'NaN',
      none: 'null',
      bytes: 'YQ==',
      symbol: 's',
    },
  ],
]

describe('readable headers of a record', () => {
  for (const [what, input, headers] of headerRows) {
    it(`of a message with ${what}`, () => assert.deepEqual(headersOf(record(input)), headers))
  }

  it('name the only subscription that receives the message', () => {
    const { envelope, headers } = record(durable, 'durable/a/b')
    assert.equal(envelope.onlyFor, 'durable/a/b')
    assert.deepEqual(headers[0], { key: 'JMSSubscription', value: 'durable/a/b' })
  })

  it('end with the envelope, so that no property hides it', () => {
    const properties = new Map<string, AmqpValue>([[ENVELOPE_HEADER, 'mine']])
    const { headers, envelope } = record({ applicationProperties: properties })
    assert.equal(headers.at(-1)?.key, ENVELOPE_HEADER)
    assert.equal(decodeEnvelope(headers.at(-1)?.value as Buffer).origin, envelope.origin)
  })
})

describe('the key of a record', () => {
  it('is the group, so that a group stays in one partition', () => {
    assert.equal(record({ properties: { groupId: 'g' } }).key, 'g')
    assert.equal(record({ properties: { groupId: 'g' } }).envelope.hasGroup, true)
    assert.equal(record({}).key, null)
    assert.equal(record({}).envelope.hasGroup, false)
  })
})

describe('the envelope of a record', () => {
  for (const [name, expected] of [
    ['_AMQ_DUPL_ID', true],
    ['JMS_Millrace_DuplicateID', true],
    ['other', false],
  ] as const) {
    it(`notes the duplicate id in ${name}: ${expected}`, () => {
      const { envelope } = record({ applicationProperties: new Map([[name, 'x']]) })
      assert.equal(envelope.hasDuplicateId, expected)
    })
  }

  it('has the size of the properties section, at the end of the head', () => {
    const { envelope } = record({
      properties: { messageId: 'm' },
      applicationProperties: new Map([['a', 'b']]),
    })
    const section = envelope.head.subarray(envelope.head.length - envelope.propertiesSize)
    assert.deepEqual([...section.subarray(0, 3)], [0, 0x53, 0x74])
    assert.equal(record({ properties: { messageId: 'm' } }).envelope.propertiesSize, 0)
  })

  it('has the hash of the container id as its origin', () => {
    assert.equal(originOf('a'), originOf('a'))
    assert.notEqual(originOf('a'), originOf('b'))
    assert.ok(originOf('a') < 2n ** 64n)
  })
})

const long = 'x'.repeat(300)

/** Bodies, the value of the record, and whether the envelope must hold the whole body. */
const bodies: readonly (readonly [
  what: string,
  body: MessageInput['body'],
  value: string | null,
  isWhole: boolean,
])[] = [
  ['short text', { kind: 'value', value: 'text' }, 'text', false],
  ['empty text', { kind: 'value', value: '' }, '', false],
  ['text of more than 255 bytes', { kind: 'value', value: long }, long, false],
  ['bytes', { kind: 'data', data: Buffer.from('bytes') }, 'bytes', false],
  ['more than 255 bytes', { kind: 'data', data: Buffer.from(long) }, long, false],
  ['no body', { kind: 'none' }, null, true],
  ['null', { kind: 'value', value: null }, null, true],
  ['a sequence', { kind: 'sequence', items: [1, 'a', null, true] }, '[1,"a",null,true]', true],
  ['a map', { kind: 'value', value: new Map([['a', 1]]) }, '{"a":1}', true],
  [
    'a map with keys of other types',
    {
      kind: 'value',
      value: new Map<AmqpValue, AmqpValue>([
        [new Typed('int', 7), 'x'],
        [true, 'y'],
      ]),
    },
    '{"7":"x","true":"y"}',
    true,
  ],
  ['a number', { kind: 'value', value: uint(7) }, '7', true],
  [
    'a number without end',
    { kind: 'value', value: new Typed('float', Number.POSITIVE_INFINITY) },
    '"Infinity"',
    true,
  ],
  ['binary in a value', { kind: 'value', value: Buffer.from('a') }, '"YQ=="', true],
  [
    'a decimal',
    { kind: 'value', value: new Typed('decimal32', Buffer.from('aaaa')) },
    '"YWFhYQ=="',
    true,
  ],
  ['a list in a list', { kind: 'sequence', items: [[1n]] }, '[[1]]', true],
]

describe('the value of a record', () => {
  for (const [what, body, value, isWhole] of bodies) {
    it(`of ${what}, and the body that is restored from it`, () => {
      const input: MessageInput = {
        properties: { messageId: 'm' },
        ...(body === undefined ? {} : { body }),
      }
      const made = record(input)
      assert.equal(made.value?.toString() ?? null, value)
      const encoded = made.headers.at(-1)?.value as Buffer
      assert.equal(decodeEnvelope(encoded).isWhole, isWhole)
      const restored = fromRecord({
        topic: 't',
        partition: 0,
        offset: 3n,
        timestamp: 9,
        keyBytes: null,
        valueBytes: made.value,
        headers: [],
        header: (name) => (name === ENVELOPE_HEADER ? encoded : undefined),
      })
      const bytes = Buffer.concat([restored.envelope.head, ...restored.body])
      assert.deepEqual(bytes, encodeMessage(input))
      assert.deepEqual([restored.offset, restored.timestamp], [3, 9])
    })
  }

  it('of a body whose descriptor is not in the short form is a rendering of it', () => {
    const wide = Buffer.from('00800000000000000077a10161', 'hex')
    const made = toRecord(new EncodedMessage(wide), { nowMs: 0, origin: 0n })
    assert.equal(made.value?.toString(), '"a"')
    assert.equal(decodeEnvelope(made.headers.at(-1)?.value as Buffer).isWhole, true)
  })

  it('of several data sections is their concatenation, and the envelope has all of them', () => {
    const two = Buffer.from('005375a00161005375a00162', 'hex')
    const made = toRecord(new EncodedMessage(two), { nowMs: 0, origin: 0n })
    assert.equal(made.value?.toString(), 'ab')
    assert.deepEqual(decodeEnvelope(made.headers.at(-1)?.value as Buffer).bytes, two)
  })

  it('does not contain the footer, which the envelope has', () => {
    const footer = '005378c10702a30166a10134'
    const text = Buffer.from(`005377a10161${footer}`, 'hex')
    const made = toRecord(new EncodedMessage(text), { nowMs: 0, origin: 0n })
    assert.equal(made.value?.toString(), 'a')
    const { footer: kept } = decodeEnvelope(made.headers.at(-1)?.value as Buffer)
    assert.equal(kept.toString('hex'), footer)
  })

  it('of an array is a list of its elements', () => {
    const body = { kind: 'value' as const, value: new AmqpArray('ubyte', [ubyte(1)]) }
    assert.ok(record({ body }).value !== null)
  })
})
