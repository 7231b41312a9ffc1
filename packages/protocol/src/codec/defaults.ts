// SPDX-License-Identifier: Apache-2.0
import { type FieldSchema, type FieldSchemas, ZERO_UUID } from '../schemas/schema.ts'

/** Source text of a field's default value. */
export function defaultSource(field: FieldSchema): string {
  if (field.default === null) return 'null'
  switch (field.type) {
    case 'struct':
      return structDefaultSource(field.fields ?? {})
    case 'string':
      return JSON.stringify(field.default ?? '')
    case 'uuid':
      return JSON.stringify(ZERO_UUID)
    case 'int64':
      return `${field.default ?? 0}n`
    case 'bool':
      return String(field.default ?? false)
    case 'bytes':
      return 'runtime.emptyBuffer'
    case 'records':
      return 'null'
    default:
      return field.type.startsWith('[]') ? '[]' : String(field.default ?? 0)
  }
}

function structDefaultSource(fields: FieldSchemas): string {
  return `{ ${Object.entries(fields)
    .map(([name, field]) => `${name}: ${defaultSource(field)}`)
    .join(', ')} }`
}

/**
 * Source text of an expression that checks whether the value in `variable` equals the default; a
 * missing one does.
 */
export function isDefaultSource(field: FieldSchema, variable: string): string {
  if (field.default === null || field.type === 'records') return `${variable} == null`
  if (field.type === 'struct') {
    const parts = Object.entries(field.fields ?? {}).map(([name, inner]) =>
      isDefaultSource(inner, `${variable}.${name}`),
    )
    return `(${variable} === undefined || (${variable} !== null && ${parts.map((part) => `(${part})`).join(' && ')}))`
  }
  if (field.type === 'bytes' || field.type.startsWith('[]')) {
    return `(${variable} === undefined || (${variable} !== null && ${variable}.length === 0))`
  }
  return `(${variable} === undefined || ${variable} === ${defaultSource(field)})`
}
