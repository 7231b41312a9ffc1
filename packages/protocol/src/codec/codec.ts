// SPDX-License-Identifier: Apache-2.0
import { ByteReader, ByteWriter, MalformedInputError, MillraceError } from '@millrace/base'
import {
  inVersions,
  type MessageInput,
  type MessageOf,
  type MessageSchema,
} from '../schemas/schema.ts'
import { decoderSource } from './decoder-source.ts'
import { encoderSource } from './encoder-source.ts'

/** Reads and writes one message in one version. */
export interface Codec<S extends MessageSchema> {
  /** Version of the message that this codec reads and writes. */
  readonly version: number
  /**
   * Reads from the reader's offset; throws `MalformedInputError` when the bytes do not fit the
   * schema.
   */
  decode(reader: ByteReader): MessageOf<S>
  /**
   * Throws `UNSUPPORTED_VERSION` when a field is set that this version cannot carry and must not
   * drop.
   */
  encode(writer: ByteWriter, message: MessageInput<S>): void
}

/** What the generated functions may call. */
const runtime = {
  malformed(message: string): never {
    throw new MalformedInputError(message)
  },
  unsupported(message: string, field: string, version: number): never {
    throw new MillraceError(
      'UNSUPPORTED_VERSION',
      `${message} version ${version} cannot carry a non-default ${field}`,
    )
  },
  newWriter: () => new ByteWriter(64),
  byteLength: (value: string) => Buffer.byteLength(value),
  emptyBuffer: Buffer.alloc(0),
}

const compiled = new WeakMap<MessageSchema, Map<number, Codec<MessageSchema>>>()

/** The codec for a schema in a version, compiled on first use and kept. */
export function codecOf<S extends MessageSchema>(schema: S, version: number): Codec<S> {
  let versions = compiled.get(schema)
  if (versions === undefined) {
    versions = new Map()
    compiled.set(schema, versions)
  }
  let codec = versions.get(version)
  if (codec === undefined) {
    codec = compile(schema, version)
    versions.set(version, codec)
  }
  return codec as unknown as Codec<S>
}

function compile(schema: MessageSchema, version: number): Codec<MessageSchema> {
  if (!inVersions(schema.versions, version)) {
    throw new MillraceError(
      'UNSUPPORTED_VERSION',
      `${schema.name} has no version ${version}, only ${schema.versions}`,
    )
  }
  // Interpreting the schema at run time is two to two and a half times slower than a generated
  // function.
  const decode = new Function('runtime', `return (r) => {\n${decoderSource(schema, version)}\n}`)(
    runtime,
  )
  const encode = new Function(
    'runtime',
    `return (w, m) => {\n${encoderSource(schema, version)}\n}`,
  )(runtime)
  return { version, decode, encode }
}

/** Encodes a message into one buffer. */
export function encodeMessage<S extends MessageSchema>(
  schema: S,
  version: number,
  message: MessageInput<S>,
): Buffer {
  const writer = new ByteWriter()
  codecOf(schema, version).encode(writer, message)
  return writer.toBuffer()
}

/** Decodes a whole buffer; bytes left over are an error. */
export function decodeMessage<S extends MessageSchema>(
  schema: S,
  version: number,
  data: Buffer,
): MessageOf<S> {
  const reader = new ByteReader(data)
  const message = codecOf(schema, version).decode(reader)
  if (reader.remaining > 0) {
    throw new MalformedInputError(
      `${schema.name} version ${version} left ${reader.remaining} bytes unread`,
    )
  }
  return message
}
