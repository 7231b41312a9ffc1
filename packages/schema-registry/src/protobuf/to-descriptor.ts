// SPDX-License-Identifier: Apache-2.0
import {
  type DescriptorObject,
  encodeFileDescriptor,
  isDescriptorConstant,
  metaExtensions,
} from './descriptor-codec.ts'
import {
  type Enum,
  type Extend,
  type Field,
  isOptionMap,
  type Message,
  mapTypes,
  type OneOf,
  type Option,
  type OptionMap,
  type OptionValue,
  type ProtoFile,
  type Reserved,
  type Service,
  scalarTypes,
  type TypeDeclaration,
} from './model.ts'
import { type Names, packageScope, type Scope } from './names.ts'
import {
  booleanOption,
  listOf,
  mapOption,
  type OptionValues,
  optionValues,
  textOption,
  textValue,
} from './option-values.ts'

/** Path that Confluent's registry gives to the file in a descriptor. */
const descriptorName = 'default'

/**
 * Bytes of the `FileDescriptorProto` that Confluent's registry returns for `format=serialized`.
 * Type names are as written, `json_name` is set only where written, and custom options other than
 * Confluent's, groups and weak imports are left out. `known` says which imports can be resolved.
 */
export function serializedDescriptor(
  file: ProtoFile,
  names: Names,
  known: (path: string) => boolean,
): Uint8Array {
  return encodeFileDescriptor(new DescriptorBuilder(names, file).file(known))
}

class DescriptorBuilder {
  readonly #names: Names
  readonly #file: ProtoFile

  constructor(names: Names, file: ProtoFile) {
    this.#names = names
    this.#file = file
  }

  file(known: (path: string) => boolean): DescriptorObject {
    const file = this.#file
    const scope = packageScope(file.package)
    const dependency = [
      ...new Set([...file.imports, ...file.publicImports].filter((path) => known(path))),
    ]
    return defined({
      name: descriptorName,
      package: file.package,
      dependency,
      public_dependency: file.publicImports
        .filter((path) => known(path))
        .map((path) => dependency.indexOf(path)),
      message_type: this.#messages(file.types, scope),
      enum_type: enums(file.types),
      service: file.services.map((service) => serviceDescriptor(service)),
      extension: this.#extensions(file.extends, scope),
      options: fileOptions(file.options),
      syntax: file.syntax,
    })
  }

  #messages(types: readonly TypeDeclaration[], scope: Scope): DescriptorObject[] {
    return types
      .filter((type) => type.kind === 'message')
      .map((message) => this.#message(message, [...scope, message.name]))
  }

  #message(message: Message, scope: Scope): DescriptorObject {
    const field: DescriptorObject[] = []
    const oneofs: DescriptorObject[] = []
    const nested = this.#messages(message.types, scope)
    const inOneof = new Set<string>()
    for (const oneof of message.oneofs) {
      const index = oneofs.push(oneofDescriptor(oneof)) - 1
      for (const member of oneof.fields) {
        inOneof.add(member.name)
        field.push(this.#field(member, scope, { label: 'optional', oneof_index: index }))
      }
    }
    for (const member of message.fields) {
      if (inOneof.has(member.name)) continue
      const map = mapTypes(member.type)
      if (map !== undefined) {
        const entry = mapEntryName(member.name)
        nested.push(this.#mapEntry(entry, map, scope))
        field.push(this.#field({ ...member, type: entry }, scope, { label: 'repeated' }))
      } else if (member.label === 'optional' && this.#file.syntax === 'proto3') {
        const index = oneofs.push({ name: `_${member.name}`, options: {} }) - 1
        field.push(
          this.#field(member, scope, {
            label: 'optional',
            oneof_index: index,
            proto3_optional: true,
          }),
        )
      } else {
        field.push(this.#field(member, scope, { label: member.label }))
      }
    }
    return defined({
      name: message.name,
      field,
      nested_type: nested,
      enum_type: enums(message.types),
      extension_range: message.extensions.flatMap((extensions) => extensionRanges(extensions)),
      extension: this.#extensions(message.extends, scope),
      options: messageOptions(message.options),
      oneof_decl: oneofs,
      // The end of a range of field numbers is not part of it.
      reserved_range: reservedRanges(message.reserved, 1),
      reserved_name: reservedNames(message.reserved),
    })
  }

  #mapEntry(
    name: string,
    types: { readonly key: string; readonly value: string },
    scope: Scope,
  ): DescriptorObject {
    return {
      name,
      field: [
        { name: 'key', number: 1, ...this.#type(types.key, scope) },
        { name: 'value', number: 2, ...this.#type(types.value, scope) },
      ],
      options: { map_entry: true },
    }
  }

  #extensions(blocks: readonly Extend[], scope: Scope): DescriptorObject[] {
    return blocks.flatMap((block) =>
      block.fields.map((field) =>
        this.#field(field, scope, { label: field.label, extendee: block.name }),
      ),
    )
  }

  #field(
    field: Field,
    scope: Scope,
    place: {
      readonly label: Field['label']
      readonly oneof_index?: number
      readonly proto3_optional?: boolean
      readonly extendee?: string
    },
  ): DescriptorObject {
    return defined({
      ...place,
      label: place.label === undefined ? undefined : `LABEL_${place.label.toUpperCase()}`,
      name: field.name,
      number: field.number,
      ...this.#type(field.type, scope),
      default_value: field.defaultValue,
      json_name: field.jsonName,
      options: fieldOptions(field.options),
    })
  }

