// SPDX-License-Identifier: Apache-2.0

import { javaHashOrder } from '../schema/java-hash-order.ts'
import { descend, type Location, type SchemaDocuments } from './documents.ts'
import { printJson } from './json-text.ts'
import { Keywords, notASchema } from './keywords.ts'
import {
  type ArraySchema,
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

const combinations: readonly Criterion[] = ['allOf', 'anyOf', 'oneOf']
const numberKeywords = ['minimum', 'maximum', 'exclusiveMinimum', 'exclusiveMaximum', 'multipleOf']
const stringKeywords = ['minLength', 'maxLength', 'pattern', 'format']
const arrayKeywords = ['items', 'additionalItems', 'minItems', 'maxItems', 'uniqueItems']
const objectKeywords = [
  'properties',
  'required',
  'minProperties',
  'maxProperties',
  'dependencies',
  'patternProperties',
  'additionalProperties',
]

/**
 * Reads a schema of the drafts 4, 6 and 7 as Confluent's registry does. Keywords of different
 * types beside each other are an `allOf`; siblings of `$ref` do not count; definitions count only
 * where they are referred to.
 */
export function loadClassic(start: Location, documents: SchemaDocuments): Schema {
  return new ClassicLoader(documents).loadAll(start)
}

class ClassicLoader {
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
    this.#checkAnnotations(keywords)
    const reference = keywords.string('$ref')
    if (reference !== undefined) return this.#references.create(reference, location)
    const parts = [...this.#combinations(keywords), ...this.#types(keywords)]
    const [first, ...others] = parts
    const schema: Schema =
      first === undefined
        ? { ...commonOf(node), kind: 'empty', isLiteral: false }
        : others.length === 0
          ? first
          : {
              ...commonOf(node),
              kind: 'combined',
              criterion: 'allOf',
              subschemas: parts.map((part) => ({ ...part, part: part.part || part.kind })),
              isGenerated: true,
            }
    const annotated = { ...schema, part: '', ...annotationsOf(keywords) }
    return annotated.kind === 'array' ? { ...annotated, ...containsLimits(keywords) } : annotated
  }

  #checkAnnotations(keywords: Keywords): void {
    const { draft } = keywords.location.document
    for (const name of [draft === '4' ? 'id' : '$id', 'title', 'description']) keywords.string(name)
    if (draft === '7') for (const name of ['readOnly', 'writeOnly']) keywords.boolean(name)
  }

  #combinations(keywords: Keywords): Schema[] {
    const { node, document } = keywords.location
    const parts: Schema[] = []
    if (keywords.has('enum')) {
      const values = keywords.values('enum')
      parts.push({ ...commonOf(node), kind: 'enum', values })
    }
    const present = combinations.filter((name) => keywords.has(name))
    for (const criterion of javaHashOrder(present) as readonly Criterion[]) {
      const subschemas = keywords.items(criterion).map((item) => this.#load(item))
      const common = commonOf(node, criterion)
      parts.push({ ...common, kind: 'combined', criterion, subschemas, isGenerated: false })
    }
    if (keywords.has('not')) {
      parts.push({ ...commonOf(node), kind: 'not', excluded: this.#load(keywords.child('not')) })
    }
    const constant = keywords.node('const')
    if (constant !== undefined && document.draft !== '4') {
      const value = printJson(constant, { sorted: true })
      parts.push({ ...commonOf(node), kind: 'const', value })
    }
    return parts
  }

  #types(keywords: Keywords): Schema[] {
    const { node, document } = keywords.location
    const contains = document.draft === '4' ? [] : ['contains']
    const propertyNames = document.draft === '4' ? [] : ['propertyNames']
    const parts: Schema[] = []
    const typed = new Set<string>()
    const type = keywords.node('type')
    if (type?.kind === 'array') {
      const subschemas = keywords.strings('type').map((name) => {
        typed.add(name)
        return { ...this.#ofType(keywords, name), part: `type:${name}` }
      })
      parts.push({
        ...commonOf(node, 'type'),
        kind: 'combined',
        criterion: 'anyOf',
        subschemas,
        isGenerated: false,
      })
    } else if (type !== undefined) {
      const name = keywords.string('type') ?? ''
      typed.add(name)
      parts.push(this.#ofType(keywords, name))
    }
    const isNumber = typed.has('number') || typed.has('integer')
    if (!typed.has('array') && keywords.has(...arrayKeywords, ...contains)) {
      parts.push(this.#array(keywords))
    }
    if (!typed.has('object') && keywords.has(...objectKeywords, ...propertyNames)) {
      parts.push(this.#object(keywords))
    }
    if (!isNumber && keywords.has(...numberKeywords)) parts.push(this.#number(keywords, false))
    if (!typed.has('string') && keywords.has(...stringKeywords)) parts.push(this.#string(keywords))
    if (document.draft === '7' && keywords.has('if', 'then', 'else')) {
      for (const name of ['if', 'then', 'else']) {
        if (keywords.has(name)) this.#load(keywords.child(name))
      }
      parts.push({ ...commonOf(node), kind: 'conditional' })
    }
    return parts
  }

  #ofType(keywords: Keywords, name: string): Schema {
    const common = commonOf(keywords.location.node)
    switch (name) {
      case 'string':
        return this.#string(keywords)
      case 'integer':
        return this.#number(keywords, true)
      case 'number':
        return this.#number(keywords, false)
      case 'boolean':
      case 'null':
        return { ...common, kind: name }
      case 'array':
        return this.#array(keywords)
      case 'object':
        return this.#object(keywords)
      default:
        throw keywords.error(`unknown type ${JSON.stringify(name)}`)
    }
  }

  #string(keywords: Keywords): StringSchema {
    keywords.string('format')
    return {
      ...commonOf(keywords.location.node),
      kind: 'string',
      ...present({
        minLength: keywords.integer('minLength'),
        maxLength: keywords.integer('maxLength'),
        pattern: keywords.pattern('pattern'),
      }),
    }
  }

  #number(keywords: Keywords, isInteger: boolean): NumberSchema {
    const common = commonOf(keywords.location.node)
    const limits = {
      minimum: keywords.number('minimum'),
      maximum: keywords.number('maximum'),
      multipleOf: keywords.divisor('multipleOf'),
    }
    if (keywords.location.document.draft === '4') {
      keywords.boolean('exclusiveMinimum')
      keywords.boolean('exclusiveMaximum')
      return { ...common, kind: 'number', isInteger, ...present(limits) }
    }
    const exclusive = {
      exclusiveMinimum: keywords.number('exclusiveMinimum'),
      exclusiveMaximum: keywords.number('exclusiveMaximum'),
    }
    return { ...common, kind: 'number', isInteger, ...present({ ...limits, ...exclusive }) }
  }

  #array(keywords: Keywords): ArraySchema {
    const items = keywords.node('items')
    const isTuple = items?.kind === 'array'
    const additional = this.#booleanOrSchema(keywords, 'additionalItems')
    const all = items !== undefined && !isTuple ? this.#load(keywords.child('items')) : undefined
    if (keywords.has('contains') && keywords.location.document.draft !== '4') {
      this.#load(keywords.child('contains'))
    }
    return {
      ...emptyArray(keywords.location.node),
      tuple: isTuple ? keywords.items('items').map((item) => this.#load(item)) : [],
      // `additionalItems` has no meaning beside a schema of all items.
      permitsAdditional: all !== undefined || additional !== false,
      isUnique: keywords.boolean('uniqueItems') ?? false,
      ...present({
        all,
        additional: typeof additional === 'object' ? additional : undefined,
        minItems: keywords.integer('minItems'),
        maxItems: keywords.integer('maxItems'),
      }),
    }
  }

  #object(keywords: Keywords): ObjectSchema {
    const { node, document } = keywords.location
    const id = document.draft === '4' ? 'id' : '$id'
    const properties = new Map<string, Schema>()
    for (const [name, location] of keywords.members('properties')) {
      // Without an object it is the identifier of a schema whose keywords are its properties.
      if (name === id && location.node.kind !== 'object') continue
      properties.set(name, this.#load(location))
    }
    const additional = this.#booleanOrSchema(keywords, 'additionalProperties')
    const patterns = new Map<string, Schema>()
    for (const [pattern, location] of keywords.members('patternProperties')) {
      keywords.checkPattern('patternProperties', pattern)
      patterns.set(pattern, this.#load(location))
    }
    if (document.draft !== '4' && keywords.has('propertyNames')) {
      this.#load(keywords.child('propertyNames'))
    }
    return {
      ...emptyObject(node),
      properties,
      required: new Set(keywords.strings('required')),
      permitsAdditional: additional !== false,
      patterns,
      ...this.#dependencies(keywords),
      ...present({
        additional: typeof additional === 'object' ? additional : undefined,
        minProperties: keywords.integer('minProperties'),
        maxProperties: keywords.integer('maxProperties'),
      }),
    }
  }

  #dependencies(
    keywords: Keywords,
  ): Pick<ObjectSchema, 'propertyDependencies' | 'schemaDependencies'> {
    const propertyDependencies = new Map<string, ReadonlySet<string>>()
    const schemaDependencies = new Map<string, Schema>()
    for (const [name, location] of keywords.members('dependencies')) {
      if (location.node.kind !== 'array') {
        schemaDependencies.set(name, this.#load(location))
        continue
      }
      const names = new Set<string>()
      for (const [index, item] of location.node.items.entries()) {
        if (item.kind !== 'string') throw notASchema(descend(location, item, String(index)))
        names.add(item.value)
      }
      if (names.size > 0) propertyDependencies.set(name, names)
    }
    return { propertyDependencies, schemaDependencies }
  }

  #booleanOrSchema(keywords: Keywords, name: string): boolean | Schema | undefined {
    const node = keywords.node(name)
    if (node === undefined) return undefined
    if (node.kind === 'boolean') return node.value
    return this.#load(keywords.child(name))
  }
}

function annotationsOf(keywords: Keywords): { hasDefault: boolean; isConnectBytes: boolean } {
  const connectType = keywords.node('connect.type')
  return {
    hasDefault: keywords.has('default'),
    isConnectBytes: connectType?.kind === 'string' && connectType.value === 'bytes',
  }
}

/** `minContains` and `maxContains` count in drafts that do not have them, too. */
function containsLimits(keywords: Keywords): { minContains?: number; maxContains?: number } {
  const limits: { minContains?: number; maxContains?: number } = {}
  for (const name of ['minContains', 'maxContains'] as const) {
    const node = keywords.node(name)
    if (node?.kind === 'number') limits[name] = Math.trunc(Number(node.text))
  }
  return limits
}

/** A copy with the properties that are defined. */
export function present<T extends object>(
  values: T,
): { [K in keyof T]?: Exclude<T[K], undefined> } {
  const result: { [K in keyof T]?: Exclude<T[K], undefined> } = {}
  for (const key in values) {
    const value = values[key]
    if (value !== undefined) result[key] = value as Exclude<T[typeof key], undefined>
  }
  return result
}
