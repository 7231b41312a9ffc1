// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { EncodedMessage, numberOf, Typed, ulong } from '@millrace/amqp'
import { ENVELOPE_HEADER } from './envelope.ts'
import { fromRecord, type StoredRecord } from './from-record.ts'
import type { StoredMessage } from './stored-message.ts'

interface Parts {
  readonly value?: Buffer | null
  readonly key?: Buffer | null
  readonly headers?: Readonly<Record<string, string | Buffer | null>>
  readonly timestamp?: number
}

/** The message of a record that a Kafka program wrote. */
function message(parts: Parts): StoredMessage {
  const headers = Object.entries(parts.headers ?? {}).map(([key, value]) => ({
    key,
    value: typeof value === 'string' ? Buffer.from(value) : value,
  }))
  const record: StoredRecord = {
    topic: 'orders',
    partition: 2,
    offset: 12n,
    timestamp: parts.timestamp ?? 5,
    keyBytes: parts.key ?? null,
    valueBytes: parts.value === undefined ? Buffer.from('x') : parts.value,
    headers,
    header: (name) => headers.find(({ key }) => key === name)?.value,
  }
  return fromRecord(record)
}

const whole = ({ envelope, body }: StoredMessage): EncodedMessage =>
  new EncodedMessage(Buffer.concat([envelope.head, ...body]))
const notUtf8 = Buffer.from([0xff, 0xfe])

describe('a record of a Kafka program', () => {
  const properties: readonly (readonly [
    what: string,
    parts: Parts,
    read: (message: StoredMessage) => unknown,
    expected: unknown,
  ])[] = [
    ['has an id of its position', {}, (m) => m.properties.messageId, 'ID:orders-2-12'],
    [
      'has the id of its header',
      { headers: { JMSMessageID: 'ID:7' } },
      (m) => m.properties.messageId,
      'ID:7',
    ],
    [
      'has an id of another type',
      { headers: { JMSMessageID: 'ID:AMQP_ULONG:7' } },
      (m) => m.properties.messageId,
      ulong(7),
    ],
    [
      'has a correlation id',
      { headers: { JMSCorrelationID: 'c' } },
      (m) => m.properties.correlationId,
      'c',
    ],
    ['has a type', { headers: { JMSType: 't' } }, (m) => m.properties.subject, 't'],
    ['has its time', {}, (m) => m.properties.creationTime, 5],
    [
      'has no time if there is none',
      { timestamp: -1 },
      (m) => m.properties.creationTime,
      undefined,
    ],
    [
      'has a group',
      { headers: { JMSXGroupID: 'g' } },
      (m) => [m.groupId, m.envelope.hasGroup],
      ['g', true],
    ],
    ['has no group', {}, (m) => [m.groupId, m.envelope.hasGroup], [undefined, false]],
    ['is durable', {}, (m) => m.envelope.durable, true],
    [
      'is not durable',
      { headers: { JMSDeliveryMode: 'NON_PERSISTENT' } },
      (m) => m.envelope.durable,
      false,
    ],
    [
      'is durable in any other mode',
      { headers: { JMSDeliveryMode: 'non_persistent' } },
      (m) => m.envelope.durable,
      true,
    ],
    [
      'expires',
      { headers: { JMSExpiration: '99' } },
      (m) => [m.envelope.expiresAtMs, m.properties.absoluteExpiryTime],
      [99, 99],
    ],
    [
      'never expires',
      { headers: { JMSExpiration: '0' } },
      (m) => [m.envelope.expiresAtMs, m.properties.absoluteExpiryTime],
      [0, undefined],
    ],
    [
      'has no expiry that is no number',
      { headers: { JMSExpiration: '9a' } },
      (m) => m.envelope.expiresAtMs,
      0,
    ],
    [
      'has no negative expiry',
      { headers: { JMSExpiration: '-9' } },
      (m) => m.envelope.expiresAtMs,
      0,
    ],
    [
      'has no expiry of more than 15 digits',
      { headers: { JMSExpiration: '9'.repeat(16) } },
      (m) => m.envelope.expiresAtMs,
      0,
    ],
    [
      'is delayed',
      { headers: { JMSDeliveryTime: '77' } },
      (m) => [
        m.envelope.deliverAtMs,
        numberOf(whole(m).messageAnnotations.get('x-opt-delivery-time')),
      ],
      [77, 77],
    ],
    [
      'is not delayed',
      {},
      (m) => [m.envelope.deliverAtMs, whole(m).messageAnnotations.has('x-opt-delivery-time')],
      [0, false],
    ],
    ['answers to a queue', { headers: { JMSReplyTo: 'queue://r' } }, replyTo, ['r', 0]],
    ['answers to a topic', { headers: { JMSReplyTo: 'topic://r' } }, replyTo, ['r', 1]],
    ['answers to a queue without a prefix', { headers: { JMSReplyTo: 'r' } }, replyTo, ['r', 0]],
    ['answers to nobody', {}, replyTo, [undefined, undefined]],
    [
      'has its key as a property',
      { key: Buffer.from('k') },
      (m) => m.applicationProperties.get('JMS_Kafka_Key'),
      'k',
    ],
    [
      'has its binary key as an annotation',
      { key: notUtf8 },
      (m) => [whole(m).messageAnnotations.get('x-opt-kafka-key'), m.applicationProperties.size],
      [notUtf8, 0],
    ],
    [
      'has other headers as properties',
      { headers: { color: 'red' } },
      (m) => m.applicationProperties.get('color'),
      'red',
    ],
    [
      'has binary headers as annotations',
      { headers: { raw: notUtf8 } },
      (m) => [
        whole(m).messageAnnotations.get('x-opt-kafka-header-raw'),
        m.applicationProperties.size,
      ],
      [notUtf8, 0],
    ],
    [
      'has headers without a value as annotations',
      { headers: { none: null } },
      (m) => whole(m).messageAnnotations.get('x-opt-kafka-header-none'),
      null,
    ],
    [
      'has no property for a header of JMS',
      { headers: { JMSType: 't', JMSPriority: '7' } },
      (m) => m.applicationProperties.size,
      0,
    ],
    [
      'has a duplicate id',
      { headers: { _AMQ_DUPL_ID: 'd' } },
      (m) => m.envelope.hasDuplicateId,
      true,
    ],
    [
      'has a duplicate id of ours',
      { headers: { JMS_Millrace_DuplicateID: 'd' } },
      (m) => m.envelope.hasDuplicateId,
      true,
    ],
    ['has no duplicate id', { headers: { other: 'd' } }, (m) => m.envelope.hasDuplicateId, false],
    ['is from no client', {}, (m) => m.envelope.origin, 0n],
    [
      'has an envelope of another program as annotation',
      { headers: { [ENVELOPE_HEADER]: notUtf8 } },
      (m) => whole(m).messageAnnotations.get('x-opt-kafka-header-amqp'),
      notUtf8,
    ],
    [
      'has a text envelope of another program as property',
      { headers: { [ENVELOPE_HEADER]: 'x'.repeat(50) } },
      (m) => m.applicationProperties.get('amqp'),
      'x'.repeat(50),
    ],
  ]
  for (const [what, parts, read, expected] of properties) {
    it(what, () => assert.deepEqual(read(message(parts)), expected))
  }
})

