// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { type AmqpValue, symbol, Typed, ubyte, uint, ulong } from '@millrace/amqp'
import { Message } from './message.ts'
import {
  fromAmqp,
  guessValue,
  type JmsValue,
  jmsValue,
  readAs,
  textOfValue,
  toAmqp,
  type ValueType,
} from './values.ts'

/** What reading a value gives: the value, or the name of the exception. */
function reading(held: JmsValue | undefined, type: ValueType): unknown {
  try {
    return readAs(type, held, 'it')
  } catch (error) {
    return (error as Error).name
  }
}

const format = 'MessageFormatException'
const notNumber = 'NumberFormatException'
const types = [
  'boolean',
  'byte',
  'short',
  'char',
  'int',
  'long',
  'float',
  'double',
  'string',
  'bytes',
] as const

/**
 * Conversions of section 3.11.3, with values: the type written, the value, and what reading it as
 * each of `types` gives.
 */
const conversions: readonly (readonly [
  type: ValueType,
  value: unknown,
  reads: readonly unknown[],
])[] = [
  ['boolean', true, [true, format, format, format, format, format, format, format, 'true', format]],
  [
    'boolean',
    false,
    [false, format, format, format, format, format, format, format, 'false', format],
  ],
  ['byte', -128, [format, -128, -128, format, -128, -128n, format, format, '-128', format]],
  [
    'short',
    32_767,
    [format, format, 32_767, format, 32_767, 32_767n, format, format, '32767', format],
  ],
  ['char', 'ß', [format, format, format, 'ß', format, format, format, format, 'ß', format]],
  ['int', -5, [format, format, format, format, -5, -5n, format, format, '-5', format]],
  [
    'long',
    2n ** 62n,
    [format, format, format, format, format, 2n ** 62n, format, format, `${2n ** 62n}`, format],
  ],
  ['float', 0.5, [format, format, format, format, format, format, 0.5, 0.5, '0.5', format]],
  ['double', 0.1, [format, format, format, format, format, format, format, 0.1, '0.1', format]],
  [
    'bytes',
    Buffer.from('a'),
    [format, format, format, format, format, format, format, format, format, Buffer.from('a')],
  ],
  ['string', '7', [false, 7, 7, format, 7, 7n, 7, 7, '7', format]],
  [
    'string',
    'TrUe',
    [
      true,
      notNumber,
      notNumber,
      format,
      notNumber,
      notNumber,
      notNumber,
      notNumber,
      'TrUe',
      format,
    ],
  ],
  ['string', '128', [false, notNumber, 128, format, 128, 128n, 128, 128, '128', format]],
  [
    'string',
    '-32769',
    [false, notNumber, notNumber, format, -32_769, -32_769n, -32_769, -32_769, '-32769', format],
  ],
  [
    'string',
    '2147483648',
    [
      false,
      notNumber,
      notNumber,
      format,
      notNumber,
      2147483648n,
      2147483648,
      2147483648,
      '2147483648',
      format,
    ],
  ],
  [
    'string',
    '9223372036854775808',
    [
      false,
      notNumber,
      notNumber,
      format,
      notNumber,
      notNumber,
      2 ** 63,
      2 ** 63,
      '9223372036854775808',
      format,
    ],
  ],
  [
    'string',
    '1.5',
    [false, notNumber, notNumber, format, notNumber, notNumber, 1.5, 1.5, '1.5', format],
  ],
  [
    'string',
    '',
    [false, notNumber, notNumber, format, notNumber, notNumber, notNumber, notNumber, '', format],
  ],
  [
    'string',
    null,
    [
      false,
      notNumber,
      notNumber,
      'NullPointerException',
      notNumber,
      notNumber,
      'NullPointerException',
      'NullPointerException',
      null,
      null,
    ],
  ],
]

