// SPDX-License-Identifier: Apache-2.0
import { ByteReader, MalformedInputError } from '@millrace/base'
import { decodeValue, readCompound, skipValue } from './decode.ts'
import { Encoder } from './encoder.ts'
import { AmqpArray, type AmqpMap, type AmqpValue, Described, Typed, textOf } from './types.ts'

/** JavaScript type of each field type. `symbols` is a symbol field that may hold several values. */
export interface FieldTypes {
  string: string
  symbol: string
  symbols: readonly string[]
  boolean: boolean
  ubyte: number
  ushort: number
  uint: number
  ulong: bigint
  timestamp: number
  binary: Buffer
  fields: ReadonlyMap<string, AmqpValue>
  map: AmqpMap
  any: AmqpValue
  composite: AnyComposite
}
export type FieldType = keyof FieldTypes

/** A decoded composite value: its kind, and its fields by name. */
export interface AnyComposite {
  readonly kind: string
}

/** Fields of a composite type in wire order. An exclamation mark marks a mandatory field. */
export type FieldList = Readonly<Record<string, FieldType | `${FieldType}!`>>

type Required<F extends FieldList> = {
  readonly [K in keyof F as F[K] extends `${string}!`
    ? K
    : never]: F[K] extends `${infer T extends FieldType}!` ? FieldTypes[T] : never
}
type Optional<F extends FieldList> = {
  readonly [K in keyof F as F[K] extends `${string}!` ? never : K]?:
    | (F[K] extends FieldType ? FieldTypes[F[K]] : never)
    | undefined
}

/** Reads and writes one composite type (AMQP 1.0, part 1, section 1.4). */
export interface Composite<K extends string, V extends { readonly kind: K }> {
  readonly kind: K
  readonly code: number
  decode(reader: ByteReader): V
  encode(encoder: Encoder, value: Omit<V, 'kind'>): void
}

export type ValueOf<C> = C extends Composite<string, infer V> ? V : never

const byCode = new Map<number, Composite<string, AnyComposite>>()
const bySymbol = new Map<string, Composite<string, AnyComposite>>()

/**
 * Creates the codec of a composite type and registers it with `decodeComposite`.
 *
 * @param code low 32 bits of the numeric descriptor; the high 32 bits, the domain, are 0 for all
 * AMQP types
 * @param name middle part of the symbolic descriptor, for example `open` in `amqp:open:list`
 */
export function composite<const K extends string, const F extends FieldList>(
  kind: K,
  code: number,
  name: string,
  fields: F,
): Composite<K, { readonly kind: K } & Required<F> & Optional<F>> {
  type V = { readonly kind: K } & Required<F> & Optional<F>
  const names = Object.keys(fields)
  const types = names.map((field) => String(fields[field]).replace('!', '') as FieldType)
  const required = names.map((field) => String(fields[field]).endsWith('!'))
  const codec: Composite<K, V> = {
    kind,
    code,
    decode(reader) {
      const listCode = reader.uint8()
      const { count, end } =
        listCode === 0x45 ? { count: 0, end: reader.offset } : listOf(reader, listCode, kind)
      const value: Record<string, unknown> = { kind }
      for (let i = 0; i < names.length; i++) {
        const field =
          i < count ? readField(reader, types[i] as FieldType, names[i] as string) : undefined
        if (field === undefined && required[i]) {
          throw new MalformedInputError(`${kind}: mandatory field ${names[i]} is missing`)
        }
        value[names[i] as string] = field
      }
      // Skip fields that a later revision may have added.
      for (let i = names.length; i < count; i++) skipValue(reader)
      if (reader.offset !== end)
        throw new MalformedInputError(`${kind}: size does not match its fields`)
      return value as V
    },
    encode(encoder, value) {
      encoder.descriptor(code)
      let last = names.length
      const given = value as Readonly<Record<string, unknown>>
      while (last > 0 && given[names[last - 1] as string] === undefined) last--
      if (last === 0) return encoder.uint8(0x45)
      encoder.compound('list', () => {
        for (let i = 0; i < last; i++) {
          writeField(encoder, types[i] as FieldType, given[names[i] as string])
        }
        return last
      })
    },
  }
  const known = codec as unknown as Composite<string, AnyComposite>
  byCode.set(code, known)
  bySymbol.set(`amqp:${name}:list`, known)
  return codec
}

function listOf(
  reader: ByteReader,
  code: number,
  kind: string,
): { readonly count: number; readonly end: number } {
  if (code !== 0xc0 && code !== 0xd0) {
    throw new MalformedInputError(
      `${kind}: expected a list, found constructor 0x${code.toString(16)}`,
    )
  }
  return readCompound(reader, code === 0xd0)
}

/** Reads a descriptor, including its leading 0x00, and returns the composite type that it names. */
export function readDescriptor(reader: ByteReader): Composite<string, AnyComposite> | undefined {
  const { buffer, offset } = reader
  if (buffer[offset] !== 0x00) {
    throw new MalformedInputError(`expected a described value at ${offset}`)
  }
  if (buffer[offset + 1] === 0x53 && offset + 2 < reader.end) {
    reader.skip(3)
    return byCode.get(buffer[offset + 2] as number)
  }
  reader.skip(1)
  return compositeOf(decodeValue(reader))
}

