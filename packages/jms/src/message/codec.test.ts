// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import {
  type AmqpValue,
  EncodedMessage,
  encodeMessage,
  type MessageInput,
  numberOf,
  symbol,
  Typed,
  timestamp,
  ubyte,
  ulong,
} from '@millrace/amqp'
import { type Destination, Queue, TemporaryQueue, TemporaryTopic, Topic } from '../destination.ts'
import { messageFactories } from '../message-factories.ts'
import { addressOf, decodeJmsMessage, encodeJmsMessage } from './codec.ts'
import { Message } from './message.ts'
import { TextMessage } from './text-message.ts'

const NOW_MS = 1000
const none = { queue: '', topic: '' }
const prefixes = { queue: 'q:', topic: 't:' }

function encoded(set: (message: Message) => void, given = none): EncodedMessage {
  const message = new Message()
  set(message)
  return new EncodedMessage(encodeJmsMessage(message, given, NOW_MS))
}

/** Headers of JMS and where AMQP has them (JMS mapping, section 3.2). */
const headers: readonly (readonly [
  what: string,
  set: (message: Message) => void,
  read: (encoded: EncodedMessage) => unknown,
  expected: unknown,
])[] = [
  ['persistent', () => {}, ({ header }) => header.durable, true],
  ['not persistent', (m) => m.setJMSDeliveryMode(1), ({ header }) => header.durable, false],
  ['the default priority', () => {}, ({ header }) => header.priority, undefined],
  ['a priority', (m) => m.setJMSPriority(9), ({ header }) => header.priority, 9],
  [
    'no expiry',
    () => {},
    ({ header, properties }) => [header.ttl, properties.absoluteExpiryTime],
    [undefined, undefined],
  ],
  [
    'an expiry',
    (m) => {
      m.setJMSTimestamp(900)
      m.setJMSExpiration(1500)
    },
    ({ header, properties }) => [header.ttl, properties.absoluteExpiryTime],
    [600, 1500],
  ],
  [
    'an expiry without time of sending',
    (m) => m.setJMSExpiration(1500),
    ({ header }) => header.ttl,
    500,
  ],
  [
    'an expiry that has passed',
    (m) => m.setJMSExpiration(900),
    ({ header, properties }) => [header.ttl, properties.absoluteExpiryTime],
    [undefined, 900],
  ],
  [
    'an expiry in more than 49 days',
    (m) => m.setJMSExpiration(NOW_MS + 2 ** 32),
    ({ header }) => header.ttl,
    undefined,
  ],
  [
    'an expiry in 49 days',
    (m) => m.setJMSExpiration(NOW_MS + 2 ** 32 - 1),
    ({ header }) => header.ttl,
    2 ** 32 - 1,
  ],
  [
    'a time of sending',
    (m) => m.setJMSTimestamp(7),
    ({ properties }) => properties.creationTime,
    7,
  ],
  ['no time of sending', () => {}, ({ properties }) => properties.creationTime, undefined],
  [
    'a message id',
    (m) => m.setJMSMessageID('ID:a'),
    ({ properties }) => properties.messageId,
    'ID:a',
  ],
  [
    'a message id of AMQP',
    (m) => m.setJMSMessageID('ID:AMQP_ULONG:7'),
    ({ properties }) => properties.messageId,
    ulong(7),
  ],
  [
    'a correlation id',
    (m) => m.setJMSCorrelationID('c'),
    ({ properties }) => properties.correlationId,
    'c',
  ],
  [
    'a correlation id of AMQP',
    (m) => m.setJMSCorrelationID('ID:AMQP_ULONG:7'),
    ({ properties }) => properties.correlationId,
    ulong(7),
  ],
  [
    'a correlation id of bytes',
    (m) => m.setJMSCorrelationIDAsBytes(Buffer.from('c')),
    ({ properties }) => properties.correlationId,
    Buffer.from('c'),
  ],
  ['a type', (m) => m.setJMSType('car'), ({ properties }) => properties.subject, 'car'],
  [
    'a group',
    (m) => m.setStringProperty('JMSXGroupID', 'g'),
    ({ properties }) => properties.groupId,
    'g',
  ],
  [
    'a place in a group',
    (m) => m.setIntProperty('JMSXGroupSeq', -1),
    ({ properties }) => properties.groupSequence,
    0xffffffff,
  ],
  [
    'a user',
    (m) => m.setStringProperty('JMSXUserID', 'u'),
    ({ properties }) => properties.userId,
    Buffer.from('u'),
  ],
  [
    'a delivery time',
    (m) => m.setJMSDeliveryTime(77),
    ({ messageAnnotations }) => messageAnnotations.get('x-opt-delivery-time'),
    new Typed('long', 77n),
  ],
  [
    'no delivery time',
    () => {},
    ({ messageAnnotations }) => messageAnnotations.has('x-opt-delivery-time'),
    false,
  ],
  ['a queue', (m) => m.setJMSDestination(new Queue('q')), toOf, ['q', 0]],
  ['a topic', (m) => m.setJMSDestination(new Topic('t')), toOf, ['t', 1]],
  ['a temporary queue', (m) => m.setJMSDestination(new TemporaryQueue('q')), toOf, ['q', 2]],
  ['a temporary topic', (m) => m.setJMSDestination(new TemporaryTopic('t')), toOf, ['t', 3]],
  ['no destination', () => {}, toOf, [undefined, undefined]],
  ['a reply-to', (m) => m.setJMSReplyTo(new Topic('r')), replyOf, ['r', 1]],
  ['no reply-to', () => {}, replyOf, [undefined, undefined]],
  [
    'properties',
    (m) => m.setLongProperty('p', 7),
    ({ applicationProperties }) => applicationProperties.get('p'),
    new Typed('long', 7n),
  ],
]

