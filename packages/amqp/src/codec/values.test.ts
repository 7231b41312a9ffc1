// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { ByteReader } from '@millrace/base'
import { decodeValue, skipValue } from './decode.ts'
import { Encoder } from './encoder.ts'
import { AmqpArray, type AmqpValue, Described, symbol, Typed, uint, ulong } from './types.ts'

function encoded(value: AmqpValue): string {
  const encoder = new Encoder(1)
  encoder.value(value)
  return encoder.finish().toString('hex')
}

function decoded(hex: string): AmqpValue {
  const reader = new ByteReader(Buffer.from(hex.replaceAll(' ', ''), 'hex'))
  const value = decodeValue(reader)
  assert.equal(reader.remaining, 0)
  return value
}

const typed = (
  type: ConstructorParameters<typeof Typed>[0],
  value: ConstructorParameters<typeof Typed>[1],
): Typed => new Typed(type, value)
const bytes = (hex: string): Buffer => Buffer.from(hex, 'hex')
const long = 'x'.repeat(256)
const longHex = '78'.repeat(256)

/** Each value, and the only encoding that is written for it (part 1, section 1.6). */
const canonical: readonly (readonly [what: string, value: AmqpValue, hex: string])[] = [
  ['null', null, '40'],
  ['true', true, '41'],
  ['false', false, '42'],
  ['the smallest ubyte', typed('ubyte', 0), '5000'],
  ['the largest ubyte', typed('ubyte', 255), '50ff'],
  ['a byte', typed('byte', -1), '51ff'],
  ['an ushort', typed('ushort', 258), '600102'],
  ['a negative short', typed('short', -2), '61fffe'],
  ['uint 0, without a byte', uint(0), '43'],
  ['the largest uint of one byte', uint(255), '52ff'],
  ['the smallest uint of four bytes', uint(256), '7000000100'],
  ['the largest uint', uint(0xffffffff), '70ffffffff'],
  ['ulong 0, without a byte', ulong(0), '44'],
  ['the largest ulong of one byte', ulong(255), '53ff'],
  ['the smallest ulong of eight bytes', ulong(256), '800000000000000100'],
  ['the largest ulong', ulong(2n ** 64n - 1n), '80ffffffffffffffff'],
  ['the largest int of one byte', typed('int', 127), '547f'],
  ['the smallest int of one byte', typed('int', -128), '5480'],
  ['an int of four bytes', typed('int', 128), '7100000080'],
  ['a negative int of four bytes', typed('int', -129), '71ffffff7f'],
  ['the largest long of one byte', typed('long', 127n), '557f'],
  ['the smallest long of one byte', typed('long', -128n), '5580'],
  ['a long of eight bytes', typed('long', 128n), '810000000000000080'],
  ['a negative long of eight bytes', typed('long', -129n), '81ffffffffffffff7f'],
  ['a float', typed('float', 1.5), '723fc00000'],
  ['a double', typed('double', -2), '82c000000000000000'],
  ['a decimal32', typed('decimal32', bytes('22500007')), '7422500007'],
  ['a decimal64', typed('decimal64', bytes('2238000000000007')), '842238000000000007'],
  ['a decimal128', typed('decimal128', bytes('01'.repeat(16))), `94${'01'.repeat(16)}`],
  ['a char', typed('char', 'é'), '73000000e9'],
  ['a char outside of the BMP', typed('char', '😀'), '730001f600'],
  ['a timestamp', typed('timestamp', 1), '830000000000000001'],
  ['a timestamp before 1970', typed('timestamp', -1), '83ffffffffffffffff'],
  [
    'an uuid',
    typed('uuid', '00112233-4455-6677-8899-aabbccddeeff'),
    '9800112233445566778899aabbccddeeff',
  ],
  ['an empty string', '', 'a100'],
  ['a string as UTF-8', 'é', 'a102c3a9'],
  ['a string of 256 bytes', long, `b100000100${longHex}`],
  ['a symbol', symbol('ab'), 'a3026162'],
  ['a symbol of 256 bytes', symbol(long), `b300000100${longHex}`],
  ['binary', bytes('0102'), 'a0020102'],
  ['binary of 256 bytes', Buffer.from(long), `b000000100${longHex}`],
  ['an empty list, without a size', [], '45'],
  ['a list', [true, null], 'c0030241' + '40'],
  ['a list of 256 bytes', [long], `d00000010900000001b100000100${longHex}`],
  ['an empty map', new Map(), 'c10100'],
  ['a map', new Map<AmqpValue, AmqpValue>([['a', true]]), 'c10502a1016141'],
  ['a described value', new Described(ulong(0x24), []), '00532445'],
  ['a described value with a symbol', new Described(symbol('x'), 'y'), '00a30178a10179'],
  [
    'an array of symbols',
    new AmqpArray('symbol', [symbol('a'), symbol('b')]),
    'f00000000f00000002b30000000161' + '0000000162',
  ],
  [
    'an array of ints, each of four bytes',
    new AmqpArray('int', [typed('int', 1), typed('int', -1)]),
    'f00000000d000000027100000001ffffffff',
  ],
  [
    'an array of booleans, each of one byte',
    new AmqpArray('boolean', [true, false]),
    'f0000000070000000256' + '0100',
  ],
  [
    'an array of described values: one descriptor',
    new AmqpArray('ubyte', [new Described(symbol('x'), typed('ubyte', 1))]),
    'f00000000a0000000100a301785001',
  ],
  [
    'an array of lists in their wide form',
    new AmqpArray('list', [[true]]),
    'f00000000e00000001d0000000050000000141',
  ],
]

