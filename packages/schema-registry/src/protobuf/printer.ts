// SPDX-License-Identifier: Apache-2.0
import {
  type Enum,
  type Extend,
  type ExtensionRanges,
  type Field,
  type Group,
  type Message,
  type Method,
  mapTypes,
  maxFieldNumber,
  type NumberRange,
  type OneOf,
  type Option,
  type Place,
  type ProtoFile,
  type Reserved,
  type Service,
  scalarTypes,
  type TypeDeclaration,
} from './model.ts'
import { isMapEntry, type Names, packageScope, type Scope } from './names.ts'
import { normalizedOptions } from './normalized-options.ts'
import { type OptionStyle, optionList, optionText, quoted } from './option-printer.ts'

/** How a file is printed. */
export interface PrintOptions {
  /** Leave out extensions and custom options other than Confluent's. Default false. */
  readonly ignoreExtensions?: boolean
  /** Names with which to print the normal form; undefined prints the file as it is. */
  readonly normalize?: Names
  /** Called for a type name that stands for nothing; throws. Only for the normal form. */
  readonly unresolved?: (name: string, place: Place) => never
}

/**
 * Prints a file in the form that Confluent's registry stores: imports, options, messages, enums,
 * extensions, services; two spaces of indentation; no comments.
 */
export function printProto(file: ProtoFile, options: PrintOptions = {}): string {
  return new Printer(options).file(file)
}

/** Lines of one block, without the indentation of the block itself. */
type Lines = string[]

class Printer {
  readonly #ignoreExtensions: boolean
  readonly #names: Names | undefined
  readonly #unresolved: ((name: string, place: Place) => never) | undefined
  readonly #style: OptionStyle

  constructor(options: PrintOptions) {
    this.#ignoreExtensions = options.ignoreExtensions ?? false
    this.#names = options.normalize
    this.#unresolved = options.unresolved
    this.#style = { names: options.normalize, scope: [] }
  }

  file(file: ProtoFile): string {
    const scope = packageScope(file.package)
    const lines: Lines = []
    if (file.syntax !== undefined && (this.#names === undefined || file.syntax === 'proto3')) {
      lines.push(`syntax = "${file.syntax}";`)
    }
    if (file.package !== undefined) lines.push(`package ${file.package};`)
    if (file.imports.length > 0 || file.publicImports.length > 0) {
      lines.push('')
      for (const path of this.#imports(file.imports)) lines.push(`import ${quoted(path)};`)
      for (const path of this.#imports(file.publicImports))
        lines.push(`import public ${quoted(path)};`)
    }
    const options = this.#options(file.options, scope)
    if (options.length > 0) {
      lines.push('')
      for (const line of this.#optionLines(options, scope)) lines.push(line)
    }
    const types = this.#types(file.types)
    if (types.length > 0) {
      lines.push('')
      this.#printTypes(types, scope, '', lines)
    }
    if (!this.#ignoreExtensions && file.extends.length > 0) {
      lines.push('')
      for (const block of this.#extends(file.extends, scope)) {
        this.#extend(block, scope, '', lines)
      }
    }
    if (file.services.length > 0) {
      lines.push('')
      for (const service of file.services) this.#service(service, scope, lines)
    }
    return lines.map((line) => `${line}\n`).join('')
  }

  #imports(paths: readonly string[]): readonly string[] {
    return this.#names === undefined ? paths : [...new Set(paths)].sort()
  }

  #options(options: readonly Option[], scope: Scope): readonly Option[] {
    let kept = options
    if (this.#ignoreExtensions) {
      kept = kept.filter((option) => !option.parenthesized || option.name.startsWith('confluent.'))
    }
    return this.#names === undefined ? kept : normalizedOptions(kept, this.#names, scope)
  }

  #optionLines(options: readonly Option[], scope: Scope): Lines {
    return options.flatMap((option) =>
      `option ${optionText(option, { ...this.#style, scope })};`.split('\n'),
    )
  }

  /** Messages of map entries are part of their field in the normal form. */
  #types(types: readonly TypeDeclaration[]): readonly TypeDeclaration[] {
    if (this.#names === undefined) return types
    return types.filter((type) => type.kind === 'enum' || !isWrittenMapEntry(type))
  }

  #printTypes(types: readonly TypeDeclaration[], scope: Scope, indent: string, lines: Lines): void {
    for (const type of types) {
      if (type.kind === 'message') this.#message(type, [...scope, type.name], indent, lines)
    }
    for (const type of types) {
      if (type.kind === 'enum') this.#enum(type, [...scope, type.name], indent, lines)
    }
  }

