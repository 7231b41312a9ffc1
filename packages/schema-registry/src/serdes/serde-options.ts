// SPDX-License-Identifier: Apache-2.0
import type { RuleSet, SchemaMetadata } from '../schema/data-contract.ts'
import type { SchemaReference } from '../schema/schema.ts'
import type { SubjectNameStrategy } from './subject-name.ts'

/** A used schema that is registered before the one that uses it, if `autoRegister` is true. */
export interface IncludedSchema {
  /** Avro: full name of the type. JSON Schema: text of `$ref`. Protobuf: path of the import. */
  readonly name: string
  /** Subject. Default: the name. */
  readonly subject?: string
  /** Text of the schema. */
  readonly schema: string
  /** Schemas that it uses. Default: none. */
  readonly references?: readonly (SchemaReference | IncludedSchema)[]
}

/** Options of serdes with a registry; names and defaults are those of Java's serializers. */
export interface SchemaSerdeOptions {
  /** Rule for the subject. Default `topic`. */
  readonly subjectNameStrategy?: SubjectNameStrategy
  /** Whether an unknown schema is registered. False: it must be registered. Default true. */
  readonly autoRegister?: boolean
  /** Whether the registry compares and stores normal forms (`normalize.schemas`). Default false. */
  readonly normalize?: boolean
  /** Whether values are written with the subject's latest version. Default false. */
  readonly useLatestVersion?: boolean
  /** Writes with the latest version whose metadata has these properties. Default: none. */
  readonly useLatestWithMetadata?: Readonly<Record<string, string>>
  /** Writes with the schema of this id (`use.schema.id`). Default: none. */
  readonly useSchemaId?: number
  /**
   * Whether the schema of `useLatestVersion`, `useLatestWithMetadata` or `useSchemaId` must be able
   * to read values of the serde's own schema (`latest.compatibility.strict`,
   * `id.compatibility.strict`). Default true.
   */
  readonly checkCompatibility?: boolean
  /** How long a latest version is used, milliseconds (`latest.cache.ttl.sec`). Default: no end. */
  readonly latestTtlMs?: number
  /**
   * Where a record has its schema's id. `prefix`: 5 bytes before the payload. `header`: the GUID in
   * the header `__key_schema_id` or `__value_schema_id`. Both are read. Default `prefix`.
   */
  readonly idIn?: 'prefix' | 'header'
  /** Schemas that the serde's schema uses. Default: none. */
  readonly references?: readonly (SchemaReference | IncludedSchema)[]
  /** Metadata to register. Default: that of the latest version. */
  readonly metadata?: SchemaMetadata
  /** Rules to register. Default: those of the latest version. */
  readonly ruleSet?: RuleSet
  /**
   * Whether schemas with rules are used although rules are not executed: a rule may encrypt fields.
   * Default false: such a schema is refused.
   */
  readonly ignoreRules?: boolean
  /** Schemas kept for reading, and subjects for writing, from 1. Default 1000. */
  readonly cacheSize?: number
}
