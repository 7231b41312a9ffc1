// SPDX-License-Identifier: Apache-2.0
import { InvalidSchemaError } from '../schema/schema.ts'
import {
  type Field,
  isOptionList,
  isOptionMap,
  type Option,
  type OptionMap,
  type OptionValue,
} from './model.ts'
import type { Names, Scope } from './names.ts'
import { literalOf } from './option-literals.ts'
import { shortened } from './syntax-reader.ts'

/** Parts of one option in one place: each is merged with those before it. */
const maxParts = 200

/**
 * Options in the normal form: names of extensions are full names, sorted by name, and the parts of
 * one extension (`(name).a = 1`, `(name).b = 2`) are one message literal.
 */
export function normalizedOptions(
  options: readonly Option[],
  names: Names,
  scope: Scope,
): readonly Option[] {
  const byName = new Map<string, Option[]>()
  const sorted = options
    .map((option) => withFullName(option, names, scope))
    .sort((a, b) => (a.name < b.name ? -1 : a.name > b.name ? 1 : 0))
  for (const option of sorted) {
    const same = byName.get(option.name)
    if (same === undefined) byName.set(option.name, [option])
    else same.push(option)
  }
  return [...byName].flatMap(([name, same]) => {
    const field = names.extension(name)?.field
    if (field === undefined || field.label === 'repeated') return same
    if (same.length > maxParts) {
      throw new InvalidSchemaError(
        `the option ${shortened(name)} is set ${same.length} times in one place; at most ` +
          `${maxParts} are allowed`,
      )
    }
    return [same.reduce((first, second) => merged(field, first, second, names, scope))]
  })
}

function withFullName(option: Option, names: Names, scope: Scope): Option {
  if (!option.parenthesized) return option
  const extension = names.resolveExtension(option.name, scope)
  if (extension === undefined) return option
  return asLiteral({ ...option, name: extension.fullName })
}

/** `(name).part = value` as `(name) = { part: value }`. */
function asLiteral(option: Option): Option {
  if (option.kind !== 'option') return option
  const { name, parenthesized } = option
  return { name, parenthesized, kind: 'map', value: literalOf(option.value) }
}

function merged(field: Field, first: Option, second: Option, names: Names, scope: Scope): Option {
  const literal = asLiteral(second)
  // A second value of an option that is not a message replaces the first one.
  if (first.kind !== 'map' || literal.kind !== 'map') return literal
  const { name, parenthesized } = literal
  const value = mergedMaps(field, first.value, literal.value, names, scope)
  return { name, parenthesized, kind: 'map', value }
}

function mergedMaps(
  container: Field,
  first: OptionMap,
  second: OptionMap,
  names: Names,
  scope: Scope,
): OptionMap {
  const fields = fieldsOf(container, names, scope)
  const result = new Map(first)
  for (const [key, value] of second) {
    const previous = result.get(key)
    if (previous === undefined) {
      result.set(key, value)
      continue
    }
    const field = fields?.find((candidate) => candidate.name === key)
    result.set(key, mergedValues(field, previous, value, names, scope))
  }
  return result
}

function mergedValues(
  field: Field | undefined,
  first: OptionValue,
  second: OptionValue,
  names: Names,
  scope: Scope,
): OptionValue {
  if (field === undefined || field.label === 'repeated') return mergedLists(first, second)
  if (isOptionMap(first) && isOptionMap(second) && fieldsOf(field, names, scope) !== undefined) {
    return mergedMaps(field, first, second, names, scope)
  }
  return second
}

/** All different values of both, in their order. */
function mergedLists(first: OptionValue, second: OptionValue): OptionValue {
  const values = [first, second].flatMap((value) => (isOptionList(value) ? value : [value]))
  return [...new Map(values.map((value) => [valueKey(value), value])).values()]
}

/** A text that is the same for equal values only. */
function valueKey(value: OptionValue): string {
  if (typeof value === 'string') return JSON.stringify(value)
  if (isOptionMap(value)) {
    const entries = [...value].sort(([a], [b]) => (a < b ? -1 : 1))
    const texts = entries.map(([key, entry]) => `${JSON.stringify(key)}:${valueKey(entry)}`)
    return `{${texts.join()}}`
  }
  if (isOptionList(value)) return `[${value.map(valueKey).join()}]`
  return `${value.primitive} ${value.text}`
}

function fieldsOf(field: Field, names: Names, scope: Scope): readonly Field[] | undefined {
  const type = names.resolveType(field.type, scope)?.declaration
  if (type?.kind !== 'message') return undefined
  return [...type.fields, ...type.oneofs.flatMap((oneof) => oneof.fields)]
}
