// SPDX-License-Identifier: Apache-2.0

import { floatText } from './java-numbers.ts'
import { isArray, isObject, type Json, type JsonObject, jsonText } from './json.ts'
import type { AvroType, RecordType } from './model.ts'

const INT_LIMIT = 2n ** 31n
const LONG_LIMIT = 2n ** 63n
/** Values that one checker compares with types; more are reported as not valid. */
const MAX_STEPS = 1_000_000

/** Checks whether values are defaults of types, within a bounded number of steps. */
export class DefaultChecker {
  /** Records whose values were or are being checked: the default of a field can contain itself. */
  readonly #results = new Map<RecordType, Map<Json, boolean>>()
  #steps = 0

  /** Whether a value is a default of the type. For unions, a value of any branch is. */
  isValid(type: AvroType, value: Json | undefined): boolean {
    this.#steps += 1
    if (value === undefined || this.#steps > MAX_STEPS) return false
    switch (type.kind) {
      case 'null':
        return value === null
      case 'boolean':
        return typeof value === 'boolean'
      case 'int':
        return typeof value === 'bigint' && value < INT_LIMIT && value >= -INT_LIMIT
      case 'long':
        return isLong(value)
      case 'float':
      case 'double':
        return typeof value === 'bigint' || typeof value === 'number'
      case 'bytes':
      case 'string':
      case 'enum':
      case 'fixed':
        return typeof value === 'string'
      case 'array':
        return isArray(value) && value.every((element) => this.isValid(type.items, element))
      case 'map':
        return (
          isObject(value) &&
          [...value.values()].every((member) => this.isValid(type.values, member))
        )
      case 'union':
        return type.branches.some((branch) => this.isValid(branch, value))
      case 'record':
        return isObject(value) && this.#isRecord(type, value)
    }
  }

  /** A value that contains itself has no end: it is not valid while it is being checked. */
  #isRecord(type: RecordType, value: JsonObject): boolean {
    const results = this.#results.get(type) ?? new Map<Json, boolean>()
    const known = results.get(value)
    if (known !== undefined) return known
    this.#results.set(type, results.set(value, false))
    const result = type.fields.every((field) =>
      this.isValid(field.type, value.get(field.name) ?? field.default),
    )
    results.set(value, result)
    return result
  }
}

/**
 * Text of a default in a normalised schema: in the number format of its type, members sorted. A
 * union's default is one of its first branch. Undefined if the value does not match the type:
 * Java loses it.
 */
export function normalizedDefault(type: AvroType, value: Json): string | undefined {
  if (type.kind === 'union') {
    const first = type.branches[0]
    return first === undefined ? undefined : normalizedDefault(first, value)
  }
  if (value === null || typeof value === 'boolean') return jsonText(value)
  switch (type.kind) {
    case 'int':
    case 'long':
      return isLong(value) ? String(value) : undefined
    case 'float':
      return isNumber(value) ? floatText(Number(value)) : undefined
    case 'double':
      return isNumber(value) ? jsonText(Number(value)) : undefined
    case 'string':
    case 'enum':
      return typeof value === 'string' ? jsonText(value) : undefined
    case 'bytes':
    case 'fixed':
      return typeof value === 'string' ? jsonText(value.replace(/[^\0-\xff]/gu, '?')) : undefined
    case 'array': {
      if (!isArray(value)) return undefined
      const elements = value.map((element) => normalizedDefault(type.items, element))
      return elements.includes(undefined) ? undefined : `[${elements.join(',')}]`
    }
    case 'map':
    case 'record':
      return isObject(value) ? normalizedObject(type, value) : undefined
    default:
      return undefined
  }
}

function normalizedObject(
  type: Extract<AvroType, { kind: 'map' | 'record' }>,
  value: JsonObject,
): string | undefined {
  const fields = type.kind === 'record' ? fieldTypes(type) : undefined
  const members: string[] = []
  for (const name of [...value.keys()].sort()) {
    const memberType = type.kind === 'map' ? type.values : fields?.get(name)
    const member = value.get(name)
    if (memberType === undefined || member === undefined) return undefined
    const text = normalizedDefault(memberType, member)
    if (text === undefined) return undefined
    members.push(`${jsonText(name)}:${text}`)
  }
  return `{${members.join(',')}}`
}

/** Types of fields by name, of records whose values were printed. */
const fieldTypesOfRecords = new WeakMap<RecordType, ReadonlyMap<string, AvroType>>()

function fieldTypes(record: RecordType): ReadonlyMap<string, AvroType> {
  const known = fieldTypesOfRecords.get(record)
  if (known !== undefined) return known
  const types = new Map(record.fields.map((field) => [field.name, field.type]))
  fieldTypesOfRecords.set(record, types)
  return types
}

/** Text of a value with the members of all objects sorted. */
export function sortedText(value: Json): string {
  if (isArray(value)) return `[${value.map(sortedText).join(',')}]`
  if (!isObject(value)) return jsonText(value)
  const members = [...value.keys()]
    .sort()
    .map((name) => `${jsonText(name)}:${sortedText(value.get(name) ?? null)}`)
  return `{${members.join(',')}}`
}

function isNumber(value: Json): value is bigint | number {
  return typeof value === 'number' || isLong(value)
}

function isLong(value: Json): value is bigint {
  return typeof value === 'bigint' && value < LONG_LIMIT && value >= -LONG_LIMIT
}
