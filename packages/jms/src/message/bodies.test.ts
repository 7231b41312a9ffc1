// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { BytesMessage } from './bytes-message.ts'
import { MapMessage } from './map-message.ts'
import { StreamMessage } from './stream-message.ts'

/** Writes and reads of a bytes message, and the bytes between them, as Java's data streams. */
const bytes: readonly (readonly [
  what: string,
  write: (message: BytesMessage) => void,
  hex: string,
  read: (message: BytesMessage) => unknown,
  value: unknown,
])[] = [
  ['true', (m) => m.writeBoolean(true), '01', (m) => m.readBoolean(), true],
  ['false', (m) => m.writeBoolean(false), '00', (m) => m.readBoolean(), false],
  ['a byte', (m) => m.writeByte(-2), 'fe', (m) => m.readByte(), -2],
  ['an unsigned byte', (m) => m.writeByte(-2), 'fe', (m) => m.readUnsignedByte(), 254],
  ['a short', (m) => m.writeShort(-2), 'fffe', (m) => m.readShort(), -2],
  ['an unsigned short', (m) => m.writeShort(-2), 'fffe', (m) => m.readUnsignedShort(), 65_534],
  ['a char', (m) => m.writeChar('ß'), '00df', (m) => m.readChar(), 'ß'],
  ['an int', (m) => m.writeInt(-2), 'fffffffe', (m) => m.readInt(), -2],
  ['a long', (m) => m.writeLong(-2n), 'fffffffffffffffe', (m) => m.readLong(), -2n],
  ['a long of a number', (m) => m.writeLong(7), '0000000000000007', (m) => m.readLong(), 7n],
  ['a float', (m) => m.writeFloat(1.5), '3fc00000', (m) => m.readFloat(), 1.5],
  ['a double', (m) => m.writeDouble(-2), 'c000000000000000', (m) => m.readDouble(), -2],
  ['text', (m) => m.writeUTF('aé'), '000361c3a9', (m) => m.readUTF(), 'aé'],
  [
    'text with U+0000 in two bytes',
    (m) => m.writeUTF('\u0000'),
    '0002c080',
    (m) => m.readUTF(),
    '\u0000',
  ],
  [
    'text with a surrogate pair in six',
    (m) => m.writeUTF('😀'),
    '0006eda0bdedb880',
    (m) => m.readUTF(),
    '😀',
  ],
  [
    'a part of an array',
    (m) => m.writeBytes(Buffer.from('abcd'), 1, 2),
    '6263',
    (m) => m.toBuffer().toString(),
    'bc',
  ],
  [
    'the rest of an array',
    (m) => m.writeBytes(Buffer.from('abcd'), 2),
    '6364',
    (m) => m.toBuffer().toString(),
    'cd',
  ],
  ['an object: a boolean', (m) => m.writeObject(true), '01', (m) => m.readBoolean(), true],
  ['an object: an int', (m) => m.writeObject(7), '00000007', (m) => m.readInt(), 7],
  ['an object: a long', (m) => m.writeObject(7n), '0000000000000007', (m) => m.readLong(), 7n],
  [
    'an object: a double',
    (m) => m.writeObject(0.5),
    '3fe0000000000000',
    (m) => m.readDouble(),
    0.5,
  ],
  ['an object: text', (m) => m.writeObject('a'), '000161', (m) => m.readUTF(), 'a'],
  ['an object: bytes', (m) => m.writeObject(Buffer.from('a')), '61', (m) => m.readByte(), 97],
]

