// SPDX-License-Identifier: Apache-2.0
import { nearestSpelling } from '@millrace/base'
import { InvalidSchemaError, schemaLimits } from '../schema/schema.ts'
import { isSameType } from './equality.ts'
import { parseDouble } from './java-numbers.ts'
import { isArray, isObject, type Json, type JsonObject, jsonText, parseJson } from './json.ts'
import {
  type AvroName,
  type AvroType,
  avroName,
  type EnumType,
  type Field,
  type FixedType,
  isPrimitiveName,
  type NamedType,
  type Properties,
  type RecordType,
  typeName,
  type UnionType,
} from './model.ts'
import { nameError } from './names.ts'

/** Position in the text: what surrounds a type. */
interface Scope {
  /** Namespace of the enclosing named type. */
  readonly namespace: string | undefined
  /** JSON pointer, for errors. */
  readonly path: string
  /** Types that enclose this one. */
  readonly depth: number
}

type Mutable<T> = { -readonly [K in keyof T]: T[K] }

/** Use of a name that is defined later in the text, or is the name of an enclosing record. */
interface ForwardUse {
  readonly fullName: string
  readonly path: string
  /** Puts the type in its place. */
  readonly resolve: (type: AvroType) => void
}

const reservedOfTypes: ReadonlySet<string> = new Set([
  'doc',
  'fields',
  'items',
  'name',
  'namespace',
  'size',
  'symbols',
  'values',
  'type',
  'aliases',
])
const reservedOfEnums: ReadonlySet<string> = new Set([...reservedOfTypes, 'default'])
const reservedOfFields: ReadonlySet<string> = new Set([
  'default',
  'doc',
  'name',
  'order',
  'type',
  'aliases',
])
const typeWords = [
  'record',
  'error',
  'enum',
  'array',
  'map',
  'fixed',
  'null',
  'boolean',
  'int',
  'long',
  'float',
  'double',
  'bytes',
  'string',
]
/** Largest array of Java's virtual machine, and so the largest fixed. */
const MAX_FIXED_SIZE = 2 ** 31 - 1 - 8
const LONG_LIMIT = 2n ** 63n

/**
 * Parses texts of schemas by the rules of Avro 1.12 for Java. The names that a text defines are
 * known in the texts after it.
 */
export class AvroParser {
  readonly #types = new Map<string, NamedType>()
  #forwardUses: ForwardUse[] = []
  #unions: { readonly type: UnionType; readonly path: string }[] = []

  /** Parses one text. Throws `InvalidSchemaError` with path and reason. */
  parse(text: string): AvroType {
    if (text.length > schemaLimits.length) {
      throw new InvalidSchemaError(
        `the schema has ${text.length} characters, the limit is ${schemaLimits.length}`,
      )
    }
    this.#forwardUses = []
    this.#unions = []
    const root: { type: AvroType | undefined } = { type: undefined }
    root.type = this.#type(
      parseJson(text),
      { namespace: undefined, path: '', depth: 0 },
      (type) => {
        root.type = type
      },
    )
    for (const { fullName, path, resolve } of this.#forwardUses) {
      const type = this.#types.get(fullName)
      if (type === undefined) throw this.#unknownName(fullName, path)
      resolve(type)
    }
    for (const { type, path } of this.#unions) checkBranches(type, path)
    return root.type
  }