function toOf({ properties, messageAnnotations }: EncodedMessage): unknown {
  return [properties.to, numberOf(messageAnnotations.get('x-opt-jms-dest'))]
}
function replyOf({ properties, messageAnnotations }: EncodedMessage): unknown {
  return [properties.replyTo, numberOf(messageAnnotations.get('x-opt-jms-reply-to'))]
}

describe('a message with', () => {
  for (const [what, set, read, expected] of headers) {
    it(`${what} in AMQP`, () => assert.deepEqual(read(encoded(set)), expected))
  }

  it('a destination has the prefix of the provider, unless it is temporary', () => {
    const address = (destination: Destination): string => addressOf(destination, prefixes)
    assert.deepEqual(
      [new Queue('a'), new Topic('a'), new TemporaryQueue('a'), new TemporaryTopic('a')].map(
        address,
      ),
      ['q:a', 't:a', 'a', 'a'],
    )
    const set = (m: Message): void => {
      m.setJMSDestination(new Queue('a'))
      m.setJMSReplyTo(new Topic('b'))
    }
    const { properties } = encoded(set, prefixes)
    assert.deepEqual([properties.to, properties.replyTo], ['q:a', 't:b'])
  })
})

function decoded(
  input: MessageInput,
  given = none,
  from: Destination = new Queue('from'),
): Message {
  return decodeJmsMessage(encodeMessage(input), { from, prefixes: given, nowMs: NOW_MS })
}
const annotated = (entries: Readonly<Record<string, AmqpValue>>): MessageInput => ({
  messageAnnotations: new Map(Object.entries(entries)),
})
const nameOf = (destination: Destination | null): string =>
  destination === null ? 'none' : `${destination.constructor.name} ${destination}`

