// SPDX-License-Identifier: Apache-2.0
import { type ByteReader, MalformedInputError } from '@millrace/base'
import { AmqpArray, type AmqpValue, Described, type PrimitiveType, Typed } from './types.ts'

/** Maximum nesting depth of values. Each level uses stack, and no known program needs more. */
const MAX_DEPTH = 32

/** Reads one value of any type. Throws `MalformedInputError`. */
export function decodeValue(reader: ByteReader, depth = 0): AmqpValue {
  if (depth > MAX_DEPTH) {
    throw new MalformedInputError(
      `values nested deeper than ${MAX_DEPTH} levels at ${reader.offset}`,
    )
  }
  const code = reader.uint8()
  if (code !== 0x00) return decodeAs(code, reader, depth)
  const descriptor = decodeValue(reader, depth + 1)
  return new Described(descriptor, decodeValue(reader, depth + 1))
}

function decodeAs(code: number, reader: ByteReader, depth: number): AmqpValue {
  switch (code) {
    case 0x40:
      return null
    case 0x41:
      return true
    case 0x42:
      return false
    case 0x56:
      return readBoolean(reader)
    case 0xa0:
      return reader.bytes(reader.uint8())
    case 0xb0:
      return reader.bytes(reader.uint32())
    case 0xa1:
      return reader.utf8(reader.uint8())
    case 0xb1:
      return reader.utf8(reader.uint32())
    case 0x45:
    case 0xc0:
    case 0xd0:
      return decodeList(code, reader, depth)
    case 0xc1:
    case 0xd1:
      return decodeMap(code, reader, depth)
    case 0xe0:
    case 0xf0:
      return decodeArray(code, reader, depth)
    default:
      return decodeTyped(code, reader)
  }
}

function readBoolean(reader: ByteReader): boolean {
  const value = reader.uint8()
  if (value > 1)
    throw new MalformedInputError(`expected a boolean at ${reader.offset - 1}, found ${value}`)
  return value === 1
}

function decodeTyped(code: number, reader: ByteReader): AmqpValue {
  switch (code) {
    case 0x50:
      return new Typed('ubyte', reader.uint8())
    case 0x51:
      return new Typed('byte', reader.int8())
    case 0x60:
      return new Typed('ushort', reader.uint16())
    case 0x61:
      return new Typed('short', reader.int16())
    case 0x70:
      return new Typed('uint', reader.uint32())
    case 0x52:
      return new Typed('uint', reader.uint8())
    case 0x43:
      return new Typed('uint', 0)
    case 0x71:
      return new Typed('int', reader.int32())
    case 0x54:
      return new Typed('int', reader.int8())
    case 0x80:
      return new Typed('ulong', reader.uint64())
    case 0x53:
      return new Typed('ulong', BigInt(reader.uint8()))
    case 0x44:
      return new Typed('ulong', 0n)
    case 0x81:
      return new Typed('long', reader.int64())
    case 0x55:
      return new Typed('long', BigInt(reader.int8()))
    case 0x72:
      return new Typed('float', reader.float32())
    case 0x82:
      return new Typed('double', reader.float64())
    case 0x74:
      return new Typed('decimal32', reader.bytes(4))
    case 0x84:
      return new Typed('decimal64', reader.bytes(8))
    case 0x94:
      return new Typed('decimal128', reader.bytes(16))
    case 0x73:
      return new Typed('char', readChar(reader))
    case 0x83:
      return new Typed('timestamp', Number(reader.int64()))
    case 0x98:
      return new Typed('uuid', uuidText(reader.bytes(16)))
    case 0xa3:
      return new Typed('symbol', reader.utf8(reader.uint8()))
    case 0xb3:
      return new Typed('symbol', reader.utf8(reader.uint32()))
    default:
      throw new MalformedInputError(
        `unknown AMQP constructor 0x${code.toString(16)} at ${reader.offset - 1}`,
      )
  }
}

function readChar(reader: ByteReader): string {
  const point = reader.uint32()
  if (point > 0x10ffff) throw new MalformedInputError(`${point} is not a Unicode code point`)
  return String.fromCodePoint(point)
}

function uuidText(bytes: Buffer): string {
  const hex = bytes.toString('hex')
  return [
    hex.slice(0, 8),
    hex.slice(8, 12),
    hex.slice(12, 16),
    hex.slice(16, 20),
    hex.slice(20),
  ].join('-')
}

/** End of a compound value and the number of items that its header declares. */
export interface Compound {
  readonly count: number
  readonly end: number
}

/** Reads the size and count of a list, map or array and rejects impossible values. */
export function readCompound(reader: ByteReader, isWide: boolean): Compound {
  const size = isWide ? reader.uint32() : reader.uint8()
  const end = reader.offset + size
  if (end > reader.end) {
    throw new MalformedInputError(`value of ${size} bytes at ${reader.offset} exceeds its frame`)
  }
  if (size < (isWide ? 4 : 1))
    throw new MalformedInputError(`compound value without a count at ${reader.offset}`)
  const count = isWide ? reader.uint32() : reader.uint8()
  return { count, end }
}

