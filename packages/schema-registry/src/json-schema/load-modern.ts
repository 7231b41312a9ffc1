// SPDX-License-Identifier: Apache-2.0

import { javaHashOrder } from '../schema/java-hash-order.ts'
import type { Location, SchemaDocuments } from './documents.ts'
import { printJson } from './json-text.ts'
import { Keywords, notASchema } from './keywords.ts'
import { present } from './load-classic.ts'
import {
  type ArraySchema,
  type CombinedSchema,
  type Criterion,
  commonOf,
  emptyArray,
  emptyObject,
  type NumberSchema,
  type ObjectSchema,
  type Schema,
  type StringSchema,
} from './model.ts'
import { References } from './references.ts'

/**
 * Reads a schema of the drafts 2019-09 and 2020-12 as Confluent's registry does. Each keyword is a
 * separate schema; these are joined, in the order of a Java hash map.
 */
export function loadModern(start: Location, documents: SchemaDocuments): Schema {
  return new ModernLoader(documents).loadAll(start)
}

class ModernLoader {
  readonly #references: References

  constructor(documents: SchemaDocuments) {
    this.#references = new References(documents)
  }

  loadAll(start: Location): Schema {
    const schema = this.#load(start)
    this.#references.resolve((location) => this.#load(location))
    return schema
  }

  #load(location: Location): Schema {
    const { node } = location
    if (node.kind === 'boolean') {
      return node.value
        ? { ...commonOf(node), kind: 'empty', isLiteral: true }
        : { ...commonOf(node), kind: 'false' }
    }
    if (node.kind !== 'object') throw notASchema(location)
    const keywords = new Keywords(location)
    keywords.string('title')
    keywords.string('description')
    keywords.boolean('deprecated')
    for (const [, definition] of keywords.members('$defs')) this.#load(definition)
    const parts: Schema[] = []
    for (const name of javaHashOrder(keywords.names())) {
      const part = this.#keyword(keywords, name)
      if (part !== undefined) parts.push(part)
    }
    parts.push(...this.#properties(keywords), ...this.#unevaluated(keywords))
    return annotated(unwrapped(joinAll(parts), keywords), keywords)
  }