/** What a received message has. */
const received: readonly (readonly [
  what: string,
  input: MessageInput,
  read: (message: Message) => unknown,
  expected: unknown,
])[] = [
  ['durable', { header: { durable: true } }, (m) => m.getJMSDeliveryMode(), 2],
  [
    'no header',
    {},
    (m) => [m.getJMSDeliveryMode(), m.getJMSPriority(), m.getIntProperty('JMSXDeliveryCount')],
    [1, 4, 1],
  ],
  ['a priority above 9', { header: { priority: 10 } }, (m) => m.getJMSPriority(), 9],
  [
    'a first delivery',
    { header: { deliveryCount: 0 } },
    (m) => [m.getJMSRedelivered(), m.getIntProperty('JMSXDeliveryCount')],
    [false, 1],
  ],
  [
    'a second delivery',
    { header: { deliveryCount: 1 } },
    (m) => [m.getJMSRedelivered(), m.getIntProperty('JMSXDeliveryCount')],
    [true, 2],
  ],
  [
    'an expiry',
    { header: { ttl: 5 }, properties: { absoluteExpiryTime: 77 } },
    (m) => m.getJMSExpiration(),
    77,
  ],
  ['a time to live', { header: { ttl: 5 } }, (m) => m.getJMSExpiration(), 1005],
  ['a time to live of 0', { header: { ttl: 0 } }, (m) => m.getJMSExpiration(), 0],
  [
    'a time',
    { properties: { creationTime: 7 } },
    (m) => [m.getJMSTimestamp(), m.getJMSDeliveryTime()],
    [7, 7],
  ],
  [
    'a delivery time',
    annotated({ 'x-opt-delivery-time': timestamp(77) }),
    (m) => m.getJMSDeliveryTime(),
    77,
  ],
  [
    'a message id without prefix',
    { properties: { messageId: 'm' } },
    (m) => m.getJMSMessageID(),
    'ID:AMQP_NO_PREFIX:m',
  ],
  ['no message id', {}, (m) => m.getJMSMessageID(), null],
  ['a correlation id', { properties: { correlationId: 'c' } }, (m) => m.getJMSCorrelationID(), 'c'],
  [
    'a correlation id of bytes',
    { properties: { correlationId: Buffer.from('c') } },
    (m) => m.getJMSCorrelationIDAsBytes(),
    Buffer.from('c'),
  ],
  [
    'a correlation id of a number',
    { properties: { correlationId: ulong(7) } },
    (m) => m.getJMSCorrelationID(),
    'ID:AMQP_ULONG:7',
  ],
  ['a subject', { properties: { subject: 's' } }, (m) => m.getJMSType(), 's'],
  [
    'a user',
    { properties: { userId: Buffer.from('u') } },
    (m) => m.getStringProperty('JMSXUserID'),
    'u',
  ],
  [
    'a place in a group',
    { properties: { groupSequence: 0xffffffff } },
    (m) => m.getIntProperty('JMSXGroupSeq'),
    -1,
  ],
  ['no destination', {}, (m) => nameOf(m.getJMSDestination()), 'Queue from'],
  [
    'an empty destination',
    { properties: { to: '' } },
    (m) => nameOf(m.getJMSDestination()),
    'Queue from',
  ],
  [
    'a destination of the kind of the consumer',
    { properties: { to: 'a' } },
    (m) => nameOf(m.getJMSDestination()),
    'Queue a',
  ],
  [
    'a destination of another kind',
    { ...annotated({ 'x-opt-jms-dest': ubyte(1) }), properties: { to: 'a' } },
    (m) => nameOf(m.getJMSDestination()),
    'Topic a',
  ],
  [
    'a reply-to of the kind of the destination',
    { ...annotated({ 'x-opt-jms-dest': ubyte(1) }), properties: { to: 'a', replyTo: 'r' } },
    (m) => nameOf(m.getJMSReplyTo()),
    'Topic r',
  ],
  [
    'a reply-to of another kind',
    { ...annotated({ 'x-opt-jms-reply-to': ubyte(2) }), properties: { replyTo: 'r' } },
    (m) => nameOf(m.getJMSReplyTo()),
    'TemporaryQueue r',
  ],
  [
    'a reply-to of a temporary topic',
    { ...annotated({ 'x-opt-jms-reply-to': ubyte(3) }), properties: { replyTo: 'r' } },
    (m) => nameOf(m.getJMSReplyTo()),
    'TemporaryTopic r',
  ],
  ['no reply-to', { properties: { replyTo: '' } }, (m) => nameOf(m.getJMSReplyTo()), 'none'],
  [
    'a property',
    { applicationProperties: new Map<string, AmqpValue>([['not a name', symbol('s')]]) },
    (m) => m.getStringProperty('not a name'),
    's',
  ],
]

describe('a received message with', () => {
  for (const [what, input, read, expected] of received) {
    it(what, () => assert.deepEqual(read(decoded(input)), expected))
  }

  it('a prefix of the provider has the name without it', () => {
    const message = decoded({ properties: { to: 'q:a', replyTo: 't:b' } }, prefixes)
    assert.deepEqual(
      [String(message.getJMSDestination()), String(message.getJMSReplyTo())],
      ['a', 'b'],
    )
  })
})

/** Bodies and the class of the message; without the annotation, what fits the body is chosen. */
const classes: readonly (readonly [what: string, input: MessageInput, name: string])[] = [
  ['type 0', annotated({ 'x-opt-jms-msg-type': ubyte(0) }), 'Message'],
  ['type 1', annotated({ 'x-opt-jms-msg-type': ubyte(1) }), 'ObjectMessage'],
  ['type 2', annotated({ 'x-opt-jms-msg-type': ubyte(2) }), 'MapMessage'],
  ['type 3', annotated({ 'x-opt-jms-msg-type': ubyte(3) }), 'BytesMessage'],
  ['type 4', annotated({ 'x-opt-jms-msg-type': ubyte(4) }), 'StreamMessage'],
  ['type 5', annotated({ 'x-opt-jms-msg-type': ubyte(5) }), 'TextMessage'],
  [
    'an unknown type',
    { ...annotated({ 'x-opt-jms-msg-type': ubyte(6) }), body: { kind: 'value', value: 'a' } },
    'TextMessage',
  ],
  ['no body', {}, 'Message'],
  ['text', { body: { kind: 'value', value: 'a' } }, 'TextMessage'],
  ['null', { body: { kind: 'value', value: null } }, 'TextMessage'],
  ['binary in a value', { body: { kind: 'value', value: Buffer.alloc(1) } }, 'BytesMessage'],
  ['a map', { body: { kind: 'value', value: new Map([['a', 1]]) } }, 'MapMessage'],
  ['a map with other keys', { body: { kind: 'value', value: new Map([[1, 1]]) } }, 'ObjectMessage'],
  ['a list', { body: { kind: 'value', value: [1] } }, 'StreamMessage'],
  ['a number', { body: { kind: 'value', value: 1 } }, 'ObjectMessage'],
  ['a sequence', { body: { kind: 'sequence', items: [1] } }, 'StreamMessage'],
  ['data', { body: { kind: 'data', data: Buffer.alloc(1) } }, 'BytesMessage'],
  ...(
    [
      ['application/x-java-serialized-object', 'ObjectMessage'],
      ['text/plain; charset=utf-8', 'TextMessage'],
      ['application/json', 'TextMessage'],
      ['application/vnd.a+xml', 'TextMessage'],
      ['application/jsonp', 'BytesMessage'],
      ['application/octet-stream', 'BytesMessage'],
    ] as const
  ).map(
    ([contentType, name]) =>
      [
        contentType,
        { properties: { contentType }, body: { kind: 'data', data: Buffer.from('a') } },
        name,
      ] as const,
  ),
]

