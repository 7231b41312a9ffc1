// SPDX-License-Identifier: Apache-2.0
import {
  AmqpArray,
  type AmqpMap,
  type AmqpValue,
  Described,
  type PrimitiveType,
  Typed,
} from './types.ts'

/** Writes AMQP values one after another into a growing buffer. */
export class Encoder {
  #buffer: Buffer
  #at = 0

  /** Creates an encoder with an initial buffer of `initialSize` bytes. */
  constructor(initialSize = 256) {
    this.#buffer = Buffer.allocUnsafe(initialSize)
  }

  /** Bytes written so far. */
  get size(): number {
    return this.#at
  }

  /**
   * Returns the encoded bytes. They share memory with the encoder, which must not be used
   * afterwards.
   */
  finish(): Buffer {
    return this.#buffer.subarray(0, this.#at)
  }

  #reserve(size: number): number {
    const at = this.#at
    if (at + size > this.#buffer.length) {
      const grown = Buffer.allocUnsafe(Math.max(this.#buffer.length * 2, at + size))
      this.#buffer.copy(grown, 0, 0, at)
      this.#buffer = grown
    }
    this.#at = at + size
    return at
  }

  /** Writes one byte without a constructor. */
  uint8(value: number): void {
    const at = this.#reserve(1)
    this.#buffer[at] = value
  }

  #uint32(value: number): void {
    const at = this.#reserve(4)
    this.#buffer.writeUInt32BE(value, at)
  }

  /** Writes bytes unchanged, without a constructor. */
  raw(bytes: Uint8Array): void {
    const at = this.#reserve(bytes.length)
    this.#buffer.set(bytes, at)
  }

  /** Writes null. */
  null(): void {
    this.uint8(0x40)
  }

  /** Writes a boolean. */
  boolean(value: boolean): void {
    this.uint8(value ? 0x41 : 0x42)
  }

  /** Writes a 32-bit unsigned integer in its shortest form. */
  uint(value: number): void {
    if (value === 0) {
      this.uint8(0x43)
    } else if (value < 0x100) {
      this.uint8(0x52)
      this.uint8(value)
    } else {
      this.uint8(0x70)
      this.#uint32(value)
    }
  }

  /** Writes a 64-bit unsigned integer in its shortest form. */
  ulong(value: bigint): void {
    if (value === 0n) {
      this.uint8(0x44)
    } else if (value < 0x100n) {
      this.uint8(0x53)
      this.uint8(Number(value))
    } else {
      this.uint8(0x80)
      const at = this.#reserve(8)
      this.#buffer.writeBigUInt64BE(value, at)
    }
  }

  /** Writes an 8-bit unsigned integer. */
  ubyte(value: number): void {
    this.uint8(0x50)
    this.uint8(value)
  }

  /** Writes a 16-bit unsigned integer. */
  ushort(value: number): void {
    this.uint8(0x60)
    const at = this.#reserve(2)
    this.#buffer.writeUInt16BE(value, at)
  }

