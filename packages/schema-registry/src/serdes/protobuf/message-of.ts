// SPDX-License-Identifier: Apache-2.0
import { inspect } from 'node:util'
import { nearestSpelling } from '@millrace/base'
import protobuf from 'protobufjs/light.js'

/** Nesting of messages in one value. */
const MAX_DEPTH = 100

type Plain = Readonly<Record<string, unknown>>

/**
 * Checks a plain object, and converts it to what `type.encode` takes: 64-bit numbers to halves,
 * names of enums to numbers. Absent, undefined and null fields are left out. Throws
 * `TypeError` with the path of the field that does not fit.
 */
export function messageOf(type: protobuf.Type, value: unknown, path = '', depth = 0): object {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw wrong(path, value, `an object, message ${nameOf(type)}`)
  }
  if (depth > MAX_DEPTH) throw new TypeError(`${path} is nested more than ${MAX_DEPTH} levels`)
  const message: Record<string, unknown> = {}
  for (const [name, given] of Object.entries(value)) {
    if (given === undefined || given === null) continue
    const at = path === '' ? name : `${path}.${name}`
    const field = Object.hasOwn(type.fields, name) ? type.fields[name] : undefined
    if (field === undefined) throw unknownField(type, name, at)
    message[name] = fieldOf(field, given, at, depth)
  }
  checkPresence(type, message, path)
  return message
}

function checkPresence(type: protobuf.Type, message: Plain, path: string): void {
  for (const { name, oneof } of type.oneofsArray) {
    const given = oneof.filter((each) => message[each] !== undefined)
    if (given.length > 1) {
      throw new TypeError(
        `${path === '' ? 'the value' : path} has ${given.join(' and ')} of the oneof ${name}; at most one is allowed`,
      )
    }
  }
  for (const field of type.fieldsArray) {
    if (field.required && message[field.name] === undefined) {
      throw new TypeError(`${path === '' ? '' : `${path}.`}${field.name} is required`)
    }
  }
}

function fieldOf(field: protobuf.Field, value: unknown, path: string, depth: number): unknown {
  const single = (each: unknown, at: string): unknown => singleOf(field, each, at, depth)
  if (field instanceof protobuf.MapField) {
    if (typeof value !== 'object' || Array.isArray(value)) throw wrong(path, value, 'an object')
    return Object.fromEntries(
      Object.entries(value as Plain).map(([key, each]) => {
        checkKey(field.keyType, key, path)
        return [key, single(each, `${path}[${JSON.stringify(key)}]`)]
      }),
    )
  }
  if (!field.repeated) return single(value, path)
  if (!Array.isArray(value)) throw wrong(path, value, 'an array')
  return value.map((each, i) => single(each, `${path}[${i}]`))
}

function singleOf(field: protobuf.Field, value: unknown, path: string, depth: number): unknown {
  const { resolvedType, type } = field
  if (resolvedType instanceof protobuf.Type) return messageOf(resolvedType, value, path, depth + 1)
  if (resolvedType instanceof protobuf.Enum) return enumOf(resolvedType, value, path)
  return scalarOf(type, value, path)
}

function enumOf({ name, values }: protobuf.Enum, value: unknown, path: string): number {
  if (typeof value === 'string' && Object.hasOwn(values, value)) return values[value] as number
  if (Number.isInteger(value) && Math.abs(value as number) < 2 ** 31) return value as number
  throw wrong(path, value, `${Object.keys(values).join(', ')} (enum ${name})`)
}

const integers: Readonly<Record<string, readonly [min: bigint, max: bigint]>> = {
  int32: [-(2n ** 31n), 2n ** 31n - 1n],
  sint32: [-(2n ** 31n), 2n ** 31n - 1n],
  sfixed32: [-(2n ** 31n), 2n ** 31n - 1n],
  uint32: [0n, 2n ** 32n - 1n],
  fixed32: [0n, 2n ** 32n - 1n],
  int64: [-(2n ** 63n), 2n ** 63n - 1n],
  sint64: [-(2n ** 63n), 2n ** 63n - 1n],
  sfixed64: [-(2n ** 63n), 2n ** 63n - 1n],
  uint64: [0n, 2n ** 64n - 1n],
  fixed64: [0n, 2n ** 64n - 1n],
}

function scalarOf(type: string, value: unknown, path: string): unknown {
  const limits = integers[type]
  if (limits !== undefined) return integerOf(type, limits, value, path)
  switch (type) {
    case 'bool':
      if (typeof value === 'boolean') return value
      throw wrong(path, value, 'a boolean')
    case 'string':
      if (typeof value === 'string') return value
      throw wrong(path, value, 'a string')
    case 'bytes':
      if (value instanceof Uint8Array) return value
      throw wrong(path, value, 'a Buffer or Uint8Array')
    default:
      if (typeof value === 'number') return value
      throw wrong(path, value, `a number (${type})`)
  }
}

function integerOf(
  type: string,
  [min, max]: readonly [bigint, bigint],
  value: unknown,
  path: string,
): unknown {
  const isInteger = typeof value === 'bigint' || Number.isSafeInteger(value)
  const number = isInteger ? BigInt(value as bigint | number) : undefined
  if (number === undefined || number < min || number > max) {
    throw wrong(path, value, `an integer from ${min} to ${max} (${type})`)
  }
  if (!type.endsWith('64')) return Number(number)
  const low = Number(BigInt.asIntN(32, number))
  const high = Number(BigInt.asIntN(32, number >> 32n))
  return { low, high, unsigned: min === 0n }
}

function checkKey(type: string, key: string, path: string): void {
  if (type === 'string') return
  const isRight = type === 'bool' ? key === 'true' || key === 'false' : /^-?(0|[1-9]\d*)$/.test(key)
  if (!isRight) throw wrong(path, key, `keys of type ${type}`)
  const limits = integers[type]
  if (limits !== undefined) integerOf(type, limits, BigInt(key), path)
}

function unknownField(type: protobuf.Type, name: string, path: string): TypeError {
  const names = Object.keys(type.fields)
  const nearest = nearestSpelling(name, names)
  const hint = nearest === undefined ? `it has ${names.join(', ')}` : `did you mean ${nearest}?`
  return new TypeError(`${path}: message ${nameOf(type)} has no field ${name}; ${hint}`)
}

function nameOf(type: protobuf.Type): string {
  return type.fullName.replace(/^\./, '')
}

function wrong(path: string, value: unknown, expected: string): TypeError {
  const shown = inspect(value, { depth: 0, maxStringLength: 100 })
  return new TypeError(`${path === '' ? 'the value' : path} is ${shown}; expected ${expected}`)
}