describe('a value', () => {
  for (const [type, value, reads] of conversions) {
    for (const [i, expected] of reads.entries()) {
      const read = types[i] as ValueType
      it(`${type} ${value === '' ? '""' : value} read as ${read} is ${expected}`, () => {
        assert.deepEqual(reading(jmsValue(type, value as never), read), expected)
      })
    }
  }

  it('that is absent is read as null', () => {
    const nulls = conversions.at(-1)?.[2]
    assert.deepEqual(
      types.map((type) => reading(undefined, type)),
      nulls,
    )
  })

  /** Text that Java's `Double.parseDouble` and `Integer.parseInt` accept or refuse. */
  const texts: readonly (readonly [text: string, double: unknown, int: unknown])[] = [
    ['+7', 7, 7],
    ['-0', -0, 0],
    ['007', 7, 7],
    [' 7 ', 7, notNumber],
    ['7f', 7, notNumber],
    ['7D', 7, notNumber],
    ['.5', 0.5, notNumber],
    ['5.', 5, notNumber],
    ['1e3', 1000, notNumber],
    ['1E-2', 0.01, notNumber],
    ['NaN', Number.NaN, notNumber],
    ['-Infinity', Number.NEGATIVE_INFINITY, notNumber],
    ['0x10', notNumber, notNumber],
    ['1_000', notNumber, notNumber],
    ['.', notNumber, notNumber],
    ['1e', notNumber, notNumber],
    ['--1', notNumber, notNumber],
  ]
  for (const [text, double, int] of texts) {
    it(`${JSON.stringify(text)} is ${double} as double and ${int} as int`, () => {
      const held = jmsValue('string', text)
      assert.deepEqual([reading(held, 'double'), reading(held, 'int')], [double, int])
    })
  }

  it('read as float is rounded to single precision', () => {
    assert.equal(reading(jmsValue('string', '0.1'), 'float'), Math.fround(0.1))
    assert.equal(jmsValue('float', 0.1).value, Math.fround(0.1))
  })

  it('of bytes is a copy when it is set and when it is read', () => {
    const bytes = Buffer.from('a')
    const held = jmsValue('bytes', bytes)
    bytes.fill('x')
    const read = readAs('bytes', held, 'it')
    assert.equal(String(read), 'a')
    read?.fill('y')
    assert.equal(String(readAs('bytes', held, 'it')), 'a')
  })
})

describe('the type of a TypeScript value', () => {
  const rows: readonly (readonly [value: unknown, type: ValueType | undefined, kept: unknown])[] = [
    ['a', 'string', 'a'],
    [true, 'boolean', true],
    [7n, 'long', 7n],
    [0, 'int', 0],
    [-0, 'double', -0],
    [0x7fffffff, 'int', 0x7fffffff],
    [0x80000000, 'double', 0x80000000],
    [0.5, 'double', 0.5],
    [Number.NaN, 'double', Number.NaN],
    [null, 'string', null],
    [undefined, 'string', null],
    [Buffer.from('a'), 'bytes', Buffer.from('a')],
    [new Uint8Array([97]), 'bytes', Buffer.from('a')],
    [2n ** 63n, undefined, undefined],
    [{}, undefined, undefined],
    [Symbol('a'), undefined, undefined],
  ]
  for (const [value, type, kept] of rows) {
    it(`${String(value)} is ${type ?? 'refused'}`, () => {
      if (type === undefined) assert.throws(() => guessValue(value), { name: format })
      else assert.deepEqual(guessValue(value), { type, value: kept })
    })
  }
})

describe('the range of a type', () => {
  const rows: readonly (readonly [type: ValueType, value: unknown, isValid: boolean])[] = [
    ['byte', 127, true],
    ['byte', 128, false],
    ['byte', -128, true],
    ['byte', -129, false],
    ['short', 32_768, false],
    ['short', -32_768, true],
    ['int', 2_147_483_647, true],
    ['int', 2_147_483_648, false],
    ['int', '7', false],
    ['int', null, false],
    ['int', 0.5, false],
    ['long', Number.MAX_SAFE_INTEGER, true],
    ['long', Number.MAX_SAFE_INTEGER + 1, false],
    ['long', 2n ** 63n - 1n, true],
    ['long', 2n ** 63n, false],
    ['long', -(2n ** 63n), true],
    ['long', 0.5, false],
    ['long', '7', false],
    ['float', '7', false],
    ['double', 7n, false],
    ['boolean', 'true', false],
    ['char', 'a', true],
    ['char', '', false],
    ['char', '😀', false],
    ['string', 7, false],
    ['string', null, true],
    ['bytes', 'a', false],
    ['bytes', null, true],
  ]
  for (const [type, value, isValid] of rows) {
    it(`of ${type} ${isValid ? 'has' : 'does not have'} ${typeof value} ${value}`, () => {
      const set = (): JmsValue => jmsValue(type, value as never)
      if (isValid) assert.equal(set().type, type)
      else assert.throws(set, { name: format, message: `${String(value)} is not a ${type}` })
    })
  }
})

