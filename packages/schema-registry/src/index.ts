// SPDX-License-Identifier: Apache-2.0
export { RegistryConfigError } from './config/registry-config.ts'
export { jsonSchemaFormat } from './json-schema/json-schema.ts'
export {
  createJsonValidator,
  type JsonValidationProblem,
  type JsonValidator,
  type JsonValidatorOptions,
} from './json-schema/validator.ts'
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
export { SchemaRegistry, type SchemaRegistryOptions } from './schema-registry.ts'
