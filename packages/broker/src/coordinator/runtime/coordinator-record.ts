// SPDX-License-Identifier: Apache-2.0
import { ByteReader, ByteWriter } from '@millrace/base'
import { codecOf, type MessageInput, type MessageOf, type MessageSchema } from '@millrace/protocol'

/**
 * Encodes the key or value of a coordinator record: an `int16` (the type for a key, the version for
 * a value), then the body.
 */
export function encodePrefixed<S extends MessageSchema>(
  prefix: number,
  message: { readonly schema: S; readonly version: number; readonly data: MessageInput<S> },
): Buffer {
  const writer = new ByteWriter(128)
  writer.int16(prefix)
  codecOf(message.schema, message.version).encode(writer, message.data)
  return writer.toBuffer()
}

export function encodeKey<S extends MessageSchema>(schema: S, data: MessageInput<S>): Buffer {
  return encodePrefixed(schema.apiKey ?? -1, { schema, version: 0, data })
}

export function encodeValue<S extends MessageSchema>(
  schema: S,
  version: number,
  data: MessageInput<S>,
): Buffer {
  return encodePrefixed(version, { schema, version, data })
}

export function decodeValue<S extends MessageSchema>(schema: S, value: Buffer): MessageOf<S> {
  const reader = new ByteReader(value)
  const version = reader.int16()
  return codecOf(schema, version).decode(reader)
}
