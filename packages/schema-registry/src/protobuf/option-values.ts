// SPDX-License-Identifier: Apache-2.0
import {
  isOptionList,
  isOptionMap,
  type Option,
  type OptionMap,
  type OptionValue,
} from './model.ts'
import { withoutDot } from './names.ts'
import { literalOf } from './option-literals.ts'

/** Options by name; the parts of one option (`(name).a = 1`, `(name).b = 2`) are one value. */
export type OptionValues = ReadonlyMap<string, Option>

/** Collects options by name. */
export function optionValues(options: readonly Option[]): OptionValues {
  const result = new Map<string, Option>()
  const literals = new Map<string, Map<string, OptionValue[]>>()
  for (const { name: given, ...option } of options) {
    const name = withoutDot(given)
    const literal =
      option.kind === 'option'
        ? literalOf(option.value)
        : option.kind === 'map'
          ? option.value
          : undefined
    const { parenthesized } = option
    if (literal === undefined) {
      literals.delete(name)
      result.set(name, { name, ...option })
      continue
    }
    const lists = literals.get(name) ?? new Map<string, OptionValue[]>()
    if (!literals.has(name)) result.delete(name)
    literals.set(name, lists)
    for (const [key, value] of literal) {
      const list = lists.get(key) ?? []
      lists.set(key, list)
      for (const element of listOf(value)) list.push(element)
    }
    result.set(name, { name, parenthesized, kind: 'map', value: new Map() })
  }
  for (const [name, lists] of literals) {
    const parenthesized = result.get(name)?.parenthesized ?? false
    const value = new Map<string, OptionValue>()
    for (const [key, list] of lists) {
      const [first] = list
      value.set(key, list.length === 1 && first !== undefined ? first : list)
    }
    result.set(name, { name, parenthesized, kind: 'map', value })
  }
  return result
}

/** Elements of a list, or a single value as a list. */
export function listOf(value: OptionValue): readonly OptionValue[] {
  return isOptionList(value) ? value : [value]
}

/** Text of a scalar option; undefined if it is absent or a message. */
export function textOption(options: OptionValues, name: string): string | undefined {
  const value = options.get(name)?.value
  return typeof value === 'string' ? value : undefined
}

/** Value of a boolean option; undefined if it is absent. */
export function booleanOption(options: OptionValues, name: string): boolean | undefined {
  const text = textOption(options, name)
  return text === undefined ? undefined : text.toLowerCase() === 'true'
}

/** Message literal of an option; undefined if it is absent or a scalar. */
export function mapOption(options: OptionValues, name: string): OptionMap | undefined {
  const option = options.get(name)
  return option?.kind === 'map' ? option.value : undefined
}

/** Text of a scalar within a literal. */
export function textValue(value: OptionValue | undefined): string | undefined {
  if (value === undefined || isOptionMap(value) || isOptionList(value)) return undefined
  return typeof value === 'string' ? value : value.text
}
