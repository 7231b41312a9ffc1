// SPDX-License-Identifier: Apache-2.0
import type { SchemaRegistryClient } from '../../client/schema-registry-client.ts'
import { SchemaSerde } from '../schema-serde.ts'
import type { SchemaSerdeOptions } from '../serde-options.ts'
import { jsonPayloads } from './json-format.ts'
import type { JsonSchemaValue } from './json-schema-value.ts'

/** Options of `jsonSchemaSerde`. */
export interface JsonSchemaSerdeOptions<S> extends SchemaSerdeOptions {
  /**
   * JSON Schema of the values, drafts 4 to 2020-12: JSON, or its text. Default: values are checked
   * against the schema that they were written with, and written with the schema that
   * `useLatestVersion`, `useLatestWithMetadata` or `useSchemaId` names.
   */
  readonly schema?: S
  /** Whether values are checked against the schema, when written and when read. Default true. */
  readonly validate?: boolean
}

/**
 * JSON with schemas in a registry. The type of the values follows from a schema that is given as a
 * literal. Throws `InvalidSchemaError` for an invalid schema.
 */
export function jsonSchemaSerde<const S, T = S extends string ? unknown : JsonSchemaValue<S>>(
  client: SchemaRegistryClient,
  options: JsonSchemaSerdeOptions<S> = {},
): SchemaSerde<T> {
  const { schema, validate = true, ...others } = options
  const text = typeof schema === 'string' ? schema : JSON.stringify(schema)
  return new SchemaSerde(client, jsonPayloads<T>(text, validate), others)
}