  #type(type: string, scope: Scope): DescriptorObject {
    if (scalarTypes.has(type)) return { type: `TYPE_${type.toUpperCase()}` }
    const kind = this.#names.resolveType(type, scope)?.declaration.kind
    return defined({
      type: kind === undefined ? undefined : `TYPE_${kind.toUpperCase()}`,
      type_name: type,
    })
  }
}

/** Name of the message of a map's entries: `user_names` has `UserNamesEntry`. */
export function mapEntryName(field: string): string {
  if (!field.includes('_')) return `${field}Entry`
  const words = field.split('_').map((word) => word.slice(0, 1).toUpperCase() + lower(word))
  return `${words.join('')}Entry`
}

function lower(word: string): string {
  return word.slice(1).toLowerCase()
}

function enums(types: readonly TypeDeclaration[]): DescriptorObject[] {
  return types.filter((type) => type.kind === 'enum').map((type) => enumDescriptor(type))
}

function enumDescriptor(declared: Enum): DescriptorObject {
  const options = optionValues(declared.options)
  return defined({
    name: declared.name,
    value: declared.constants.map(({ name, number, options: given }) => {
      const values = optionValues(given)
      return defined({
        name,
        number,
        options: someOptions({
          deprecated: booleanOption(values, 'deprecated'),
          features: features(values),
          debug_redact: booleanOption(values, 'debug_redact'),
          feature_support: featureSupport(values),
          [metaExtensions.enumValue]: meta(values, 'confluent.enum_value_meta'),
        }),
      })
    }),
    options: someOptions({
      allow_alias: booleanOption(options, 'allow_alias'),
      deprecated: booleanOption(options, 'deprecated'),
      features: features(options),
      [metaExtensions.enum]: meta(options, 'confluent.enum_meta'),
    }),
    reserved_range: reservedRanges(declared.reserved, 0),
    reserved_name: reservedNames(declared.reserved),
  })
}

function oneofDescriptor(oneof: OneOf): DescriptorObject {
  const options = optionValues(oneof.options)
  // Options are present even if they are empty, as there.
  return { name: oneof.name, options: defined({ features: features(options) }) }
}

function serviceDescriptor(service: Service): DescriptorObject {
  const options = optionValues(service.options)
  return defined({
    name: service.name,
    method: service.methods.map((method) => {
      const values = optionValues(method.options)
      return defined({
        name: method.name,
        input_type: method.requestType,
        output_type: method.responseType,
        options: someOptions({
          deprecated: booleanOption(values, 'deprecated'),
          idempotency_level: textOption(values, 'idempotency_level'),
          features: features(values),
        }),
        client_streaming: method.requestStream,
        server_streaming: method.responseStream,
      })
    }),
    options: someOptions({
      deprecated: booleanOption(options, 'deprecated'),
      features: features(options),
    }),
  })
}