function compositeOf(descriptor: AmqpValue): Composite<string, AnyComposite> | undefined {
  if (!(descriptor instanceof Typed)) return undefined
  if (descriptor.type === 'ulong') return byCode.get(Number(descriptor.value))
  return descriptor.type === 'symbol' ? bySymbol.get(descriptor.value as string) : undefined
}

/** Reads a composite of any known type. Throws for an unknown one. */
export function decodeComposite(reader: ByteReader): AnyComposite {
  const at = reader.offset
  const codec = readDescriptor(reader)
  if (codec === undefined) throw new MalformedInputError(`unknown composite type at ${at}`)
  return codec.decode(reader)
}

function readField(reader: ByteReader, type: FieldType, name: string): unknown {
  const code = reader.buffer[reader.offset]
  if (code === 0x40) {
    reader.skip(1)
    return undefined
  }
  switch (type) {
    case 'composite':
      return decodeComposite(reader)
    case 'any':
      return decodeValue(reader)
    case 'uint':
      if (code === 0x43) {
        reader.skip(1)
        return 0
      }
      if (code === 0x52) {
        reader.skip(1)
        return reader.uint8()
      }
      break
    case 'boolean':
      if (code === 0x41 || code === 0x42) {
        reader.skip(1)
        return code === 0x41
      }
      break
    default:
  }
  return plainField(decodeValue(reader), type, name)
}

function plainField(value: AmqpValue, type: FieldType, name: string): unknown {
  switch (type) {
    case 'string':
    case 'symbol':
      // Peers confuse strings and symbols; accepting either is safe.
      if (textOf(value) !== undefined) return textOf(value)
      break
    case 'symbols': {
      const items = value instanceof AmqpArray ? value.values : [value]
      const texts = items.map(textOf)
      if (texts.every((text) => text !== undefined)) return texts
      break
    }
    case 'boolean':
      if (typeof value === 'boolean') return value
      break
    case 'ubyte':
    case 'ushort':
    case 'uint':
    case 'ulong':
    case 'timestamp':
      if (value instanceof Typed && value.type === type) return value.value
      break
    case 'binary':
      if (value instanceof Uint8Array) return value
      break
    case 'fields':
      if (value instanceof Map) return textKeys(value, name)
      break
    case 'map':
      if (value instanceof Map) return value
      break
    default:
  }
  throw new MalformedInputError(`${name} is not a ${type}`)
}

function textKeys(map: AmqpMap, name: string): Map<string, AmqpValue> {
  const fields = new Map<string, AmqpValue>()
  for (const [key, value] of map) {
    const text = textOf(key)
    if (text === undefined) throw new MalformedInputError(`${name} has a key that is not a symbol`)
    fields.set(text, value)
  }
  return fields
}

function writeField(encoder: Encoder, type: FieldType, value: unknown): void {
  if (value === undefined || value === null) return encoder.null()
  switch (type) {
    case 'string':
      return encoder.string(value as string)
    case 'symbol':
      return encoder.symbol(value as string)
    case 'symbols':
      return encoder.symbols(value as readonly string[])
    case 'boolean':
      return encoder.boolean(value as boolean)
    case 'ubyte':
      return encoder.ubyte(value as number)
    case 'ushort':
      return encoder.ushort(value as number)
    case 'uint':
      return encoder.uint(value as number)
    case 'ulong':
      return encoder.ulong(value as bigint)
    case 'timestamp':
      return encoder.timestamp(value as number)
    case 'binary':
      return encoder.binary(value as Buffer)
    case 'fields':
      return encoder.fields(value as ReadonlyMap<string, AmqpValue>)
    case 'map':
      return encoder.map(value as AmqpMap)
    case 'composite':
      return encodeComposite(encoder, value as AnyComposite)
    default:
      return encoder.value(value as AmqpValue)
  }
}

const byKind = new Map<string, Composite<string, AnyComposite>>()

/** Writes a composite of the type that its `kind` names. */
export function encodeComposite(encoder: Encoder, value: AnyComposite): void {
  if (byKind.size !== byCode.size)
    for (const codec of byCode.values()) byKind.set(codec.kind, codec)
  const codec = byKind.get(value.kind)
  if (codec === undefined) throw new TypeError(`unknown AMQP composite type: ${value.kind}`)
  codec.encode(encoder, value)
}

/** Converts a plain described value, for example from a message body, to a composite. */
export function compositeFrom(value: AmqpValue): AnyComposite | undefined {
  if (!(value instanceof Described)) return undefined
  return compositeOf(value.descriptor) === undefined ? undefined : reread(value)
}

function reread(value: Described): AnyComposite {
  const encoder = new Encoder()
  encoder.value(value)
  return decodeComposite(new ByteReader(encoder.finish()))
}
