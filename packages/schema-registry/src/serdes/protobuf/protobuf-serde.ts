// SPDX-License-Identifier: Apache-2.0
import type { SchemaRegistryClient } from '../../client/schema-registry-client.ts'
import { SchemaSerde } from '../schema-serde.ts'
import type { SchemaSerdeOptions } from '../serde-options.ts'
import { protobufPayloads } from './protobuf-format.ts'

/** Options of `protobufSerde`. */
export interface ProtobufSerdeOptions extends SchemaSerdeOptions {
  /**
   * Text of the `.proto` file. Default: each value is read with the schema that it was written
   * with; values are written with the schema that `useLatestVersion`, `useLatestWithMetadata` or
   * `useSchemaId` names.
   */
  readonly schema?: string
  /** Full name of the message. Default: when writing the first one, when reading any. */
  readonly message?: string
  /** Whether fields keep the schema's names (`user_id`) instead of `userId`. Default false. */
  readonly keepCase?: boolean
}

/**
 * Protobuf with schemas in a registry. Values are plain objects: 64-bit numbers are `bigint`, bytes
 * are `Buffer`, enums are names. Fields that are absent have their defaults, unless they have
 * presence: those of a oneof and `optional` ones are left out, and a message is null. Imported
 * files are `references`. Throws `InvalidSchemaError` for an invalid schema.
 */
export function protobufSerde<T = Readonly<Record<string, unknown>>>(
  client: SchemaRegistryClient,
  options: ProtobufSerdeOptions = {},
): SchemaSerde<T> {
  const { schema, message, keepCase = false, ...others } = options
  return new SchemaSerde(client, protobufPayloads<T>(schema, { message, keepCase }), others)
}
