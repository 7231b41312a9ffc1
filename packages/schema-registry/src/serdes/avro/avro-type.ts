// SPDX-License-Identifier: Apache-2.0
import { inspect } from 'node:util'
import avsc from 'avsc'
import { BoundedArrayType, BoundedMapType } from './bounded-collections.ts'
import { bigintLong, type ForSchemaOptions, isDecimal, logicalTypes } from './logical-types.ts'

/** A schema as JSON. */
type Schema =
  | string
  | readonly Schema[]
  | { readonly type?: unknown; readonly logicalType?: unknown }

/**
 * Codec of a schema, all references included. `long` values are `bigint`, `timestamp-millis` and
 * `date` are `Date`, `decimal` is `Decimal`; other logical types are values of their underlying
 * type. In a union of two kinds of the same JavaScript type, a value is wrapped in an object with
 * the branch's name, else it is a plain value.
 */
export function avroType(schema: unknown): avsc.Type {
  const options = { typeHook, logicalTypes, omitRecordMethods: true } as ForSchemaOptions
  return avsc.Type.forSchema(schema as avsc.Schema, options)
}

/** The error for a value that does not fit a type, with the place in the value. */
export function invalidValue(type: avsc.Type, value: unknown, cause: unknown): Error {
  let found: string | undefined
  const errorHook = (path: readonly string[], part: unknown, expected: avsc.Type): void => {
    if (found !== undefined) return
    const place = path.length === 0 ? 'the value' : path.join('.')
    const shown = inspect(part, { depth: 0, maxStringLength: 100 })
    // A logical type says itself why it refused its value.
    found =
      cause instanceof RangeError
        ? `${place}: ${cause.message}`
        : `${place} is ${shown}; expected ${excerpt(JSON.stringify(expected.schema()))}`
  }
  try {
    type.isValid(value, { errorHook })
  } catch {
    // A logical type refused its value: `cause` says why.
  }
  return found === undefined && cause instanceof Error ? cause : new TypeError(found, { cause })
}

function excerpt(text: string): string {
  return text.length <= 100 ? text : `${text.slice(0, 100)}…`
}

function typeHook(given: unknown, options: ForSchemaOptions): avsc.Type | undefined {
  const schema = given as Schema
  if (Array.isArray(schema)) return unionOf(schema, options)
  if (schema === 'long') return bigintLong
  if (typeof schema === 'string' || Array.isArray(schema)) return undefined
  const { type, logicalType } = schema as {
    readonly type?: unknown
    readonly logicalType?: unknown
  }
  if (type === 'array') return new BoundedArrayType(schema as avsc.Schema, options)
  if (type === 'map') return new BoundedMapType(schema as avsc.Schema, options)
  if (type === 'long' && logicalType !== 'timestamp-millis') return bigintLong
  if (logicalType === 'decimal' && !isDecimal(schema as object)) {
    // Avro ignores a logical type with invalid parameters.
    const { logicalType: _ignored, ...underlying } = schema as { readonly logicalType?: unknown }
    return avsc.Type.forSchema(underlying as avsc.Schema, options)
  }
  return undefined
}

function unionOf(schema: readonly Schema[], options: ForSchemaOptions): avsc.Type {
  const branches = schema.map((branch) => avsc.Type.forSchema(branch as avsc.Schema, options))
  const kinds = branches.map(kindOf)
  const isWrapped = new Set(kinds).size < kinds.length
  const { UnwrappedUnionType, WrappedUnionType } = avsc.types
  const Union = isWrapped ? WrappedUnionType : UnwrappedUnionType
  return new Union(branches as unknown as avsc.Schema, options)
}

/** JavaScript type of a branch's values; `AvroUnion` decides in the same way. */
function kindOf({ typeName }: avsc.Type): string {
  switch (typeName) {
    case 'int':
    case 'long':
    case 'abstract:long':
    case 'float':
    case 'double':
      return 'number'
    case 'bytes':
    case 'fixed':
      return 'buffer'
    case 'string':
    case 'enum':
      return 'string'
    case 'null':
    case 'boolean':
    case 'array':
      return typeName
    default:
      // Records, maps, dates and decimals.
      return 'object'
  }
}
