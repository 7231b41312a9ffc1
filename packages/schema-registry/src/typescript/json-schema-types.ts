// SPDX-License-Identifier: Apache-2.0
import { InvalidSchemaError, schemaLimits } from '../schema/schema.ts'
import type { Declarations } from './declarations.ts'
import {
  docComment,
  grouped,
  intersectionOf,
  literalType,
  propertyKey,
  unionOf,
} from './source-text.ts'
import { typeName } from './type-name.ts'
import type { TypedSchema } from './typed-schema.ts'

type JsonObject = Readonly<Record<string, unknown>>

/** A schema document: the schema itself or one that it references. */
interface Document {
  /** Key of its declarations: equal texts are one document. */
  readonly key: string
  readonly root: unknown
}

/** Declares the types of a JSON Schema; returns the type of its values. */
export function jsonSchemaTypes(
  { name, schema, resolved }: TypedSchema,
  declarations: Declarations,
): string {
  const documents = new Map<string, Document>()
  for (const each of resolved) {
    documents.set(each.name, { key: textKey(each.schema, resolved), root: parse(each.schema) })
  }
  const document = { key: textKey(schema, resolved), root: parse(schema) }
  const types = new JsonSchemaTypes(declarations, documents)
  return types.named({ document, schema: document.root, pointer: '' }, name)
}

/** Documents with the same text differ if their references do. */
function textKey(text: string, resolved: TypedSchema['resolved']): string {
  return JSON.stringify([text, resolved.map(({ name, schema }) => [name, schema])])
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch (error) {
    throw new InvalidSchemaError(`the schema is not JSON: ${(error as Error).message}`)
  }
}

/** A place in a document. */
interface Place {
  readonly document: Document
  readonly schema: unknown
  /** JSON pointer of the schema. */
  readonly pointer: string
}

class JsonSchemaTypes {
  readonly #declarations: Declarations
  readonly #documents: ReadonlyMap<string, Document>
  #depth = 0
  /** Names whose texts would contain themselves without an object or array between. */
  #open: ReadonlySet<string> = new Set()

  constructor(declarations: Declarations, documents: ReadonlyMap<string, Document>) {
    this.#declarations = declarations
    this.#documents = documents
  }

