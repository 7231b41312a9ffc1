// SPDX-License-Identifier: Apache-2.0
import { isArray, isObject, type Json } from '../../avro/json.ts'
import type { AvroType, Field, NamedType, Properties } from '../../avro/model.ts'

/** A schema as avsc takes it. */
export type AvscSchema = string | readonly AvscSchema[] | Readonly<Record<string, unknown>>

/**
 * The schema of a type for avsc, which accepts less than Java's Avro: in names only letters, digits
 * and `_`, and defaults only of the first branch of a union, exact as JSON numbers. Other
 * characters become `_`; a field loses another default, so that a record without the field cannot
 * be read.
 */
export function avscSchema(root: AvroType): AvscSchema {
  return new Writer().schemaOf(root)
}

class Writer {
  readonly #written = new Set<NamedType>()

  schemaOf(type: AvroType): AvscSchema {
    switch (type.kind) {
      case 'union':
        return type.branches.map((branch) => this.schemaOf(branch))
      case 'array':
        return { ...logicalOf(type.properties), type: 'array', items: this.schemaOf(type.items) }
      case 'map':
        return { ...logicalOf(type.properties), type: 'map', values: this.schemaOf(type.values) }
      case 'record':
      case 'enum':
      case 'fixed':
        return this.#named(type)
      default: {
        const logical = logicalOf(type.properties)
        return Object.keys(logical).length === 0 ? type.kind : { ...logical, type: type.kind }
      }
    }
  }

  #named(type: NamedType): AvscSchema {
    const name = safeName(type.fullName)
    if (this.#written.has(type)) return name
    this.#written.add(type)
    const aliases = type.aliases.map((alias) => safeName(alias.fullName))
    const common = {
      ...logicalOf(type.properties),
      name,
      // avsc would take the namespace of the record that contains this one.
      ...(type.namespace === undefined ? { namespace: '' } : {}),
      ...(aliases.length === 0 ? {} : { aliases }),
    }
    switch (type.kind) {
      case 'record':
        return { ...common, type: 'record', fields: type.fields.map((field) => this.#field(field)) }
      case 'enum':
        return {
          ...common,
          type: 'enum',
          symbols: type.symbols,
          ...(type.default === undefined ? {} : { default: type.default }),
        }
      case 'fixed':
        return { ...common, type: 'fixed', size: type.size }
    }
  }

  #field({ name, type, default: value, aliases }: Field): object {
    const isUsable = value !== undefined && isDefault(type, value, 0)
    return {
      name,
      type: this.schemaOf(type),
      ...(isUsable ? { default: plainOf(value) } : {}),
      ...(aliases.length === 0 ? {} : { aliases }),
    }
  }
}

function safeName(name: string): string {
  return name.replace(/[^\w.]/g, '_').replace(/(^|\.)(?=\d)/g, '$1_')
}

/** The logical type with its parameters. */
function logicalOf(properties: Properties): Readonly<Record<string, unknown>> {
  const entries = ['logicalType', 'precision', 'scale'].flatMap((name) => {
    const value = properties.get(name)
    return value === undefined ? [] : [[name, plainOf(value)] as const]
  })
  return Object.fromEntries(entries)
}

/** Values nested deeper are no defaults: one may contain itself. */
const MAX_DEPTH = 50

/** Whether avsc takes a value for a default of the type. */
function isDefault(type: AvroType, value: Json, depth: number): boolean {
  if (depth > MAX_DEPTH) return false
  switch (type.kind) {
    case 'null':
      return value === null
    case 'boolean':
      return typeof value === 'boolean'
    case 'int':
    case 'long':
      return typeof value === 'bigint' && Number.isSafeInteger(Number(value))
    case 'float':
    case 'double':
      return typeof value === 'bigint' || (typeof value === 'number' && Number.isFinite(value))
    case 'string':
      return typeof value === 'string'
    case 'bytes':
      return typeof value === 'string' && isBinary(value)
    case 'fixed':
      return typeof value === 'string' && isBinary(value) && value.length === type.size
    case 'enum':
      return typeof value === 'string' && type.symbols.includes(value)
    case 'array':
      return isArray(value) && value.every((each) => isDefault(type.items, each, depth + 1))
    case 'map':
      return (
        isObject(value) &&
        [...value.values()].every((each) => isDefault(type.values, each, depth + 1))
      )
    case 'union': {
      const [first] = type.branches
      return first !== undefined && isDefault(first, value, depth + 1)
    }
    case 'record':
      return (
        isObject(value) &&
        type.fields.every((field) => {
          const member = value.get(field.name) ?? field.default
          return member !== undefined && isDefault(field.type, member, depth + 1)
        })
      )
  }
}

function isBinary(text: string): boolean {
  return [...text].every((character) => character <= 'ÿ')
}

/** A JSON value in JavaScript's own types. */
function plainOf(value: Json): unknown {
  if (typeof value === 'bigint') return Number(value)
  if (isArray(value)) return value.map(plainOf)
  if (!isObject(value)) return value
  return Object.fromEntries([...value].map(([name, member]) => [name, plainOf(member)]))
}
