// SPDX-License-Identifier: Apache-2.0
import { ByteReader, MalformedInputError } from '@millrace/base'

/** A serialized Java object: its class, and the fields of its class hierarchy. */
export interface JavaObject {
  readonly className: string
  readonly fields: Readonly<Record<string, unknown>>
}

interface ClassDescription {
  readonly name: string
  readonly flags: number
  readonly fields: readonly { readonly type: string; readonly name: string }[]
  readonly parent: ClassDescription | undefined
}

const FIRST_HANDLE = 0x7e0000
const HAS_WRITE_METHOD = 0x01

/**
 * Reads one object of a serialization stream as data; no class is loaded, no code runs. Supports
 * what key stores contain (objects, strings, enums, byte arrays) and refuses the rest. Java Object
 * Serialization Specification, chapter 6.
 */
export function readJavaObject(
  bytes: Buffer,
  offset: number,
): { readonly value: unknown; readonly end: number } {
  const stream = new JavaStream(bytes, offset)
  return { value: stream.read(), end: stream.end }
}

class JavaStream {
  readonly #reader: ByteReader
  readonly #handles: unknown[] = []

  constructor(bytes: Buffer, offset: number) {
    this.#reader = new ByteReader(bytes, offset)
    if (this.#reader.uint32() !== 0xaced0005)
      throw new MalformedInputError('not a serialized object')
  }

  get end(): number {
    return this.#reader.offset
  }

  read(): unknown {
    const tag = this.#reader.uint8()
    switch (tag) {
      case 0x70:
        return null
      case 0x71:
        return this.#handles[this.#reader.int32() - FIRST_HANDLE]
      case 0x72:
        return this.#classDescription()
      case 0x73:
        return this.#object()
      case 0x74: {
        const text = this.#reader.utf8(this.#reader.uint16())
        this.#handles.push(text)
        return text
      }
      case 0x75:
        return this.#array()
      case 0x7e: {
        this.read()
        const at = this.#handles.push(undefined) - 1
        const name = this.read()
        this.#handles[at] = name
        return name
      }
      default:
        throw new MalformedInputError(`serialized object with an unexpected tag ${tag}`)
    }
  }

  #classDescription(): ClassDescription {
    const reader = this.#reader
    const name = reader.utf8(reader.uint16())
    reader.skip(8)
    const at = this.#handles.push(undefined) - 1
    const flags = reader.uint8()
    const fields: { type: string; name: string }[] = []
    for (let left = reader.uint16(); left > 0; left--) {
      const type = String.fromCharCode(reader.uint8())
      fields.push({ type, name: reader.utf8(reader.uint16()) })
      if (type === 'L' || type === '[') this.read()
    }
    if (reader.uint8() !== 0x78) throw new MalformedInputError('class with annotations')
    const parent = (this.read() ?? undefined) as ClassDescription | undefined
    const description = { name, flags, fields, parent }
    this.#handles[at] = description
    return description
  }

  #object(): JavaObject {
    const description = this.read() as ClassDescription
    const fields: Record<string, unknown> = {}
    const object = { className: description.name, fields }
    this.#handles.push(object)
    const classes: ClassDescription[] = []
    for (let at: ClassDescription | undefined = description; at !== undefined; at = at.parent) {
      classes.unshift(at)
    }
    for (const each of classes) {
      for (const { type, name } of each.fields) fields[name] = this.#field(type)
      if ((each.flags & HAS_WRITE_METHOD) !== 0 && this.#reader.uint8() !== 0x78) {
        throw new MalformedInputError(`class ${each.name} writes custom data`)
      }
    }
    return object
  }

  #field(type: string): unknown {
    const reader = this.#reader
    if (type === 'L' || type === '[') return this.read()
    if (type === 'I') return reader.int32()
    if (type === 'J') return reader.int64()
    if (type === 'Z') return reader.bool()
    if (type === 'B') return reader.int8()
    if (type === 'S') return reader.int16()
    throw new MalformedInputError(`field of type ${type}`)
  }

  #array(): Buffer {
    const { name } = this.read() as ClassDescription
    if (name !== '[B') throw new MalformedInputError(`array of type ${name}`)
    const at = this.#handles.push(undefined) - 1
    const bytes = this.#reader.bytes(this.#reader.int32())
    this.#handles[at] = bytes
    return bytes
  }
}
