// SPDX-License-Identifier: Apache-2.0
import { InvalidSchemaError, schemaLimits } from '../schema/schema.ts'
import { type DescriptorObject, decodeFileDescriptor, metaExtensions } from './descriptor-codec.ts'
import type {
  Enum,
  Extend,
  ExtensionRanges,
  Field,
  FieldLabel,
  Message,
  Method,
  NumberRange,
  OneOf,
  Option,
  OptionMap,
  OptionValue,
  ProtoFile,
  Reserved,
  Service,
  TypeDeclaration,
} from './model.ts'

/** Declarations of a descriptor have no place in a text. */
const place = { line: 1, column: 1 }

/**
 * The file of a `FileDescriptorProto`, as Confluent's registry reads one: groups and custom options
 * other than Confluent's are left out. Throws if the bytes are not such a message.
 */
export function parseDescriptor(bytes: Uint8Array): ProtoFile {
  const file = decodeFileDescriptor(bytes)
  const syntax = text(file.syntax)
  const dependencies = texts(file.dependency)
  const publicIndexes = new Set(numbers(file.public_dependency))
  const weakIndexes = new Set(numbers(file.weak_dependency))
  const isPublic = (index: number) => publicIndexes.has(index)
  const isWeak = (index: number) => !isPublic(index) && weakIndexes.has(index)
  const packageName = text(file.package)
  const isProto3 = syntax === 'proto3'
  const reader = new DescriptorReader(isProto3)
  return {
    package: packageName === '' ? undefined : packageName,
    syntax: syntax === 'proto2' || syntax === 'proto3' ? syntax : undefined,
    imports: dependencies.filter((_, index) => !isPublic(index) && !isWeak(index)),
    publicImports: dependencies.filter((_, index) => isPublic(index)),
    weakImports: dependencies.filter((_, index) => isWeak(index)),
    types: reader.types(file.message_type, file.enum_type, 1),
    services: objects(file.service).map((service) => reader.service(service)),
    extends: reader.extends(file.extension),
    options: [
      ...scalarOptions(file.options, fileOptionKinds),
      ...featureOption(file.options),
      ...metaOption(file.options, metaExtensions.file),
    ],
  }
}

/** Kind of a scalar option by name, in the order in which they are printed. */
type OptionKinds = Readonly<Record<string, 'string' | 'boolean' | 'enum'>>

const fileOptionKinds: OptionKinds = {
  java_package: 'string',
  java_outer_classname: 'string',
  java_multiple_files: 'boolean',
  java_generate_equals_and_hash: 'boolean',
  java_string_check_utf8: 'boolean',
  optimize_for: 'enum',
  go_package: 'string',
  cc_generic_services: 'boolean',
  java_generic_services: 'boolean',
  py_generic_services: 'boolean',
  deprecated: 'boolean',
  cc_enable_arenas: 'boolean',
  objc_class_prefix: 'string',
  csharp_namespace: 'string',
  swift_prefix: 'string',
  php_class_prefix: 'string',
  php_namespace: 'string',
  php_metadata_namespace: 'string',
  ruby_package: 'string',
}

const messageOptionKinds: OptionKinds = {
  no_standard_descriptor_accessor: 'boolean',
  deprecated: 'boolean',
  map_entry: 'boolean',
}

const fieldOptionKinds: OptionKinds = {
  ctype: 'enum',
  packed: 'boolean',
  jstype: 'enum',
  deprecated: 'boolean',
  debug_redact: 'boolean',
  retention: 'enum',
}

class DescriptorReader {
  readonly #isProto3: boolean

  constructor(isProto3: boolean) {
    this.#isProto3 = isProto3
  }