  /** Declares a type with a name. */
  named(place: Place, fallback: string): string {
    const { document, schema, pointer } = place
    const title = isObject(schema) && typeof schema.title === 'string' ? schema.title : undefined
    const { name, isNew } = this.#declarations.nameOf(
      `json ${pointer} ${document.key}`,
      typeName(title ?? fallback),
      typeName(fallback),
    )
    // A type that is nothing but a reference to itself says nothing about its values.
    if (!isNew) return this.#open.has(name) ? 'unknown' : name
    const text = this.#within(new Set([...this.#open, name]), () => this.#typeOf(place))
    const isInterface = text.startsWith('{\n') && text.indexOf('\n}') === text.length - 2
    const doc = isObject(schema) ? docComment(schema.description) : []
    const start = isInterface ? `export interface ${name} ` : `export type ${name} = `
    this.#declarations.add(name, [...doc, `${start}${text}`].join('\n'))
    return name
  }

  #within<T>(open: ReadonlySet<string>, run: () => T): T {
    const before = this.#open
    this.#open = open
    try {
      return run()
    } finally {
      this.#open = before
    }
  }

  #typeOf(place: Place): string {
    this.#depth += 1
    try {
      if (this.#depth > schemaLimits.nesting * 3) {
        throw new InvalidSchemaError('the schema is nested too deeply')
      }
      return this.#typeAt(place)
    } finally {
      this.#depth -= 1
    }
  }

  #typeAt(place: Place): string {
    const { schema } = place
    if (schema === false) return 'never'
    if (!isObject(schema)) return 'unknown'
    const { $ref } = schema
    if (typeof $ref === 'string') {
      const target = this.#target(place, $ref)
      if (target === undefined) return 'unknown'
      const others = this.#ofKeywords(place)
      return intersectionOf([this.named(target.place, target.name), others])
    }
    return this.#ofKeywords(place)
  }

  #ofKeywords(place: Place): string {
    const schema = place.schema as JsonObject
    if (Object.hasOwn(schema, 'const')) return literalType(schema.const)
    if (Array.isArray(schema.enum)) return unionOf(schema.enum.map(literalType))
    const parts = [this.#ofType(place)]
    for (const keyword of ['oneOf', 'anyOf'] as const) {
      const branches = schema[keyword]
      if (Array.isArray(branches)) {
        parts.push(unionOf(branches.map((_, i) => this.#at(place, keyword, String(i)))))
      }
    }
    if (Array.isArray(schema.allOf)) {
      for (const i of schema.allOf.keys()) parts.push(this.#at(place, 'allOf', String(i)))
    }
    return intersectionOf(parts)
  }

  #ofType(place: Place): string {
    const schema = place.schema as JsonObject
    const { type } = schema
    if (Array.isArray(type)) return unionOf(type.map((each) => this.#typed(each, place)))
    if (type !== undefined) return this.#typed(type, place)
    return isObject(schema.properties) ? this.#typed('object', place) : 'unknown'
  }

  #typed(type: unknown, place: Place): string {
    switch (type) {
      case 'string':
      case 'boolean':
      case 'null':
        return type
      case 'number':
      case 'integer':
        return 'number'
      case 'array':
        return this.#within(new Set(), () => this.#array(place))
      case 'object':
        return this.#within(new Set(), () => this.#object(place))
      default:
        return 'unknown'
    }
  }

  #array(place: Place): string {
    const { prefixItems, items, additionalItems } = place.schema as JsonObject
    const isModern = Array.isArray(prefixItems)
    const tuple = isModern ? prefixItems : items
    if (Array.isArray(tuple)) {
      const keyword = isModern ? 'prefixItems' : 'items'
      const types = tuple.map((_, i) => this.#at(place, keyword, String(i)))
      const rest = isModern ? items : additionalItems
      if (rest === false) return `[${types.join(', ')}]`
      const restType =
        rest === undefined ? 'unknown' : this.#at(place, isModern ? 'items' : 'additionalItems')
      return `[${[...types, `...${grouped(restType)}[]`].join(', ')}]`
    }
    return items === undefined ? 'unknown[]' : `${grouped(this.#at(place, 'items'))}[]`
  }

  /** Other properties are typed only if none is named: an index covers named ones, too. */
  #object(place: Place): string {
    const { properties, required, additionalProperties } = place.schema as JsonObject
    const named = isObject(properties) ? Object.entries(properties) : []
    if (named.length === 0) {
      if (additionalProperties === false) return 'Record<string, never>'
      const isAny = additionalProperties === undefined || additionalProperties === true
      // An alias may contain itself in an index, but not in `Record`.
      return `{ [key: string]: ${isAny ? 'unknown' : this.#at(place, 'additionalProperties')} }`
    }
    const names = new Set(Array.isArray(required) ? required : [])
    const members = named.flatMap(([name, schema]) => [
      ...docComment(isObject(schema) ? schema.description : undefined),
      `${propertyKey(name)}${names.has(name) ? '' : '?'}: ${this.#at(place, 'properties', name)}`,
    ])
    return `{\n${members.map(indented).join('\n')}\n}`
  }

  #at(place: Place, ...keys: readonly string[]): string {
    let { schema, pointer } = place
    for (const key of keys) {
      schema = (schema as JsonObject)[key]
      pointer += `/${key.replaceAll('~', '~0').replaceAll('/', '~1')}`
    }
    return this.#typeOf({ ...place, schema, pointer })
  }

  /** Where a reference leads, and a name for it; undefined if it is unknown. */
  #target(place: Place, ref: string): { readonly place: Place; readonly name: string } | undefined {
    const at = ref.indexOf('#')
    const address = at < 0 ? ref : ref.slice(0, at)
    const fragment = at < 0 ? '' : ref.slice(at + 1)
    const document =
      this.#documents.get(ref) ??
      (address === '' || address === idOf(place.document.root)
        ? place.document
        : (this.#documents.get(address) ?? this.#byId(address)))
    if (document === undefined) return undefined
    if (fragment === '' || this.#documents.get(ref) !== undefined) {
      const base = address.replace(/\.json$/, '').slice(address.lastIndexOf('/') + 1)
      return { place: { document, schema: document.root, pointer: '' }, name: base || 'Root' }
    }
    const keys = pointerKeys(fragment)
    if (keys === undefined) return anchored(document, fragment)
    let schema: unknown = document.root
    for (const key of keys) {
      if (typeof schema !== 'object' || schema === null || !Object.hasOwn(schema, key)) {
        return undefined
      }
      schema = (schema as JsonObject)[key]
    }
    return {
      place: { document, schema, pointer: `/${fragment.slice(1)}` },
      name: keys.at(-1) ?? '',
    }
  }

  #byId(address: string): Document | undefined {
    for (const document of this.#documents.values()) {
      if (idOf(document.root) === address) return document
    }
    return undefined
  }
}

function idOf(root: unknown): string | undefined {
  if (!isObject(root)) return undefined
  const id = root.$id ?? root.id
  return typeof id === 'string' ? id.replace(/#$/, '') : undefined
}

/** Keys of a JSON pointer in a fragment; undefined if it is another name. */
function pointerKeys(fragment: string): readonly string[] | undefined {
  if (!fragment.startsWith('/')) return undefined
  return fragment
    .slice(1)
    .split('/')
    .map((part) => decoded(part).replaceAll('~1', '/').replaceAll('~0', '~'))
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    return text
  }
}

/** The definition with an anchor. */
function anchored(
  document: Document,
  anchor: string,
): { readonly place: Place; readonly name: string } | undefined {
  for (const keyword of ['$defs', 'definitions']) {
    const definitions = isObject(document.root) ? document.root[keyword] : undefined
    for (const [name, schema] of isObject(definitions) ? Object.entries(definitions) : []) {
      if (!isObject(schema)) continue
      if (schema.$anchor === anchor || schema.$id === `#${anchor}` || schema.id === `#${anchor}`) {
        return { place: { document, schema, pointer: `/${keyword}/${name}` }, name }
      }
    }
  }
  return undefined
}

function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function indented(text: string): string {
  return text.replaceAll(/^/gm, '  ')
}