describe('the class of a received message', () => {
  for (const [what, input, name] of classes) {
    it(`for ${what} is ${name}`, () => assert.equal(decoded(input).constructor.name, name))
  }
})

describe('the body of a message is unchanged after a round trip', () => {
  const again = <M extends Message>(message: M): M =>
    decodeJmsMessage(encodeJmsMessage(message, none, NOW_MS), {
      from: new Queue('q'),
      prefixes: none,
      nowMs: NOW_MS,
    }) as M

  it('of text', () => {
    for (const text of [null, '', 'é😀']) {
      assert.equal(again(messageFactories.createTextMessage(text)).getText(), text)
    }
  })

  it('of bytes', () => {
    const message = messageFactories.createBytesMessage()
    message.writeBytes(Buffer.from([0, 255]))
    assert.deepEqual(again(message).toBuffer(), Buffer.from([0, 255]))
  })

  it('of a map', () => {
    const message = messageFactories.createMapMessage()
    message.setChar('char', 'c')
    message.setBytes('bytes', Buffer.from('b'))
    message.setString('null', null)
    message.setLong('long', 2n ** 62n)
    const received = again(message)
    assert.deepEqual(
      [
        received.getChar('char'),
        received.getBytes('bytes'),
        received.getString('null'),
        received.getLong('long'),
      ],
      ['c', Buffer.from('b'), null, 2n ** 62n],
    )
    assert.deepEqual(received.getMapNames().sort(), ['bytes', 'char', 'long', 'null'])
  })

  it('of a stream', () => {
    const message = messageFactories.createStreamMessage()
    message.writeShort(-2)
    message.writeObject(null)
    message.writeFloat(0.5)
    const received = again(message)
    assert.deepEqual(
      [received.readShort(), received.readString(), received.readFloat()],
      [-2, null, 0.5],
    )
  })

  it('of an object', () => {
    const object = { text: 'a', list: [1, 0.5, true, null], nested: { big: 2n ** 40n } }
    assert.deepEqual(again(messageFactories.createObjectMessage(object)).getObject(), object)
    const date = new Date(7)
    assert.deepEqual(again(messageFactories.createObjectMessage(date)).getObject(), date)
    const map = new Map([[1, 'a']])
    assert.deepEqual(again(messageFactories.createObjectMessage(map)).getObject(), map)
  })

  it('of an object that Java serialized', () => {
    const message = messageFactories.createObjectMessage()
    message.setSerializedObject(Buffer.from([0xac, 0xed]))
    const received = again(message)
    assert.deepEqual(received.getSerializedObject(), Buffer.from([0xac, 0xed]))
    assert.throws(() => received.getObject(), { name: 'MessageFormatException' })
    assert.equal(received.isBodyAssignableTo(Object), false)
  })

  it('of text that another program sent as data', () => {
    const message = decoded({
      properties: { contentType: 'text/plain' },
      body: { kind: 'data', data: Buffer.from('é') },
    })
    assert.ok(message instanceof TextMessage)
    assert.equal(message.getText(), 'é')
  })

  for (const [what, object] of [
    ['a function', () => {}],
    ['a symbol', Symbol('a')],
    ['an instance of a class', new (class Order {})()],
    ['a class in a list', [new (class Order {})()]],
  ] as const) {
    it(`and cannot be ${what}`, () => {
      assert.throws(() => messageFactories.createObjectMessage(object), {
        name: 'MessageFormatException',
      })
    })
  }
})