const fileTextOptions = [
  'java_package',
  'java_outer_classname',
  'optimize_for',
  'go_package',
  'objc_class_prefix',
  'csharp_namespace',
  'swift_prefix',
  'php_class_prefix',
  'php_namespace',
  'php_metadata_namespace',
  'ruby_package',
] as const

const fileBooleanOptions = [
  'java_multiple_files',
  'java_generate_equals_and_hash',
  'java_string_check_utf8',
  'cc_generic_services',
  'java_generic_services',
  'py_generic_services',
  'deprecated',
  'cc_enable_arenas',
] as const

function fileOptions(given: readonly Option[]): DescriptorObject | undefined {
  const options = optionValues(given)
  const result: Record<string, unknown> = {
    features: features(options),
    [metaExtensions.file]: meta(options, 'confluent.file_meta'),
  }
  for (const name of fileTextOptions) result[name] = textOption(options, name)
  for (const name of fileBooleanOptions) result[name] = booleanOption(options, name)
  return someOptions(result)
}

function messageOptions(given: readonly Option[]): DescriptorObject | undefined {
  const options = optionValues(given)
  return someOptions({
    no_standard_descriptor_accessor: booleanOption(options, 'no_standard_descriptor_accessor'),
    deprecated: booleanOption(options, 'deprecated'),
    map_entry: booleanOption(options, 'map_entry'),
    features: features(options),
    [metaExtensions.message]: meta(options, 'confluent.message_meta'),
  })
}

function fieldOptions(given: readonly Option[]): DescriptorObject | undefined {
  const options = optionValues(given)
  const targets = given.filter((option) => option.name === 'targets').map(({ value }) => value)
  const defaults = given
    .filter((option) => option.name === 'edition_defaults')
    .map(({ value }) => editionDefault(value))
  return someOptions({
    ctype: textOption(options, 'ctype'),
    packed: booleanOption(options, 'packed'),
    jstype: textOption(options, 'jstype'),
    deprecated: booleanOption(options, 'deprecated'),
    debug_redact: booleanOption(options, 'debug_redact'),
    retention: constant('FieldOptions.OptionRetention', textOption(options, 'retention')),
    targets: targets.length > 0 ? targets : undefined,
    edition_defaults: defaults.length > 0 ? defaults : undefined,
    features: features(options),
    feature_support: featureSupport(options),
    [metaExtensions.field]: meta(options, 'confluent.field_meta'),
  })
}

function editionDefault(value: Option['value']): DescriptorObject {
  if (!(value instanceof Map)) return {}
  const edition = textValue(value.get('edition'))
  const known = edition === '2023' ? 'EDITION_2023' : edition
  return defined({ edition: constant('Edition', known), value: textValue(value.get('value')) })
}

function extensionRanges({
  values,
  options,
}: {
  readonly values: Reserved
  readonly options: readonly Option[]
}): DescriptorObject[] {
  const given = optionValues(options)
  const verification = textOption(given, 'verification')
  const isKnown =
    verification !== undefined &&
    isDescriptorConstant('google.protobuf.ExtensionRangeOptions.VerificationState', verification)
  const declaration = options
    .filter((option) => option.name === 'declaration')
    .map(({ value }) => extensionDeclaration(value))
  return reservedRanges([values], 1).map((range) => ({
    ...range,
    options: defined({
      declaration,
      features: features(given),
      verification: isKnown ? verification : undefined,
    }),
  }))
}

function extensionDeclaration(value: Option['value']): DescriptorObject {
  if (!(value instanceof Map)) return {}
  const number = textValue(value.get('number'))
  const flag = (name: string) => {
    const text = textValue(value.get(name))
    return text === undefined ? undefined : text === 'true'
  }
  return defined({
    number: number === undefined ? undefined : Number(number),
    full_name: textValue(value.get('full_name')),
    type: textValue(value.get('type')),
    reserved: flag('reserved'),
    repeated: flag('repeated'),
  })
}

