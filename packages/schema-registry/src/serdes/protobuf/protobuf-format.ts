// SPDX-License-Identifier: Apache-2.0
import type protobuf from 'protobufjs/light.js'
import { decodeMessageIndexes, encodeMessageIndexes } from '../../protobuf/message-index.ts'
import { type ProtobufSchema, protobufFormat } from '../../protobuf/protobuf-schema.ts'
import type { LoadedSchema, PayloadReader, PayloadWriter, SerdeFormat } from '../serde-format.ts'
import { messageOf } from './message-of.ts'

/** Settings of the format. */
export interface ProtobufPayloadOptions {
  /** Full name of the message; undefined for the first one of the schema. */
  readonly message: string | undefined
  /** Whether fields keep their names of the schema (`user_id`) instead of `userId`. */
  readonly keepCase: boolean
}

/** Values as plain objects: absent fields without presence have their defaults. */
const plainObjects: protobuf.IConversionOptions = {
  longs: BigInt,
  enums: String,
  arrays: true,
  objects: true,
  defaults: true,
}

/**
 * Protobuf's binary encoding. Without a schema, values are read with the schema that they were
 * written with.
 */
export function protobufPayloads<T>(
  schema: string | undefined,
  { message, keepCase }: ProtobufPayloadOptions,
): SerdeFormat<T> {
  return {
    schemas: protobufFormat,
    schema,
    nameOf: (loaded) => message ?? parsedOf(loaded).name,
    writer: (loaded) => writerOf(parsedOf(loaded), message, keepCase),
    reader(loaded, resolved) {
      const own =
        schema === undefined
          ? undefined
          : protobufFormat.parse({ schema, references: [], resolved })
      return readerOf(parsedOf(loaded), own, { message, keepCase })
    },
  }
}

function parsedOf({ registered, resolved }: LoadedSchema): ProtobufSchema {
  return protobufFormat.parse({ ...registered, resolved })
}

function writerOf<T>(
  schema: ProtobufSchema,
  message: string | undefined,
  keepCase: boolean,
): PayloadWriter<T> {
  const name = message ?? schema.messageNames[0]
  const indexes = name === undefined ? undefined : schema.messageIndexes(name)
  if (name === undefined || indexes === undefined) {
    const known = schema.messageNames.join(', ') || 'none'
    throw new TypeError(`the schema has no message ${name ?? ''}; it has ${known}`)
  }
  const type = schema.messageType(name, { keepCase })
  return {
    indexes: Buffer.from(encodeMessageIndexes(indexes)),
    write(value, prefix) {
      const bytes = type.encode(messageOf(type, value)).finish()
      return Buffer.concat([prefix, bytes])
    },
  }
}

function readerOf<T>(
  schema: ProtobufSchema,
  own: ProtobufSchema | undefined,
  { message, keepCase }: ProtobufPayloadOptions,
): PayloadReader<T> {
  /** Types by the text of the message indexes. */
  const types = new Map<string, protobuf.Type>()
  const typeAt = (indexes: readonly number[]): protobuf.Type => {
    const key = indexes.join()
    const known = types.get(key)
    if (known !== undefined) return known
    const written = schema.messageName(indexes)
    if (written === undefined) throw new RangeError(`the schema has no message at ${key}`)
    if (message !== undefined && written !== message) {
      throw new TypeError(`a message ${written}, expected ${message}`)
    }
    // The program's own schema decides on the names of fields, if it knows the message.
    const isOwn = own !== undefined && own.messageIndexes(written) !== undefined
    const type = (isOwn ? own : schema).messageType(written, { keepCase })
    types.set(key, type)
    return type
  }
  return {
    read(payload, id, idEnd) {
      const { indexes, size } = decodeMessageIndexes(id.subarray(idEnd))
      const type = typeAt(indexes)
      const bytes = payload === id ? payload.subarray(idEnd + size) : payload
      return type.toObject(type.decode(bytes), plainObjects) as T
    },
  }
}
