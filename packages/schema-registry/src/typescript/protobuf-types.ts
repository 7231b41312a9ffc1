// SPDX-License-Identifier: Apache-2.0
import protobuf from 'protobufjs/light.js'
import { protobufFormat } from '../protobuf/protobuf-schema.ts'
import type { Declarations } from './declarations.ts'
import { grouped, literal, propertyKey, unionOf } from './source-text.ts'
import type { TypedSchema } from './typed-schema.ts'

const scalars: Readonly<Record<string, string>> = {
  double: 'number',
  float: 'number',
  int32: 'number',
  uint32: 'number',
  sint32: 'number',
  fixed32: 'number',
  sfixed32: 'number',
  int64: 'bigint',
  uint64: 'bigint',
  sint64: 'bigint',
  fixed64: 'bigint',
  sfixed64: 'bigint',
  bool: 'boolean',
  string: 'string',
  bytes: 'Buffer',
}

/**
 * Declares the messages of a Protobuf file and the types that they use, as `protobufSerde` reads
 * them: fields without presence have their defaults, an absent message is null.
 */
export function protobufTypes({ schema, resolved }: TypedSchema, declarations: Declarations): void {
  const parsed = protobufFormat.parse({ schema, references: [], resolved })
  const key = JSON.stringify([schema, resolved.map((each) => each.schema)])
  const types = new ProtobufTypes(declarations, key)
  for (const name of parsed.messageNames) types.nameOf(parsed.messageType(name))
}

class ProtobufTypes {
  readonly #declarations: Declarations
  readonly #key: string

  constructor(declarations: Declarations, key: string) {
    this.#declarations = declarations
    this.#key = key
  }

  /** The identifier of a message or enum; declares it on first use. */
  nameOf(object: protobuf.Type | protobuf.Enum): string {
    const fullName = object.fullName.replace(/^\./, '')
    const { name, isNew } = this.#declarations.nameOf(
      `protobuf ${fullName} ${this.#key}`,
      object.name,
      fullName,
    )
    if (!isNew) return name
    const text =
      object instanceof protobuf.Enum
        ? `export type ${name} = ${unionOf(Object.keys(object.values).map(literal))}`
        : this.#message(name, object)
    this.#declarations.add(name, text)
    return name
  }

  #message(name: string, message: protobuf.Type): string {
    const members = message.fieldsArray.map((field) => {
      const isMessage = field.resolvedType instanceof protobuf.Type
      const isOptional = isSingle(field) && isAbsentByDefault(field)
      const type = this.#fieldType(field)
      const isNullable = isSingle(field) && isMessage && !isOptional && !field.required
      return `  ${propertyKey(field.name)}${isOptional ? '?' : ''}: ${type}${isNullable ? ' | null' : ''}`
    })
    return [`export interface ${name} {`, ...members, '}'].join('\n')
  }

  #fieldType(field: protobuf.Field): string {
    const type = this.#valueType(field)
    if (field instanceof protobuf.MapField) return `Record<string, ${type}>`
    return field.repeated ? `${grouped(type)}[]` : type
  }

  #valueType({ type, resolvedType }: protobuf.Field): string {
    const scalar = Object.hasOwn(scalars, type) ? scalars[type] : undefined
    if (scalar !== undefined && resolvedType === null) return scalar
    return resolvedType === null ? 'unknown' : this.nameOf(resolvedType)
  }
}

function isSingle(field: protobuf.Field): boolean {
  return !(field instanceof protobuf.MapField) && !field.repeated
}

/** Fields of a oneof and `optional` ones, but not messages: those are null. */
function isAbsentByDefault(field: protobuf.Field): boolean {
  if (field.required) return false
  if (field.partOf !== null) return true
  return field.hasPresence && !(field.resolvedType instanceof protobuf.Type)
}
