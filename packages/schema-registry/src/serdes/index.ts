// SPDX-License-Identifier: Apache-2.0
export type {
  RegistryReply,
  RegistryRequest,
  RegistryTransport,
} from '../client/http-transport.ts'
export { RegistryError } from '../client/registry-error.ts'
export { RegistrySchemaLookup, type SchemaQuestion } from '../client/schema-lookup.ts'
export {
  type CompatibilityReason,
  type CompatibilityVerdict,
  type RegisteredSchema,
  type SchemaInput,
  SchemaRegistryClient,
  type SchemaRegistryClientOptions,
} from '../client/schema-registry-client.ts'
export { valueFromJson, valueToJson } from '../json-values/json-values.ts'
export type { RuleSet, SchemaMetadata, SchemaRule } from '../schema/data-contract.ts'
export type {
  ResolvedReference,
  SchemaReference,
  SchemaSource,
  SchemaType,
} from '../schema/schema.ts'
export { type AvroSerdeOptions, avroSerde } from './avro/avro-serde.ts'
export type { AvroValue } from './avro/avro-value.ts'
export { Decimal } from './avro/decimal.ts'
export { type JsonSchemaSerdeOptions, jsonSchemaSerde } from './json/json-schema-serde.ts'
export type { JsonSchemaValue } from './json/json-schema-value.ts'
export { type ProtobufSerdeOptions, protobufSerde } from './protobuf/protobuf-serde.ts'
export { resolveGiven as resolveReferences } from './schema-loader.ts'
export type { SchemaSerde } from './schema-serde.ts'
export type { IncludedSchema, SchemaSerdeOptions } from './serde-options.ts'
export type { SubjectContext, SubjectNameStrategy } from './subject-name.ts'
export { type ReadSchemaId, readSchemaId, type SchemaId } from './wire-format.ts'
