// SPDX-License-Identifier: Apache-2.0
import type { SchemaSource } from '../schema/schema.ts'
import { OutlineBuilder, type SchemaOutline } from './outline.ts'

type JsonObject = Readonly<Record<string, unknown>>

/** Keywords whose values are schemas by name. */
const byName = new Set('properties patternProperties $defs definitions dependentSchemas'.split(' '))
/** Keywords whose values are schemas in order. */
const inOrder = new Set('oneOf anyOf allOf prefixItems'.split(' '))
/** Keywords whose values are one schema. */
const single = new Set(
  `items additionalItems additionalProperties not if then else contains propertyNames
  unevaluatedProperties unevaluatedItems`.split(/\s+/),
)
/** Nesting of schemas; a deeper one is compared as text. */
const MAX_DEPTH = 100

/** Elements of a JSON Schema: properties by name, items as `[]`, other schemas by keyword. */
export function jsonSchemaOutline({ schema }: Pick<SchemaSource, 'schema'>): SchemaOutline {
  const outline = new JsonSchemaOutline()
  outline.schema(JSON.parse(schema), { path: '', place: '#', depth: 0 })
  return outline.builder.elements
}

interface Where {
  /** Path for people. */
  readonly path: string
  /** JSON pointer. */
  readonly place: string
  readonly depth: number
}

class JsonSchemaOutline {
  readonly builder = new OutlineBuilder()

  schema(
    schema: unknown,
    where: Where,
    own: Readonly<Record<string, string | undefined>> = {},
  ): void {
    const { path, place, depth } = where
    const places = [
      place === '#' ? '#/' : place,
      // The rules name items of a tuple by the keyword of older drafts.
      place.replace(/\/prefixItems\/(?=\d+$)/, '/items/'),
    ]
    const shown = path === '' ? '(schema)' : path
    if (!isObject(schema) || depth > MAX_DEPTH) {
      this.builder.add(place, shown, places, { schema: JSON.stringify(schema), ...own })
      return
    }
    const entries = Object.entries(schema)
    const inner = entries.filter(([keyword, value]) => isInner(keyword, value))
    const attributes = entries.filter(
      ([keyword, value]) => !isInner(keyword, value) && keyword !== 'required',
    )
    const keywordPlaces = attributes.map(([keyword]) => `${place}/${escaped(keyword)}`)
    this.builder.add(place, shown, [...places, ...keywordPlaces], {
      ...Object.fromEntries(attributes.map(([name, value]) => [name, textOf(value)])),
      ...own,
    })
    for (const [keyword, value] of inner) this.#inner(keyword, value, where, schema)
  }

  #inner(keyword: string, value: unknown, where: Where, parent: JsonObject): void {
    const { path, place, depth } = where
    const at = `${place}/${escaped(keyword)}`
    const below = (name: string, end: string): Where => ({
      path: `${path}${name}`,
      place: `${at}${end}`,
      depth: depth + 1,
    })
    if (Array.isArray(value)) {
      for (const [i, each] of value.entries()) {
        const name =
          keyword === 'items' || keyword === 'prefixItems' ? `[${i}]` : `<${keyword} ${i}>`
        this.schema(each, below(name, `/${i}`))
      }
    } else if (byName.has(keyword)) {
      const required = new Set(Array.isArray(parent.required) ? parent.required : [])
      for (const [name, each] of Object.entries(value as JsonObject)) {
        const isProperty = keyword === 'properties'
        const label = isProperty
          ? `${path === '' ? '' : '.'}${name}`
          : `${path === '' ? '' : ' '}${keyword} ${name}`
        const own = isProperty ? { required: required.has(name) ? 'yes' : undefined } : {}
        this.schema(each, below(label, `/${escaped(name)}`), own)
      }
    } else {
      this.schema(value, below(keyword === 'items' ? '[]' : `<${keyword}>`, ''))
    }
  }
}

function isInner(keyword: string, value: unknown): boolean {
  if (byName.has(keyword)) return isObject(value)
  if (inOrder.has(keyword)) return Array.isArray(value)
  // `additionalProperties: false` is a property of the schema itself.
  return single.has(keyword) && (isObject(value) || (keyword === 'items' && Array.isArray(value)))
}

function escaped(key: string): string {
  return key.replaceAll('~', '~0').replaceAll('/', '~1')
}

function textOf(value: unknown): string {
  return typeof value === 'string' ? value : JSON.stringify(value)
}

function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
