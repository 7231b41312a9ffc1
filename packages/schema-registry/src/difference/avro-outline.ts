// SPDX-License-Identifier: Apache-2.0
import type { SchemaSource } from '../schema/schema.ts'
import { OutlineBuilder, type SchemaOutline } from './outline.ts'

type Json = unknown
type JsonObject = Readonly<Record<string, Json>>

const known = new Set(
  'type name namespace fields symbols items values default doc aliases order size'.split(' '),
)

/** Elements of an Avro schema: fields by name, items as `[]`, values of maps as `{}`. */
export function avroOutline({ schema }: Pick<SchemaSource, 'schema'>): SchemaOutline {
  const outline = new AvroOutline()
  outline.type(parse(schema), '', '')
  return outline.builder.elements
}

function parse(text: string): Json {
  try {
    return JSON.parse(text)
  } catch {
    return text.trim()
  }
}

class AvroOutline {
  readonly builder = new OutlineBuilder()
  readonly #seen = new Set<string>()

  /** Adds the element of a type and what is within it. */
  type(
    schema: Json,
    path: string,
    place: string,
    own: Readonly<Record<string, string>> = {},
  ): void {
    const shown = path === '' ? '(schema)' : path
    const object = isObject(schema) ? schema : {}
    this.builder.add(path, shown, [place === '' ? '/' : place], {
      type: nameOf(schema),
      ...own,
      ...(isNamed(object) ? attributesOf(object) : propertiesOf(object)),
    })
    this.#inner(schema, path, place)
  }

  #inner(schema: Json, path: string, place: string): void {
    if (Array.isArray(schema)) {
      for (const [i, branch] of schema.entries()) {
        if (!isComplex(branch)) continue
        const name =
          isObject(branch) && typeof branch.name === 'string' ? branch.name : nameOf(branch)
        // A union with null is an optional value: its only branch needs no name in the path.
        const isOnly = schema.filter((each) => each !== 'null').length === 1
        if (isOnly) this.#inner(branch, path, `${place}/${i}`)
        else this.type(branch, `${path}<${name}>`, `${place}/${i}`)
      }
      return
    }
    if (!isObject(schema)) return
    const { type, name } = schema
    if (isNamed(schema)) {
      // A type that contains itself is listed once.
      if (this.#seen.has(String(name))) return
      this.#seen.add(String(name))
    }
    if (type === 'record' || type === 'error') {
      const fields = Array.isArray(schema.fields) ? schema.fields.filter(isObject) : []
      for (const [i, field] of fields.entries()) this.#field(field, path, `${place}/fields/${i}`)
    } else if (type === 'enum') {
      const symbols = Array.isArray(schema.symbols) ? schema.symbols.map(String) : []
      for (const symbol of symbols) {
        this.builder.add(
          `${path}#${symbol}`,
          `${path === '' ? '(schema)' : path} symbol ${symbol}`,
          [`${place}/symbols`],
          {},
        )
      }
    } else if (type === 'array') this.type(schema.items, `${path}[]`, `${place}/items`)
    else if (type === 'map') this.type(schema.values, `${path}{}`, `${place}/values`)
    else if (isComplex(type)) this.#inner(type, path, place)
  }

  #field(field: JsonObject, path: string, place: string): void {
    const name = path === '' ? String(field.name) : `${path}.${String(field.name)}`
    const { type } = field
    const object = isObject(type) ? type : {}
    this.builder.add(name, name, [place], {
      type: nameOf(type),
      default: Object.hasOwn(field, 'default') ? JSON.stringify(field.default) : undefined,
      aliases: Array.isArray(field.aliases) ? field.aliases.join(', ') : undefined,
      doc: typeof field.doc === 'string' ? field.doc : undefined,
      order: typeof field.order === 'string' ? field.order : undefined,
      ...propertiesOf(field),
      ...(isNamed(object) ? prefixed(attributesOf(object)) : propertiesOf(object)),
    })
    this.#inner(type, name, `${place}/type`)
  }
}

function attributesOf(schema: JsonObject): Record<string, string | undefined> {
  return {
    namespace: typeof schema.namespace === 'string' ? schema.namespace : undefined,
    size: schema.size === undefined ? undefined : String(schema.size),
    aliases: Array.isArray(schema.aliases) ? schema.aliases.join(', ') : undefined,
    default: Object.hasOwn(schema, 'default') ? JSON.stringify(schema.default) : undefined,
    doc: typeof schema.doc === 'string' ? schema.doc : undefined,
    ...propertiesOf(schema),
  }
}

/** Attributes of a type that a field defines, beside those of the field. */
function prefixed(
  attributes: Readonly<Record<string, string | undefined>>,
): Record<string, string | undefined> {
  return Object.fromEntries(
    Object.entries(attributes).map(([name, value]) => [`type's ${name}`, value]),
  )
}

/** Logical types and other properties. */
function propertiesOf(schema: JsonObject): Record<string, string | undefined> {
  return Object.fromEntries(
    Object.entries(schema)
      .filter(([name]) => !known.has(name))
      .map(([name, value]) => [name, typeof value === 'string' ? value : JSON.stringify(value)]),
  )
}

/** A type in a few words: `long`, `record Order`, `array of string`, `null | string`. */
function nameOf(schema: Json): string {
  if (typeof schema === 'string') return schema
  if (Array.isArray(schema)) return schema.map(nameOf).join(' | ')
  if (!isObject(schema)) return JSON.stringify(schema) ?? 'undefined'
  const { type } = schema
  if (isNamed(schema)) return `${String(type)} ${String(schema.name)}`
  if (type === 'array') return `array of ${grouped(nameOf(schema.items))}`
  if (type === 'map') return `map of ${grouped(nameOf(schema.values))}`
  return nameOf(type)
}

function grouped(name: string): string {
  return name.includes(' | ') ? `(${name})` : name
}

function isComplex(schema: Json): boolean {
  return typeof schema === 'object' && schema !== null
}

function isNamed({ type }: JsonObject): boolean {
  return type === 'record' || type === 'error' || type === 'enum' || type === 'fixed'
}

function isObject(value: Json): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
