// SPDX-License-Identifier: Apache-2.0
import { type AmqpValue, Typed } from '@millrace/amqp'
import { MessageFormatException } from '../exceptions.ts'

/** Types of properties and of the items of map and stream messages. */
export type ValueType =
  | 'boolean'
  | 'byte'
  | 'short'
  | 'char'
  | 'int'
  | 'long'
  | 'float'
  | 'double'
  | 'string'
  | 'bytes'

/** TypeScript type of each: `long` is a bigint, `char` a string of one UTF-16 unit. */
export interface ValueTypes {
  boolean: boolean
  byte: number
  short: number
  char: string
  int: number
  long: bigint
  float: number
  double: number
  string: string
  bytes: Buffer
}

/** A value and the Java type it was set with. */
export interface JmsValue {
  readonly type: ValueType
  readonly value: boolean | number | bigint | string | Buffer | null
}

const ranges: Readonly<Partial<Record<ValueType, readonly [number, number]>>> = {
  byte: [-128, 127],
  short: [-32_768, 32_767],
  int: [-2_147_483_648, 2_147_483_647],
}

/**
 * Creates a value of a type. Throws `MessageFormatException` if the value does not belong to the
 * type.
 */
export function jmsValue<T extends ValueType>(
  type: T,
  value: ValueTypes[T] | number | null,
): JmsValue {
  const refuse = (): never => {
    throw new MessageFormatException(`${String(value)} is not a ${type}`)
  }
  if (value === null) return type === 'string' || type === 'bytes' ? { type, value } : refuse()
  switch (type) {
    case 'boolean':
      return typeof value === 'boolean' ? { type, value } : refuse()
    case 'byte':
    case 'short':
    case 'int': {
      const [low, high] = ranges[type] as readonly [number, number]
      const isOne = Number.isInteger(value) && Number(value) >= low && Number(value) <= high
      return isOne ? { type, value: value as number } : refuse()
    }
    case 'long': {
      if (typeof value === 'number' && !Number.isSafeInteger(value)) return refuse()
      if (typeof value !== 'number' && typeof value !== 'bigint') return refuse()
      const whole = BigInt(value)
      return BigInt.asIntN(64, whole) === whole ? { type, value: whole } : refuse()
    }
    case 'float':
      return typeof value === 'number' ? { type, value: Math.fround(value) } : refuse()
    case 'double':
      return typeof value === 'number' ? { type, value } : refuse()
    case 'char':
      return typeof value === 'string' && value.length === 1 ? { type, value } : refuse()
    case 'string':
      return typeof value === 'string' ? { type, value } : refuse()
    default:
      // A copy, because the caller may modify its array.
      return value instanceof Uint8Array ? { type, value: Buffer.from(value) } : refuse()
  }
}

/**
 * Creates a value of the type that fits a TypeScript value: whole numbers are `int`, or `double`
 * beyond 32 bits.
 */
export function guessValue(value: unknown): JmsValue {
  if (value === null || value === undefined) return { type: 'string', value: null }
  if (typeof value === 'string') return { type: 'string', value }
  if (typeof value === 'boolean') return { type: 'boolean', value }
  if (typeof value === 'bigint') return jmsValue('long', value)
  if (typeof value === 'number') {
    const isInt = Number.isInteger(value) && Math.abs(value) <= 0x7fffffff && !Object.is(value, -0)
    return { type: isInt ? 'int' : 'double', value }
  }
  if (value instanceof Uint8Array) return jmsValue('bytes', Buffer.from(value))
  throw new MessageFormatException(
    `a ${typeof value} cannot be a property or item: expected a boolean, number, bigint, string or bytes`,
  )
}

/** Types that a value of each type can be read as (sections 3.5.4 and 3.11.3). */
const conversions: Readonly<Record<ValueType, readonly ValueType[]>> = {
  boolean: ['boolean', 'string'],
  byte: ['byte', 'short', 'int', 'long', 'string'],
  short: ['short', 'int', 'long', 'string'],
  char: ['char', 'string'],
  int: ['int', 'long', 'string'],
  long: ['long', 'string'],
  float: ['float', 'double', 'string'],
  double: ['double', 'string'],
  string: ['boolean', 'byte', 'short', 'int', 'long', 'float', 'double', 'string'],
  bytes: ['bytes'],
}

/** Text that is not a number was read as a number; named after Java's exception. */
export class NumberFormatException extends Error {
  override readonly name = 'NumberFormatException'
}

/** Null was read as a primitive type; named after Java's exception. */
export class NullPointerException extends Error {
  override readonly name = 'NullPointerException'
}

/**
 * Reads a value as another type. Throws `MessageFormatException`, and `NumberFormatException` for
 * text that is not a number.
 */