  #type(json: Json, scope: Scope, resolve: (type: AvroType) => void): AvroType {
    if (scope.depth > schemaLimits.nesting) {
      throw invalid(scope.path, `types are nested deeper than ${schemaLimits.nesting} levels`)
    }
    if (typeof json === 'string') return this.#use(json, scope, resolve)
    if (isArray(json)) return this.#union(json, scope)
    if (!isObject(json)) {
      throw invalid(scope.path, `expected a name, an object or an array, found ${excerpt(json)}`)
    }
    const type = json.get('type')
    if (typeof type !== 'string') {
      throw invalid(
        scope.path,
        type === undefined
          ? `no type in ${excerpt(json)}`
          : `"type" must be a name, found ${excerpt(type)}`,
      )
    }
    if (isPrimitiveName(type)) return { kind: type, properties: properties(json, reservedOfTypes) }
    switch (type) {
      case 'record':
      case 'error':
        return this.#record(json, scope, type === 'error')
      case 'enum':
        return this.#enum(json, scope)
      case 'fixed':
        return this.#fixed(json, scope)
      case 'array':
      case 'map':
        return this.#container(json, scope, type)
      default:
        return this.#use(type, scope, resolve)
    }
  }

  #use(name: string, scope: Scope, resolve: (type: AvroType) => void): AvroType {
    if (isPrimitiveName(name)) return { kind: name, properties: new Map() }
    const fullName =
      scope.namespace === undefined || name.includes('.') ? name : `${scope.namespace}.${name}`
    const type = this.#types.get(fullName) ?? this.#types.get(name)
    if (type !== undefined) return type
    this.#forwardUses.push({ fullName, path: scope.path, resolve })
    return placeholder(fullName, this.#forwardUses.length)
  }

  #record(json: JsonObject, scope: Scope, isError: boolean): RecordType {
    const name = declaredName(json, scope)
    const fields: Mutable<Field>[] = []
    const list = json.get('fields')
    if (!isArray(list)) throw invalid(scope.path, `record ${name.fullName} has no array "fields"`)
    const seen = new Set<string>()
    list.forEach((element, index) => {
      const path = `${scope.path}/fields/${index}`
      const field = this.#field(element, index, {
        namespace: name.namespace,
        path,
        depth: scope.depth + 1,
      })
      if (seen.has(field.name)) {
        throw invalid(path, `duplicate field ${field.name} in record ${name.fullName}`)
      }
      seen.add(field.name)
      fields.push(field)
    })
    return this.#define(
      {
        kind: 'record',
        isError,
        ...name,
        doc: optionalText(json, 'doc'),
        aliases: typeAliases(json, name, scope.path),
        properties: copiedProperties(json, scope.path),
        fields,
      },
      scope.path,
    )
  }

  #field(json: Json, index: number, scope: Scope): Mutable<Field> {
    const { path } = scope
    const name = isObject(json) ? optionalText(json, 'name') : undefined
    if (!isObject(json) || name === undefined) {
      throw invalid(path, `expected a field with a name, found ${excerpt(json)}`)
    }
    checkName(name, `${path}/name`)
    const typeJson = json.get('type')
    if (typeJson === undefined) throw invalid(path, `field ${name} has no type`)
    const field: Mutable<Field> = {
      name,
      index,
      type: this.#type(typeJson, { ...scope, path: `${path}/type` }, (type) => {
        field.type = type
      }),
      doc: optionalText(json, 'doc'),
      default: undefined,
      order: fieldOrder(json.get('order'), path),
      aliases: aliasTexts(json, path),
      properties: properties(json, reservedOfFields),
    }
    const value = json.get('default')
    const isFloating = field.type.kind === 'float' || field.type.kind === 'double'
    if (isFloating && typeof value === 'string') {
      field.default = parseDouble(value)
      if (field.default === undefined) {
        throw invalid(`${path}/default`, `${excerpt(value)} is not a number`)
      }
    } else {
      field.default = value
    }
    return field
  }

  #enum(json: JsonObject, scope: Scope): EnumType {
    const name = declaredName(json, scope)
    const list = json.get('symbols')
    if (!isArray(list)) throw invalid(scope.path, `enum ${name.fullName} has no array "symbols"`)
    const symbols = new Set<string>()
    list.forEach((symbol, index) => {
      const path = `${scope.path}/symbols/${index}`
      if (typeof symbol !== 'string') throw invalid(path, `${excerpt(symbol)} is not a symbol`)
      checkName(symbol, path)
      if (symbols.has(symbol)) throw invalid(path, `duplicate enum symbol ${symbol}`)
      symbols.add(symbol)
    })
    const defaultSymbol = optionalText(json, 'default')
    if (defaultSymbol !== undefined && !symbols.has(defaultSymbol)) {
      throw invalid(
        `${scope.path}/default`,
        `the default ${quoted(defaultSymbol)} is not a symbol of enum ${name.fullName}`,
      )
    }
    return this.#define(
      {
        kind: 'enum',
        ...name,
        doc: optionalText(json, 'doc'),
        aliases: typeAliases(json, name, scope.path),
        properties: properties(json, reservedOfEnums),
        symbols: [...symbols],
        default: defaultSymbol,
      },
      scope.path,
    )
  }

  #fixed(json: JsonObject, scope: Scope): FixedType {
    const name = declaredName(json, scope)
    const size = json.get('size')
    if (typeof size !== 'bigint' || size < 0n || size > MAX_FIXED_SIZE) {
      throw invalid(
        scope.path,
        `the size of fixed ${name.fullName} must be an integer from 0 to ${MAX_FIXED_SIZE}, ` +
          `found ${size === undefined ? 'none' : excerpt(size)}`,
      )
    }
    return this.#define(
      {
        kind: 'fixed',
        ...name,
        doc: optionalText(json, 'doc'),
        aliases: typeAliases(json, name, scope.path),
        properties: properties(json, reservedOfTypes),
        size: Number(size),
      },
      scope.path,
    )
  }

  #container(json: JsonObject, scope: Scope, kind: 'array' | 'map'): AvroType {
    const attribute = kind === 'array' ? 'items' : 'values'
    const element = json.get(attribute)
    if (element === undefined) throw invalid(scope.path, `${kind} without "${attribute}"`)
    const child = { ...scope, path: `${scope.path}/${attribute}`, depth: scope.depth + 1 }
    if (kind === 'array') {
      const array = {
        kind,
        items: this.#type(element, child, (type) => {
          array.items = type
        }),
        properties: copiedProperties(json, scope.path),
      }
      return array
    }
    const map = {
      kind,
      values: this.#type(element, child, (type) => {
        map.values = type
      }),
      properties: copiedProperties(json, scope.path),
    }
    return map
  }

  #union(json: readonly Json[], scope: Scope): UnionType {
    const branches: AvroType[] = []
    json.forEach((branch, index) => {
      const child = { ...scope, path: `${scope.path}/${index}`, depth: scope.depth + 1 }
      if (isArray(branch)) throw invalid(child.path, 'a union must not contain a union')
      branches.push(
        this.#type(branch, child, (type) => {
          branches[index] = type
        }),
      )
    })
    const union: UnionType = { kind: 'union', branches }
    checkBranches(union, scope.path)
    this.#unions.push({ type: union, path: scope.path })
    return union
  }

  /** Adds a type to the known names. The same definition may be repeated. */
  #define<T extends NamedType>(type: T, path: string): T {
    const known = this.#types.get(type.fullName)
    if (known === undefined) this.#types.set(type.fullName, type)
    else if (!isSameType(known, type)) {
      throw invalid(path, `${type.fullName} is already defined in another way`)
    }
    return type
  }

  #unknownName(fullName: string, path: string): InvalidSchemaError {
    // Bounded, because comparing two names takes time in proportion to both lengths.
    const known = [...typeWords, ...this.#types.keys()]
      .slice(0, 1000)
      .filter((name) => name.length <= 100)
    const near = nearestSpelling(fullName, known)
    return invalid(
      path,
      `unknown type ${quoted(fullName)}${near === undefined ? '' : `; did you mean "${near}"?`}`,
    )
  }
}

