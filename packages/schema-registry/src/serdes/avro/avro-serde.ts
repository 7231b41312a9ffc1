// SPDX-License-Identifier: Apache-2.0
import type { SchemaRegistryClient } from '../../client/schema-registry-client.ts'
import { SchemaSerde } from '../schema-serde.ts'
import type { SchemaSerdeOptions } from '../serde-options.ts'
import { avroPayloads } from './avro-format.ts'
import type { AvroValue } from './avro-value.ts'

/** Options of `avroSerde`. */
export interface AvroSerdeOptions<S> extends SchemaSerdeOptions {
  /**
   * Schema of the values: JSON, or its text. Values are written with it, and values of other
   * versions are read as values of it. Default: each value is read with the schema that it was
   * written with; values are written with the schema that `useLatestVersion`,
   * `useLatestWithMetadata` or `useSchemaId` names.
   */
  readonly schema?: S
}

/**
 * Avro with schemas in a registry. The type of the values follows from a schema that is given as a
 * literal: `long` is `bigint`, `bytes` and `fixed` are `Buffer`, `timestamp-millis` and `date` are
 * `Date`, `decimal` is `Decimal`. Values of a union are plain, unless two of its branches have the
 * same JavaScript type: then a value other than null is an object with the branch's name as its
 * only key. Throws `InvalidSchemaError` for an invalid schema.
 */
export function avroSerde<const S, T = S extends string ? unknown : AvroValue<S>>(
  client: SchemaRegistryClient,
  options: AvroSerdeOptions<S> = {},
): SchemaSerde<T> {
  const { schema, ...others } = options
  return new SchemaSerde(client, avroPayloads<T>(textOf(schema)), others)
}

/** Text of a schema; undefined if there is none. */
function textOf(schema: unknown): string | undefined {
  return typeof schema === 'string' ? schema : JSON.stringify(schema)
}
