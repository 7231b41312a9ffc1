// SPDX-License-Identifier: Apache-2.0
import protobuf from 'protobufjs/light.js'
import { integerOf, isJsonObject, JsonValueError, memberPath } from './json-reader.ts'

const SIGNED = { min: -(2n ** 63n), max: 2n ** 63n - 1n }
const UNSIGNED = { min: 0n, max: 2n ** 64n - 1n }
const longs: Readonly<Record<string, { readonly min: bigint; readonly max: bigint }>> = {
  int64: SIGNED,
  sint64: SIGNED,
  sfixed64: SIGNED,
  uint64: UNSIGNED,
  fixed64: UNSIGNED,
}

/**
 * A JSON object as the serde's value of a message: 64-bit numbers are numbers or their digits as
 * text, bytes are base64, fields have their names of the schema or `camelCase` ones. The serde
 * checks everything else. Throws `JsonValueError`.
 */
export function protobufFromJson(type: protobuf.Type, value: unknown, path = ''): unknown {
  if (!isJsonObject(value)) throw new JsonValueError(path, value, `an object, message ${type.name}`)
  const entries = Object.entries(value).map(([name, each]) => {
    const camelCase = protobuf.util.camelCase(name)
    const known = Object.hasOwn(type.fields, name) ? name : camelCase
    const field = Object.hasOwn(type.fields, known) ? type.fields[known] : undefined
    if (field === undefined || each === null) return [name, each]
    return [known, fieldValue(field, each, memberPath(path, name))]
  })
  return Object.fromEntries(entries)
}

function fieldValue(field: protobuf.Field, value: unknown, path: string): unknown {
  if (field instanceof protobuf.MapField) {
    if (!isJsonObject(value)) throw new JsonValueError(path, value, 'an object')
    return Object.fromEntries(
      Object.entries(value).map(([key, each]) => [
        key,
        singleValue(field, each, `${path}[${JSON.stringify(key)}]`),
      ]),
    )
  }
  if (!field.repeated) return singleValue(field, value, path)
  if (!Array.isArray(value)) throw new JsonValueError(path, value, 'an array')
  return value.map((each, i) => singleValue(field, each, `${path}[${i}]`))
}

function singleValue(
  { type, resolvedType }: protobuf.Field,
  value: unknown,
  path: string,
): unknown {
  if (resolvedType instanceof protobuf.Type) return protobufFromJson(resolvedType, value, path)
  const limits = resolvedType === null && Object.hasOwn(longs, type) ? longs[type] : undefined
  if (limits !== undefined) return integerOf(value, { path, ...limits })
  if (type === 'bytes') {
    if (typeof value === 'string' && /^[A-Za-z0-9+/_-]*={0,2}$/.test(value)) {
      return Buffer.from(value, 'base64')
    }
    throw new JsonValueError(path, value, 'base64')
  }
  return value
}
