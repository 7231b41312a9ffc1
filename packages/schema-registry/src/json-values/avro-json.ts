// SPDX-License-Identifier: Apache-2.0
import { type Json, jsonText } from '../avro/json.ts'
import type { AvroType, RecordType, UnionType } from '../avro/model.ts'
import { Decimal } from '../serdes/avro/decimal.ts'
import { isDecimal } from '../serdes/avro/logical-types.ts'
import { integerOf, isJsonObject, JsonValueError, memberPath } from './json-reader.ts'

const INT = { min: -(2n ** 31n), max: 2n ** 31n - 1n }
const LONG = { min: -(2n ** 63n), max: 2n ** 63n - 1n }
const DAY_MS = 86_400_000

/**
 * A JSON value as the serde's value of an Avro type. Branches of a union are plain, or wrapped in
 * an object with the branch's name, as in Avro's JSON encoding; dates are ISO texts or numbers,
 * decimals are texts or numbers, bytes are texts with a character for each byte. A field that is
 * missing has its default. Throws `JsonValueError`.
 */
export function avroFromJson(type: AvroType, value: unknown, path = ''): unknown {
  const logical = logicalValue(type, value, path)
  if (logical !== undefined) return logical
  switch (type.kind) {
    case 'null':
      if (value === null) return null
      throw new JsonValueError(path, value, 'null')
    case 'boolean':
      if (typeof value === 'boolean') return value
      throw new JsonValueError(path, value, 'true or false')
    case 'int':
      if (typeof value === 'number') return Number(integerOf(value, { path, ...INT }))
      throw new JsonValueError(path, value, 'an integer')
    case 'long':
      return integerOf(value, { path, ...LONG })
    case 'float':
    case 'double':
      if (typeof value === 'number' || typeof value === 'bigint') return Number(value)
      throw new JsonValueError(path, value, 'a number')
    case 'string':
      if (typeof value === 'string') return value
      throw new JsonValueError(path, value, 'a string')
    case 'bytes':
      return bytesOf(value, path)
    case 'fixed': {
      const bytes = bytesOf(value, path)
      if (bytes.length === type.size) return bytes
      throw new JsonValueError(path, value, `a string of ${type.size} characters`)
    }
    case 'enum':
      if (typeof value === 'string' && type.symbols.includes(value)) return value
      throw new JsonValueError(path, value, type.symbols.join(', '))
    case 'array':
      if (!Array.isArray(value)) throw new JsonValueError(path, value, 'an array')
      return value.map((each, i) => avroFromJson(type.items, each, `${path}[${i}]`))
    case 'map':
      if (!isJsonObject(value)) throw new JsonValueError(path, value, 'an object')
      return Object.fromEntries(
        Object.entries(value).map(([key, each]) => [
          key,
          avroFromJson(type.values, each, `${path}[${JSON.stringify(key)}]`),
        ]),
      )
    case 'record':
      return recordOf(type, value, path)
    case 'union':
      return unionValue(type, value, path)
  }
}

/** The logical types that the serde converts; undefined for all others. */
function logicalValue(type: AvroType, value: unknown, path: string): Date | Decimal | undefined {
  switch (logicalTypeOf(type)) {
    case 'timestamp-millis':
      return dateOf(value, { path, unitMs: 1, expected: 'an ISO date and time or milliseconds' })
    case 'date':
      return dateOf(value, { path, unitMs: DAY_MS, expected: 'an ISO date or days since 1970' })
    case 'decimal':
      try {
        return Decimal.parse(String(value))
      } catch {
        throw new JsonValueError(path, value, 'a decimal number')
      }
    default:
      return undefined
  }
}

/** `timestamp-millis`, `date` or a valid `decimal`. */
function logicalTypeOf(type: AvroType): string | undefined {
  if (type.kind === 'union') return undefined
  const { properties } = type
  const name = properties.get('logicalType')
  if (name === 'timestamp-millis' || name === 'date') return name
  if (name !== 'decimal') return undefined
  const number = (key: string): number | undefined => {
    const found = properties.get(key)
    return found === undefined ? undefined : Number(found)
  }
  const parameters = { precision: number('precision'), scale: number('scale') ?? 0 }
  const size = type.kind === 'fixed' ? { size: type.size } : {}
  return isDecimal({ type: type.kind, ...parameters, ...size }) ? name : undefined
}

