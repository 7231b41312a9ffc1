// SPDX-License-Identifier: Apache-2.0

export { type AvroFormat, AvroSchema, avroFormat } from './avro/format.ts'
export type { Json as AvroJson, JsonObject as AvroJsonObject } from './avro/json.ts'
export {
  type LogicalType as AvroLogicalType,
  logicalTypeOf as avroLogicalTypeOf,
} from './avro/logical-types.ts'
export type {
  ArrayType as AvroArray,
  AvroName,
  AvroType,
  EnumType as AvroEnum,
  Field as AvroField,
  FixedType as AvroFixed,
  MapType as AvroMap,
  NamedType as AvroNamedType,
  PrimitiveName as AvroPrimitiveName,
  PrimitiveType as AvroPrimitive,
  Properties as AvroProperties,
  RecordType as AvroRecord,
  UnionType as AvroUnion,
} from './avro/model.ts'
export { RegistryConfigError, registrySettings } from './config/registry-config.ts'
export {
  type AttributeDifference,
  compareSchemas,
  type SchemaComparison,
  type SchemaDifference,
} from './difference/schema-differences.ts'
export { jsonSchemaFormat } from './json-schema/json-schema.ts'
export {
  createJsonValidator,
  type JsonValidationProblem,
  type JsonValidator,
  type JsonValidatorOptions,
} from './json-schema/validator.ts'
export { valueFromJson, valueToJson } from './json-values/json-values.ts'
export {
  decodeMessageIndexes,
  encodeMessageIndexes,
  type MessageIndexes,
} from './protobuf/message-index.ts'
export { type ProtobufSchema, protobufFormat } from './protobuf/protobuf-schema.ts'
export type { ReflectionOptions } from './protobuf/reflection.ts'
export type { RuleSet, SchemaMetadata, SchemaRule } from './schema/data-contract.ts'
export {
  type ComparisonOptions,
  type CompatibilityPolicy,
  type Incompatibility,
  InvalidSchemaError,
  type ParsedSchema,
  type ResolvedReference,
  type SchemaFormat,
  type SchemaReference,
  type SchemaSource,
  type SchemaType,
  schemaLimits,
  schemaTypes,
} from './schema/schema.ts'
export { schemaFormats } from './schema-formats.ts'
export { SchemaRegistry, type SchemaRegistryOptions } from './schema-registry.ts'
export type { TypedSchema } from './typescript/typed-schema.ts'
export { typescriptTypes } from './typescript/typescript-types.ts'