  types(messages: unknown, enums: unknown, depth: number): TypeDeclaration[] {
    if (depth > schemaLimits.nesting && objects(messages).length > 0) {
      throw new InvalidSchemaError(`messages are nested deeper than ${schemaLimits.nesting} levels`)
    }
    return [
      ...objects(messages).map((message) => this.#message(message, depth)),
      ...objects(enums).map((declared) => enumOf(declared)),
    ]
  }

  #message(message: DescriptorObject, depth: number): Message {
    const members = new Map<unknown, Field[]>()
    const single: Field[] = []
    for (const field of objects(message.field)) {
      const index = field.oneof_index
      if (index === undefined || field.proto3_optional === true) {
        single.push(this.#field(field, false))
      } else {
        const fields = members.get(index) ?? []
        members.set(index, fields)
        fields.push(this.#field(field, true))
      }
    }
    const oneofs: OneOf[] = objects(message.oneof_decl).map((oneof, index) => ({
      name: text(oneof.name) ?? '',
      fields: members.get(index) ?? [],
      groups: [],
      options: featureOption(oneof.options),
    }))
    return {
      kind: 'message',
      name: text(message.name) ?? '',
      types: this.types(message.nested_type, message.enum_type, depth + 1),
      options: [
        ...scalarOptions(message.options, messageOptionKinds),
        ...featureOption(message.options),
        ...metaOption(message.options, metaExtensions.message),
      ],
      reserved: reservedOf(message, 1),
      fields: single,
      oneofs: oneofs.filter((oneof) => oneof.fields.length > 0),
      extensions: objects(message.extension_range).map((range) => extensionRange(range)),
      groups: [],
      extends: this.extends(message.extension),
      place,
    }
  }

  #field(field: DescriptorObject, inOneof: boolean): Field {
    const options = record(field.options)
    return {
      label: inOneof ? undefined : this.#label(field),
      type: text(field.type_name) ?? typeName(text(field.type)),
      name: text(field.name) ?? '',
      defaultValue: this.#isProto3 ? undefined : text(field.default_value),
      jsonName: text(field.json_name),
      number: number(field.number),
      options: [
        ...scalarOptions(options, fieldOptionKinds),
        ...texts(options.targets).map((target) => option('targets', 'enum', target)),
        ...objects(options.edition_defaults).map((value) =>
          literalOption('edition_defaults', literal(value, { edition: 'enum' })),
        ),
        ...featureOption(options),
        ...featureSupportOption(options),
        ...metaOption(options, metaExtensions.field),
      ],
      place,
    }
  }

  #label(field: DescriptorObject): FieldLabel | undefined {
    if (field.proto3_optional === true) return 'optional'
    if (field.label === 'LABEL_REPEATED') return 'repeated'
    if (this.#isProto3) return undefined
    return field.label === 'LABEL_REQUIRED' ? 'required' : 'optional'
  }

  extends(fields: unknown): Extend[] {
    const blocks = new Map<string, Field[]>()
    for (const field of objects(fields)) {
      const extendee = text(field.extendee) ?? ''
      const block = blocks.get(extendee) ?? []
      blocks.set(extendee, block)
      block.push(this.#field(field, false))
    }
    return [...blocks].map(([name, members]) => ({ name, fields: members, place }))
  }

  service(service: DescriptorObject): Service {
    return {
      name: text(service.name) ?? '',
      methods: objects(service.method).map((method) => methodOf(method)),
      options: [
        ...scalarOptions(service.options, { deprecated: 'boolean' }),
        ...featureOption(service.options),
      ],
    }
  }
}

function methodOf(method: DescriptorObject): Method {
  return {
    name: text(method.name) ?? '',
    requestType: text(method.input_type) ?? '',
    responseType: text(method.output_type) ?? '',
    requestStream: method.client_streaming === true,
    responseStream: method.server_streaming === true,
    options: [
      ...scalarOptions(method.options, { deprecated: 'boolean', idempotency_level: 'enum' }),
      ...featureOption(method.options),
    ],
    place,
  }
}

function enumOf(declared: DescriptorObject): Enum {
  return {
    kind: 'enum',
    name: text(declared.name) ?? '',
    options: [
      ...scalarOptions(declared.options, { allow_alias: 'boolean', deprecated: 'boolean' }),
      ...featureOption(declared.options),
      ...metaOption(declared.options, metaExtensions.enum),
    ],
    constants: objects(declared.value).map((value) => ({
      name: text(value.name) ?? '',
      number: number(value.number),
      options: [
        ...scalarOptions(value.options, { deprecated: 'boolean', debug_redact: 'boolean' }),
        ...featureOption(value.options),
        ...featureSupportOption(value.options),
        ...metaOption(value.options, metaExtensions.enumValue),
      ],
      place,
    })),
    reserved: reservedOf(declared, 0),
    place,
  }
}

function typeName(type: string | undefined): string {
  return (type ?? 'TYPE_DOUBLE').slice('TYPE_'.length).toLowerCase()
}

/** Ranges, then names; `endOffset` is 1 where the end of a range is not part of it. */
function reservedOf(declaration: DescriptorObject, endOffset: 0 | 1): Reserved[] {
  return [
    ...objects(declaration.reserved_range).map((range) => [rangeOf(range, endOffset)]),
    ...texts(declaration.reserved_name).map((name) => [name]),
  ]
}

function rangeOf(range: DescriptorObject, endOffset: 0 | 1): number | NumberRange {
  const start = number(range.start)
  const end = number(range.end) - endOffset
  return start === end ? start : { start, end }
}

function extensionRange(range: DescriptorObject): ExtensionRanges {
  const options = record(range.options)
  return {
    values: [rangeOf(range, 1)],
    options: [
      ...objects(options.declaration).map((declaration) =>
        literalOption('declaration', literal(declaration, {})),
      ),
      ...featureOption(options),
      ...scalarOptions(options, { verification: 'boolean' }),
    ],
  }
}

function scalarOptions(options: unknown, kinds: OptionKinds): Option[] {
  const given = record(options)
  return Object.entries(kinds).flatMap(([name, kind]) => {
    const value = given[name]
    return value === undefined ? [] : [option(name, kind, String(value))]
  })
}

function option(name: string, kind: 'string' | 'boolean' | 'enum', value: string): Option {
  return { name, parenthesized: false, kind, value }
}

function literalOption(name: string, value: OptionMap): Option {
  return { name, parenthesized: false, kind: 'map', value }
}

const featureNames = [
  'field_presence',
  'enum_type',
  'repeated_field_encoding',
  'utf8_validation',
  'message_encoding',
  'json_format',
]

function featureOption(options: unknown): Option[] {
  const { features } = record(options)
  if (features === undefined) return []
  const given = record(features)
  const entries = featureNames.flatMap((name) => {
    const value = given[name]
    return value === undefined ? [] : [[name, primitive('enum', String(value))] as const]
  })
  return [literalOption('features', new Map(entries))]
}

function featureSupportOption(options: unknown): Option[] {
  const support = record(options).feature_support
  if (support === undefined) return []
  const kinds = {
    edition_introduced: 'enum',
    edition_deprecated: 'enum',
    edition_removed: 'enum',
  } as const
  return [literalOption('feature_support', literal(record(support), kinds))]
}

/** A message literal of the fields that are set; `kinds` names those that are constants. */
function literal(given: DescriptorObject, kinds: Readonly<Record<string, 'enum'>>): OptionMap {
  const entries = Object.entries(given).map(([name, value]): [string, OptionValue] => {
    if (kinds[name] === 'enum') return [name, primitive('enum', String(value))]
    if (typeof value === 'number') return [name, primitive('number', String(value))]
    if (typeof value === 'boolean') return [name, primitive('boolean', String(value))]
    return [name, String(value)]
  })
  return new Map(entries)
}

function primitive(kind: 'enum' | 'number' | 'boolean', value: string): OptionValue {
  return { primitive: kind, text: value }
}

/** Confluent's metadata as an option; parameters and rules are lists of literals. */
function metaOption(options: unknown, extension: string): Option[] {
  const meta = record(record(options)[extension])
  const value = new Map<string, OptionValue>()
  const doc = text(meta.doc)
  if (doc) value.set('doc', doc)
  const params = Object.entries(record(meta.params)).map(([key, param]) => {
    const entries: [string, string][] = [
      ['key', key],
      ['value', String(param)],
    ]
    // These two have their value first there.
    return new Map(key === 'precision' || key === 'scale' ? entries.reverse() : entries)
  })
  if (params.length > 0) value.set('params', params)
  const tags = texts(meta.tags)
  if (tags.length > 0) value.set('tags', tags)
  const rules = objects(meta.rules).flatMap((rule) => {
    const entries = ['name', 'doc', 'expr', 'sql'].flatMap((name): [string, string][] => {
      const member = text(rule[name])
      return member ? [[name, member]] : []
    })
    return entries.length > 0 ? [new Map(entries)] : []
  })
  if (rules.length > 0) value.set('rules', rules)
  if (value.size === 0) return []
  return [{ name: extension.slice(1), parenthesized: true, kind: 'map', value }]
}

function record(value: unknown): DescriptorObject {
  return typeof value === 'object' && value !== null ? { ...value } : {}
}

function objects(value: unknown): DescriptorObject[] {
  return Array.isArray(value) ? value.map((element) => record(element)) : []
}

function texts(value: unknown): string[] {
  return Array.isArray(value) ? value.map(String) : []
}

function numbers(value: unknown): number[] {
  return Array.isArray(value) ? value.map(Number) : []
}

function text(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined
}

function number(value: unknown): number {
  return typeof value === 'number' ? value : 0
}