function dateOf(
  value: unknown,
  {
    path,
    unitMs,
    expected,
  }: { readonly path: string; readonly unitMs: number; readonly expected: string },
): Date {
  const date =
    typeof value === 'number'
      ? new Date(value * unitMs)
      : typeof value === 'string' && /^[+-]?\d{4,6}-/.test(value)
        ? new Date(value)
        : undefined
  if (date !== undefined && !Number.isNaN(date.getTime())) return date
  throw new JsonValueError(path, value, expected)
}

function bytesOf(value: unknown, path: string): Buffer {
  if (typeof value === 'string' && /^[\0-\xff]*$/.test(value)) return Buffer.from(value, 'latin1')
  throw new JsonValueError(path, value, 'a string whose characters are bytes')
}

function recordOf(type: RecordType, value: unknown, path: string): object {
  if (!isJsonObject(value)) throw new JsonValueError(path, value, `an object, record ${type.name}`)
  const names = new Set(type.fields.map(({ name }) => name))
  for (const name of Object.keys(value)) {
    if (!names.has(name)) {
      throw new TypeError(
        `${memberPath(path, name)} is not a field of record ${type.name}, which has ${[...names].join(', ')}`,
      )
    }
  }
  const entries = type.fields.map((field) => {
    const { name } = field
    const at = memberPath(path, name)
    if (Object.hasOwn(value, name)) return [name, avroFromJson(field.type, value[name], at)]
    if (field.default === undefined) throw new TypeError(`${at} is missing`)
    return [name, defaultOf(field.type, field.default, at)]
  })
  return Object.fromEntries(entries)
}

/** A default is a value of the first branch of a union. */
function defaultOf(type: AvroType, value: Json, path: string): unknown {
  const plain: unknown = JSON.parse(jsonText(value))
  if (type.kind !== 'union') return avroFromJson(type, plain, path)
  const [first] = type.branches
  if (first === undefined) throw new JsonValueError(path, plain, 'no value: the union is empty')
  return branchValue(type, first, avroFromJson(first, plain, path))
}

function unionValue(type: UnionType, value: unknown, path: string): unknown {
  const entries = isJsonObject(value) ? Object.entries(value) : []
  const [only] = entries
  if (only !== undefined && entries.length === 1) {
    const named = type.branches.find((branch) => branchName(branch) === only[0])
    if (named !== undefined) {
      const inner = attempt(() => avroFromJson(named, only[1], memberPath(path, only[0])))
      if (inner !== undefined) return branchValue(type, named, inner.value)
    }
  }
  for (const branch of type.branches) {
    const found = attempt(() => avroFromJson(branch, value, path))
    if (found !== undefined) return branchValue(type, branch, found.value)
  }
  // With a single branch beside null its own error says more.
  const [single, ...others] = type.branches.filter(({ kind }) => kind !== 'null')
  if (single !== undefined && others.length === 0 && value !== null)
    avroFromJson(single, value, path)
  throw new JsonValueError(path, value, `one of ${type.branches.map(branchName).join(', ')}`)
}

function attempt(convert: () => unknown): { readonly value: unknown } | undefined {
  try {
    return { value: convert() }
  } catch (error) {
    if (error instanceof TypeError) return undefined
    throw error
  }
}

/** A value as the serde expects it: wrapped if two branches have the same JavaScript type. */
function branchValue(type: UnionType, branch: AvroType, value: unknown): unknown {
  if (branch.kind === 'null') return null
  const kinds = type.branches.map(kindOf)
  return new Set(kinds).size < kinds.length ? { [branchName(branch)]: value } : value
}

function branchName(type: AvroType): string {
  return 'fullName' in type ? type.fullName : type.kind
}

/** JavaScript type of a branch's values, as the serde decides. */
function kindOf(type: AvroType): string {
  if (logicalTypeOf(type) !== undefined) return 'object'
  switch (type.kind) {
    case 'int':
    case 'long':
    case 'float':
    case 'double':
      return 'number'
    case 'bytes':
    case 'fixed':
      return 'buffer'
    case 'string':
    case 'enum':
      return 'string'
    case 'record':
    case 'map':
      return 'object'
    default:
      return type.kind
  }
}
