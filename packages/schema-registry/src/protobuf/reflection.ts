// SPDX-License-Identifier: Apache-2.0
import protobuf from 'protobufjs/light.js'
import { InvalidSchemaError } from '../schema/schema.ts'
import {
  type Enum,
  type Field,
  type Group,
  type Message,
  mapTypes,
  type Option,
  type ProtoFile,
  scalarTypes,
  type TypeDeclaration,
} from './model.ts'
import { type NamedType, type Names, packageScope, type Scope } from './names.ts'

/** How the fields of messages are named. */
export interface ReflectionOptions {
  /** Keep names as declared (`user_id`) instead of `userId`. Default false. */
  readonly keepCase?: boolean
}

/**
 * Types to encode and decode `fullName`: the message with all messages and enums that it reaches,
 * and the extensions that `files` declare for them. Throws `InvalidSchemaError` if the declarations
 * contradict each other.
 */
export function reflectMessage(
  names: Names,
  files: Iterable<ProtoFile>,
  fullName: string,
  options: ReflectionOptions = {},
): protobuf.Type {
  const builder = new RootBuilder(names, options.keepCase ?? false)
  try {
    builder.add(fullName)
    builder.addExtensions([...files])
    const type = builder.root.lookupType(fullName)
    builder.root.resolveAll()
    return type
  } catch (error) {
    if (error instanceof InvalidSchemaError) throw error
    const reason = error instanceof Error ? error.message : String(error)
    throw new InvalidSchemaError(`message ${fullName} cannot be encoded: ${reason}`, error)
  }
}

class RootBuilder {
  readonly root = new protobuf.Root()
  readonly #names: Names
  readonly #keepCase: boolean
  readonly #added = new Set<string>()
  readonly #pending: NamedType[] = []

  constructor(names: Names, keepCase: boolean) {
    this.#names = names
    this.#keepCase = keepCase
  }

  /** Adds a type and all that it reaches. */
  add(fullName: string): void {
    this.#need(fullName, [])
    this.#drain()
  }

  addExtensions(files: readonly ProtoFile[]): void {
    const declared = files.flatMap((file) => extensionsOf(file))
    let left = declared
    for (;;) {
      const ready = left.filter(({ extendee, scope }) => {
        const type = this.#names.resolveType(extendee, scope)
        return type !== undefined && this.#added.has(topLevelName(type))
      })
      if (ready.length === 0) return
      const done = new Set(ready)
      left = left.filter((extension) => !done.has(extension))
      for (const { extendee, scope, field, syntax } of ready) {
        const type = this.#names.resolveType(extendee, scope)
        if (type === undefined) continue
        const json = { ...this.#field(field, scope), extend: `.${type.fullName}`, edition: syntax }
        this.root
          .define(scope.join('.') || [])
          .add(protobuf.Field.fromJSON(field.name, json as protobuf.IField))
      }
      this.#drain()
    }
  }

  #drain(): void {
    for (let type = this.#pending.pop(); type !== undefined; type = this.#pending.pop()) {
      const scope = packageScope(type.package)
      const json = { ...this.#type(type.declaration, scope), edition: type.file.syntax ?? 'proto2' }
      const parent = scope.length === 0 ? this.root : this.root.define([...scope])
      parent.addJSON({ [type.declaration.name]: json })
    }
  }

  /** Full name of a type with a leading dot; the type is added if it is not there yet. */
  #need(name: string, scope: Scope): string {
    const type = this.#names.resolveType(name, scope)
    if (type === undefined) throw new InvalidSchemaError(`the type ${name} is not declared`)
    const top = this.#names.type(topLevelName(type))
    if (top !== undefined && !this.#added.has(top.fullName)) {
      this.#added.add(top.fullName)
      this.#pending.push(top)
    }
    return `.${type.fullName}`
  }

