// SPDX-License-Identifier: Apache-2.0
import type { Enum, Field, Message, Option, ProtoFile, Service } from '../protobuf/model.ts'
import { parseProto } from '../protobuf/parser.ts'
import type { SchemaSource } from '../schema/schema.ts'
import { OutlineBuilder, type SchemaOutline } from './outline.ts'

/** Elements of a Protobuf file: fields are found by their numbers, everything else by name. */
export function protobufOutline({ schema }: Pick<SchemaSource, 'schema'>): SchemaOutline {
  const outline = new ProtobufOutline()
  outline.file(parseProto(schema))
  return outline.builder.elements
}

class ProtobufOutline {
  readonly builder = new OutlineBuilder()

  file(file: ProtoFile): void {
    this.builder.add('', '(file)', ['#/'], {
      syntax: file.syntax,
      package: file.package,
      imports:
        [...file.imports, ...file.publicImports, ...file.weakImports].join(', ') || undefined,
      ...optionsOf(file.options),
    })
    for (const type of file.types) this.#type(type, '', '#')
    for (const service of file.services) this.#service(service)
  }

  #type(type: Message | Enum, parent: string, place: string): void {
    if (type.kind === 'enum') this.#enum(type, parent, place)
    else this.#message(type, parent, place)
  }

  #message(message: Message, parent: string, above: string): void {
    const path = `${parent}${message.name}`
    const place = `${above}/${message.name}`
    const reserved = message.reserved
      .flat()
      .map((each) => (typeof each === 'object' ? `${each.start} to ${each.end}` : String(each)))
    this.builder.add(`message ${path}`, path, [place], {
      message: '',
      reserved: reserved.join(', ') || undefined,
      ...optionsOf(message.options),
    })
    for (const field of message.fields) this.#field(field, path, place, undefined)
    for (const group of message.groups) {
      this.builder.add(
        `field ${path} ${group.number}`,
        `${path}.${group.name}`,
        [`${place}/${group.number}`],
        {
          name: group.name,
          number: String(group.number),
          type: `${group.label ?? ''} group`.trim(),
        },
      )
    }
    for (const oneof of message.oneofs) {
      for (const field of oneof.fields) this.#field(field, path, place, oneof.name)
    }
    for (const type of message.types) this.#type(type, `${path}.`, place)
  }

  #field(field: Field, path: string, place: string, oneof: string | undefined): void {
    const { number, name, label, type, defaultValue, jsonName } = field
    const places = [`${place}/${number}`]
    this.builder.add(
      `field ${path} ${number}`,
      `${path}.${name}`,
      oneof === undefined ? places : [...places, `${place}/${oneof}/${number}`],
      {
        name,
        number: String(number),
        type: label === undefined ? type : `${label} ${type}`,
        oneof,
        default: defaultValue,
        json_name: jsonName,
        ...optionsOf(field.options),
      },
    )
  }

  #enum({ name, constants, options }: Enum, parent: string, place: string): void {
    const path = `${parent}${name}`
    this.builder.add(`enum ${path}`, path, [`${place}/${name}`], {
      enum: '',
      ...optionsOf(options),
    })
    for (const each of constants) {
      this.builder.add(
        `constant ${path} ${each.name}`,
        `${path}.${each.name}`,
        [`${place}/${name}/${each.number}`],
        {
          number: String(each.number),
          ...optionsOf(each.options),
        },
      )
    }
  }

  #service({ name, methods, options }: Service): void {
    this.builder.add(`service ${name}`, name, [], { service: '', ...optionsOf(options) })
    for (const method of methods) {
      const stream = (isStream: boolean): string => (isStream ? 'stream ' : '')
      this.builder.add(`method ${name} ${method.name}`, `${name}.${method.name}`, [], {
        request: `${stream(method.requestStream)}${method.requestType}`,
        response: `${stream(method.responseStream)}${method.responseType}`,
      })
    }
  }
}

function optionsOf(options: readonly Option[]): Record<string, string> {
  return Object.fromEntries(options.map((option) => [option.name, optionValue(option)]))
}

function optionValue({ value }: Option): string {
  if (typeof value === 'string') return value
  return JSON.stringify(value, (_key, each: unknown) =>
    each instanceof Map ? Object.fromEntries(each) : each,
  )
}
