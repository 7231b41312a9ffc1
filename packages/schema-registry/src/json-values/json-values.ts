// SPDX-License-Identifier: Apache-2.0
import { avroFormat } from '../avro/format.ts'
import { protobufFormat } from '../protobuf/protobuf-schema.ts'
import { InvalidSchemaError, type SchemaSource, type SchemaType } from '../schema/schema.ts'
import { avroFromJson } from './avro-json.ts'
import { parseExactJson } from './json-reader.ts'
import { protobufFromJson } from './protobuf-json.ts'

/**
 * A function that turns JSON texts into values for the serde of a schema: its `long`, `Date`,
 * `Decimal` and `Buffer` from numbers and texts. Protobuf: values of `message`, by default of the
 * first one. It throws `SyntaxError` for a text that is not JSON and `TypeError` with the place of
 * a value that does not fit. Throws `InvalidSchemaError`.
 */
export function valueFromJson(
  type: SchemaType,
  source: SchemaSource,
  { message }: { readonly message?: string | undefined } = {},
): (text: string) => unknown {
  switch (type) {
    case 'AVRO': {
      const { root } = avroFormat.parse(source)
      return (text) => avroFromJson(root, parseExactJson(text))
    }
    case 'PROTOBUF': {
      const schema = protobufFormat.parse(source)
      const name = message ?? schema.messageNames[0]
      if (name === undefined || schema.messageIndexes(name) === undefined) {
        const known = schema.messageNames.join(', ') || 'none'
        throw new InvalidSchemaError(`the schema has no message ${name ?? ''}; it has ${known}`)
      }
      const messageType = schema.messageType(name)
      return (text) => protobufFromJson(messageType, parseExactJson(text))
    }
    case 'JSON':
      return (text) => JSON.parse(text)
  }
}

/**
 * A value of a serde as JSON on one line: dates as ISO texts, decimals as texts, 64-bit integers as
 * numbers or, if a number cannot hold them, as texts. Bytes are base64 for Protobuf and, as in
 * Avro's JSON encoding, a character for each byte for Avro.
 */
export function valueToJson(type: SchemaType, value: unknown): string {
  const encoding = type === 'PROTOBUF' ? 'base64' : 'latin1'
  return (
    JSON.stringify(value, function replace(this: Record<string, unknown>, key, plain: unknown) {
      const own = this[key]
      if (own instanceof Uint8Array) return Buffer.from(own).toString(encoding)
      if (typeof plain !== 'bigint') return plain
      const number = Number(plain)
      return Number.isSafeInteger(number) ? number : String(plain)
    }) ?? 'null'
  )
}