  #type(declaration: TypeDeclaration, outer: Scope): protobuf.AnyNestedObject {
    return declaration.kind === 'enum'
      ? enumJson(declaration)
      : this.#message(declaration, [...outer, declaration.name])
  }

  #message(message: Message, scope: Scope): protobuf.IType {
    const fields: Record<string, protobuf.IField> = Object.create(null)
    const oneofs: Record<string, protobuf.IOneOf> = Object.create(null)
    const nested: Record<string, protobuf.AnyNestedObject> = Object.create(null)
    const all = [...message.fields, ...message.oneofs.flatMap((oneof) => oneof.fields)]
    const nameOf = this.#fieldNames(all)
    const syntax = this.#names.type(scope.join('.'))?.file.syntax
    const addGroup = (group: Group): string => {
      const name = group.name.slice(0, 1).toLowerCase() + group.name.slice(1)
      fields[name] = { type: group.name, id: group.number, ...rule(group.label) }
      nested[group.name] = this.#group(group, scope)
      return name
    }
    for (const field of message.fields) {
      const name = nameOf(field)
      fields[name] = this.#field(field, scope)
      if (syntax === 'proto3' && field.label === 'optional') {
        oneofs[`_${field.name}`] = { oneof: [name] }
        fields[name].options = { ...fields[name].options, proto3_optional: true }
      }
    }
    for (const oneof of message.oneofs) {
      const members = oneof.fields.map((field) => {
        fields[nameOf(field)] = this.#field(field, scope)
        return nameOf(field)
      })
      oneofs[this.#name(oneof.name)] = { oneof: [...members, ...oneof.groups.map(addGroup)] }
    }
    for (const group of message.groups) addGroup(group)
    for (const type of message.types) nested[type.name] = this.#type(type, scope)
    return { fields, oneofs, nested }
  }

  #group(group: Group, scope: Scope): protobuf.IType {
    const fields: Record<string, protobuf.IField> = Object.create(null)
    const nameOf = this.#fieldNames(group.fields)
    for (const field of group.fields) fields[nameOf(field)] = this.#field(field, scope)
    return { fields, group: true }
  }

  #field(field: Field, scope: Scope): protobuf.IField {
    const base = {
      id: field.number,
      options: fieldOptions(field),
      protoName: field.name,
      ...(field.jsonName === undefined ? {} : { jsonName: field.jsonName }),
    }
    const type = this.#mapType(field.type, scope)
    const map = mapTypes(type)
    if (map !== undefined) {
      const json: protobuf.IMapField = {
        ...base,
        keyType: map.key,
        type: this.#valueType(map.value, scope),
      }
      return json
    }
    return { ...base, type: this.#valueType(type, scope), ...rule(field.label) }
  }

  #mapType(type: string, scope: Scope): string {
    if (scalarTypes.has(type)) return type
    return this.#names.resolveType(type, scope)?.mapType ?? type
  }

  #valueType(type: string, scope: Scope): string {
    return scalarTypes.has(type) ? type : this.#need(type, scope)
  }

  /** Names in messages; a field keeps its declared name where two would get the same. */
  #fieldNames(fields: readonly Field[]): (field: Field) => string {
    const counts = new Map<string, number>()
    for (const { name } of fields) {
      counts.set(this.#name(name), (counts.get(this.#name(name)) ?? 0) + 1)
    }
    return ({ name }) => (counts.get(this.#name(name)) === 1 ? this.#name(name) : name)
  }

  #name(name: string): string {
    return this.#keepCase ? name : protobuf.util.camelCase(name)
  }
}

interface DeclaredExtension {
  readonly extendee: string
  readonly scope: Scope
  readonly field: Field
  readonly syntax: string
}

function extensionsOf(file: ProtoFile): DeclaredExtension[] {
  const result: DeclaredExtension[] = []
  const syntax = file.syntax ?? 'proto2'
  const visit = (declaration: Pick<Message, 'extends' | 'types'>, scope: Scope) => {
    for (const block of declaration.extends) {
      for (const field of block.fields) result.push({ extendee: block.name, scope, field, syntax })
    }
    for (const type of declaration.types) {
      if (type.kind === 'message') visit(type, [...scope, type.name])
    }
  }
  visit(file, packageScope(file.package))
  return result
}

/** Full name of the outermost type around a type. */
function topLevelName({ fullName, package: packageName }: NamedType): string {
  const start = packageName === '' ? 0 : packageName.length + 1
  const dot = fullName.indexOf('.', start)
  return dot === -1 ? fullName : fullName.slice(0, dot)
}

function rule(label: Field['label']): { rule?: string } {
  return label === undefined ? {} : { rule: label }
}

function enumJson(declared: Enum): protobuf.IEnum {
  const values: Record<string, number> = Object.create(null)
  for (const { name, number } of declared.constants) values[name] = number
  return { values, options: { allow_alias: true } }
}

function fieldOptions(field: Field): Record<string, unknown> {
  const options: Record<string, unknown> = {}
  const packed = booleanOption(field.options, 'packed')
  if (packed !== undefined) options.packed = packed
  const value = defaultOf(field)
  if (value !== undefined) options.default = value
  return options
}

function booleanOption(options: readonly Option[], name: string): boolean | undefined {
  const option = options.findLast((candidate) => candidate.name === name)
  return option?.kind === 'boolean' ? option.value === 'true' : undefined
}

function defaultOf({ type, defaultValue }: Field): unknown {
  if (defaultValue === undefined) return undefined
  if (type === 'string' || !scalarTypes.has(type)) return defaultValue
  if (type === 'bool') return defaultValue === 'true'
  if (type === 'bytes') return Buffer.from(defaultValue, 'latin1')
  const specials: Readonly<Record<string, number>> = {
    inf: Number.POSITIVE_INFINITY,
    '-inf': Number.NEGATIVE_INFINITY,
    nan: Number.NaN,
  }
  // The library converts the text of a 64-bit integer.
  if (type.endsWith('64')) return /^-?\d+$/.test(defaultValue) ? defaultValue : undefined
  return specials[defaultValue] ?? Number(defaultValue)
}