  #message(message: Message, scope: Scope, indent: string, lines: Lines): void {
    const inner = `${indent}  `
    const block = new Block(`${indent}message ${message.name} {`, indent, lines)
    if (message.reserved.length > 0) {
      block.section()
      for (const reserved of this.#reserved(message.reserved)) {
        lines.push(`${inner}reserved ${rangesText(reserved, this.#names !== undefined)};`)
      }
    }
    const options = this.#options(message.options, scope)
    if (options.length > 0) {
      block.section()
      block.add(this.#optionLines(options, scope))
    }
    if (message.fields.length > 0) {
      block.section()
      for (const field of this.#byNumber(message.fields)) this.#field(field, scope, block)
    }
    if (message.oneofs.length > 0) {
      block.section()
      for (const oneof of this.#oneofs(message.oneofs)) this.#oneof(oneof, scope, inner, lines)
    }
    if (message.groups.length > 0) {
      block.section()
      for (const group of this.#byNumber(message.groups)) this.#group(group, scope, inner, lines)
    }
    if (!this.#ignoreExtensions && message.extensions.length > 0) {
      block.section()
      for (const extensions of this.#extensions(message.extensions)) {
        const list = optionList(this.#options(extensions.options, scope), this.#styleIn(scope))
        const ranges = rangesText(extensions.values, this.#names !== undefined)
        block.add(`extensions ${ranges}${list};`.split('\n'))
      }
    }
    if (!this.#ignoreExtensions && message.extends.length > 0) {
      block.section()
      for (const extend of this.#extends(message.extends, scope)) {
        this.#extend(extend, scope, inner, lines)
      }
    }
    const types = this.#types(message.types)
    if (types.length > 0) {
      block.section()
      this.#printTypes(types, scope, inner, lines)
    }
    block.end()
  }

  #enum(declared: Enum, scope: Scope, indent: string, lines: Lines): void {
    const block = new Block(`${indent}enum ${declared.name} {`, indent, lines)
    const { reserved, options, constants } = declared
    if (reserved.length > 0 || options.length > 0 || constants.length > 0) block.section()
    for (const statement of this.#reserved(reserved)) {
      block.add([`reserved ${rangesText(statement, this.#names !== undefined)};`])
    }
    block.add(this.#optionLines(this.#options(options, scope), scope))
    const ordered =
      this.#names === undefined
        ? constants
        : constants.toSorted((a, b) => a.number - b.number || compareText(a.name, b.name))
    for (const constant of ordered) {
      const list = optionList(this.#options(constant.options, scope), this.#styleIn(scope))
      block.add(`${constant.name} = ${constant.number}${list};`.split('\n'))
    }
    block.end()
  }

  #oneof(oneof: OneOf, scope: Scope, indent: string, lines: Lines): void {
    const block = new Block(`${indent}oneof ${oneof.name} {`, indent, lines)
    const options = this.#options(oneof.options, scope)
    if (options.length > 0) {
      block.section()
      block.add(this.#optionLines(options, scope))
    }
    if (oneof.fields.length > 0) {
      block.section()
      for (const field of oneof.fields) this.#field(field, scope, block)
    }
    if (oneof.groups.length > 0) {
      block.section()
      for (const group of this.#byNumber(oneof.groups)) {
        this.#group(group, scope, `${indent}  `, lines)
      }
    }
    block.end()
  }

  #group(group: Group, scope: Scope, indent: string, lines: Lines): void {
    const label = group.label === undefined ? '' : `${group.label} `
    const head = `${indent}${label}group ${group.name} = ${group.number} {`
    const block = new Block(head, indent, lines)
    if (group.fields.length > 0) {
      block.section()
      for (const field of this.#byNumber(group.fields)) this.#field(field, scope, block)
    }
    block.end()
  }

  #extend(extend: Extend, scope: Scope, indent: string, lines: Lines): void {
    const block = new Block(`${indent}extend ${extend.name} {`, indent, lines)
    if (extend.fields.length > 0) {
      block.section()
      for (const field of this.#byNumber(extend.fields)) this.#field(field, scope, block)
    }
    block.end()
  }

  #service(service: Service, scope: Scope, lines: Lines): void {
    const block = new Block(`service ${service.name} {`, '', lines)
    const options = this.#options(service.options, scope)
    if (options.length > 0) {
      block.section()
      block.add(this.#optionLines(options, scope))
    }
    if (service.methods.length > 0) {
      block.section()
      for (const method of service.methods) block.add(this.#method(method, scope))
    }
    block.end()
  }

  #method(method: Method, scope: Scope): Lines {
    const request = this.#resolved(method.requestType, scope, method.place)
    const response = this.#resolved(method.responseType, scope, method.place)
    const head =
      `rpc ${method.name} (${method.requestStream ? 'stream ' : ''}${request}) returns ` +
      `(${method.responseStream ? 'stream ' : ''}${response})`
    const options = this.#options(method.options, scope)
    if (options.length === 0) return [`${head};`]
    const lines = this.#optionLines(options, scope).map((line) => `  ${line}`)
    return [`${head} {`, ...lines, '};']
  }

  #field(field: Field, scope: Scope, block: Block): void {
    const { type, map } = this.#fieldType(field, scope)
    const label = field.label === undefined || map ? '' : `${field.label} `
    const options = [...field.options]
    if (field.defaultValue !== undefined) {
      options.push({
        name: 'default',
        parenthesized: false,
        kind: defaultKind(type, field.defaultValue),
        value: field.defaultValue,
      })
    }
    if (field.jsonName !== undefined) {
      options.push({
        name: 'json_name',
        parenthesized: false,
        kind: 'string',
        value: field.jsonName,
      })
    }
    const list = optionList(this.#options(options, scope), this.#styleIn(scope))
    block.add(`${label}${type} ${field.name} = ${field.number}${list};`.split('\n'))
  }

  /** Type to print; `map` drops the label, which only the messages of entries have. */
  #fieldType(field: Field, scope: Scope): { type: string; map: boolean } {
    const names = this.#names
    if (names === undefined || scalarTypes.has(field.type)) return { type: field.type, map: false }
    let type = field.type
    if (mapTypes(type) === undefined) {
      const resolved = this.#resolved(type, scope, field.place)
      type = names.type(resolved)?.mapType ?? resolved
    }
    const map = mapTypes(type)
    if (map === undefined) return { type, map: false }
    const value = names.resolveType(map.value, scope)
    if (value !== undefined) type = `map<${map.key}, .${value.fullName}>`
    else if (!scalarTypes.has(map.value)) this.#unresolved?.(map.value, field.place)
    return { type, map: true }
  }

  #resolved(name: string, scope: Scope, place: Place): string {
    if (this.#names === undefined) return name
    const type = this.#names.resolveType(name, scope)
    if (type !== undefined) return `.${type.fullName}`
    this.#unresolved?.(name, place)
    return name
  }

  #styleIn(scope: Scope): OptionStyle {
    return { ...this.#style, scope }
  }

  #byNumber<T extends { readonly number: number }>(items: readonly T[]): readonly T[] {
    return this.#names === undefined ? items : items.toSorted((a, b) => a.number - b.number)
  }

  #oneofs(oneofs: readonly OneOf[]): readonly OneOf[] {
    if (this.#names === undefined) return oneofs
    return oneofs
      .filter((oneof) => oneof.fields.length > 0)
      .map((oneof) => ({ ...oneof, fields: this.#byNumber(oneof.fields) }))
      .sort((a, b) => (a.fields[0]?.number ?? 0) - (b.fields[0]?.number ?? 0))
  }

  /** One statement for each value, sorted. */
  #reserved(statements: readonly Reserved[]): readonly Reserved[] {
    if (this.#names === undefined) return statements
    return statements
      .flat()
      .map((value) => ({ key: rangeStart(value), text: rangeKey(value), value }))
      .sort((a, b) => a.key - b.key || compareText(a.text, b.text))
      .map(({ value }) => [value])
  }

  #extensions(statements: readonly ExtensionRanges[]): readonly ExtensionRanges[] {
    if (this.#names === undefined) return statements
    return statements
      .flatMap(({ values, options }) => values.map((value) => ({ values: [value], options })))
      .sort((a, b) => rangeStart(a.values[0]) - rangeStart(b.values[0]))
  }

  /** One block for each extended message, under its full name. */
  #extends(blocks: readonly Extend[], scope: Scope): readonly Extend[] {
    if (this.#names === undefined) return blocks
    const merged = new Map<string, Extend>()
    for (const block of blocks) {
      if (block.fields.length === 0) continue
      const name = this.#resolved(block.name, scope, block.place)
      const fields = [...(merged.get(name)?.fields ?? []), ...block.fields]
      merged.set(name, { name, fields, place: block.place })
    }
    return [...merged.values()]
  }
}

/** `head {`, sections with a blank line between them, `}`; an empty block is one line. */
class Block {
  readonly #indent: string
  readonly #lines: Lines
  #head: string | undefined

  constructor(head: string, indent: string, lines: Lines) {
    this.#head = head
    this.#indent = indent
    this.#lines = lines
  }

  section(): void {
    if (this.#head === undefined) this.#lines.push(this.#indent)
    else this.#lines.push(this.#head)
    this.#head = undefined
  }

  add(lines: Lines): void {
    for (const line of lines) this.#lines.push(`${this.#indent}  ${line}`)
  }

  end(): void {
    this.#lines.push(this.#head === undefined ? `${this.#indent}}` : `${this.#head}}`)
  }
}

function isWrittenMapEntry(message: Message): boolean {
  return (
    isMapEntry(message.options) &&
    message.fields.some((field) => field.name === 'key') &&
    message.fields.some((field) => field.name === 'value')
  )
}

/** Bytes that are not a word are printed as a string, or the text could not be parsed again. */
function defaultKind(type: string, value: string): 'boolean' | 'string' | 'number' | 'enum' {
  if (!/^[\w.-]+$/.test(value)) return 'string'
  const simpleName = type.slice(type.lastIndexOf('.') + 1)
  if (simpleName === 'bool') return 'boolean'
  if (simpleName === 'string') return 'string'
  return scalarTypes.has(simpleName) ? 'number' : 'enum'
}

function rangesText(values: Reserved, normalize: boolean): string {
  return values
    .map((value) => {
      if (typeof value === 'string') return quoted(value)
      if (typeof value === 'number') return String(value)
      if (normalize && value.start === value.end) return String(value.start)
      return `${value.start} to ${value.end < maxFieldNumber ? value.end : 'max'}`
    })
    .join(', ')
}

function rangeStart(value: string | number | NumberRange | undefined): number {
  if (typeof value === 'number') return value
  return typeof value === 'object' ? value.start : 2 ** 31 - 1
}

function rangeKey(value: string | number | NumberRange): string {
  return typeof value === 'object' ? `${value.start}..${value.end}` : String(value)
}

function compareText(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0
}
