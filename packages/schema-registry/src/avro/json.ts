// SPDX-License-Identifier: Apache-2.0
import { InvalidSchemaError } from '../schema/schema.ts'
import { doubleText } from './java-numbers.ts'

/**
 * A JSON value as Avro's Java library sees it: integers (`bigint`) and other numbers (`number`)
 * are different, and the members of an object keep their order.
 */
export type Json = null | boolean | string | bigint | number | readonly Json[] | JsonObject
/** A JSON object: its members in the order of the text. */
export type JsonObject = ReadonlyMap<string, Json>

/** Limits of the JSON parser that Avro's Java library uses. */
const limits = { nesting: 1000, numberLength: 1000 }

/**
 * Parses a JSON text. Comments as in C are accepted, and the last of several members with the same
 * name counts. Throws `InvalidSchemaError` with line and column.
 */
export function parseJson(text: string): Json {
  return new JsonReader(text).read()
}

/** Whether the value is a JSON object. */
export function isObject(value: Json | undefined): value is JsonObject {
  return value instanceof Map
}

/** Whether the value is a JSON array. */
export function isArray(value: Json | undefined): value is readonly Json[] {
  return Array.isArray(value)
}

/** Whether two values are equal; the order of members does not count, `1` and `1.0` differ. */
export function isSameJson(a: Json, b: Json): boolean {
  if (isArray(a)) {
    return (
      isArray(b) &&
      a.length === b.length &&
      a.every((element, i) => isSameJson(element, b[i] ?? null))
    )
  }
  if (isObject(a)) {
    if (!isObject(b) || a.size !== b.size) return false
    for (const [name, value] of a) {
      const other = b.get(name)
      if (other === undefined || !isSameJson(value, other)) return false
    }
    return true
  }
  return a === b || (Number.isNaN(a) && Number.isNaN(b))
}

/** Compact text of a value, as Avro's Java library prints it. */
export function jsonText(value: Json): string {
  if (typeof value === 'string') return quote(value)
  if (typeof value === 'number') return doubleText(value)
  if (isArray(value)) return `[${value.map(jsonText).join(',')}]`
  if (isObject(value)) {
    return `{${[...value].map(([name, member]) => `${quote(name)}:${jsonText(member)}`).join(',')}}`
  }
  return String(value)
}

const escapes: Readonly<Record<string, string>> = {
  '"': '\\"',
  '\\': '\\\\',
  '\b': '\\b',
  '\f': '\\f',
  '\n': '\\n',
  '\r': '\\r',
  '\t': '\\t',
}

