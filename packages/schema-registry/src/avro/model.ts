// SPDX-License-Identifier: Apache-2.0
import type { Json } from './json.ts'

/** Names of Avro's primitive types. */
export const primitiveNames = [
  'null',
  'boolean',
  'int',
  'long',
  'float',
  'double',
  'bytes',
  'string',
] as const
/** Name of a primitive type. */
export type PrimitiveName = (typeof primitiveNames)[number]

/** Whether a name is that of a primitive type. */
export function isPrimitiveName(name: string): name is PrimitiveName {
  return (primitiveNames as readonly string[]).includes(name)
}

/** Attributes of a type or field that Avro does not define, in the order of the text. */
export type Properties = ReadonlyMap<string, Json>

/** Name of a record, enum or fixed type, or of an alias. */
export interface AvroName {
  /** Name without namespace. */
  readonly name: string
  /** Namespace; undefined for the null namespace. */
  readonly namespace: string | undefined
  /** Namespace and name. */
  readonly fullName: string
}

interface Named extends AvroName {
  /** Documentation; undefined if there is none. */
  readonly doc: string | undefined
  /** Other names under which the type is found in a writer's schema. */
  readonly aliases: readonly AvroName[]
  /** Attributes that Avro does not define, and those of the logical type. */
  readonly properties: Properties
}

/** A type without parts: `null`, `boolean`, `int`, `long`, `float`, `double`, `bytes`, `string`. */
export interface PrimitiveType {
  /** Name of the type. */
  readonly kind: PrimitiveName
  /** Attributes that Avro does not define, and those of the logical type. */
  readonly properties: Properties
}

/** A record with its fields. */
export interface RecordType extends Named {
  /** Discriminates the types. */
  readonly kind: 'record'
  /** Whether it was declared as `error`, the form of records in protocols. */
  readonly isError: boolean
  /** Fields in the order in which they are encoded. */
  readonly fields: readonly Field[]
}

/** A field of a record. */
export interface Field {
  /** Name, unique within the record. */
  readonly name: string
  /** Position within the record, from 0. */
  readonly index: number
  /** Type of its values. */
  readonly type: AvroType
  /** Documentation; undefined if there is none. */
  readonly doc: string | undefined
  /** Value for readers if the writer has no such field; undefined if there is none. */
  readonly default: Json | undefined
  /** How records are sorted by this field. */
  readonly order: 'ascending' | 'descending' | 'ignore'
  /** Other names under which the field is found in a writer's record. */
  readonly aliases: readonly string[]
  /** Attributes that Avro does not define. */
  readonly properties: Properties
}

/** An enum with its symbols. */
export interface EnumType extends Named {
  /** Discriminates the types. */
  readonly kind: 'enum'
  /** Symbols in the order of their numbers, from 0. */
  readonly symbols: readonly string[]
  /** Symbol for a reader that does not know the writer's symbol; undefined if there is none. */
  readonly default: string | undefined
}

/** A fixed number of bytes. */
export interface FixedType extends Named {
  /** Discriminates the types. */
  readonly kind: 'fixed'
  /** Bytes of a value. */
  readonly size: number
}

/** An array. */
export interface ArrayType {
  /** Discriminates the types. */
  readonly kind: 'array'
  /** Type of the elements. */
  readonly items: AvroType
  /** Attributes that Avro does not define. */
  readonly properties: Properties
}

/** A map from strings. */
export interface MapType {
  /** Discriminates the types. */
  readonly kind: 'map'
  /** Type of the values. */
  readonly values: AvroType
  /** Attributes that Avro does not define. */
  readonly properties: Properties
}

/** A union of types that are not unions. */
export interface UnionType {
  /** Discriminates the types. */
  readonly kind: 'union'
  /** Types in the order of their numbers, from 0. */
  readonly branches: readonly AvroType[]
}

/** A type with a full name. */
export type NamedType = RecordType | EnumType | FixedType

/**
 * A type of a parsed schema. Named types are one object for all their uses, so the graph of a
 * recursive schema has cycles.
 */
export type AvroType = PrimitiveType | NamedType | ArrayType | MapType | UnionType

/** Whether a type is a record, enum or fixed type. */
export function isNamed(type: AvroType): type is NamedType {
  return type.kind === 'record' || type.kind === 'enum' || type.kind === 'fixed'
}

/** Full name of a named type, otherwise the name of its kind. */
export function typeName(type: AvroType): string {
  return isNamed(type) ? type.fullName : type.kind
}

/**
 * A name from its text: the namespace is that of a name with dots, otherwise `namespace`. An empty
 * namespace is the null namespace.
 */
export function avroName(text: string, namespace: string | undefined): AvroName {
  const dot = text.lastIndexOf('.')
  const space = dot < 0 ? namespace : text.slice(0, dot)
  const name = text.slice(dot + 1)
  if (space === undefined || space === '') return { name, namespace: undefined, fullName: name }
  return { name, namespace: space, fullName: `${space}.${name}` }
}

/** Aliases of a named type as `Schema.getAliases` of Java returns them. */
export function aliasNames(type: NamedType): string[] {
  return type.aliases.map((alias) =>
    alias.namespace === undefined && type.namespace !== undefined
      ? `.${alias.name}`
      : alias.fullName,
  )
}