describe('text of a number, as in Java', () => {
  for (const [type, value, text] of [
    ['double', 0, '0.0'],
    ['double', -0, '-0.0'],
    ['float', -0, '-0.0'],
    ['double', 100, '100.0'],
    ['double', 9_999_999, '9999999.0'],
    ['double', 10_000_000, '1.0E7'],
    ['double', 123_456_789.5, '1.234567895E8'],
    ['double', 0.00099, '9.9E-4'],
    ['double', -1.5e300, '-1.5E300'],
    ['double', Number.NEGATIVE_INFINITY, '-Infinity'],
    ['float', Math.fround(1.1), '1.1'],
    ['float', 16_777_216, '1.6777216E7'],
    ['float', Math.fround(1e-10), '1.0E-10'],
    ['int', 10_000_000, '10000000'],
    ['long', 2n ** 63n - 1n, '9223372036854775807'],
    ['char', 'c', 'c'],
  ] as const) {
    it(`${type} ${value} is ${text}`, () => assert.equal(textOfValue({ type, value }), text))
  }
})

describe('a value of AMQP', () => {
  const own: readonly (readonly [held: JmsValue, amqp: AmqpValue])[] = [
    [{ type: 'boolean', value: true }, true],
    [{ type: 'string', value: 'a' }, 'a'],
    [{ type: 'string', value: null }, null],
    [{ type: 'bytes', value: Buffer.from('a') }, Buffer.from('a')],
    [{ type: 'byte', value: 1 }, new Typed('byte', 1)],
    [{ type: 'short', value: 1 }, new Typed('short', 1)],
    [{ type: 'char', value: 'c' }, new Typed('char', 'c')],
    [{ type: 'int', value: 1 }, new Typed('int', 1)],
    [{ type: 'long', value: 1n }, new Typed('long', 1n)],
    [{ type: 'float', value: 0.5 }, new Typed('float', 0.5)],
    [{ type: 'double', value: 0.5 }, new Typed('double', 0.5)],
  ]
  for (const [held, amqp] of own) {
    it(`is the same for ${held.type} ${held.value} in both directions`, () => {
      assert.deepEqual(toAmqp(held), amqp)
      assert.deepEqual(fromAmqp(amqp), held)
    })
  }

  for (const [what, amqp, held] of [
    ['an ubyte', ubyte(255), { type: 'short', value: 255 }],
    ['an ushort', new Typed('ushort', 65_535), { type: 'int', value: 65_535 }],
    ['an uint', uint(0xffffffff), { type: 'long', value: 4294967295n }],
    ['an ulong', ulong(7), { type: 'long', value: 7n }],
    ['an ulong beyond a long wraps', ulong(2n ** 64n - 1n), { type: 'long', value: -1n }],
    ['a timestamp', new Typed('timestamp', 7), { type: 'long', value: 7n }],
    ['a symbol', symbol('s'), { type: 'string', value: 's' }],
    ['an uuid', new Typed('uuid', 'u'), { type: 'string', value: 'u' }],
    ['a list is text', ['a', 'b'], { type: 'string', value: 'a,b' }],
  ] as const satisfies readonly (readonly [string, AmqpValue, JmsValue])[]) {
    it(`of another type is converted: ${what}`, () => assert.deepEqual(fromAmqp(amqp), held))
  }
})