const featureEnums: Readonly<Record<string, string>> = {
  field_presence: 'FeatureSet.FieldPresence',
  enum_type: 'FeatureSet.EnumType',
  repeated_field_encoding: 'FeatureSet.RepeatedFieldEncoding',
  utf8_validation: 'FeatureSet.Utf8Validation',
  message_encoding: 'FeatureSet.MessageEncoding',
  json_format: 'FeatureSet.JsonFormat',
}

function features(options: OptionValues): DescriptorObject | undefined {
  const map = mapOption(options, 'features')
  return map === undefined ? undefined : constants(map, featureEnums)
}

const supportEnums: Readonly<Record<string, string>> = {
  edition_introduced: 'Edition',
  edition_deprecated: 'Edition',
  edition_removed: 'Edition',
}

function featureSupport(options: OptionValues): DescriptorObject | undefined {
  const map = mapOption(options, 'feature_support')
  if (map === undefined) return undefined
  const warning = textValue(map.get('deprecation_warning'))
  return defined({ ...constants(map, supportEnums), deprecation_warning: warning })
}

function constants(map: OptionMap, enumOf: Readonly<Record<string, string>>): DescriptorObject {
  const entries = Object.entries(enumOf).map(
    ([name, type]) => [name, constant(type, textValue(map.get(name)))] as const,
  )
  return defined(Object.fromEntries(entries))
}

/** A constant of an enum, by number 0 if the enum has none of the name. */
function constant(type: string, value: string | undefined): string | number | undefined {
  if (value === undefined) return undefined
  return isDescriptorConstant(`google.protobuf.${type}`, value) ? value : 0
}

/** Confluent's metadata: documentation, parameters, tags and rules. */
function meta(options: OptionValues, name: string): DescriptorObject | undefined {
  const map = mapOption(options, name)
  if (map === undefined) return undefined
  const list = (key: string) => {
    const value = map.get(key)
    return value === undefined ? [] : listOf(value)
  }
  const params: Record<string, string> = Object.create(null)
  for (const param of list('params')) {
    const key = memberText(param, 'key')
    const value = memberText(param, 'value')
    if (key !== undefined && value !== undefined) params[key] = value
  }
  const rules = list('rules').map((rule) =>
    nonEmpty({
      name: memberText(rule, 'name'),
      doc: memberText(rule, 'doc'),
      expr: memberText(rule, 'expr'),
      sql: memberText(rule, 'sql'),
    }),
  )
  const result = nonEmpty({
    doc: textValue(map.get('doc')),
    params: Object.keys(params).length > 0 ? params : undefined,
    tags: list('tags').map((tag) => textValue(tag)),
    rules: rules.filter((rule) => Object.keys(rule).length > 0),
  })
  return Object.keys(result).length > 0 ? result : undefined
}

function memberText(value: OptionValue, name: string): string | undefined {
  return isOptionMap(value) ? textValue(value.get(name)) : undefined
}

function nonEmpty(object: DescriptorObject): DescriptorObject {
  return Object.fromEntries(
    Object.entries(object).filter(
      ([, value]) =>
        value !== undefined && value !== '' && !(Array.isArray(value) && value.length === 0),
    ),
  )
}

function reservedRanges(reserved: readonly Reserved[], endOffset: 0 | 1): DescriptorObject[] {
  return reserved.flat().flatMap((value) => {
    if (typeof value === 'string') return []
    const { start, end } = typeof value === 'number' ? { start: value, end: value } : value
    return [{ start, end: end + endOffset }]
  })
}

function reservedNames(reserved: readonly Reserved[]): string[] {
  return reserved.flat().filter((value) => typeof value === 'string')
}

/** Options without the absent ones; undefined if none is left. */
function someOptions(options: DescriptorObject): DescriptorObject | undefined {
  const present = defined(options)
  return Object.keys(present).length > 0 ? present : undefined
}

function defined(object: DescriptorObject): DescriptorObject {
  return Object.fromEntries(Object.entries(object).filter(([, value]) => value !== undefined))
}
