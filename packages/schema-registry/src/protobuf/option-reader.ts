// SPDX-License-Identifier: Apache-2.0
import { schemaLimits } from '../schema/schema.ts'
import {
  isOptionList,
  isOptionMap,
  type Option,
  type OptionContent,
  type OptionMap,
  type OptionValue,
} from './model.ts'
import { literalValue } from './option-literals.ts'
import type { SyntaxReader } from './syntax-reader.ts'

/** Reads `[name = value, …]` if it is next. */
export function readFieldOptions(reader: SyntaxReader): Option[] {
  if (!reader.accept('[')) return []
  const options: Option[] = []
  for (;;) {
    options.push(readOption(reader))
    if (reader.accept(']')) return options
    if (!reader.accept(',')) throw reader.error("expected ',' or ']'")
  }
}

/** Reads `name = value`, without the semicolon after it. */
export function readOption(reader: SyntaxReader): Option {
  return readNamedOption(reader, '=', 0)
}

function readNamedOption(reader: SyntaxReader, separator: '=' | ':', depth: number): Option {
  const wrap = reader.peek()
  const given = reader.name()
  const parts: string[] = []
  while (reader.accept('.')) parts.push(reader.name({ keepWrap: true, dots: false }))
  if (parts.length > schemaLimits.nesting) throw tooDeep(reader)
  // In the text format a message literal needs no separator.
  if (!(separator === ':' && reader.peek() === '{')) reader.require(separator)
  let content = readContent(reader, depth)
  for (const part of parts.reverse()) {
    const parenthesized = part.startsWith('(')
    const name = parenthesized ? part.slice(1, -1) : part
    content = { kind: 'option', value: { name, parenthesized, ...content } }
  }
  return {
    name: wrap === '[' ? `[${given}]` : given,
    parenthesized: wrap === '(',
    ...content,
  }
}

function readContent(reader: SyntaxReader, depth: number): OptionContent {
  if (depth > schemaLimits.nesting) throw tooDeep(reader)
  const next = reader.peek()
  if (next === '{') return { kind: 'map', value: readMap(reader, depth) }
  if (next === '[') return { kind: 'list', value: readList(reader, depth) }
  if (next === '"' || next === "'") return { kind: 'string', value: reader.quoted() }
  const word = reader.word()
  if (/[\d-]/.test(next)) return { kind: 'number', value: word }
  return { kind: word === 'true' || word === 'false' ? 'boolean' : 'enum', value: word }
}

function readMap(reader: SyntaxReader, depth: number): OptionMap {
  reader.require('{')
  const result = new Map<string, OptionValue>()
  /** Lists of names that occur several times. */
  const lists = new Map<string, OptionValue[]>()
  while (!reader.accept('}')) {
    const option = readNamedOption(reader, ':', depth + 1)
    if (option.kind === 'option') addPart(result, option.name, option.value)
    else addValue(result, lists, option.name, literalValue(option))
    if (!reader.accept(',')) reader.accept(';')
  }
  return result
}

/** `name.part: value` within a literal; the value of the part is kept as a string. */
function addPart(result: Map<string, OptionValue>, name: string, part: Option): void {
  const previous = result.get(name)
  const nested = new Map(previous !== undefined && isOptionMap(previous) ? previous : [])
  nested.set(
    part.name,
    part.kind === 'option' ? new Map([[part.value.name, plain(part.value)]]) : plain(part),
  )
  result.set(name, nested)
}

function plain(content: OptionContent): OptionValue {
  return content.kind === 'option'
    ? new Map([[content.value.name, plain(content.value)]])
    : content.value
}

/** A name that occurs several times is a list. */
function addValue(
  result: Map<string, OptionValue>,
  lists: Map<string, OptionValue[]>,
  name: string,
  value: OptionValue,
): void {
  const previous = result.get(name)
  if (previous === undefined) {
    result.set(name, value)
    return
  }
  const list = lists.get(name) ?? (isOptionList(previous) ? [...previous] : [previous])
  lists.set(name, list)
  result.set(name, list)
  if (!isOptionList(value)) list.push(value)
  else for (const element of value) list.push(element)
}

function readList(reader: SyntaxReader, depth: number): OptionValue[] {
  reader.require('[')
  const result: OptionValue[] = []
  while (!reader.accept(']')) {
    result.push(literalValue(readContent(reader, depth + 1)))
    if (!reader.accept(',') && reader.peek() !== ']') throw reader.error("expected ',' or ']'")
  }
  return result
}

function tooDeep(reader: SyntaxReader): Error {
  return reader.error(`options are nested deeper than ${schemaLimits.nesting} levels`)
}
