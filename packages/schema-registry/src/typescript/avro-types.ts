// SPDX-License-Identifier: Apache-2.0
import { InvalidSchemaError } from '../schema/schema.ts'
import { isDecimal } from '../serdes/avro/logical-types.ts'
import type { Declarations } from './declarations.ts'
import { docComment, grouped, literal, propertyKey, unionOf } from './source-text.ts'
import type { TypedSchema } from './typed-schema.ts'

const primitives: Readonly<Record<string, string>> = {
  null: 'null',
  boolean: 'boolean',
  int: 'number',
  long: 'bigint',
  float: 'number',
  double: 'number',
  bytes: 'Buffer',
  string: 'string',
}

type Json = unknown
type JsonObject = Readonly<Record<string, Json>>

interface Definition {
  readonly fullName: string
  readonly schema: JsonObject
}

/** Declares the types of an Avro schema; returns the type of its values. */
export function avroTypes({ schema, resolved }: TypedSchema, declarations: Declarations): string {
  const types = new AvroTypes(declarations)
  for (const each of resolved) types.define(parse(each.schema), undefined)
  const root = parse(schema)
  types.define(root, undefined)
  return types.typeOf(root, undefined)
}

function parse(text: string): Json {
  try {
    return JSON.parse(text)
  } catch (error) {
    // The bare name of a type, as Java's parser accepts it.
    if (/^[A-Za-z_][\w.]*$/.test(text.trim())) return text.trim()
    throw new InvalidSchemaError(`the schema is not JSON: ${(error as Error).message}`)
  }
}

class AvroTypes {
  readonly #declarations: Declarations
  readonly #definitions = new Map<string, Definition>()

  constructor(declarations: Declarations) {
    this.#declarations = declarations
  }

  /** Collects the named types of a schema. */
  define(schema: Json, namespace: string | undefined): void {
    if (Array.isArray(schema)) {
      for (const branch of schema) this.define(branch, namespace)
      return
    }
    if (!isObject(schema)) return
    const { type } = schema
    if (isNamed(type)) {
      const fullName = fullNameOf(schema, namespace)
      this.#definitions.set(fullName, { fullName, schema })
      for (const field of fieldsOf(schema)) this.define(field.type, spaceOf(fullName))
    } else if (type === 'array') this.define(schema.items, namespace)
    else if (type === 'map') this.define(schema.values, namespace)
    else this.define(type, namespace)
  }

  /** Type of the values of a schema; declares the named types that it uses. */
  typeOf(schema: Json, namespace: string | undefined): string {
    if (typeof schema === 'string') {
      const found = primitives[schema]
      if (found !== undefined && Object.hasOwn(primitives, schema)) return found
      return this.#named(this.#find(schema, namespace))
    }
    if (Array.isArray(schema)) return this.#union(schema, namespace)
    if (!isObject(schema)) throw new InvalidSchemaError(`${JSON.stringify(schema)} is not a type`)
    const { type, logicalType } = schema
    if (logicalType === 'timestamp-millis' || logicalType === 'date') return 'Date'
    if (logicalType === 'decimal' && isDecimal(schema)) {
      this.#declarations.usesDecimal = true
      return 'Decimal'
    }
    if (isNamed(type)) return this.#named({ fullName: fullNameOf(schema, namespace), schema })
    if (type === 'array') return `${grouped(this.typeOf(schema.items, namespace))}[]`
    if (type === 'map') return `Record<string, ${this.typeOf(schema.values, namespace)}>`
    return this.typeOf(type, namespace)
  }

