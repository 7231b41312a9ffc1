// SPDX-License-Identifier: Apache-2.0
import protobuf from 'protobufjs'
import { InvalidSchemaError } from '../schema/schema.ts'
import type { Declarations } from './declarations.ts'
import { docComment, grouped, propertyKey } from './source-text.ts'
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

/** Declares the messages and enums of a Protobuf file, and those that they use. */
export function protobufTypes({ schema, resolved }: TypedSchema, declarations: Declarations): void {
  const root = new protobuf.Root()
  try {
    for (const name of Object.keys(protobuf.common)) {
      const common = protobuf.common.get(name)
      if (common?.nested !== undefined) root.addJSON(common.nested)
    }
    for (const each of resolved) add(root, each.schema)
    const before = new Set(objectsOf(root))
    add(root, schema)
    const types = new ProtobufTypes(declarations, keyOf(schema, resolved))
    for (const object of objectsOf(root)) if (!before.has(object)) types.nameOf(object)
  } catch (error) {
    if (error instanceof InvalidSchemaError) throw error
    throw new InvalidSchemaError(`invalid Protobuf schema: ${(error as Error).message}`, error)
  }
}

function keyOf(schema: string, resolved: TypedSchema['resolved']): string {
  return JSON.stringify([schema, resolved.map((each) => each.schema)])
}

function add(root: protobuf.Root, text: string): void {
  protobuf.parse(text, root, { alternateCommentMode: true })
}

/** Messages and enums of a namespace, outer ones first. */
function objectsOf(namespace: protobuf.NamespaceBase): (protobuf.Type | protobuf.Enum)[] {
  return namespace.nestedArray.flatMap((object) => [
    ...(object instanceof protobuf.Type || object instanceof protobuf.Enum ? [object] : []),
    ...(object instanceof protobuf.Namespace ? objectsOf(object) : []),
  ])
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
    const doc = docComment(object.comment)
    const text =
      object instanceof protobuf.Enum ? enumText(name, object) : this.#message(name, object)
    this.#declarations.add(name, [...doc, text].join('\n'))
    return name
  }

  #message(name: string, message: protobuf.Type): string {
    const members = message.fieldsArray.flatMap((field) => [
      ...docComment(field.comment, '  '),
      `  ${propertyKey(field.name)}${field.required ? '' : '?'}: ${this.#fieldType(field)}`,
    ])
    return [`export interface ${name} {`, ...members, '}'].join('\n')
  }

  #fieldType(field: protobuf.Field): string {
    const type = this.#valueType(field)
    if (field instanceof protobuf.MapField) return `Record<string, ${type}>`
    return field.repeated ? `${grouped(type)}[]` : type
  }

  #valueType({ type, parent }: protobuf.Field): string {
    const scalar = Object.hasOwn(scalars, type) ? scalars[type] : undefined
    if (scalar !== undefined) return scalar
    const found = parent?.lookup(type, [protobuf.Type, protobuf.Enum])
    return found instanceof protobuf.Type || found instanceof protobuf.Enum
      ? this.nameOf(found)
      : 'unknown'
  }
}

/** Values are numbers; the names are documented beside them. */
function enumText(name: string, { values }: protobuf.Enum): string {
  const members = Object.entries(values).map(
    ([symbol, value]) => `  ${propertyKey(symbol)}: ${value}`,
  )
  return [
    `export const ${name} = {`,
    `${members.join(',\n')},`,
    '} as const',
    `export type ${name} = (typeof ${name})[keyof typeof ${name}]`,
  ].join('\n')
}