  #keyword(keywords: Keywords, name: string): Schema | undefined {
    return (
      this.#combination(keywords, name) ??
      stringKeyword(keywords, name) ??
      numberKeyword(keywords, name) ??
      this.#objectKeyword(keywords, name) ??
      this.#arrayKeyword(keywords, name)
    )
  }

  #combination(keywords: Keywords, name: string): Schema | undefined {
    const { location } = keywords
    const common = commonOf(location.node, name)
    switch (name) {
      case '$ref':
      case '$dynamicRef':
      case '$recursiveRef': {
        const reference = keywords.string(name) ?? ''
        return this.#references.create(reference, location)
      }
      case 'type':
        return typesOf(keywords)
      case 'enum':
        return { ...common, kind: 'enum', values: keywords.values(name) }
      case 'const': {
        const value = printJson(keywords.child(name).node, { sorted: true })
        return { ...common, kind: 'const', value }
      }
      case 'not':
        return { ...common, kind: 'not', excluded: this.#load(keywords.child(name)) }
      case 'if':
        for (const branch of ['if', 'then', 'else']) {
          if (keywords.has(branch)) this.#load(keywords.child(branch))
        }
        return { ...common, kind: 'conditional' }
      case 'allOf':
      case 'anyOf':
      case 'oneOf': {
        const subschemas = keywords.items(name).flatMap((item) => flatten(this.#load(item)))
        return { ...common, kind: 'combined', criterion: name, subschemas, isGenerated: false }
      }
      case 'format':
        keywords.string(name)
        return generated('allOf', [], keywords)
      case 'readOnly':
      case 'writeOnly':
        keywords.boolean(name)
        return generated('allOf', [], keywords)
      default:
        return undefined
    }
  }

  #objectKeyword(keywords: Keywords, name: string): ObjectSchema | undefined {
    const object = emptyObject(keywords.location.node, 'object')
    switch (name) {
      case 'additionalProperties': {
        const schema = this.#load(keywords.child(name))
        if (schema.kind === 'false') return { ...object, permitsAdditional: false }
        if (schema.kind === 'empty' && schema.isLiteral) return object
        return { ...object, additional: schema }
      }
      case 'required':
        return { ...object, required: new Set(keywords.strings(name)) }
      case 'minProperties':
      case 'maxProperties':
        return { ...object, ...present({ [name]: keywords.integer(name) }) }
      case 'propertyNames':
        this.#load(keywords.child(name))
        return object
      case 'dependentRequired': {
        const dependencies = keywords.members(name).map(([key, location]) => {
          const nested = new Keywords({ ...location, node: keywords.child(name).node })
          return [key, new Set(nested.strings(key))] as const
        })
        const propertyDependencies = new Map(dependencies.filter(([, names]) => names.size > 0))
        return { ...object, propertyDependencies }
      }
      case 'dependentSchemas':
        return { ...object, schemaDependencies: this.#schemas(keywords, name) }
      default:
        return undefined
    }
  }

  #arrayKeyword(keywords: Keywords, name: string): ArraySchema | undefined {
    const array = emptyArray(keywords.location.node, 'array')
    switch (name) {
      case 'minItems':
      case 'maxItems':
        return { ...array, ...present({ [name]: keywords.integer(name) }) }
      case 'uniqueItems':
        return { ...array, isUnique: keywords.boolean(name) ?? false }
      case 'contains': {
        this.#load(keywords.child(name))
        const minContains = Number(keywords.number('minContains') ?? 1)
        const maxContains = keywords.number('maxContains')
        return maxContains === undefined
          ? { ...array, minContains }
          : { ...array, minContains, maxContains: Number(maxContains) }
      }
      case 'prefixItems':
        return { ...array, tuple: keywords.items(name).map((item) => this.#load(item)) }
      case 'items': {
        // A tuple of 2019-09, which Confluent's registry refuses.
        if (keywords.node(name)?.kind === 'array') {
          const tuple = keywords.items(name).map((item) => this.#load(item))
          const rest = keywords.has('additionalItems')
            ? this.#rest(array, keywords.child('additionalItems'), true)
            : array
          return { ...rest, tuple }
        }
        const hasPrefix = keywords.items('prefixItems').length > 0
        return this.#rest(array, keywords.child(name), hasPrefix)
      }
      default:
        return undefined
    }
  }

  #rest(array: ArraySchema, location: Location, hasPrefix: boolean): ArraySchema {
    const schema = this.#load(location)
    if (schema.kind === 'false') return { ...array, permitsAdditional: false }
    if (schema.kind === 'empty' && schema.isLiteral) return array
    return hasPrefix ? { ...array, additional: schema } : { ...array, all: schema }
  }

  #properties(keywords: Keywords): readonly Schema[] {
    const object = emptyObject(keywords.location.node, 'object')
    const parts: Schema[] = []
    const properties = this.#schemas(keywords, 'properties')
    if (properties.size > 0) parts.push({ ...object, properties })
    const patterns = this.#schemas(keywords, 'patternProperties')
    for (const pattern of patterns.keys()) keywords.checkPattern('patternProperties', pattern)
    if (patterns.size > 0) parts.push({ ...object, patterns })
    return parts
  }

  #unevaluated(keywords: Keywords): readonly Schema[] {
    const { node } = keywords.location
    const parts: Schema[] = []
    if (keywords.has('unevaluatedItems')) {
      const unevaluated = this.#load(keywords.child('unevaluatedItems'))
      parts.push({ ...emptyArray(node, 'array'), unevaluated })
    }
    if (keywords.has('unevaluatedProperties')) {
      const unevaluated = this.#load(keywords.child('unevaluatedProperties'))
      parts.push({ ...emptyObject(node, 'object'), unevaluated })
    }
    return parts
  }

  #schemas(keywords: Keywords, name: string): ReadonlyMap<string, Schema> {
    return new Map(keywords.members(name).map(([key, location]) => [key, this.#load(location)]))
  }
}

function typesOf(keywords: Keywords): Schema {
  if (keywords.node('type')?.kind !== 'array') {
    return ofType(keywords, keywords.string('type') ?? '')
  }
  const types = keywords.strings('type').map((name) => ofType(keywords, name))
  return generated('anyOf', types, keywords)
}

function ofType(keywords: Keywords, name: string): Schema {
  const { node } = keywords.location
  const common = commonOf(node, `type:${name}`)
  switch (name) {
    case 'string':
      return { ...common, kind: 'string' }
    case 'integer':
    case 'number':
      return { ...common, kind: 'number', isInteger: name === 'integer' }
    case 'boolean':
    case 'null':
      return { ...common, kind: name }
    case 'array':
      return emptyArray(node, 'array')
    case 'object':
      return emptyObject(node, 'object')
    default:
      throw keywords.error(`unknown type ${JSON.stringify(name)}`)
  }
}

function stringKeyword(keywords: Keywords, name: string): StringSchema | undefined {
  const common = commonOf(keywords.location.node, 'string')
  switch (name) {
    case 'minLength':
    case 'maxLength':
      return { ...common, kind: 'string', ...present({ [name]: keywords.integer(name) }) }
    case 'pattern':
      return { ...common, kind: 'string', ...present({ pattern: keywords.pattern(name) }) }
    default:
      return undefined
  }
}

function numberKeyword(keywords: Keywords, name: string): NumberSchema | undefined {
  const common = commonOf(keywords.location.node, 'number')
  switch (name) {
    case 'minimum':
    case 'maximum':
    case 'exclusiveMinimum':
    case 'exclusiveMaximum':
      return {
        ...common,
        kind: 'number',
        isInteger: false,
        ...present({ [name]: keywords.number(name) }),
      }
    case 'multipleOf': {
      const multipleOf = keywords.divisor(name)
      return { ...common, kind: 'number', isInteger: false, ...present({ multipleOf }) }
    }
    default:
      return undefined
  }
}

function generated(
  criterion: Criterion,
  subschemas: readonly Schema[],
  keywords: Keywords,
): CombinedSchema {
  const common = commonOf(keywords.location.node, criterion)
  return { ...common, kind: 'combined', criterion, subschemas, isGenerated: true }
}

function joinAll(parts: readonly Schema[]): Schema | undefined {
  return parts.reduce<Schema | undefined>(
    (joined, part) => (joined === undefined ? part : join(joined, part)),
    undefined,
  )
}

function join(previous: Schema, current: Schema): Schema {
  const merged = merge(previous, current)
  if (merged !== undefined) return merged
  if (isTypeList(previous) && previous.subschemas.some((one) => one.kind === current.kind)) {
    return { ...previous, subschemas: accumulate(previous.subschemas, current) }
  }
  if (isTypeList(current) && current.subschemas.some((one) => one.kind === previous.kind)) {
    return { ...current, subschemas: accumulate(current.subschemas, previous) }
  }
  const subschemas = [...flatten(previous), ...flatten(current)].reduce(
    (joined: readonly Schema[], schema) => accumulate(joined, schema),
    [],
  )
  return {
    ...commonOf(current.source, 'allOf'),
    kind: 'combined',
    criterion: 'allOf',
    subschemas,
    isGenerated: true,
  }
}

function isTypeList(schema: Schema): schema is CombinedSchema {
  return schema.kind === 'combined' && schema.isGenerated && schema.criterion === 'anyOf'
}

function flatten(schema: Schema): readonly Schema[] {
  const isUnwrapped =
    schema.kind === 'combined' && schema.isGenerated && schema.criterion === 'allOf'
  return isUnwrapped ? schema.subschemas : [schema]
}

function accumulate(schemas: readonly Schema[], current: Schema): readonly Schema[] {
  for (const [index, schema] of schemas.entries()) {
    const merged = merge(schema, current)
    if (merged !== undefined) return schemas.with(index, merged)
  }
  return [...schemas, current]
}

/** Schemas of the same type with the keywords of both; undefined for others. */
function merge(a: Schema, b: Schema): Schema | undefined {
  if (a.kind === 'string' && b.kind === 'string') return { ...a, ...b }
  if (a.kind === 'number' && b.kind === 'number') {
    return { ...a, ...b, isInteger: a.isInteger || b.isInteger }
  }
  if (a.kind === 'array' && b.kind === 'array') {
    return {
      ...a,
      ...b,
      tuple: [...a.tuple, ...b.tuple],
      permitsAdditional: (a.permitsAdditional && b.permitsAdditional) || Boolean(a.all ?? b.all),
      isUnique: a.isUnique || b.isUnique,
    }
  }
  if (a.kind === 'object' && b.kind === 'object') {
    return {
      ...a,
      ...b,
      properties: new Map([...a.properties, ...b.properties]),
      required: new Set([...a.required, ...b.required]),
      permitsAdditional: a.permitsAdditional && b.permitsAdditional,
      patterns: new Map([...a.patterns, ...b.patterns]),
      propertyDependencies: new Map([...a.propertyDependencies, ...b.propertyDependencies]),
      schemaDependencies: new Map([...a.schemaDependencies, ...b.schemaDependencies]),
    }
  }
  return undefined
}

function unwrapped(schema: Schema | undefined, keywords: Keywords): Schema {
  const { node } = keywords.location
  const parts = schema === undefined ? [] : flatten(schema)
  const [only] = parts
  if (only === undefined) return { ...commonOf(node), kind: 'empty', isLiteral: false }
  if (parts.length === 1) return only
  return schema ?? only
}

/** Adds what belongs to the whole object: default, `connect.type`. */
function annotated(schema: Schema, keywords: Keywords): Schema {
  if (schema.kind === 'reference') return schema
  const defaultValue = keywords.node('default')
  const connectType = keywords.node('connect.type')
  const annotations = {
    source: keywords.location.node,
    part: '',
    hasDefault: defaultValue !== undefined && defaultValue.kind !== 'null',
    isConnectBytes: connectType?.kind === 'string' && connectType.value === 'bytes',
  }
  if (!hasUnknownKeyword(keywords)) return { ...schema, ...annotations }
  // In Confluent's registry, keywords that it does not know replace what these three became.
  if (schema.kind === 'object') {
    const { unevaluated: _, ...rest } = schema
    return { ...rest, ...annotations }
  }
  if (schema.kind === 'array') {
    const { unevaluated: _, minContains: __, maxContains: ___, ...rest } = schema
    return { ...rest, ...annotations }
  }
  return { ...schema, ...annotations }
}

const knownKeywords: ReadonlySet<string> = new Set(
  (
    '$id $anchor $dynamicRef $dynamicAnchor $ref $defs $schema $vocabulary minLength maxLength ' +
    'allOf anyOf oneOf additionalProperties properties patternProperties title description ' +
    'readOnly writeOnly deprecated default enum const type not required maximum minimum ' +
    'exclusiveMaximum exclusiveMinimum multipleOf uniqueItems items prefixItems contains ' +
    'minContains maxContains if then else dependentSchemas dependentRequired unevaluatedItems ' +
    'unevaluatedProperties minItems maxItems minProperties maxProperties propertyNames pattern ' +
    'format false true'
  ).split(' '),
)

function hasUnknownKeyword(keywords: Keywords): boolean {
  for (const name of keywords.names()) if (!knownKeywords.has(name)) return true
  return keywords.members('$defs').length > 0
}
