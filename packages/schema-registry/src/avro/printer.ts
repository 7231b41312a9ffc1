// SPDX-License-Identifier: Apache-2.0
import { InvalidSchemaError } from '../schema/schema.ts'
import { normalizedDefault, sortedText } from './defaults.ts'
import { jsonText, quote } from './json.ts'
import { logicalTypeOf } from './logical-types.ts'
import {
  type AvroName,
  type AvroType,
  aliasNames,
  type Field,
  isNamed,
  type NamedType,
  type Properties,
} from './model.ts'

/** Levels of JSON that Avro's Java library prints. */
const MAX_NESTING = 1000

/** What is printed of a schema. */
export interface PrintOptions {
  /** Full names that other schemas define: these types are printed as names. Default none. */
  readonly known?: Iterable<string>
  /**
   * Whether aliases, properties and members of defaults are sorted, and defaults have the number
   * format of their types. Default false.
   */
  readonly isNormalized?: boolean
}

/**
 * Text of a schema as `Schema.toString` of Java: without white space, attributes in Avro's order,
 * names relative to the enclosing namespace, each named type defined at its first use. Throws
 * `InvalidSchemaError` if the text has more than 1000 levels.
 */
export function printSchema(type: AvroType, options: PrintOptions = {}): string {
  return new Printer(options).print(type)
}

class Printer {
  readonly #known: Set<string>
  readonly #isNormalized: boolean
  readonly #output: string[] = []

  constructor(options: PrintOptions) {
    this.#known = new Set(options.known)
    this.#isNormalized = options.isNormalized ?? false
  }

  print(type: AvroType): string {
    this.#type(type, undefined, 0)
    return this.#output.join('')
  }

  #type(type: AvroType, namespace: string | undefined, level: number): void {
    if (level > MAX_NESTING) {
      throw new InvalidSchemaError(
        `the schema with all types in place is nested deeper than ${MAX_NESTING} levels of JSON`,
      )
    }
    if (isNamed(type)) {
      this.#named(type, namespace, level)
      return
    }
    switch (type.kind) {
      case 'union':
        this.#output.push('[')
        type.branches.forEach((branch, i) => {
          if (i > 0) this.#output.push(',')
          this.#type(branch, namespace, level + 1)
        })
        this.#output.push(']')
        return
      case 'array':
        this.#output.push('{"type":"array","items":')
        this.#type(type.items, namespace, level + 1)
        break
      case 'map':
        this.#output.push('{"type":"map","values":')
        this.#type(type.values, namespace, level + 1)
        break
      default:
        if (type.properties.size === 0) {
          this.#output.push(`"${type.kind}"`)
          return
        }
        this.#output.push(`{"type":"${type.kind}"`)
    }
    this.#properties(type)
    this.#output.push('}')
  }

  #named(type: NamedType, namespace: string | undefined, level: number): void {
    if (this.#known.has(type.fullName)) {
      this.#output.push(quote(relativeName(type, namespace)))
      return
    }
    this.#known.add(type.fullName)
    const isError = type.kind === 'record' && type.isError && !this.#isNormalized
    this.#output.push(`{"type":"${isError ? 'error' : type.kind}","name":${quote(type.name)}`)
    if (type.namespace !== namespace) {
      this.#output.push(`,"namespace":${quote(type.namespace ?? '')}`)
    }
    if (type.doc !== undefined && !(this.#isNormalized && type.doc === '')) {
      this.#output.push(`,"doc":${quote(type.doc)}`)
    }
    switch (type.kind) {
      case 'record':
        this.#output.push(',"fields":[')
        for (const field of type.fields) this.#field(field, type.namespace, level)
        this.#output.push(']')
        break
      case 'enum':
        this.#output.push(`,"symbols":[${type.symbols.map(quote).join(',')}]`)
        if (type.default !== undefined) this.#output.push(`,"default":${quote(type.default)}`)
        break
      case 'fixed':
        this.#output.push(`,"size":${type.size}`)
    }
    this.#properties(type)
    this.#aliases(this.#aliasesOf(type).map((alias) => relativeName(alias, type.namespace)))
    this.#output.push('}')
  }

  #field(field: Field, namespace: string | undefined, level: number): void {
    if (field.index > 0) this.#output.push(',')
    this.#output.push(`{"name":${quote(field.name)},"type":`)
    this.#type(field.type, namespace, level + 3)
    if (field.doc !== undefined) this.#output.push(`,"doc":${quote(field.doc)}`)
    if (field.default !== undefined) {
      const text = this.#isNormalized
        ? normalizedDefault(field.type, field.default)
        : jsonText(field.default)
      if (text !== undefined) this.#output.push(`,"default":${text}`)
    }
    if (field.order !== 'ascending') this.#output.push(`,"order":"${field.order}"`)
    this.#aliases(this.#isNormalized ? [...field.aliases].sort() : field.aliases)
    this.#pairs(field.properties, this.#isNormalized ? [...field.properties.keys()].sort() : [])
    this.#output.push('}')
  }

  #aliasesOf(type: NamedType): readonly AvroName[] {
    if (!this.#isNormalized) return type.aliases
    const names = aliasNames(type)
    return type.aliases
      .map((alias, i) => ({ alias, key: names[i] ?? '' }))
      .sort((a, b) => (a.key < b.key ? -1 : 1))
      .map(({ alias }) => alias)
  }

  #aliases(aliases: readonly string[]): void {
    if (aliases.length > 0) this.#output.push(`,"aliases":[${aliases.map(quote).join(',')}]`)
  }

  /** Normalised: the attributes of a valid logical type are first. */
  #properties(type: Exclude<AvroType, { kind: 'union' }>): void {
    if (!this.#isNormalized) {
      this.#pairs(type.properties, [])
      return
    }
    const first: string[] = []
    const logical = logicalTypeOf(type)
    if (logical !== undefined) first.push('logicalType')
    if (logical?.name === 'decimal') first.push('precision')
    if (logical?.name === 'decimal' && logical.scale !== 0) first.push('scale')
    const rest = [...type.properties.keys()].filter((name) => !first.includes(name))
    this.#pairs(type.properties, first.concat(rest.sort()))
  }

  #pairs(properties: Properties, sorted: readonly string[]): void {
    for (const name of this.#isNormalized ? sorted : properties.keys()) {
      const value = properties.get(name) ?? null
      this.#output.push(
        `,${quote(name)}:${this.#isNormalized ? sortedText(value) : jsonText(value)}`,
      )
    }
  }
}

/** The shortest text that is the same name within a namespace. */
function relativeName(name: AvroName, namespace: string | undefined): string {
  const isRelative =
    name.namespace !== undefined && name.namespace === namespace && !typeNames.has(name.name)
  return isRelative ? name.name : name.fullName
}

/** Names that would be read as a type of Avro. */
const typeNames: ReadonlySet<string> = new Set([
  'record',
  'enum',
  'array',
  'map',
  'union',
  'fixed',
  'string',
  'bytes',
  'int',
  'long',
  'float',
  'double',
  'boolean',
  'null',
])