  #int(value: number): void {
    if (value >= -128 && value < 128) {
      this.uint8(0x54)
      this.uint8(value & 0xff)
      return
    }
    this.uint8(0x71)
    const at = this.#reserve(4)
    this.#buffer.writeInt32BE(value, at)
  }

  #long(value: bigint): void {
    if (value >= -128n && value < 128n) {
      this.uint8(0x55)
      this.uint8(Number(value) & 0xff)
      return
    }
    this.uint8(0x81)
    const at = this.#reserve(8)
    this.#buffer.writeBigInt64BE(value, at)
  }

  /** Writes a double-precision number. */
  double(value: number): void {
    this.uint8(0x82)
    const at = this.#reserve(8)
    this.#buffer.writeDoubleBE(value, at)
  }

  /** Writes a timestamp, milliseconds since 1970. */
  timestamp(ms: number): void {
    this.uint8(0x83)
    const at = this.#reserve(8)
    this.#buffer.writeBigInt64BE(BigInt(Math.trunc(ms)), at)
  }

  /** Writes a string as UTF-8. */
  string(value: string): void {
    this.#text(value, 0xa1, 0xb1)
  }

  /** Writes a symbol as ASCII. */
  symbol(value: string): void {
    this.#text(value, 0xa3, 0xb3)
  }

  #text(value: string, shortCode: number, longCode: number): void {
    const size = Buffer.byteLength(value)
    this.#variable(size, shortCode, longCode)
    const at = this.#reserve(size)
    this.#buffer.write(value, at, size, 'utf8')
  }

  #variable(size: number, shortCode: number, longCode: number): void {
    if (size < 0x100) {
      this.uint8(shortCode)
      this.uint8(size)
    } else {
      this.uint8(longCode)
      this.#uint32(size)
    }
  }

  /** Writes a binary value. */
  binary(value: Uint8Array): void {
    this.#variable(value.length, 0xa0, 0xb0)
    this.raw(value)
  }

  /** Writes a list or map. `write` encodes the items and returns their count. */
  compound(kind: 'list' | 'map', write: () => number): void {
    const start = this.#reserve(3)
    const count = write()
    const size = this.#at - start - 2
    if (size < 0x100 && count < 0x100) {
      this.#buffer[start] = kind === 'list' ? 0xc0 : 0xc1
      this.#buffer[start + 1] = size
      this.#buffer[start + 2] = count
      return
    }
    this.#reserve(6)
    this.#buffer.copyWithin(start + 9, start + 3, this.#at - 6)
    this.#buffer[start] = kind === 'list' ? 0xd0 : 0xd1
    this.#buffer.writeUInt32BE(size + 3, start + 1)
    this.#buffer.writeUInt32BE(count, start + 5)
  }

  /**
   * Writes an array of symbols. A single symbol is written without an array, as "multiple" fields
   * allow.
   */
  symbols(values: readonly string[]): void {
    const [only] = values
    if (values.length === 1 && only !== undefined) this.symbol(only)
    else
      this.array(
        new AmqpArray(
          'symbol',
          values.map((value) => new Typed('symbol', value)),
        ),
      )
  }

  /** Writes a map. */
  map(entries: AmqpMap): void {
    this.compound('map', () => {
      for (const [key, value] of entries) {
        this.value(key)
        this.value(value)
      }
      return entries.size * 2
    })
  }

  /** Writes a map with symbol keys. */
  fields(entries: ReadonlyMap<string, AmqpValue>): void {
    this.compound('map', () => {
      for (const [key, value] of entries) {
        this.symbol(key)
        this.value(value)
      }
      return entries.size * 2
    })
  }

  /** Writes a numeric descriptor in its short form. */
  descriptor(code: number): void {
    this.uint8(0x00)
    this.ulong(BigInt(code))
  }

  /** Writes a value with the constructor of its type. */
  value(value: AmqpValue): void {
    if (value === null) this.null()
    else if (typeof value === 'string') this.string(value)
    else if (typeof value === 'boolean') this.boolean(value)
    else if (typeof value === 'bigint') this.#long(value)
    else if (typeof value === 'number') this.#number(value)
    else if (value instanceof Typed) this.#typed(value)
    else if (value instanceof Uint8Array) this.binary(value)
    else if (value instanceof Described) this.#described(value)
    else if (value instanceof AmqpArray) this.array(value)
    else if (value instanceof Map) this.map(value)
    else this.#list(value as readonly AmqpValue[])
  }

  #described(value: Described): void {
    this.uint8(0x00)
    this.value(value.descriptor)
    this.value(value.value)
  }

  #list(values: readonly AmqpValue[]): void {
    if (values.length === 0) return this.uint8(0x45)
    this.compound('list', () => {
      for (const value of values) this.value(value)
      return values.length
    })
  }

  #number(value: number): void {
    if (Number.isInteger(value) && value >= -0x80000000 && value <= 0x7fffffff) this.#int(value)
    else this.double(value)
  }

  #typed({ type, value }: Typed): void {
    switch (type) {
      case 'uint':
        return this.uint(value as number)
      case 'ulong':
        return this.ulong(BigInt(value as bigint))
      case 'int':
        return this.#int(value as number)
      case 'long':
        return this.#long(BigInt(value as bigint))
      case 'symbol':
        return this.symbol(value as string)
      default:
        this.uint8(fixedCode(type))
        this.#fixed(type, value)
    }
  }

  /** Writes the bytes of a value in its fixed or widest form, without its constructor. */
  #fixed(type: PrimitiveType, value: AmqpValue): void {
    const plain = value instanceof Typed ? value.value : value
    switch (type) {
      case 'null':
        return
      case 'boolean':
        return this.uint8(plain === true ? 1 : 0)
      case 'ubyte':
      case 'byte':
        return this.uint8((plain as number) & 0xff)
      case 'ushort':
      case 'short': {
        const at = this.#reserve(2)
        this.#buffer.writeUInt16BE((plain as number) & 0xffff, at)
        return
      }
      case 'uint':
      case 'int':
        return this.#uint32((plain as number) >>> 0)
      case 'char':
        return this.#uint32((plain as string).codePointAt(0) ?? 0)
      case 'float': {
        const at = this.#reserve(4)
        this.#buffer.writeFloatBE(plain as number, at)
        return
      }
      case 'double': {
        const at = this.#reserve(8)
        this.#buffer.writeDoubleBE(plain as number, at)
        return
      }
      case 'ulong':
      case 'long':
      case 'timestamp': {
        const at = this.#reserve(8)
        const whole = typeof plain === 'number' ? Math.trunc(plain) : (plain as bigint)
        this.#buffer.writeBigInt64BE(BigInt.asIntN(64, BigInt(whole)), at)
        return
      }
      case 'uuid':
        return this.raw(Buffer.from((plain as string).replaceAll('-', ''), 'hex'))
      case 'decimal32':
      case 'decimal64':
      case 'decimal128':
        return this.raw(plain as Buffer)
      case 'binary':
        this.#uint32((plain as Buffer).length)
        return this.raw(plain as Buffer)
      case 'string':
      case 'symbol': {
        const text = Buffer.from(plain as string)
        this.#uint32(text.length)
        return this.raw(text)
      }
      default:
        return this.#wide(type, value)
    }
  }

  /** Writes a list, map or array in its 32-bit form, without its constructor. */
  #wide(type: PrimitiveType, value: AmqpValue): void {
    const start = this.#reserve(4)
    if (type === 'array') {
      this.#arrayItems(value as AmqpArray)
    } else {
      const items =
        type === 'map' ? [...(value as AmqpMap)].flat() : (value as readonly AmqpValue[])
      this.#uint32(items.length)
      for (const item of items) this.value(item as AmqpValue)
    }
    this.#buffer.writeUInt32BE(this.#at - start - 4, start)
  }

  /** Writes an array of one type. */
  array(array: AmqpArray): void {
    this.uint8(0xf0)
    this.#wide('array', array)
  }

  #arrayItems({ type, values }: AmqpArray): void {
    this.#uint32(values.length)
    const [first] = values
    if (first instanceof Described) {
      this.uint8(0x00)
      this.value(first.descriptor)
    }
    this.uint8(fixedCode(type))
    for (const value of values) {
      this.#fixed(type, value instanceof Described ? value.value : value)
    }
  }
}

const fixedCodes: Readonly<Record<PrimitiveType, number>> = {
  null: 0x40,
  boolean: 0x56,
  ubyte: 0x50,
  byte: 0x51,
  ushort: 0x60,
  short: 0x61,
  uint: 0x70,
  int: 0x71,
  ulong: 0x80,
  long: 0x81,
  float: 0x72,
  double: 0x82,
  decimal32: 0x74,
  decimal64: 0x84,
  decimal128: 0x94,
  char: 0x73,
  timestamp: 0x83,
  uuid: 0x98,
  binary: 0xb0,
  string: 0xb1,
  symbol: 0xb3,
  list: 0xd0,
  map: 0xd1,
  array: 0xf0,
}

/** Constructor of the widest form of a type. */
function fixedCode(type: PrimitiveType): number {
  return fixedCodes[type]
}