export function readAs<T extends ValueType>(
  type: T,
  held: JmsValue | undefined,
  what: string,
): ValueTypes[T] | null {
  if (held === undefined || held.value === null) return readNull(type, what) as ValueTypes[T] | null
  if (!conversions[held.type].includes(type)) {
    throw new MessageFormatException(`${what} is a ${held.type} and cannot be read as a ${type}`)
  }
  const { value } = held
  if (type === 'string') return textOfValue(held) as ValueTypes[T]
  if (held.type === 'string') return parse(type, value as string, what) as ValueTypes[T]
  if (type === 'long') return BigInt(value as number | bigint) as ValueTypes[T]
  return (type === 'bytes' ? Buffer.from(value as Buffer) : value) as ValueTypes[T]
}

function readNull(type: ValueType, what: string): boolean | null {
  switch (type) {
    case 'string':
    case 'bytes':
      return null
    case 'boolean':
      return false
    case 'char':
    case 'float':
    case 'double':
      throw new NullPointerException(`${what} is null and cannot be read as a ${type}`)
    default:
      throw new NumberFormatException(`${what} is null and cannot be read as a ${type}`)
  }
}

function parse(type: ValueType, text: string, what: string): boolean | number | bigint {
  if (type === 'boolean') return text.toLowerCase() === 'true'
  const refuse = (): never => {
    throw new NumberFormatException(`${what} is ${JSON.stringify(text)}, which is not a ${type}`)
  }
  if (type === 'float' || type === 'double') {
    const trimmed = text.trim()
    const isNumber = /^[+-]?(?:NaN|Infinity|(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)[fFdD]?$/.test(
      trimmed,
    )
    if (!isNumber) return refuse()
    const number = Number(trimmed.replace(/[fFdD]$/, ''))
    return type === 'float' ? Math.fround(number) : number
  }
  if (!/^[+-]?\d+$/.test(text)) return refuse()
  const whole = BigInt(text)
  if (type === 'long') return BigInt.asIntN(64, whole) === whole ? whole : refuse()
  const [low, high] = ranges[type] as readonly [number, number]
  return whole >= BigInt(low) && whole <= BigInt(high) ? Number(whole) : refuse()
}

/** Formats a value like Java's `toString`: a whole float or double keeps its `.0`. */
export function textOfValue({ type, value }: JmsValue): string {
  if ((type === 'float' || type === 'double') && typeof value === 'number')
    return javaNumber(type, value)
  return String(value)
}

function javaNumber(type: 'float' | 'double', value: number): string {
  if (!Number.isFinite(value)) return String(value)
  if (Object.is(value, -0)) return '-0.0'
  const size = Math.abs(value)
  const digits = type === 'float' ? shortestFloat(value) : String(value)
  if (size !== 0 && (size < 1e-3 || size >= 1e7)) {
    const [mantissa = '', exponent = ''] = (type === 'float' ? Number(digits) : value)
      .toExponential()
      .split('e')
    return `${mantissa.includes('.') ? mantissa : `${mantissa}.0`}E${exponent.replace('+', '')}`
  }
  return digits.includes('.') ? digits : `${digits}.0`
}

/** The shortest decimal that rounds to this float. */
function shortestFloat(value: number): string {
  for (let precision = 1; precision <= 9; precision++) {
    const text = value.toPrecision(precision)
    if (Math.fround(Number(text)) === value) return String(Number(text))
  }
  return String(value)
}

/** Converts a value to AMQP. */
export function toAmqp({ type, value }: JmsValue): AmqpValue {
  if (value === null || type === 'boolean' || type === 'string' || type === 'bytes') return value
  return new Typed(type, value as number | bigint | string)
}

const typesOfAmqp: Readonly<Partial<Record<string, ValueType>>> = {
  byte: 'byte',
  short: 'short',
  int: 'int',
  long: 'long',
  float: 'float',
  double: 'double',
  char: 'char',
  symbol: 'string',
  uuid: 'string',
}

/** Converts a value from AMQP; unsigned numbers become the next larger signed type. */
export function fromAmqp(value: AmqpValue): JmsValue {
  if (value === null) return { type: 'string', value: null }
  if (typeof value === 'string') return { type: 'string', value }
  if (typeof value === 'boolean') return { type: 'boolean', value }
  if (value instanceof Uint8Array) return { type: 'bytes', value: value as Buffer }
  if (value instanceof Typed) {
    const type = typesOfAmqp[value.type]
    if (type !== undefined) return { type, value: value.value }
    switch (value.type) {
      case 'ubyte':
        return { type: 'short', value: value.value }
      case 'ushort':
        return { type: 'int', value: value.value }
      case 'uint':
      case 'ulong':
      case 'timestamp':
        return { type: 'long', value: BigInt.asIntN(64, BigInt(value.value as number | bigint)) }
      default:
    }
  }
  return { type: 'string', value: String(value) }
}