describe('the encoding of a value', () => {
  for (const [what, value, hex] of canonical) {
    it(`is exact for ${what}`, () => {
      assert.equal(encoded(value), hex)
      assert.deepEqual(decoded(hex), value)
    })

    it(`is skipped as a whole for ${what}`, () => {
      const reader = new ByteReader(bytes(`${hex}41`))
      skipValue(reader)
      assert.equal(reader.remaining, 1)
    })
  }

  for (const [what, value, hex] of [
    ['a whole number is an int', 7, '5407'],
    ['a number of more than 32 bits is a double', 2 ** 31, '8241e0000000000000'],
    ['a number below 32 bits is a double', -(2 ** 31) - 1, '82c1e0000000200000'],
    ['a fraction is a double', 0.5, '823fe0000000000000'],
    ['a bigint is a long', 7n, '5507'],
    ['a fraction of a millisecond is cut', typed('timestamp', 1.9), '830000000000000001'],
  ] as const) {
    it(`of a plain value: ${what}`, () => assert.equal(encoded(value), hex))
  }
})

/** Encodings that peers write and this end does not. */
const accepted: readonly (readonly [what: string, hex: string, value: AmqpValue])[] = [
  ['true in two bytes', '5601', true],
  ['false in two bytes', '5600', false],
  ['a wide uint', '7000000007', uint(7)],
  ['a wide ulong', '800000000000000007', ulong(7)],
  ['a wide string', 'b10000000161', 'a'],
  ['wide binary', 'b00000000161', Buffer.from('a')],
  ['a wide symbol', 'b30000000161', symbol('a')],
  ['an empty list with a size', 'c00100', []],
  ['an empty wide list', 'd00000000400000000', []],
  ['a wide map', 'd10000000a00000002a10161 a10162', new Map([['a', 'b']])],
  [
    'a narrow array',
    'e0050350010203',
    new AmqpArray(
      'ubyte',
      [1, 2, 3].map((n) => typed('ubyte', n)),
    ),
  ],
  ['an empty array', 'e0020050', new AmqpArray('ubyte', [])],
  ['an array of nulls', 'e0020340', new AmqpArray('null', [null, null, null])],
  ['an array of uint 0', 'e0020243', new AmqpArray('uint', [uint(0), uint(0)])],
]

describe('other encodings of a value', () => {
  for (const [what, hex, value] of accepted) {
    it(`are accepted: ${what}`, () => assert.deepEqual(decoded(hex), value))
  }
})

const deep = (levels: number): string => {
  let value = Buffer.from([0x40])
  for (let i = 0; i < levels; i++) {
    const head = Buffer.from([0xd0, 0, 0, 0, 0, 0, 0, 0, 1])
    head.writeUInt32BE(value.length + 4, 1)
    value = Buffer.concat([head, value])
  }
  return value.toString('hex')
}

const malformed: readonly (readonly [what: string, hex: string, message: RegExp])[] = [
  ['an unknown constructor', '99', /unknown AMQP constructor 0x99 at 0/],
  ['a boolean of 2', '5602', /expected a boolean at 1, found 2/],
  ['a char beyond Unicode', '7300110000', /1114112 is not a Unicode code point/],
  ['a string that is cut', 'a10261', /./],
  ['a string longer than the input', 'b1ffffffff61', /./],
  ['a list that exceeds the input', 'c00901', /value of 9 bytes at 2 exceeds/],
  ['a list without a count', 'c000', /without a count/],
  ['a wide list without a count', 'd000000003000000', /without a count/],
  ['more items than bytes', 'c0020541', /5 items do not fit in 1 bytes/],
  ['a list with bytes left over', 'c003014141', /compound value ends at 4; its size says 5/],
  ['a list whose last item exceeds it', 'c00201a1' + '0161', /./],
  ['a map with an odd count', 'c1020141', /odd number of items: 1/],
  ['a map with bytes left over', 'c10402414141', /ends at 5; its size says 6/],
  ['an array of an unknown type', 'e0020199', /unknown AMQP constructor 0x99/],
  ['an array with bytes left over', 'e00401500102', /ends at 5; its size says 6/],
  ['an array of 1025 nulls in one byte', 'f0000000050000040140', /1025 items do not fit/],
  ['values nested too deeply', deep(34), /nested deeper than 32 levels/],
]

describe('a malformed value', () => {
  for (const [what, hex, message] of malformed) {
    it(`is refused: ${what}`, () => {
      assert.throws(
        () => decoded(hex),
        (error: Error) => {
          assert.equal(error.name, 'MalformedInputError')
          assert.match(error.message, message)
          return true
        },
      )
    })
  }

  it('is refused at a nesting of 33 levels and not of 32', () => {
    decoded(deep(32))
    assert.throws(() => decoded(deep(33)), /nested deeper/)
  })

  it('is not skipped if its constructor is unknown', () => {
    for (const hex of ['00', '30', '1f'] as const) {
      assert.throws(() => skipValue(new ByteReader(bytes(hex))), { name: 'MalformedInputError' })
    }
  })
})
