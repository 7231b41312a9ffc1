// SPDX-License-Identifier: Apache-2.0
import avsc from 'avsc'
import { bytesOfInteger, Decimal, integerOfBytes } from './decimal.ts'

/** The schema that avsc passes to a logical type. */
interface LogicalSchema {
  readonly type?: unknown
  readonly precision?: unknown
  readonly scale?: unknown
  readonly size?: unknown
}

/** Options of `avsc.Type.forSchema`. */
export type ForSchemaOptions = NonNullable<Parameters<typeof avsc.Type.forSchema>[1]>

const { LogicalType } = avsc.types
const DAY_MS = 86_400_000

/** `timestamp-millis`: a `Date`. */
class TimestampMillis extends LogicalType {
  protected override _fromValue(value: number): Date {
    return new Date(value)
  }
  protected override _toValue(value: unknown): number | undefined {
    if (!(value instanceof Date)) return undefined
    const time = value.getTime()
    return Number.isNaN(time) ? undefined : time
  }
  protected override _resolve(type: avsc.Type): ((value: unknown) => Date) | undefined {
    return isWhole(type) ? (value) => new Date(Number(value)) : undefined
  }
}

/** `date`: a `Date` at midnight UTC. */
class DateType extends LogicalType {
  protected override _fromValue(value: number): Date {
    return new Date(value * DAY_MS)
  }
  protected override _toValue(value: unknown): number | undefined {
    if (!(value instanceof Date)) return undefined
    const days = Math.floor(value.getTime() / DAY_MS)
    return Number.isNaN(days) ? undefined : days
  }
  protected override _resolve(type: avsc.Type): ((value: unknown) => Date) | undefined {
    return type.typeName === 'int' || type instanceof DateType
      ? (value) => (value instanceof Date ? value : new Date(Number(value) * DAY_MS))
      : undefined
  }
}

/** `decimal` of bytes or fixed: a `Decimal`. */
class DecimalType extends LogicalType {
  readonly #scale: number
  readonly #precision: number
  readonly #size: number | undefined

  constructor(schema: avsc.Schema, options?: ForSchemaOptions) {
    super(schema, options)
    const { precision, scale = 0, size } = schema as LogicalSchema
    this.#precision = Number(precision)
    this.#scale = Number(scale)
    this.#size = typeof size === 'number' ? size : undefined
  }

  protected override _fromValue(value: Buffer): Decimal {
    return new Decimal(integerOfBytes(value), this.#scale)
  }

  protected override _toValue(value: unknown): Buffer | undefined {
    if (!(value instanceof Decimal)) return undefined
    const { unscaled } = value.withScale(this.#scale)
    const digits = (unscaled < 0n ? -unscaled : unscaled).toString().length
    if (digits > this.#precision) {
      throw new RangeError(`${value} has more than ${this.#precision} digits`)
    }
    return bytesOfInteger(unscaled, this.#size)
  }

  protected override _resolve(type: avsc.Type): ((value: unknown) => Decimal) | undefined {
    const isBytes = ['bytes', 'fixed', 'logical:decimal'].includes(type.typeName)
    if (!isBytes) return undefined
    return (value) =>
      value instanceof Decimal ? value.withScale(this.#scale) : this._fromValue(value as Buffer)
  }
}

/** Whether values of a type are whole numbers. */
function isWhole(type: avsc.Type): boolean {
  return ['int', 'long', 'abstract:long'].includes(type.typeName)
}

/** Whether a `decimal` has parameters by Avro's rules; else Avro ignores the logical type. */
export function isDecimal({ type, precision, scale = 0, size }: LogicalSchema): boolean {
  const isInteger = Number.isInteger(precision) && Number.isInteger(scale)
  if (!isInteger || Number(precision) < 1) return false
  if (Number(scale) < 0 || Number(scale) > Number(precision)) return false
  if (type === 'bytes') return true
  return type === 'fixed' && Number(precision) <= Math.floor(Math.log10(2) * (Number(size) * 8 - 1))
}

/** Logical types that have a class of their own; others are values of the underlying type. */
export const logicalTypes = {
  'timestamp-millis': TimestampMillis,
  date: DateType,
  decimal: DecimalType,
}

/** A `long` as `bigint`. Safe whole numbers are accepted, too. */
export const bigintLong = avsc.types.LongType.__with(
  {
    fromBuffer: readLong,
    toBuffer: writeLong,
    fromJSON: (value: number | bigint) => BigInt(value),
    toJSON: Number,
    isValid: (value: unknown) =>
      typeof value === 'bigint' ? BigInt.asIntN(64, value) === value : Number.isSafeInteger(value),
    compare: (a: bigint, b: bigint) => (a === b ? 0 : a < b ? -1 : 1),
  },
  true,
)

/** Decodes a zig-zag varint of 1 to 10 bytes. */
function readLong(bytes: Buffer): bigint {
  // Up to 49 bits fit into a number together with the zig-zag shift.
  if (bytes.length <= 7) {
    let value = 0
    let factor = 1
    for (let at = 0; at < bytes.length; at += 1) {
      value += ((bytes[at] ?? 0) & 0x7f) * factor
      factor *= 128
    }
    return BigInt(value % 2 === 0 ? value / 2 : -(value + 1) / 2)
  }
  let value = 0n
  for (let at = bytes.length - 1; at >= 0; at -= 1) {
    value = (value << 7n) | BigInt((bytes[at] ?? 0) & 0x7f)
  }
  value = BigInt.asUintN(64, value)
  return (value & 1n) === 0n ? value >> 1n : -(value >> 1n) - 1n
}

const scratch = Buffer.alloc(10)

/** Encodes a zig-zag varint. The result is valid until the next call: avsc copies it at once. */
function writeLong(given: bigint | number): Buffer {
  const small = typeof given === 'number' ? given : Number(given)
  let at = 0
  if (small >= -0x1_0000_0000_0000 && small <= 0x1_0000_0000_0000) {
    let rest = small >= 0 ? small * 2 : -small * 2 - 1
    while (rest >= 128) {
      scratch[at] = (rest % 128) | 0x80
      at += 1
      rest = Math.floor(rest / 128)
    }
    scratch[at] = rest
    return scratch.subarray(0, at + 1)
  }
  const value = BigInt(given)
  let rest = BigInt.asUintN(64, (value << 1n) ^ (value >> 63n))
  while (rest >= 128n) {
    scratch[at] = Number(rest & 0x7fn) | 0x80
    at += 1
    rest >>= 7n
  }
  scratch[at] = Number(rest)
  return scratch.subarray(0, at + 1)
}