/** Stands for a type that is not yet defined; it is equal to no other. */
function placeholder(fullName: string, number: number): RecordType {
  return {
    kind: 'record',
    isError: false,
    name: fullName,
    namespace: undefined,
    fullName: `\0${number}`,
    doc: undefined,
    aliases: [],
    properties: new Map(),
    fields: [],
  }
}

function declaredName(json: JsonObject, scope: Scope): AvroName {
  const text = optionalText(json, 'name')
  if (text === undefined) throw invalid(scope.path, `no name in ${excerpt(json)}`)
  const name = avroName(text, optionalText(json, 'namespace') ?? scope.namespace)
  checkName(name.name, `${scope.path}/name`)
  if (isPrimitiveName(name.fullName)) {
    throw invalid(`${scope.path}/name`, `a type must not have the name of a primitive: ${text}`)
  }
  return name
}

function checkName(name: string, path: string): void {
  const error = nameError(name)
  if (error !== undefined) throw invalid(path, error)
}

/** No two branches of a union have the same name or, without names, the same kind. */
function checkBranches(union: UnionType, path: string): void {
  const names = new Set<string>()
  for (const branch of union.branches) {
    const name = typeName(branch)
    if (names.has(name)) throw invalid(path, `duplicate type ${name} in a union`)
    names.add(name)
  }
}

