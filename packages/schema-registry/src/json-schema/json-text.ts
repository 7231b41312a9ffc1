// SPDX-License-Identifier: Apache-2.0
import { InvalidSchemaError, schemaLimits } from '../schema/schema.ts'

/** A value of a JSON text. Numbers keep their digits; members keep their order. */
export type JsonNode =
  | { readonly kind: 'object'; readonly members: ReadonlyMap<string, JsonNode> }
  | { readonly kind: 'array'; readonly items: readonly JsonNode[] }
  | { readonly kind: 'string'; readonly value: string }
  | { readonly kind: 'number'; readonly text: string }
  | { readonly kind: 'boolean'; readonly value: boolean }
  | { readonly kind: 'null' }

const number = /-?(?:0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]+)?/y
// All but quotes, backslashes and control characters.
const plainCharacters = /[ !#-[\]-\uffff]*/y
const whitespace = /[ \t\r\n]*/y
const escapes: Readonly<Record<string, string>> = {
  '"': '"',
  '\\': '\\',
  '/': '/',
  b: '\b',
  f: '\f',
  n: '\n',
  r: '\r',
  t: '\t',
}
/** Characters of one number, and magnitude of its exponent: Jackson's bounds. */
const numberLength = 1000
const maxExponent = 2 ** 31 - 1

/**
 * Parses a JSON text as Jackson does: of equal keys the last value counts, at the place of the
 * first. Throws `InvalidSchemaError` with line and column, also over `schemaLimits`.
 */
export function parseJsonText(text: string): JsonNode {
  if (text.length > schemaLimits.length) {
    throw new InvalidSchemaError(
      `the schema has ${text.length} characters; the limit is ${schemaLimits.length}`,
    )
  }
  return new JsonParser(text).parse()
}

class JsonParser {
  readonly #text: string
  #position = 0

  constructor(text: string) {
    this.#text = text
  }

  parse(): JsonNode {
    const node = this.#value(1)
    this.#skipWhitespace()
    if (this.#position < this.#text.length) throw this.#error('the end of the text')
    return node
  }

  #value(depth: number): JsonNode {
    this.#skipWhitespace()
    const character = this.#text[this.#position]
    switch (character) {
      case '{':
        return this.#object(depth)
      case '[':
        return this.#array(depth)
      case '"':
        return { kind: 'string', value: this.#string() }
      case 't':
        return this.#literal('true', { kind: 'boolean', value: true })
      case 'f':
        return this.#literal('false', { kind: 'boolean', value: false })
      case 'n':
        return this.#literal('null', { kind: 'null' })
      default:
        return this.#number()
    }
  }

  #object(depth: number): JsonNode {
    this.#enter(depth)
    const members = new Map<string, JsonNode>()
    if (this.#accepts('}')) return { kind: 'object', members }
    do {
      this.#skipWhitespace()
      if (this.#text[this.#position] !== '"') throw this.#error('a key in double quotes')
      const key = this.#string()
      if (!this.#accepts(':')) throw this.#error("':'")
      members.set(key, this.#value(depth + 1))
    } while (this.#accepts(','))
    if (!this.#accepts('}')) throw this.#error("',' or '}'")
    return { kind: 'object', members }
  }

  #array(depth: number): JsonNode {
    this.#enter(depth)
    const items: JsonNode[] = []
    if (this.#accepts(']')) return { kind: 'array', items }
    do items.push(this.#value(depth + 1))
    while (this.#accepts(','))
    if (!this.#accepts(']')) throw this.#error("',' or ']'")
    return { kind: 'array', items }
  }

  #enter(depth: number): void {
    if (depth > schemaLimits.nesting) {
      throw new InvalidSchemaError(
        `the schema is nested more than ${schemaLimits.nesting} levels deep (${this.#place()})`,
      )
    }
    this.#position += 1
  }

  #string(): string {
    this.#position += 1
    let value = ''
    for (;;) {
      plainCharacters.lastIndex = this.#position
      value += plainCharacters.exec(this.#text)?.[0] ?? ''
      this.#position = plainCharacters.lastIndex
      const character = this.#text[this.#position]
      if (character === '"') {
        this.#position += 1
        return value
      }
      if (character !== '\\') throw this.#error('the end of the string')
      value += this.#escape()
    }
  }

  #escape(): string {
    const letter = this.#text[this.#position + 1] ?? ''
    if (letter === 'u') {
      const digits = this.#text.slice(this.#position + 2, this.#position + 6)
      if (!/^[0-9a-fA-F]{4}$/.test(digits)) throw this.#error('four hexadecimal digits')
      this.#position += 6
      return String.fromCharCode(Number.parseInt(digits, 16))
    }
    const value = escapes[letter]
    if (value === undefined) throw this.#error('an escape sequence of JSON')
    this.#position += 2
    return value
  }

  #number(): JsonNode {
    number.lastIndex = this.#position
    const match = number.exec(this.#text)
    if (match === null) throw this.#error('a JSON value')
    const [digits, fraction, exponent] = match
    if (digits.length > numberLength || Math.abs(Number(exponent?.slice(1) ?? 0)) > maxExponent) {
      throw this.#error(`a number of at most ${numberLength} characters`)
    }
    this.#position = number.lastIndex
    if (fraction !== undefined || exponent !== undefined) {
      return { kind: 'number', text: printDecimal(digits) }
    }
    return { kind: 'number', text: digits === '-0' ? '0' : digits }
  }

  #literal(word: string, node: JsonNode): JsonNode {
    if (!this.#text.startsWith(word, this.#position)) throw this.#error('a JSON value')
    this.#position += word.length
    return node
  }

  #accepts(character: string): boolean {
    this.#skipWhitespace()
    if (this.#text[this.#position] !== character) return false
    this.#position += 1
    return true
  }

  #skipWhitespace(): void {
    whitespace.lastIndex = this.#position
    whitespace.exec(this.#text)
    this.#position = whitespace.lastIndex
  }

  #error(expected: string): InvalidSchemaError {
    const found = this.#text[this.#position]
    const what = found === undefined ? 'the end of the text' : JSON.stringify(found)
    return new InvalidSchemaError(
      `not a JSON text: expected ${expected}, found ${what} (${this.#place()})`,
    )
  }

  #place(): string {
    const before = this.#text.slice(0, this.#position)
    const line = before.split('\n').length
    return `line ${line}, column ${before.length - before.lastIndexOf('\n')}`
  }
}

/** A decimal number as unscaled digits and a scale: value = digits × 10^-scale. */
export function decimalOf(text: string): { readonly digits: bigint; readonly scale: number } {
  const [mantissa = '', exponent = '0'] = text.split(/[eE]/)
  const [whole = '', fraction = ''] = mantissa.split('.')
  return { digits: BigInt(whole + fraction), scale: fraction.length - Number(exponent) }
}

/** The text that Java's `BigDecimal.toString` has for a decimal number. */
export function printDecimal(text: string): string {
  const { digits, scale } = decimalOf(text)
  const sign = digits < 0n ? '-' : ''
  const unscaled = (digits < 0n ? -digits : digits).toString()
  const exponent = unscaled.length - 1 - scale
  if (scale === 0) return sign + unscaled
  if (scale > 0 && exponent >= -6) {
    const padded = unscaled.padStart(scale + 1, '0')
    return `${sign}${padded.slice(0, -scale)}.${padded.slice(-scale)}`
  }
  const fraction = unscaled.length > 1 ? `.${unscaled.slice(1)}` : ''
  const power = exponent > 0 ? `E+${exponent}` : exponent < 0 ? `E${exponent}` : ''
  return `${sign}${unscaled.slice(0, 1)}${fraction}${power}`
}

/** Prints a JSON value as Jackson does, without spaces; `sorted`: keys in order of their UTF-16. */
export function printJson(node: JsonNode, options: { readonly sorted?: boolean } = {}): string {
  switch (node.kind) {
    case 'object': {
      const entries = [...node.members]
      if (options.sorted) entries.sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0))
      const members = entries.map(([key, value]) => `${quote(key)}:${printJson(value, options)}`)
      return `{${members.join(',')}}`
    }
    case 'array':
      return `[${node.items.map((item) => printJson(item, options)).join(',')}]`
    case 'string':
      return quote(node.value)
    case 'number':
      return node.text
    case 'boolean':
      return String(node.value)
    case 'null':
      return 'null'
  }
}

const shortEscapes: Readonly<Record<string, string>> = {
  '"': '\\"',
  '\\': '\\\\',
  '\b': '\\b',
  '\f': '\\f',
  '\n': '\\n',
  '\r': '\\r',
  '\t': '\\t',
}

function quote(value: string): string {
  const escaped = value.replace(/[^ !#-[\]-\uffff]/g, (character) => {
    const code = character.charCodeAt(0).toString(16).toUpperCase().padStart(4, '0')
    return shortEscapes[character] ?? `\\u${code}`
  })
  return `"${escaped}"`
}

/** The value as plain JavaScript data; numbers lose what a double cannot hold. */
export function jsonValueOf(node: JsonNode): unknown {
  switch (node.kind) {
    case 'object':
      // `fromEntries` defines own properties, so that a key `__proto__` is a key like any other.
      return Object.fromEntries([...node.members].map(([key, value]) => [key, jsonValueOf(value)]))
    case 'array':
      return node.items.map(jsonValueOf)
    case 'string':
    case 'boolean':
      return node.value
    case 'number':
      return Number(node.text)
    case 'null':
      return null
  }
}

/** Gives equal values equal numbers, whatever the order of their keys; linear in their size. */
export class JsonIdentities {
  readonly #numbers = new Map<string, number>()
  readonly #known = new Map<JsonNode, number>()

  /** The number of a value. */
  of(node: JsonNode): number {
    const known = this.#known.get(node)
    if (known !== undefined) return known
    const key = this.#key(node)
    const identity = this.#numbers.get(key) ?? this.#numbers.size
    this.#numbers.set(key, identity)
    this.#known.set(node, identity)
    return identity
  }

  #key(node: JsonNode): string {
    switch (node.kind) {
      case 'object': {
        const members = [...node.members].map(([key, value]) => `${quote(key)}:${this.of(value)}`)
        return `{${members.sort().join()}}`
      }
      case 'array':
        return `[${node.items.map((item) => this.of(item)).join()}]`
      default:
        return printJson(node)
    }
  }
}
