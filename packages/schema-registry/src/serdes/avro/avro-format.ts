// SPDX-License-Identifier: Apache-2.0
import type avsc from 'avsc'
import { type AvroSchema, avroFormat } from '../../avro/format.ts'
import {
  type LoadedSchema,
  noIndexes,
  type PayloadReader,
  type PayloadWriter,
  payloadStart,
  type SerdeFormat,
} from '../serde-format.ts'
import { avroType, invalidValue } from './avro-type.ts'
import { avscSchema } from './avsc-schema.ts'

/** First size of the buffer that values are written to. */
const FIRST_BYTES = 1024
/** Size from which the buffer of a large value is not kept. */
const LARGEST_KEPT = 1024 * 1024

/**
 * Avro's binary encoding. Without a schema, values are read with the schema that they were written
 * with.
 */
export function avroPayloads<T>(schema: string | undefined): SerdeFormat<T> {
  let ownType: avsc.Type | undefined
  const ownOf = (resolved: LoadedSchema['resolved']): avsc.Type | undefined => {
    if (schema === undefined) return undefined
    ownType ??= typeOf(avroFormat.parse({ schema, references: [], resolved }))
    return ownType
  }
  return {
    schemas: avroFormat,
    schema,
    nameOf: (loaded) => parsed(loaded).name,
    writer: (loaded) => new AvroWriter<T>(typeOf(parsed(loaded))),
    reader: (loaded, resolved) => new AvroReader<T>(typeOf(parsed(loaded)), ownOf(resolved)),
  }
}

function parsed({ registered, resolved }: LoadedSchema): AvroSchema {
  return avroFormat.parse({ ...registered, resolved })
}

function typeOf(schema: AvroSchema): avsc.Type {
  return avroType(avscSchema(schema.root))
}

class AvroWriter<T> implements PayloadWriter<T> {
  readonly indexes = noIndexes
  readonly #type: avsc.Type
  #buffer = Buffer.allocUnsafe(FIRST_BYTES)

  constructor(type: avsc.Type) {
    this.#type = type
  }

  write(value: T, prefix: Buffer): Buffer {
    const start = prefix.length
    let end = this.#encode(value, start)
    if (end < 0) {
      // The result is minus the number of bytes that were missing.
      const buffer = Buffer.allocUnsafe((this.#buffer.length - end) * 2)
      if (this.#buffer.length < LARGEST_KEPT) this.#buffer = buffer
      end = this.#type.encode(value, buffer, start)
      return copyOf(buffer, prefix, end)
    }
    return copyOf(this.#buffer, prefix, end)
  }

  #encode(value: T, start: number): number {
    try {
      return this.#type.encode(value, this.#buffer, start)
    } catch (error) {
      throw invalidValue(this.#type, value, error)
    }
  }
}

function copyOf(buffer: Buffer, prefix: Buffer, end: number): Buffer {
  prefix.copy(buffer)
  const bytes = Buffer.allocUnsafe(end)
  buffer.copy(bytes, 0, 0, end)
  return bytes
}

class AvroReader<T> implements PayloadReader<T> {
  readonly #type: avsc.Type
  readonly #resolver: ReturnType<avsc.Type['createResolver']> | undefined

  constructor(writer: avsc.Type, own: avsc.Type | undefined) {
    this.#type = own ?? writer
    this.#resolver =
      own === undefined || own.equals(writer)
        ? undefined
        : own.createResolver(writer, { ignoreNamespaces: true })
  }

  read(payload: Buffer, id: Buffer, idEnd: number): T {
    const start = payloadStart(payload, id, idEnd)
    const { value, offset } = this.#type.decode(payload, start, this.#resolver)
    if (offset !== payload.length) {
      const missing = offset < 0
      throw new RangeError(
        missing
          ? `${payload.length - start} bytes end within the value`
          : `the value ends after ${offset - start} of ${payload.length - start} bytes`,
      )
    }
    return value as T
  }
}