describe('a bytes message', () => {
  for (const [what, write, hex, read, value] of bytes) {
    it(`holds ${what}`, () => {
      const message = new BytesMessage()
      write(message)
      assert.equal(message.toBuffer().toString('hex'), hex)
      message.reset()
      assert.equal(message.getBodyLength(), hex.length / 2)
      assert.deepEqual(read(message), value)
    })
  }

  it('grows as needed', () => {
    const message = new BytesMessage()
    for (let i = 0; i < 1000; i++) message.writeInt(i)
    message.reset()
    for (let i = 0; i < 1000; i++) assert.equal(message.readInt(), i)
  })

  const readers = [
    'Boolean',
    'Byte',
    'UnsignedByte',
    'Short',
    'UnsignedShort',
    'Char',
    'Int',
    'Long',
    'Float',
    'Double',
    'UTF',
  ] as const
  for (const type of readers) {
    it(`ends: read${type} then fails and moves nothing`, () => {
      const message = new BytesMessage()
      assert.throws(() => message[`read${type}`](), { name: 'MessageNotReadableException' })
      message.writeByte(7)
      message.reset()
      const isOne = /Boolean|Byte/.test(type)
      if (isOne) message[`read${type}`]()
      assert.throws(() => message[`read${type}`](), { name: 'MessageEOFException' })
      if (!isOne) assert.equal(message.readByte(), 7)
    })
  }

  it('cannot be written while it is read, until it is cleared', () => {
    const message = new BytesMessage()
    message.reset()
    assert.throws(() => message.writeByte(1), { name: 'MessageNotWriteableException' })
    message.clearBody()
    message.writeByte(1)
    assert.throws(() => message.getBodyLength(), { name: 'MessageNotReadableException' })
  })

  for (const [what, write] of [
    ['a byte of 128', (m: BytesMessage) => m.writeByte(128)],
    ['a short of 32768', (m: BytesMessage) => m.writeShort(32_768)],
    ['a char of two', (m: BytesMessage) => m.writeChar('ab')],
    ['an int of 2^31', (m: BytesMessage) => m.writeInt(2 ** 31)],
    ['a long of 2^63', (m: BytesMessage) => m.writeLong(2n ** 63n)],
    ['text of more than 65535 bytes', (m: BytesMessage) => m.writeUTF('é'.repeat(32_768))],
    ['an object of a class', (m: BytesMessage) => m.writeObject({})],
  ] as const) {
    it(`does not accept ${what}, and writes nothing of it`, () => {
      const message = new BytesMessage()
      assert.throws(() => write(message), { name: 'MessageFormatException' })
      assert.equal(message.toBuffer().length, 0)
    })
  }

  it('accepts text of 65535 bytes', () => {
    const message = new BytesMessage()
    message.writeUTF('a'.repeat(65_535))
    message.reset()
    assert.equal(message.readUTF().length, 65_535)
  })

  for (const hex of ['000180', '0001c3', '0002c361', '0001f0', '0002ed80']) {
    it(`does not read malformed text ${hex}`, () => {
      const message = new BytesMessage()
      message.writeBytes(Buffer.from(hex, 'hex'))
      message.reset()
      assert.throws(() => message.readUTF(), { name: 'MessageFormatException' })
      assert.equal(message.readUnsignedShort(), Number.parseInt(hex.slice(0, 4), 16))
    })
  }

  it('reads into arrays, as much as fits or is left', () => {
    const message = new BytesMessage()
    message.writeBytes(Buffer.from('abcde'))
    message.reset()
    const into = Buffer.alloc(4)
    assert.equal(message.readBytes(into), 4)
    assert.equal(message.readBytes(into, 0), 0)
    assert.throws(() => message.readBytes(into, 5), { name: 'IllegalArgumentException' })
    assert.throws(() => message.readBytes(into, -1), { name: 'IllegalArgumentException' })
    assert.equal(message.readBytes(into, 2), 1)
    assert.equal(into.toString(), 'ebcd')
    assert.equal(message.readBytes(into), -1)
  })
})

