// SPDX-License-Identifier: Apache-2.0

/** Names of the primitive types of AMQP 1.0, part 1, section 1.6. */
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

/** A value whose AMQP type does not follow from its JavaScript type. */
export class Typed {
  /** Type of the value. */
  readonly type: PrimitiveType
  /**
   * `bigint` for `long` and `ulong`; milliseconds since 1970 as a number for `timestamp`; text for `symbol`, `char`
   * and `uuid` (with hyphens); the bytes for decimals; a number otherwise.
   */
  readonly value: number | bigint | string | Buffer

  /** Creates a value of a type. */
  constructor(type: PrimitiveType, value: number | bigint | string | Buffer) {
    this.type = type
    this.value = value
  }
}

/** A described value: a descriptor, mostly a symbol or a `ulong`, and what it describes. */
export class Described {
  /** Symbol or number that names the type. */
  readonly descriptor: AmqpValue
  /** Value beneath the descriptor. */
  readonly value: AmqpValue

  /** Creates a described value. */
  constructor(descriptor: AmqpValue, value: AmqpValue) {
    this.descriptor = descriptor
    this.value = value
  }
}

/** Values of one type, encoded with one constructor. */
export class AmqpArray {
  /** Type of the elements. */
  readonly type: PrimitiveType
  /** Elements. */
  readonly values: readonly AmqpValue[]

  /** Creates an array of a type. */
  constructor(type: PrimitiveType, values: readonly AmqpValue[]) {
    this.type = type
    this.values = values
  }
}

/** A map; keys are values of any type, mostly strings or symbols. */
export type AmqpMap = ReadonlyMap<AmqpValue, AmqpValue>

/**
 * Any value of AMQP. What JavaScript can say, it says: `null`, booleans, strings, `Buffer` for binary, arrays for lists
 * and maps for maps; everything else is `Typed`. When written, a bare number is an `int` or, with a fraction or beyond
 * 32 bits, a `double`, and a bare `bigint` is a `long`.
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

/** A symbol. */
export function symbol(text: string): Typed {
  return new Typed('symbol', text)
}

/** An unsigned number of 64 bits. */
export function ulong(value: bigint | number): Typed {
  return new Typed('ulong', BigInt(value))
}

/** An unsigned number of 32 bits. */
export function uint(value: number): Typed {
  return new Typed('uint', value)
}

/** An unsigned number of 8 bits. */
export function ubyte(value: number): Typed {
  return new Typed('ubyte', value)
}

/** A signed number of 8 bits. */
export function byte(value: number): Typed {
  return new Typed('byte', value)
}

/** A time, milliseconds since 1970. */
export function timestamp(ms: number): Typed {
  return new Typed('timestamp', ms)
}

/** The text of a string or a symbol, undefined for anything else. */
export function textOf(value: AmqpValue | undefined): string | undefined {
  if (typeof value === 'string') return value
  if (value instanceof Typed && value.type === 'symbol') return value.value as string
  return undefined
}

/** The number in a value of any numeric type, undefined for anything else; 64 bits beyond 2^53 lose their end. */
export function numberOf(value: AmqpValue | undefined): number | undefined {
  if (typeof value === 'number') return value
  if (typeof value === 'bigint') return Number(value)
  if (!(value instanceof Typed)) return undefined
  if (typeof value.value === 'number') return value.value
  return typeof value.value === 'bigint' ? Number(value.value) : undefined
}