describe('a property of a message', () => {
  for (const name of ['a', '_a', '$a', 'ä1', 'JMS_Vendor', 'a.b'.replace('.', '_'), 'likes']) {
    it(`may be named ${name}`, () => {
      const message = new Message()
      message.setIntProperty(name, 1)
      assert.equal(message.getIntProperty(name), 1)
    })
  }
  for (const name of ['', '1a', 'a b', 'a.b', 'a-b', 'null', 'True', 'LIKE', 'escape', 'not']) {
    it(`may not be named ${JSON.stringify(name)}`, () => {
      assert.throws(() => new Message().setIntProperty(name, 1), {
        name: 'IllegalArgumentException',
      })
    })
  }

  it('may not hold bytes or objects', () => {
    const message = new Message()
    for (const value of [Buffer.alloc(1), {}, []]) {
      assert.throws(() => message.setObjectProperty('a', value as never), { name: format })
    }
  })

  it('has setters and getters of each type', () => {
    const message = new Message()
    message.setBooleanProperty('boolean', true)
    message.setByteProperty('byte', 1)
    message.setShortProperty('short', 2)
    message.setIntProperty('int', 3)
    message.setLongProperty('long', 4)
    message.setFloatProperty('float', 0.5)
    message.setDoubleProperty('double', 0.25)
    message.setStringProperty('string', 'a')
    message.setObjectProperty('object', 5n)
    assert.deepEqual(
      [
        message.getBooleanProperty('boolean'),
        message.getByteProperty('byte'),
        message.getShortProperty('short'),
        message.getIntProperty('int'),
        message.getLongProperty('long'),
        message.getFloatProperty('float'),
        message.getDoubleProperty('double'),
        message.getStringProperty('string'),
        message.getObjectProperty('object'),
        message.getObjectProperty('missing'),
      ],
      [true, 1, 2, 3, 4n, 0.5, 0.25, 'a', 5n, null],
    )
    assert.deepEqual(message.getPropertyNames().length, 9)
  })

  it('of JMSX is a header of the message', () => {
    const message = new Message()
    assert.deepEqual(message.getPropertyNames(), [])
    message.setStringProperty('JMSXGroupID', 'g')
    message.setIntProperty('JMSXGroupSeq', 2)
    message.setStringProperty('JMSXUserID', 'u')
    assert.deepEqual(message.getPropertyNames(), ['JMSXGroupID', 'JMSXGroupSeq', 'JMSXUserID'])
    assert.equal(message.getStringProperty('JMSXGroupSeq'), '2')
    assert.ok(message.propertyExists('JMSXUserID') && !message.propertyExists('JMSXDeliveryCount'))
    assert.throws(() => message.setIntProperty('JMSXDeliveryCount', 1), { name: format })
    message.clearProperties()
    assert.deepEqual(message.headers.groupId, null)
    assert.deepEqual(message.getPropertyNames(), ['JMSXUserID'])
  })

  it('of a received message is read-only until all are cleared', async () => {
    const message = new Message()
    message.setIntProperty('a', 1)
    let acknowledged = 0
    message.received(async () => {
      acknowledged++
    })
    assert.throws(() => message.setIntProperty('a', 2), { name: 'MessageNotWriteableException' })
    message.clearProperties()
    message.setIntProperty('a', 2)
    assert.equal(message.getIntProperty('a'), 2)
    await message.acknowledge()
    assert.equal(acknowledged, 1)
    await new Message().acknowledge()
  })
})

describe('a header of a message', () => {
  it('has a default', () => {
    const message = new Message()
    assert.deepEqual(
      [
        message.getJMSDeliveryMode(),
        message.getJMSPriority(),
        message.getJMSExpiration(),
        message.getJMSDeliveryTime(),
        message.getJMSRedelivered(),
        message.getJMSMessageID(),
        message.getJMSTimestamp(),
        message.getJMSReplyTo(),
        message.getJMSDestination(),
        message.getJMSType(),
        message.getJMSCorrelationID(),
        message.getJMSCorrelationIDAsBytes(),
      ],
      [2, 4, 0, 0, false, null, 0, null, null, null, null, null],
    )
  })

  for (const value of [0, 3, 1.5, '2']) {
    it(`has no delivery mode ${value}`, () => {
      assert.throws(() => new Message().setJMSDeliveryMode(value as number), {
        name: 'JMSException',
      })
    })
  }
  for (const value of [-1, 10, 4.5, '4']) {
    it(`has no priority ${value}`, () => {
      assert.throws(() => new Message().setJMSPriority(value as number), { name: 'JMSException' })
    })
  }

  it('of correlation is text or bytes', () => {
    const message = new Message()
    message.setJMSCorrelationIDAsBytes(Buffer.from([0xab]))
    assert.equal(message.getJMSCorrelationID(), 'ID:AMQP_BINARY:AB')
    assert.deepEqual(message.getJMSCorrelationIDAsBytes(), Buffer.from([0xab]))
    message.setJMSCorrelationID('c')
    assert.equal(message.getJMSCorrelationID(), 'c')
    assert.throws(() => message.getJMSCorrelationIDAsBytes(), { name: 'JMSException' })
    message.setJMSCorrelationIDAsBytes(null)
    assert.equal(message.getJMSCorrelationID(), null)
  })

  it('of redelivery is the delivery count', () => {
    const message = new Message()
    message.setJMSRedelivered(true)
    assert.equal(message.getIntProperty('JMSXDeliveryCount'), 2)
    message.setJMSRedelivered(false)
    assert.deepEqual(
      [message.getJMSRedelivered(), message.getIntProperty('JMSXDeliveryCount')],
      [false, 1],
    )
  })

  it('of the delivery time is that of sending if there is no delay', () => {
    const message = new Message()
    message.setJMSTimestamp(7)
    assert.equal(message.getJMSDeliveryTime(), 7)
    message.setJMSDeliveryTime(9)
    assert.equal(message.getJMSDeliveryTime(), 9)
  })
})