function checkEnd(reader: ByteReader, end: number): void {
  if (reader.offset !== end) {
    throw new MalformedInputError(`compound value ends at ${reader.offset}; its size says ${end}`)
  }
}

function decodeList(code: number, reader: ByteReader, depth: number): AmqpValue[] {
  if (code === 0x45) return []
  const { count, end } = readCompound(reader, code === 0xd0)
  checkCount(count, end - reader.offset)
  const values: AmqpValue[] = []
  for (let i = 0; i < count; i++) values.push(decodeValue(reader, depth + 1))
  checkEnd(reader, end)
  return values
}

function checkCount(count: number, bytes: number): void {
  // Each item takes at least one byte.
  if (count > bytes) throw new MalformedInputError(`${count} items do not fit in ${bytes} bytes`)
}

function decodeMap(code: number, reader: ByteReader, depth: number): Map<AmqpValue, AmqpValue> {
  const { count, end } = readCompound(reader, code === 0xd1)
  checkCount(count, end - reader.offset)
  if (count % 2 !== 0) throw new MalformedInputError(`map with an odd number of items: ${count}`)
  const map = new Map<AmqpValue, AmqpValue>()
  for (let i = 0; i < count; i += 2) {
    const key = decodeValue(reader, depth + 1)
    map.set(key, decodeValue(reader, depth + 1))
  }
  checkEnd(reader, end)
  return map
}

/** Primitive type of each constructor. Needed for arrays, where the items share one constructor. */
const typeOfCode = new Map<number, PrimitiveType>([
  [0x40, 'null'],
  ...[0x41, 0x42, 0x56].map((code) => [code, 'boolean'] as const),
  [0x50, 'ubyte'],
  [0x51, 'byte'],
  [0x60, 'ushort'],
  [0x61, 'short'],
  ...[0x70, 0x52, 0x43].map((code) => [code, 'uint'] as const),
  ...[0x71, 0x54].map((code) => [code, 'int'] as const),
  ...[0x80, 0x53, 0x44].map((code) => [code, 'ulong'] as const),
  ...[0x81, 0x55].map((code) => [code, 'long'] as const),
  [0x72, 'float'],
  [0x82, 'double'],
  [0x74, 'decimal32'],
  [0x84, 'decimal64'],
  [0x94, 'decimal128'],
  [0x73, 'char'],
  [0x83, 'timestamp'],
  [0x98, 'uuid'],
  ...[0xa0, 0xb0].map((code) => [code, 'binary'] as const),
  ...[0xa1, 0xb1].map((code) => [code, 'string'] as const),
  ...[0xa3, 0xb3].map((code) => [code, 'symbol'] as const),
  ...[0x45, 0xc0, 0xd0].map((code) => [code, 'list'] as const),
  ...[0xc1, 0xd1].map((code) => [code, 'map'] as const),
  ...[0xe0, 0xf0].map((code) => [code, 'array'] as const),
])

function decodeArray(code: number, reader: ByteReader, depth: number): AmqpArray {
  if (depth > MAX_DEPTH)
    throw new MalformedInputError(`arrays nested deeper than ${MAX_DEPTH} levels`)
  const { count, end } = readCompound(reader, code === 0xf0)
  const itemCode = reader.uint8()
  const descriptor = itemCode === 0x00 ? decodeValue(reader, depth + 1) : undefined
  const valueCode = itemCode === 0x00 ? reader.uint8() : itemCode
  const type = typeOfCode.get(valueCode)
  if (type === undefined) {
    throw new MalformedInputError(`unknown AMQP constructor 0x${valueCode.toString(16)}`)
  }
  // Items without payload bytes (null, true, uint 0, empty lists) would let a few bytes claim
  // gigabytes.
  checkCount(count, Math.max(end - reader.offset, 1024))
  const values: AmqpValue[] = []
  for (let i = 0; i < count; i++) {
    const value = decodeAs(valueCode, reader, depth + 1)
    values.push(descriptor === undefined ? value : new Described(descriptor, value))
  }
  checkEnd(reader, end)
  return new AmqpArray(type, values)
}

/** Skips one value without decoding it. The contents of compound values are not validated. */
export function skipValue(reader: ByteReader): void {
  let code = reader.uint8()
  if (code === 0x00) {
    skipValue(reader)
    code = reader.uint8()
  }
  switch (code >> 4) {
    case 0x4:
      return
    case 0x5:
      return reader.skip(1)
    case 0x6:
      return reader.skip(2)
    case 0x7:
      return reader.skip(4)
    case 0x8:
      return reader.skip(8)
    case 0x9:
      return reader.skip(16)
    case 0xa:
    case 0xc:
    case 0xe:
      return reader.skip(reader.uint8())
    case 0xb:
    case 0xd:
    case 0xf:
      return reader.skip(reader.uint32())
    default:
      throw new MalformedInputError(
        `unknown AMQP constructor 0x${code.toString(16)} at ${reader.offset - 1}`,
      )
  }
}
