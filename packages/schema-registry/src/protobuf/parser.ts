// SPDX-License-Identifier: Apache-2.0
import { schemaLimits } from '../schema/schema.ts'
import {
  type Enum,
  type EnumConstant,
  type Extend,
  type ExtensionRanges,
  type Field,
  type FieldLabel,
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
import { readFieldOptions, readOption } from './option-reader.ts'
import { SyntaxReader, shortened } from './syntax-reader.ts'

/**
 * Parses the text of a `.proto` file. Throws `InvalidSchemaError` with line and column. What it
 * accepts is what Confluent's registry accepts: the grammar is checked, names and numbers are not.
 */
export function parseProto(text: string): ProtoFile {
  return new Parser(text).file()
}

const mapKeyTypes = new Set(scalarTypes)
for (const type of ['bytes', 'double', 'float']) mapKeyTypes.delete(type)

/** Parts of a message while it is read. */
interface Body {
  readonly types: TypeDeclaration[]
  readonly options: Option[]
  readonly reserved: Reserved[]
  readonly fields: Field[]
  readonly oneofs: OneOf[]
  readonly extensions: ExtensionRanges[]
  readonly groups: Group[]
  readonly extends: Extend[]
}

class Parser {
  readonly #reader: SyntaxReader
  #syntax: 'proto2' | 'proto3' | undefined
  #depth = 0

  constructor(text: string) {
    this.#reader = new SyntaxReader(text)
  }

  file(): ProtoFile {
    const reader = this.#reader
    const imports: string[] = []
    const publicImports: string[] = []
    const weakImports: string[] = []
    const types: TypeDeclaration[] = []
    const services: Service[] = []
    const extendBlocks: Extend[] = []
    const options: Option[] = []
    const names = new Map<string, Place>()
    const declare = (name: string, place: Place) => {
      const first = names.get(name)
      if (first !== undefined) {
        throw reader.error(`${shortened(name)} is already declared in line ${first.line}`, place)
      }
      names.set(name, place)
    }
    let packageName: string | undefined
    for (let index = 0; !reader.exhausted(); index++) {
      if (reader.accept(';')) continue
      const place = reader.place()
      const word = reader.word()
      switch (word) {
        case 'syntax':
          if (this.#syntax !== undefined) throw reader.error('syntax is declared twice', place)
          if (index !== 0) throw reader.error('syntax must be the first declaration', place)
          this.#syntax = this.#readSyntax()
          break
        case 'edition':
          throw reader.error('editions are not supported; declare syntax = "proto3"', place)
        case 'package':
          packageName = reader.name()
          reader.require(';')
          break
        case 'import':
          this.#readImport(imports, publicImports, weakImports)
          break
        case 'option':
          options.push(this.#option())
          break
        case 'message': {
          const message = this.#message(place)
          declare(message.name, place)
          types.push(message)
          break
        }
        case 'enum': {
          const declared = this.#enum(place)
          declare(declared.name, place)
          types.push(declared)
          break
        }
        case 'service': {
          const service = this.#service()
          declare(`service ${service.name}`, place)
          services.push(service)
          break
        }
        case 'extend':
          extendBlocks.push(this.#extend(place))
          break
        case 'reserved':
          this.#reserved()
          break
        default:
          throw reader.error(`unexpected ${shortened(word)}`, place)
      }
    }
    return {
      package: packageName,
      syntax: this.#syntax,
      imports,
      publicImports,
      weakImports,
      types,
      services,
      extends: extendBlocks,
      options,
    }
  }

  #readSyntax(): 'proto2' | 'proto3' {
    const reader = this.#reader
    reader.require('=')
    const place = reader.place()
    const syntax = reader.quoted()
    if (syntax !== 'proto2' && syntax !== 'proto3') {
      throw reader.error(`syntax must be "proto2" or "proto3", not "${shortened(syntax)}"`, place)
    }
    reader.require(';')
    return syntax
  }

  #readImport(imports: string[], publicImports: string[], weakImports: string[]): void {
    const reader = this.#reader
    let target = imports
    if (!['"', "'"].includes(reader.peek())) {
      const place = reader.place()
      const word = reader.word()
      if (word === 'public') target = publicImports
      else if (word === 'weak') target = weakImports
      else throw reader.error(`expected a quoted path but found ${shortened(word)}`, place)
    }
    target.push(normalPath(reader.quoted()))
    reader.require(';')
  }

  #option(): Option {
    const option = readOption(this.#reader)
    this.#reader.require(';')
    return option
  }

  #message(place: Place): Message {
    const reader = this.#reader
    const name = reader.name()
    const body: Body = {
      types: [],
      options: [],
      reserved: [],
      fields: [],
      oneofs: [],
      extensions: [],
      groups: [],
      extends: [],
    }
    this.#enter()
    reader.require('{')
    while (!reader.accept('}')) this.#messagePart(body)
    this.#depth--
    return { kind: 'message', name, place, ...body }
  }

  #messagePart(body: Body): void {
    const reader = this.#reader
    if (reader.accept(';')) return
    const place = reader.place()
    const word = reader.word()
    switch (word) {
      case 'option':
        body.options.push(this.#option())
        break
      case 'reserved':
        body.reserved.push(this.#reserved())
        break
      case 'message':
        body.types.push(this.#message(place))
        break
      case 'enum':
        body.types.push(this.#enum(place))
        break
      case 'extend':
        body.extends.push(this.#extend(place))
        break
      case 'oneof':
        body.oneofs.push(this.#oneof())
        break
      case 'extensions':
        body.extensions.push(this.#extensions())
        break
      default: {
        const member = this.#fieldOrGroup(word, place)
        if ('fields' in member) body.groups.push(member)
        else body.fields.push(member)
      }
    }
  }

  #enter(): void {
    if (++this.#depth > schemaLimits.nesting) {
      throw this.#reader.error(`messages are nested deeper than ${schemaLimits.nesting} levels`)
    }
  }

  #fieldOrGroup(word: string, place: Place): Field | Group {
    const reader = this.#reader
    let label: FieldLabel | undefined
    let type: string
    if (word === 'required' || word === 'optional' || word === 'repeated') {
      if (word === 'required' && this.#syntax === 'proto3') {
        throw reader.error("'required' is not allowed in proto3", place)
      }
      label = word
      type = this.#dataType(reader.word(), place)
    } else {
      if (this.#syntax !== 'proto3' && !(word === 'map' && reader.peek() === '<')) {
        throw reader.error(
          `expected 'required', 'optional' or 'repeated' but found ${shortened(word)}`,
          place,
        )
      }
      type = this.#dataType(word, place)
    }
    if (label !== undefined && type.startsWith('map<')) {
      throw reader.error('a map field cannot have a label', place)
    }
    return type === 'group' ? this.#group(label) : this.#field(place, label, type)
  }

  #field(place: Place, label: FieldLabel | undefined, type: string): Field {
    const reader = this.#reader
    const name = reader.name({ leadingDigit: false })
    reader.require('=')
    const number = reader.integer()
    let defaultValue: string | undefined
    let jsonName: string | undefined
    const options: Option[] = []
    for (const option of readFieldOptions(reader)) {
      if (option.name === 'default') defaultValue = textOf(option, reader)
      else if (option.name === 'json_name') jsonName = textOf(option, reader)
      else options.push(option)
    }
    reader.require(';')
    return { label, type, name, defaultValue, jsonName, number, options, place }
  }

  #dataType(word: string, place: Place): string {
    const reader = this.#reader
    if (word === 'map') return this.#mapType(place)
    let name = word
    while (reader.peek() === '.') name += reader.word()
    return name
  }

  #mapType(place: Place): string {
    const reader = this.#reader
    reader.require('<')
    const key = this.#simpleType(place)
    if (!mapKeyTypes.has(key)) {
      throw reader.error(
        `keys of a map must be of an integer type, bool or string, not ${shortened(key)}`,
        place,
      )
    }
    reader.require(',')
    const value = this.#simpleType(place)
    reader.require('>')
    return `map<${key}, ${value}>`
  }

  #simpleType(place: Place): string {
    const word = this.#reader.word()
    if (word === 'map') throw this.#reader.error('a map cannot contain a map', place)
    return this.#dataType(word, place)
  }

  #group(label: FieldLabel | undefined): Group {
    const reader = this.#reader
    const name = reader.word()
    reader.require('=')
    const number = reader.integer()
    const fields: Field[] = []
    this.#enter()
    reader.require('{')
    while (!reader.accept('}')) {
      const place = reader.place()
      const member = this.#fieldOrGroup(reader.word(), place)
      if ('fields' in member) {
        throw reader.error('a group within a group is not supported', place)
      }
      fields.push(member)
    }
    this.#depth--
    return { label, name, number, fields }
  }

  #oneof(): OneOf {
    const reader = this.#reader
    const name = reader.name()
    const fields: Field[] = []
    const groups: Group[] = []
    const options: Option[] = []
    reader.require('{')
    while (!reader.accept('}')) {
      const place = reader.place()
      const type = this.#dataType(reader.word(), place)
      if (type === 'group') groups.push(this.#group(undefined))
      else if (type === 'option') options.push(this.#option())
      else fields.push(this.#field(place, undefined, type))
    }
    return { name, fields, groups, options }
  }

  #reserved(): Reserved {
    const reader = this.#reader
    const values: (string | number | NumberRange)[] = []
    do {
      if (['"', "'"].includes(reader.peek())) values.push(reader.quoted())
      else values.push(this.#numberOrRange(',;'))
    } while (reader.accept(','))
    reader.require(';')
    return values
  }

  #extensions(): ExtensionRanges {
    const reader = this.#reader
    const values: (number | NumberRange)[] = []
    do {
      values.push(this.#numberOrRange(',;['))
    } while (reader.accept(','))
    const options = readFieldOptions(reader)
    reader.require(';')
    return { values, options }
  }

  #numberOrRange(ends: string): number | NumberRange {
    const reader = this.#reader
    const start = reader.integer()
    if (ends.includes(reader.peek())) return start
    const place = reader.place()
    if (reader.word() !== 'to') throw reader.error("expected ',', ';' or 'to'", place)
    if (reader.peek() !== 'm') return { start, end: reader.integer() }
    const end = reader.word()
    if (end !== 'max') throw reader.error(`expected a number or 'max', not ${shortened(end)}`)
    return { start, end: maxFieldNumber }
  }

  #extend(place: Place): Extend {
    const reader = this.#reader
    const name = reader.name()
    const fields: Field[] = []
    reader.require('{')
    while (!reader.accept('}')) {
      if (reader.accept(';')) continue
      const fieldPlace = reader.place()
      const member = this.#fieldOrGroup(reader.word(), fieldPlace)
      if (!('fields' in member)) fields.push(member)
    }
    return { name, fields, place }
  }

  #enum(place: Place): Enum {
    const reader = this.#reader
    const name = reader.name()
    const options: Option[] = []
    const constants: EnumConstant[] = []
    const reserved: Reserved[] = []
    reader.require('{')
    while (!reader.accept('}')) {
      if (reader.accept(';')) continue
      const constantPlace = reader.place()
      const word = reader.word({ leadingDigit: false })
      if (word === 'option' && reader.peek() !== '=') options.push(this.#option())
      else if (word === 'reserved' && reader.peek() !== '=') reserved.push(this.#reserved())
      else constants.push(this.#constant(word, constantPlace))
    }
    return { kind: 'enum', name, options, constants, reserved, place }
  }

  #constant(name: string, place: Place): EnumConstant {
    const reader = this.#reader
    reader.require('=')
    const number = reader.integer()
    const options = readFieldOptions(reader)
    reader.require(';')
    return { name, number, options, place }
  }

  #service(): Service {
    const reader = this.#reader
    const name = reader.name()
    const methods: Method[] = []
    const options: Option[] = []
    reader.require('{')
    while (!reader.accept('}')) {
      if (reader.accept(';')) continue
      const place = reader.place()
      const word = reader.word()
      if (word === 'option') options.push(this.#option())
      else if (word === 'rpc') methods.push(this.#method(place))
      else throw reader.error(`expected 'rpc' or 'option' but found ${shortened(word)}`, place)
    }
    return { name, methods, options }
  }

  #method(place: Place): Method {
    const reader = this.#reader
    const name = reader.name()
    const request = this.#methodType()
    const returnsPlace = reader.place()
    if (reader.word() !== 'returns') throw reader.error("expected 'returns'", returnsPlace)
    const response = this.#methodType()
    const options: Option[] = []
    if (reader.accept('{')) {
      while (!reader.accept('}')) {
        if (reader.accept(';')) continue
        const optionPlace = reader.place()
        if (reader.word() !== 'option') throw reader.error("expected 'option'", optionPlace)
        options.push(this.#option())
      }
    } else {
      reader.require(';')
    }
    return {
      name,
      requestType: request.type,
      responseType: response.type,
      requestStream: request.stream,
      responseStream: response.stream,
      options,
      place,
    }
  }

  #methodType(): { type: string; stream: boolean } {
    const reader = this.#reader
    reader.require('(')
    const place = reader.place()
    const word = reader.word()
    const stream = word === 'stream'
    const type = this.#dataType(stream ? reader.word() : word, place)
    if (mapTypes(type) !== undefined) throw reader.error('a method needs a message type', place)
    reader.require(')')
    return { type, stream }
  }
}

/** A path with `/` between its parts, without empty parts and `.`. */
function normalPath(path: string): string {
  const parts = path.split(/[/\\]/)
  const root = parts.length > 1 && parts[0] === '' ? '/' : ''
  return root + parts.filter((part) => part !== '' && part !== '.').join('/') || '.'
}

/** Text of `default` and `json_name`, which are kept apart from options. */
function textOf(option: Option, reader: SyntaxReader): string {
  if (typeof option.value === 'string') return option.value
  throw reader.error(`the value of ${option.name} must be a string, number or name`)
}