function fieldOrder(json: Json | undefined, path: string): Field['order'] {
  if (json === undefined) return 'ascending'
  const order = typeof json === 'string' ? json.toLowerCase() : undefined
  if (order === 'ascending' || order === 'descending' || order === 'ignore') return order
  throw invalid(
    `${path}/order`,
    `order must be "ascending", "descending" or "ignore", found ${excerpt(json)}`,
  )
}

function typeAliases(json: JsonObject, name: AvroName, path: string): AvroName[] {
  const aliases = new Map<string, AvroName>()
  for (const text of aliasTexts(json, path)) {
    const alias = avroName(text, name.namespace)
    if (!aliases.has(alias.fullName)) aliases.set(alias.fullName, alias)
  }
  return [...aliases.values()]
}

function aliasTexts(json: JsonObject, path: string): string[] {
  const aliases = json.get('aliases')
  if (aliases === undefined) return []
  if (!isArray(aliases) || !aliases.every((alias) => typeof alias === 'string')) {
    throw invalid(`${path}/aliases`, `expected an array of names, found ${excerpt(aliases)}`)
  }
  return [...new Set(aliases)]
}

function properties(json: JsonObject, reserved: ReadonlySet<string>): Properties {
  return new Map([...json].filter(([name]) => !reserved.has(name)))
}

/**
 * Properties of a type with parts. Java copies such types when it resolves names, and it cannot
 * copy integers of more than 64 bits.
 */
function copiedProperties(json: JsonObject, path: string): Properties {
  const copied = properties(json, reservedOfTypes)
  for (const [name, value] of copied) {
    if (hasBigInteger(value)) {
      throw invalid(path, `property ${quoted(name)} has an integer of more than 64 bits`)
    }
  }
  return copied
}

function hasBigInteger(value: Json): boolean {
  if (typeof value === 'bigint') return value >= LONG_LIMIT || value < -LONG_LIMIT
  if (isArray(value)) return value.some(hasBigInteger)
  return isObject(value) && [...value.values()].some(hasBigInteger)
}

function optionalText(json: JsonObject, attribute: string): string | undefined {
  const value = json.get(attribute)
  return typeof value === 'string' ? value : undefined
}

function invalid(path: string, reason: string): InvalidSchemaError {
  return new InvalidSchemaError(`${path === '' ? '/' : path}: ${reason}`)
}

function quoted(name: string): string {
  return name.length > 100 ? `"${name.slice(0, 100)}…"` : `"${name}"`
}

/** Text of a value for an error. */
function excerpt(json: Json): string {
  if (isObject(json)) return json.size === 0 ? '{}' : `an object with ${excerptOfNames(json)}`
  if (isArray(json)) return json.length === 0 ? '[]' : `an array of ${json.length}`
  const text = jsonText(json)
  return text.length > 100 ? `${text.slice(0, 100)}…` : text
}

function excerptOfNames(json: JsonObject): string {
  return [...json.keys()].slice(0, 5).map(quoted).join(', ')
}
