// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { BytesMessage } from './bytes-message.ts'
import { MapMessage } from './map-message.ts'
import { StreamMessage } from './stream-message.ts'
import { TextMessage } from './text-message.ts'
import { jmsValue, readAs, textOfValue, type ValueType } from './values.ts'

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
] as const satisfies readonly ValueType[]

/** The conversion table of section 3.11.3: rows are the type written, columns the type read. */
const table = `
boolean  X               X
byte        X X   X X     X
short         X   X X     X
char            X         X
int               X X     X
long                X     X
float                 X X X
double                  X X
string   X  X X   X X X X X
bytes                       X`

const columns: Readonly<Record<ValueType, number>> = {
  boolean: 9,
  byte: 12,
  short: 14,
  char: 16,
  int: 18,
  long: 20,
  float: 22,
  double: 24,
  string: 26,
  bytes: 28,
}

const samples: Readonly<Record<ValueType, Parameters<typeof jmsValue>[1]>> = {
  boolean: true as never,
  byte: 1,
  short: 2,
  char: 'c' as never,
  int: 3,
  long: 4n as never,
  float: 1.5,
  double: 2.5,
  string: '5' as never,
  bytes: Buffer.from([1]) as never,
}

describe('values of properties, maps and streams', () => {
  for (const line of table.trim().split('\n')) {
    const written = line.split(' ')[0] as ValueType
    // The row of "boolean" is not aligned with the columns.
    const allowed = types.filter((type) =>
      written === 'boolean' ? type === 'boolean' || type === 'string' : line[columns[type]] === 'X',
    )
    it(`written as ${written} can be read only as ${allowed.join(', ')}`, () => {
      const value = jmsValue(written, samples[written] as never)
      for (const type of types) {
        const read = (): unknown => readAs(type, value, 'it')
        if (allowed.includes(type)) assert.doesNotThrow(read, `${written} as ${type}`)
        else assert.throws(read, { name: 'MessageFormatException' }, `${written} as ${type}`)
      }
    })
  }

  it('reject a value of another type', () => {
    for (const [type, value] of [
      ['byte', 128],
      ['short', -32_769],
      ['int', 2 ** 31],
      ['int', 1.5],
      ['long', 2n ** 63n],
      ['char', 'ab'],
      ['boolean', 1],
    ] as const) {
      assert.throws(() => jmsValue(type, value as never), { name: 'MessageFormatException' })
    }
    assert.throws(() => readAs('int', jmsValue('string', '1.5'), 'it'), {
      name: 'NumberFormatException',
    })
    assert.throws(() => readAs('int', undefined, 'it'), { name: 'NumberFormatException' })
    assert.equal(readAs('boolean', undefined, 'it'), false)
    assert.equal(readAs('string', undefined, 'it'), null)
  })

  it('are converted to text as in Java', () => {
    for (const [type, value, text] of [
      ['double', 1, '1.0'],
      ['double', 1e7, '1.0E7'],
      ['double', 0.001, '0.001'],
      ['double', 1.5e-5, '1.5E-5'],
      ['float', Math.fround(0.1), '0.1'],
      ['float', Math.fround(3.4028235e38), '3.4028235E38'],
      ['double', Number.NaN, 'NaN'],
      ['boolean', true, 'true'],
      ['long', -5n, '-5'],
    ] as const) {
      assert.equal(textOfValue({ type, value }), text)
    }
  })
})

describe('bodies', () => {
  it('are writable first, then readable and read-only', () => {
    const bytes = new BytesMessage()
    assert.throws(() => bytes.readByte(), { name: 'MessageNotReadableException' })
    bytes.writeUTF('a\u0000ü€😀')
    bytes.writeChar('ß')
    bytes.writeDouble(-0)
    bytes.reset()
    assert.throws(() => bytes.writeByte(1), { name: 'MessageNotWriteableException' })
    assert.equal(bytes.readUTF(), 'a\u0000ü€😀')
    assert.equal(bytes.readChar(), 'ß')
    assert.equal(bytes.readDouble(), -0)
    assert.equal(bytes.readBytes(new Uint8Array(1)), -1)
    bytes.clearBody()
    bytes.writeByte(-1)
    bytes.reset()
    assert.equal(bytes.readUnsignedByte(), 255)
  })

  it('stay in the stream if read as the wrong type', () => {
    const stream = new StreamMessage()
    stream.writeString('no number')
    stream.writeBytes(Buffer.from([1, 2]))
    stream.reset()
    assert.throws(() => stream.readInt(), { name: 'NumberFormatException' })
    assert.equal(stream.readString(), 'no number')
    assert.equal(stream.readBytes(new Uint8Array(1)), 1)
    assert.throws(() => stream.readString(), { name: 'MessageFormatException' })
    assert.equal(stream.readBytes(new Uint8Array(1)), 1)
    assert.equal(stream.readBytes(new Uint8Array(1)), -1)
    assert.throws(() => stream.readString(), { name: 'MessageEOFException' })
  })

  it('are returned by getBody only as an allowed type', () => {
    const text = new TextMessage()
    text.setText('t')
    assert.equal(text.getBody(String), 't')
    assert.throws(() => text.getBody(Map), { name: 'MessageFormatException' })
    assert.equal(new MapMessage().isBodyAssignableTo(Map), true)
    assert.equal(new StreamMessage().isBodyAssignableTo(Object), false)
  })
})
