// SPDX-License-Identifier: Apache-2.0
import {
  isOptionList,
  isOptionMap,
  type Option,
  type OptionMap,
  type OptionValue,
} from './model.ts'
import type { Names, Scope } from './names.ts'
import { normalNumber } from './normal-number.ts'

/** How values are printed. */
export interface OptionStyle {
  /** Names with which to print the normal form; undefined prints values as they are. */
  readonly names: Names | undefined
  /** Where the option stands. */
  readonly scope: Scope
}

/** ` [name = value]` or the same on several lines; `''` without options. */
export function optionList(options: readonly Option[], style: OptionStyle): string {
  if (options.length === 0) return ''
  return ` ${listText(
    options.map((option) => optionText(option, style)),
    true,
  )}`
}

/** `name = value`, without `option` and semicolon. Lines after the first are indented. */
export function optionText(option: Option, style: OptionStyle): string {
  const name = option.parenthesized ? `(${option.name})` : option.name
  switch (option.kind) {
    case 'string':
      return `${name} = ${quoted(option.value)}`
    case 'number':
      return `${name} = ${numberText(option.value, style)}`
    case 'boolean':
    case 'enum':
      return `${name} = ${option.value}`
    case 'option':
      return `${name}.${optionText(option.value, style)}`
    case 'map':
      return `${name} = ${mapText(option.value, style)}`
    case 'list': {
      const values = option.value.map((value) => valueText(value, style))
      return `${name} = ${listText(values, true)}`
    }
  }
}

function valueText(value: OptionValue, style: OptionStyle): string {
  if (typeof value === 'string') return quoted(value)
  if (isOptionMap(value)) return mapText(value, style)
  if (isOptionList(value)) {
    const [first] = value
    if (style.names !== undefined && value.length === 1 && first !== undefined) {
      return valueText(first, style)
    }
    const values = value.map((element) => valueText(element, style))
    return listText(values, false)
  }
  return value.primitive === 'number' ? numberText(value.text, style) : value.text
}

function mapText(map: OptionMap, style: OptionStyle): string {
  const entries = [...(style.names === undefined ? map : normalMap(map, style.names, style.scope))]
  const lines = entries.map(([key, value], index) => {
    const end = index < entries.length - 1 ? ',' : ''
    return indented(`${key}: ${valueText(value, style)}${end}`)
  })
  return `{\n${lines.join('')}}`
}

/** Empty lists are left out, names of extensions are full names, entries are sorted. */
function normalMap(map: OptionMap, names: Names, scope: Scope): OptionMap {
  const entries = new Map<string, OptionValue>()
  for (const [key, value] of map) {
    if (isOptionList(value) && value.length === 0) continue
    let name = key
    if (key.startsWith('[') && key.endsWith(']')) {
      const extension = names.resolveExtension(key.slice(1, -1), scope)
      if (extension !== undefined) name = `[${extension.fullName}]`
    }
    if (!entries.has(name)) entries.set(name, value)
  }
  return new Map([...entries].sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0)))
}

function listText(values: readonly string[], short: boolean): string {
  if (short && values.length === 1) return `[${values[0]}]`
  const lines = values.map((value, index) =>
    indented(`${value}${index < values.length - 1 ? ',' : ''}`),
  )
  return `[\n${lines.join('')}]`
}

function indented(text: string): string {
  return text
    .replace(/\n+$/, '')
    .split('\n')
    .map((line) => `  ${line}\n`)
    .join('')
}

function numberText(text: string, style: OptionStyle): string {
  return style.names === undefined ? text : normalNumber(text)
}

const escapes: Readonly<Record<string, string>> = {
  '\x07': '\\a',
  '\b': '\\b',
  '\f': '\\f',
  '\n': '\\n',
  '\r': '\\r',
  '\t': '\\t',
  '\v': '\\v',
  '\\': '\\\\',
  "'": "\\'",
  '"': '\\"',
}

/** A string in double quotes. */
export function quoted(text: string): string {
  const escaped = text.replace(/[\p{Cc}\\'"]/gu, (character) => escapes[character] ?? character)
  return `"${escaped}"`
}