describe('a stream message', () => {
  function stream(write: (message: StreamMessage) => void): StreamMessage {
    const message = new StreamMessage()
    write(message)
    message.reset()
    return message
  }

  it('holds values of each type in order', () => {
    const message = stream((m) => {
      m.writeBoolean(true)
      m.writeByte(1)
      m.writeShort(2)
      m.writeChar('c')
      m.writeInt(3)
      m.writeLong(4n)
      m.writeFloat(0.5)
      m.writeDouble(0.25)
      m.writeString('s')
      m.writeObject(5)
    })
    assert.deepEqual(
      [
        message.readBoolean(),
        message.readByte(),
        message.readShort(),
        message.readChar(),
        message.readInt(),
        message.readLong(),
        message.readFloat(),
        message.readDouble(),
        message.readString(),
        message.readObject(),
      ],
      [true, 1, 2, 'c', 3, 4n, 0.5, 0.25, 's', 5],
    )
    assert.throws(() => message.readObject(), { name: 'MessageEOFException' })
    message.reset()
    assert.equal(message.readBoolean(), true)
  })

  /** Sizes of bytes, sizes of the arrays they are read into, and what each read returns. */
  for (const [size, reads, results] of [
    [0, [4], [0]],
    [3, [4], [3]],
    [4, [4, 4], [4, -1]],
    [5, [4, 4], [4, 1]],
    [8, [4, 4, 4], [4, 4, -1]],
  ] as const) {
    it(`returns ${results} when ${size} bytes are read by fours`, () => {
      const message = stream((m) => {
        m.writeBytes(Buffer.alloc(size))
        m.writeString('next')
      })
      assert.deepEqual(
        reads.map((length) => message.readBytes(Buffer.alloc(length))),
        results,
      )
      assert.equal(message.readString(), 'next')
    })
  }

  it('returns -1 for null bytes', () => {
    const message = stream((m) => m.writeBytes(null))
    assert.equal(message.readBytes(Buffer.alloc(1)), -1)
    assert.throws(() => message.readString(), { name: 'MessageEOFException' })
  })

  it('writes a part of an array', () => {
    const message = stream((m) => m.writeBytes(Buffer.from('abcd'), 1, 2))
    assert.equal(String(message.readObject()), 'bc')
  })

  it('is written first, then read, and written again when it is cleared', () => {
    const message = new StreamMessage()
    assert.throws(() => message.readInt(), { name: 'MessageNotReadableException' })
    message.writeInt(1)
    message.reset()
    assert.throws(() => message.writeInt(2), { name: 'MessageNotWriteableException' })
    message.clearBody()
    message.writeInt(3)
    message.reset()
    assert.equal(message.readInt(), 3)
  })
})

describe('a map message', () => {
  it('holds values of each type by name', () => {
    const message = new MapMessage()
    message.setBoolean('boolean', true)
    message.setByte('byte', 1)
    message.setShort('short', 2)
    message.setChar('char', 'c')
    message.setInt('int', 3)
    message.setLong('long', 4n)
    message.setFloat('float', 0.5)
    message.setDouble('double', 0.25)
    message.setString('string', 's')
    message.setBytes('bytes', Buffer.from('abcd'), 1, 2)
    message.setObject('object', 5)
    assert.deepEqual(
      [
        message.getBoolean('boolean'),
        message.getByte('byte'),
        message.getShort('short'),
        message.getChar('char'),
        message.getInt('int'),
        message.getLong('long'),
        message.getFloat('float'),
        message.getDouble('double'),
        message.getString('string'),
        message.getBytes('bytes')?.toString(),
        message.getObject('object'),
        message.getObject('missing'),
      ],
      [true, 1, 2, 'c', 3, 4n, 0.5, 0.25, 's', 'bc', 5, null],
    )
    assert.equal(message.getMapNames().length, 11)
  })

  it('has an item that is null, and none that was not set', () => {
    const message = new MapMessage()
    message.setString('null', null)
    assert.deepEqual([message.itemExists('null'), message.itemExists('missing')], [true, false])
    assert.deepEqual([message.getString('null'), message.getString('missing')], [null, null])
    assert.throws(() => message.getInt('missing'), { name: 'NumberFormatException' })
  })

  it('has no item without a name', () => {
    const message = new MapMessage()
    for (const name of ['', null, undefined]) {
      assert.throws(() => message.setInt(name as string, 1), { name: 'IllegalArgumentException' })
    }
  })

  it('of a receiver is read-only until it is cleared', () => {
    const message = new MapMessage()
    message.setInt('a', 1)
    message.received(async () => {})
    assert.throws(() => message.setInt('a', 2), { name: 'MessageNotWriteableException' })
    message.clearBody()
    assert.deepEqual(message.getMapNames(), [])
    message.setInt('a', 2)
    assert.equal(message.getInt('a'), 2)
  })
})