  #find(name: string, namespace: string | undefined): Definition {
    const inSpace =
      namespace === undefined ? undefined : this.#definitions.get(`${namespace}.${name}`)
    const found = (name.includes('.') ? undefined : inSpace) ?? this.#definitions.get(name)
    if (found === undefined) {
      throw new InvalidSchemaError(`the type ${JSON.stringify(name)} is not defined`)
    }
    return found
  }

  #named(definition: Definition): string {
    const { fullName, schema } = definition
    const { type, doc } = schema
    if (type === 'fixed') return 'Buffer'
    const { name, isNew } = this.#declarations.nameOf(
      `avro ${this.#closure(definition)}`,
      fullName.slice(fullName.lastIndexOf('.') + 1),
      fullName,
    )
    if (!isNew) return name
    if (type === 'enum') {
      const symbols = Array.isArray(schema.symbols) ? schema.symbols : []
      const union = unionOf(symbols.map((symbol) => literal(String(symbol))))
      this.#declarations.add(
        name,
        [...docComment(doc), `export type ${name} = ${union}`].join('\n'),
      )
      return name
    }
    const fields = fieldsOf(schema)
    const names = new Set(fields.map((field) => field.name))
    if (names.size < fields.length) {
      throw new InvalidSchemaError(`two fields of ${fullName} have the same name`)
    }
    const members = fields.flatMap((field) => [
      ...docComment(field.doc, '  '),
      `  ${propertyKey(String(field.name))}: ${this.typeOf(field.type, spaceOf(fullName))}`,
    ])
    const lines = [...docComment(doc), `export interface ${name} {`, ...members, '}']
    this.#declarations.add(name, lines.join('\n'))
    return name
  }

  /** A named type and all that it reaches: types of one name may differ between schemas. */
  #closure(definition: Definition): string {
    const reached = new Map<string, JsonObject>()
    const visit = (schema: Json, namespace: string | undefined): void => {
      if (typeof schema === 'string') {
        if (!Object.hasOwn(primitives, schema)) enter(this.#find(schema, namespace))
      } else if (Array.isArray(schema)) for (const branch of schema) visit(branch, namespace)
      else if (isObject(schema)) {
        if (isNamed(schema.type)) enter({ fullName: fullNameOf(schema, namespace), schema })
        else if (schema.type === 'array') visit(schema.items, namespace)
        else if (schema.type === 'map') visit(schema.values, namespace)
        else visit(schema.type, namespace)
      }
    }
    const enter = ({ fullName, schema }: Definition): void => {
      if (reached.has(fullName)) return
      reached.set(fullName, schema)
      for (const field of fieldsOf(schema)) visit(field.type, spaceOf(fullName))
    }
    enter(definition)
    return JSON.stringify([...reached])
  }

  /** Plain values, or wrapped ones if two branches have the same JavaScript type. */
  #union(branches: readonly Json[], namespace: string | undefined): string {
    const kinds = branches.map((branch) => this.#kindOf(branch, namespace))
    const isWrapped = new Set(kinds).size < kinds.length
    return unionOf(
      branches.map((branch) => {
        const type = this.typeOf(branch, namespace)
        if (!isWrapped || type === 'null') return type
        return `{ ${propertyKey(this.#branchName(branch, namespace))}: ${type} }`
      }),
    )
  }

  /** JavaScript type of a branch's values, as the serde decides. */
  #kindOf(branch: Json, namespace: string | undefined): string {
    if (isObject(branch)) {
      const { type, logicalType } = branch
      const isDate = logicalType === 'timestamp-millis' || logicalType === 'date'
      if (isDate || (logicalType === 'decimal' && isDecimal(branch))) return 'object'
      if (type === 'fixed') return 'buffer'
      if (type === 'enum') return 'string'
      if (type === 'array') return 'array'
      if (type === 'map' || isNamed(type)) return 'object'
      return this.#kindOf(type, namespace)
    }
    switch (branch) {
      case 'int':
      case 'long':
      case 'float':
      case 'double':
        return 'number'
      case 'bytes':
        return 'buffer'
      case 'null':
      case 'boolean':
      case 'string':
        return branch
      default:
        return this.#kindOf(this.#find(String(branch), namespace).schema, namespace)
    }
  }

  #branchName(branch: Json, namespace: string | undefined): string {
    if (isObject(branch)) {
      if (isNamed(branch.type)) return fullNameOf(branch, namespace)
      return typeof branch.type === 'string'
        ? branch.type
        : this.#branchName(branch.type, namespace)
    }
    const name = String(branch)
    return Object.hasOwn(primitives, name) ? name : this.#find(name, namespace).fullName
  }
}

function isObject(value: Json): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function isNamed(type: Json): boolean {
  return type === 'record' || type === 'error' || type === 'enum' || type === 'fixed'
}

function fieldsOf({ type, fields }: JsonObject): readonly JsonObject[] {
  return (type === 'record' || type === 'error') && Array.isArray(fields)
    ? fields.filter(isObject)
    : []
}

function fullNameOf({ name, namespace }: JsonObject, enclosing: string | undefined): string {
  const given = String(name)
  if (given.includes('.')) return given
  const space = typeof namespace === 'string' ? namespace : enclosing
  return space === undefined || space === '' ? given : `${space}.${given}`
}

function spaceOf(fullName: string): string | undefined {
  const at = fullName.lastIndexOf('.')
  return at < 0 ? undefined : fullName.slice(0, at)
}
