// SPDX-License-Identifier: Apache-2.0

/** Place of a declaration in a text, both from 1. */
export interface Place {
  /** Line. */
  readonly line: number
  /** Column. */
  readonly column: number
}

/** Label of a field. */
export type FieldLabel = 'required' | 'optional' | 'repeated'

/** A boolean, number or identifier within a message literal. */
export interface OptionPrimitive {
  /** Kind: a message literal has none. */
  readonly primitive: 'boolean' | 'number' | 'enum'
  /** Text as written. */
  readonly text: string
}

/** A message literal: values by name, in the order of the text. */
export type OptionMap = ReadonlyMap<string, OptionValue>

/** Value within a message literal or a list; a string is a quoted string. */
export type OptionValue = string | OptionPrimitive | OptionMap | readonly OptionValue[]

/** Value of an option. */
export type OptionContent =
  | { readonly kind: 'string' | 'boolean' | 'number' | 'enum'; readonly value: string }
  | { readonly kind: 'map'; readonly value: OptionMap }
  | { readonly kind: 'list'; readonly value: readonly OptionValue[] }
  | { readonly kind: 'option'; readonly value: Option }

/** An option: `name = value`, `(name) = value` or `(name).part = value`. */
export type Option = OptionContent & {
  /** Name without parentheses. */
  readonly name: string
  /** Whether the name is in parentheses: an extension. */
  readonly parenthesized: boolean
}

/** A field. */
export interface Field {
  /** Label, if written. */
  readonly label: FieldLabel | undefined
  /** Type as written: a scalar, a name, or `map<key, value>`. */
  readonly type: string
  /** Name. */
  readonly name: string
  /** Text of the option `default`. */
  readonly defaultValue: string | undefined
  /** Value of the option `json_name`. */
  readonly jsonName: string | undefined
  /** Field number. */
  readonly number: number
  /** All other options. */
  readonly options: readonly Option[]
  /** Where it begins. */
  readonly place: Place
}

/** A group of proto2: a field and its message in one. */
export interface Group {
  /** Label, if written. */
  readonly label: FieldLabel | undefined
  /** Name of the message. */
  readonly name: string
  /** Field number. */
  readonly number: number
  /** Fields. */
  readonly fields: readonly Field[]
}

/** A oneof. */
export interface OneOf {
  /** Name. */
  readonly name: string
  /** Fields, without labels. */
  readonly fields: readonly Field[]
  /** Groups. */
  readonly groups: readonly Group[]
  /** Options. */
  readonly options: readonly Option[]
}

/** Numbers from `start` to `end`, both included. */
export interface NumberRange {
  /** First number. */
  readonly start: number
  /** Last number. */
  readonly end: number
}

/** One `reserved` statement: names, numbers and ranges. */
export type Reserved = readonly (string | number | NumberRange)[]

/** One `extensions` statement. */
export interface ExtensionRanges {
  /** Numbers and ranges. */
  readonly values: readonly (number | NumberRange)[]
  /** Options. */
  readonly options: readonly Option[]
}

/** One `extend` block. */
export interface Extend {
  /** Name of the extended message as written. */
  readonly name: string
  /** Fields that it adds. */
  readonly fields: readonly Field[]
  /** Where it begins. */
  readonly place: Place
}

/** A message. */
export interface Message {
  /** Kind of declaration. */
  readonly kind: 'message'
  /** Simple name. */
  readonly name: string
  /** Nested messages and enums. */
  readonly types: readonly TypeDeclaration[]
  /** Options. */
  readonly options: readonly Option[]
  /** `reserved` statements. */
  readonly reserved: readonly Reserved[]
  /** Fields outside of oneofs. */
  readonly fields: readonly Field[]
  /** Oneofs. */
  readonly oneofs: readonly OneOf[]
  /** `extensions` statements. */
  readonly extensions: readonly ExtensionRanges[]
  /** Groups outside of oneofs. */
  readonly groups: readonly Group[]
  /** `extend` blocks. */
  readonly extends: readonly Extend[]
  /** Where it begins. */
  readonly place: Place
}

/** A constant of an enum. */
export interface EnumConstant {
  /** Name. */
  readonly name: string
  /** Number. */
  readonly number: number
  /** Options. */
  readonly options: readonly Option[]
  /** Where it begins. */
  readonly place: Place
}

/** An enum. */
export interface Enum {
  /** Kind of declaration. */
  readonly kind: 'enum'
  /** Simple name. */
  readonly name: string
  /** Options. */
  readonly options: readonly Option[]
  /** Constants. */
  readonly constants: readonly EnumConstant[]
  /** `reserved` statements. */
  readonly reserved: readonly Reserved[]
  /** Where it begins. */
  readonly place: Place
}

/** A message or an enum. */
export type TypeDeclaration = Message | Enum

/** A method of a service. */
export interface Method {
  /** Name. */
  readonly name: string
  /** Type of requests as written. */
  readonly requestType: string
  /** Type of responses as written. */
  readonly responseType: string
  /** Whether requests are a stream. */
  readonly requestStream: boolean
  /** Whether responses are a stream. */
  readonly responseStream: boolean
  /** Options. */
  readonly options: readonly Option[]
  /** Where it begins. */
  readonly place: Place
}

/** A service. */
export interface Service {
  /** Name. */
  readonly name: string
  /** Methods. */
  readonly methods: readonly Method[]
  /** Options. */
  readonly options: readonly Option[]
}

/** A `.proto` file. */
export interface ProtoFile {
  /** Package, if declared. */
  readonly package: string | undefined
  /** Syntax, if declared. */
  readonly syntax: 'proto2' | 'proto3' | undefined
  /** Paths of plain imports. */
  readonly imports: readonly string[]
  /** Paths of public imports. */
  readonly publicImports: readonly string[]
  /** Paths of weak imports. */
  readonly weakImports: readonly string[]
  /** Messages and enums. */
  readonly types: readonly TypeDeclaration[]
  /** Services. */
  readonly services: readonly Service[]
  /** `extend` blocks. */
  readonly extends: readonly Extend[]
  /** Options. */
  readonly options: readonly Option[]
}

/** Largest field number. */
export const maxFieldNumber = 536_870_911

/** Names of the scalar types. */
export const scalarTypes: ReadonlySet<string> = new Set([
  'bool',
  'bytes',
  'double',
  'float',
  'fixed32',
  'fixed64',
  'int32',
  'int64',
  'sfixed32',
  'sfixed64',
  'sint32',
  'sint64',
  'string',
  'uint32',
  'uint64',
])

/** Key and value of a type `map<key, value>`, undefined for all other types. */
export function mapTypes(type: string): { key: string; value: string } | undefined {
  if (!type.startsWith('map<') || !type.endsWith('>')) return undefined
  const comma = type.indexOf(',')
  return { key: type.slice(4, comma).trim(), value: type.slice(comma + 1, -1).trim() }
}

/** Whether a value is a message literal. */
export function isOptionMap(value: OptionValue): value is OptionMap {
  return value instanceof Map
}

/** Whether a value is a list. */
export function isOptionList(value: OptionValue): value is readonly OptionValue[] {
  return Array.isArray(value)
}