function replyTo(m: StoredMessage): unknown {
  return [m.properties.replyTo, numberOf(whole(m).messageAnnotations.get('x-opt-jms-reply-to'))]
}

/** Types of messages of the JMS mapping. */
const Type = { message: 0, map: 2, bytes: 3, stream: 4, text: 5 } as const
const text = (value: string): Buffer => Buffer.from(value)

const bodies: readonly (readonly [
  what: string,
  value: Buffer | null,
  wanted: string | undefined,
  type: number,
  body: unknown,
])[] = [
  ['no value', null, undefined, Type.message, null],
  ['no value, whatever the header says', null, 'map', Type.message, null],
  ['UTF-8', text('hé'), undefined, Type.text, 'hé'],
  ['an empty value', text(''), undefined, Type.text, ''],
  ['other bytes', notUtf8, undefined, Type.bytes, notUtf8],
  ['UTF-8 that is declared as bytes', text('a'), 'bytes', Type.bytes, text('a')],
  ['other bytes that are declared as text', notUtf8, 'text', Type.bytes, notUtf8],
  ['an unknown declaration', text('a'), 'object', Type.text, 'a'],
  [
    'a map',
    text('{"a":"b","n":null,"t":true}'),
    'map',
    Type.map,
    new Map<string, unknown>([
      ['a', 'b'],
      ['n', null],
      ['t', true],
    ]),
  ],
  ['an empty map', text('{}'), 'map', Type.map, new Map()],
  ['a map that is a list', text('[]'), 'map', Type.text, '[]'],
  ['a map that is null', text('null'), 'map', Type.text, 'null'],
  ['a map that is no JSON', text('{'), 'map', Type.text, '{'],
  [
    'a map in the JSON of a map is text',
    text('{"a":{"b":1}}'),
    'map',
    Type.map,
    new Map([['a', '{"b":1}']]),
  ],
  ['a stream', text('["a",false]'), 'stream', Type.stream, ['a', false]],
  ['a stream that is an object', text('{}'), 'stream', Type.text, '{}'],
  ['JSON that is not declared', text('{}'), undefined, Type.text, '{}'],
]

describe('the body of a record of a Kafka program', () => {
  for (const [what, value, wanted, type, expected] of bodies) {
    it(`is of type ${type} for ${what}`, () => {
      const m = message({ value, headers: wanted === undefined ? {} : { JMSMessageType: wanted } })
      const { body, messageAnnotations } = whole(m)
      assert.equal(numberOf(messageAnnotations.get('x-opt-jms-msg-type')), type)
      const content =
        body.kind === 'data'
          ? body.data
          : body.kind === 'sequence'
            ? body.items
            : body.kind === 'value'
              ? body.value
              : undefined
      assert.deepEqual(content, expected)
    })
  }

  it('has numbers of the smallest of int, long and double', () => {
    const { body } = whole(
      message({ value: text('[1,2147483648,0.5]'), headers: { JMSMessageType: 'stream' } }),
    )
    assert.deepEqual(body.kind === 'sequence' ? body.items : [], [
      new Typed('int', 1),
      new Typed('long', 2147483648n),
      new Typed('double', 0.5),
    ])
  })
})
