// SPDX-License-Identifier: Apache-2.0

/** Primitive types of AMQP 1.0 (part 1, section 1.6). */
export type PrimitiveType =
  | 'null'
  | 'boolean'
  | 'ubyte'
  | 'ushort'
  | 'uint'
  | 'ulong'
  | 'byte'
  | 'short'
  | 'int'
  | 'long'
  | 'float'
  | 'double'
  | 'decimal32'
  | 'decimal64'
  | 'decimal128'
  | 'char'
  | 'timestamp'
  | 'uuid'
  | 'binary'
  | 'string'
  | 'symbol'
  | 'list'
  | 'map'
  | 'array'

/** A value whose AMQP type cannot be derived from its JavaScript type. */
export class Typed {
  /** Type of the value. */
  readonly type: PrimitiveType
  /**
   * `bigint` for `long` and `ulong`; milliseconds since 1970 as a number for `timestamp`; a string
   * for `symbol`, `char` and `uuid` (with hyphens); the bytes for decimals; otherwise a number.
   */
  readonly value: number | bigint | string | Buffer

  /** Creates a value of a type. */
  constructor(type: PrimitiveType, value: number | bigint | string | Buffer) {
    this.type = type
    this.value = value
  }
}

/**
 * A described value: a descriptor, usually a symbol or a `ulong`, and the value that it describes.
 */
export class Described {
  /** Symbol or number that identifies the type. */
  readonly descriptor: AmqpValue
  /** The value that the descriptor describes. */
  readonly value: AmqpValue

  /** Creates a described value. */
  constructor(descriptor: AmqpValue, value: AmqpValue) {
    this.descriptor = descriptor
    this.value = value
  }
}

/** An array: values of one type, encoded with one constructor. */
export class AmqpArray {
  /** Type of the elements. */
  readonly type: PrimitiveType
  /** Elements. */
  readonly values: readonly AmqpValue[]

  /** Creates an array of the given type. */
  constructor(type: PrimitiveType, values: readonly AmqpValue[]) {
    this.type = type
    this.values = values
  }
}

/** A map. Keys may be of any type; strings and symbols are common. */
export type AmqpMap = ReadonlyMap<AmqpValue, AmqpValue>

/**
 * Any AMQP value. Types with a JavaScript counterpart use it: `null`, booleans, strings, `Buffer`
 * for binary, arrays for lists and maps for maps. All others are `Typed`. When encoded, a plain
 * number is an `int`, or a `double` if it has a fraction or exceeds 32 bits; a plain `bigint` is a
 * `long`.
 */
export type AmqpValue =
  | null
  | boolean
  | string
  | number
  | bigint
  | Buffer
  | Typed
  | Described
  | AmqpArray
  | readonly AmqpValue[]
  | AmqpMap

/** Creates a symbol. */
export function symbol(text: string): Typed {
  return new Typed('symbol', text)
}

/** Creates a 64-bit unsigned integer. */
export function ulong(value: bigint | number): Typed {
  return new Typed('ulong', BigInt(value))
}

/** Creates a 32-bit unsigned integer. */
export function uint(value: number): Typed {
  return new Typed('uint', value)
}

/** Creates an 8-bit unsigned integer. */
export function ubyte(value: number): Typed {
  return new Typed('ubyte', value)
}

/** Creates an 8-bit signed integer. */
export function byte(value: number): Typed {
  return new Typed('byte', value)
}

/** Creates a timestamp, milliseconds since 1970. */
export function timestamp(ms: number): Typed {
  return new Typed('timestamp', ms)
}

/** Returns the text of a string or symbol, undefined for any other value. */
export function textOf(value: AmqpValue | undefined): string | undefined {
  if (typeof value === 'string') return value
  if (value instanceof Typed && value.type === 'symbol') return value.value as string
  return undefined
}

/**
 * Returns the number in a value of any numeric type, undefined for any other value. 64-bit values
 * beyond 2^53 lose precision.
 */
export function numberOf(value: AmqpValue | undefined): number | undefined {
  if (typeof value === 'number') return value
  if (typeof value === 'bigint') return Number(value)
  if (!(value instanceof Typed)) return undefined
  if (typeof value.value === 'number') return value.value
  return typeof value.value === 'bigint' ? Number(value.value) : undefined
}
