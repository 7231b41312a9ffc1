// SPDX-License-Identifier: Apache-2.0
import { InvalidSchemaError } from '../schema/schema.ts'
import { descend, type Location } from './documents.ts'
import { isModern } from './draft.ts'
import { decimalOf, type JsonNode, printJson } from './json-text.ts'
import { isCompilable } from './regular-expression.ts'

/** Reads the keywords of one schema object; throws `InvalidSchemaError` for wrong types. */
export class Keywords {
  /** Where the object is. */
  readonly location: Location
  readonly #members: ReadonlyMap<string, JsonNode>

  /** `location` must be that of an object. */
  constructor(location: Location) {
    this.location = location
    this.#members = location.node.kind === 'object' ? location.node.members : new Map()
  }

  /** Names of all keywords, known or not. */
  names(): IterableIterator<string> {
    return this.#members.keys()
  }

  has(...names: readonly string[]): boolean {
    return names.some((name) => this.#members.has(name))
  }

  node(name: string): JsonNode | undefined {
    return this.#members.get(name)
  }

  /** Location of the keyword's value; the keyword must be present. */
  child(name: string): Location {
    const node = this.#members.get(name)
    if (node === undefined) throw this.error(`the keyword ${name} is missing`)
    return descend(this.location, node, name)
  }

  string(name: string): string | undefined {
    const node = this.#members.get(name)
    if (node !== undefined && node.kind !== 'string') throw this.#type(name, 'a string', node)
    return node?.value
  }

  boolean(name: string): boolean | undefined {
    const node = this.#members.get(name)
    if (node !== undefined && node.kind !== 'boolean') throw this.#type(name, 'a boolean', node)
    return node?.value
  }

  /** A number in text. */
  number(name: string): string | undefined {
    const node = this.#members.get(name)
    if (node !== undefined && node.kind !== 'number') throw this.#type(name, 'a number', node)
    return node?.text
  }

  /** A limit of a length or count; up to draft 7, Confluent's registry needs 32-bit integers. */
  integer(name: string): number | undefined {
    const text = this.number(name)
    if (text === undefined) return undefined
    const value = Number(text)
    const isBounded = isModern(this.location.document.draft) || Math.abs(value) < 2 ** 31
    if (!Number.isInteger(value) || !isBounded) {
      throw this.error(`${name} must be a 32-bit integer, found ${text}`)
    }
    return value
  }

  /** `multipleOf`: not zero. */
  divisor(name: string): string | undefined {
    const text = this.number(name)
    if (text !== undefined && (decimalOf(text).digits === 0n || Number(text) === 0)) {
      throw this.error(`${name} must not be 0`)
    }
    return text
  }

  /** A regular expression. It is compiled, never executed. */
  pattern(name: string): string | undefined {
    const pattern = this.string(name)
    if (pattern !== undefined) this.checkPattern(name, pattern)
    return pattern
  }

  checkPattern(name: string, pattern: string): void {
    if (!isCompilable(pattern)) {
      throw this.error(`${name} has an invalid regular expression: ${JSON.stringify(pattern)}`)
    }
  }

  items(name: string): readonly Location[] {
    const node = this.#members.get(name)
    if (node === undefined) return []
    if (node.kind !== 'array') throw this.#type(name, 'an array', node)
    return node.items.map((item, index) => descend(this.location, item, name, String(index)))
  }

  strings(name: string): readonly string[] {
    return this.items(name).map(({ node }) => {
      if (node.kind !== 'string') throw this.#type(`each item of ${name}`, 'a string', node)
      return node.value
    })
  }

  members(name: string): readonly (readonly [string, Location])[] {
    const node = this.#members.get(name)
    if (node === undefined) return []
    if (node.kind !== 'object') throw this.#type(name, 'an object', node)
    return [...node.members].map(([key, value]) => [key, descend(this.location, value, name, key)])
  }

  /** The values of `enum`, as texts that are equal for equal values. */
  values(name: string): ReadonlySet<string> {
    return new Set(this.items(name).map(({ node }) => printJson(node, { sorted: true })))
  }

  error(text: string): InvalidSchemaError {
    return new InvalidSchemaError(`not a valid JSON Schema: ${text} (at ${this.location.path})`)
  }

  #type(what: string, expected: string, found: JsonNode): InvalidSchemaError {
    return this.error(`${what} must be ${expected}, found a value of type ${found.kind}`)
  }
}

/** The error for a value that is neither an object nor a boolean where a schema is expected. */
export function notASchema(location: Location): InvalidSchemaError {
  return new InvalidSchemaError(
    `not a valid JSON Schema: expected an object or a boolean at ${location.path}, ` +
      `found a value of type ${location.node.kind}`,
  )
}