/** A string in double quotes. */
export function quote(text: string): string {
  const escaped = text.replace(
    // biome-ignore lint/suspicious/noControlCharactersInRegex: these characters are escaped in JSON
    /["\\\u0000-\u001f]/g,
    (char) =>
      escapes[char] ?? `\\u${char.charCodeAt(0).toString(16).toUpperCase().padStart(4, '0')}`,
  )
  return `"${escaped}"`
}

class JsonReader {
  readonly #text: string
  #at = 0

  constructor(text: string) {
    this.#text = text
  }

  read(): Json {
    this.#skip()
    if (this.#at === this.#text.length) throw new InvalidSchemaError('the schema is empty')
    const value = this.#value(0)
    const after = this.#text.slice(this.#at).search(/[^\0- ]/)
    if (after >= 0) {
      this.#at += after
      throw this.#error('text after the schema')
    }
    return value
  }

  #value(depth: number): Json {
    const char = this.#text[this.#at]
    if (char === '{' || char === '[') {
      if (depth >= limits.nesting) {
        throw this.#error(`JSON is nested deeper than ${limits.nesting} levels`)
      }
      return char === '{' ? this.#object(depth + 1) : this.#array(depth + 1)
    }
    if (char === '"') return this.#string()
    for (const [word, value] of words) {
      if (this.#text.startsWith(word, this.#at)) {
        this.#at += word.length
        if (/[\w$]/.test(this.#text[this.#at] ?? '')) throw this.#error('expected a JSON value')
        return value
      }
    }
    return this.#number()
  }

  #object(depth: number): JsonObject {
    const members = new Map<string, Json>()
    this.#at += 1
    this.#skip()
    if (this.#accept('}')) return members
    for (;;) {
      if (this.#text[this.#at] !== '"') throw this.#error('expected a name in double quotes')
      const name = this.#string()
      this.#skip()
      if (!this.#accept(':')) throw this.#error("expected ':'")
      this.#skip()
      members.set(name, this.#value(depth))
      this.#skip()
      if (this.#accept('}')) return members
      if (!this.#accept(',')) throw this.#error("expected ',' or '}'")
      this.#skip()
    }
  }

  #array(depth: number): Json[] {
    const elements: Json[] = []
    this.#at += 1
    this.#skip()
    if (this.#accept(']')) return elements
    for (;;) {
      elements.push(this.#value(depth))
      this.#skip()
      if (this.#accept(']')) return elements
      if (!this.#accept(',')) throw this.#error("expected ',' or ']'")
      this.#skip()
    }
  }

  #string(): string {
    stringEnd.lastIndex = this.#at + 1
    let result = ''
    for (let from = this.#at + 1; ; from = stringEnd.lastIndex) {
      const end = stringEnd.exec(this.#text)
      if (end === null) throw this.#error('the string does not end')
      result += this.#text.slice(from, end.index)
      this.#at = end.index
      if (end[0] === '"') {
        this.#at += 1
        return result
      }
      if (end[0] !== '\\') throw this.#error('control characters in strings must be escaped')
      escapeSequence.lastIndex = end.index
      const sequence = escapeSequence.exec(this.#text)
      if (sequence === null) throw this.#error('unknown escape sequence')
      result +=
        sequence[1] === undefined
          ? (unescapes[sequence[0][1] ?? ''] ?? '')
          : String.fromCharCode(Number.parseInt(sequence[1], 16))
      stringEnd.lastIndex = escapeSequence.lastIndex
    }
  }

  #number(): bigint | number {
    numberToken.lastIndex = this.#at
    const match = numberToken.exec(this.#text)
    if (match === null) throw this.#error('expected a JSON value')
    const [token, fraction, exponent] = match
    if (token.length > limits.numberLength) {
      throw this.#error(`a number has more than ${limits.numberLength} characters`)
    }
    this.#at += token.length
    if (/[\w.$+-]/.test(this.#text[this.#at] ?? '')) throw this.#error('expected a JSON value')
    return fraction === undefined && exponent === undefined ? BigInt(token) : Number(token)
  }

  #accept(char: string): boolean {
    if (this.#text[this.#at] !== char) return false
    this.#at += 1
    return true
  }

  /** Skips white space and comments. */
  #skip(): void {
    for (;;) {
      const char = this.#text[this.#at]
      if (char === ' ' || char === '\n' || char === '\t' || char === '\r') {
        this.#at += 1
      } else if (char === '/' && this.#text[this.#at + 1] === '/') {
        lineEnd.lastIndex = this.#at
        this.#at = lineEnd.exec(this.#text)?.index ?? this.#text.length
      } else if (char === '/' && this.#text[this.#at + 1] === '*') {
        const end = this.#text.indexOf('*/', this.#at + 2)
        if (end < 0) throw this.#error('the comment does not end')
        this.#at = end + 2
      } else {
        return
      }
    }
  }

  #error(what: string): InvalidSchemaError {
    const before = this.#text.slice(0, this.#at).split('\n')
    const column = (before.at(-1)?.length ?? 0) + 1
    const found = this.#text.slice(this.#at, this.#at + 20)
    const place = `line ${before.length}, column ${column}`
    return new InvalidSchemaError(
      `${place}: ${what}, found ${found === '' ? 'the end of the text' : quote(found)}`,
    )
  }
}

const words = [
  ['true', true],
  ['false', false],
  ['null', null],
] as const
// biome-ignore lint/suspicious/noControlCharactersInRegex: these characters are refused
const stringEnd = /["\\\u0000-\u001f]/g
const escapeSequence = /\\(?:["\\/bfnrt]|u([0-9a-fA-F]{4}))/y
const unescapes: Readonly<Record<string, string>> = {
  '"': '"',
  '\\': '\\',
  '/': '/',
  b: '\b',
  f: '\f',
  n: '\n',
  r: '\r',
  t: '\t',
}
const numberToken = /-?(?:0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]+)?/y
const lineEnd = /[\n\r]/g
