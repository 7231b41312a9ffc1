// SPDX-License-Identifier: Apache-2.0
import { MillraceError } from '@millrace/base'

/** Format of a schema, as Confluent's REST API names it. */
export type SchemaType = 'AVRO' | 'JSON' | 'PROTOBUF'

/** The formats, in the order of `GET /schemas/types`. */
export const schemaTypes: readonly SchemaType[] = ['JSON', 'PROTOBUF', 'AVRO']

/** A schema's use of another one that is registered under its own subject. */
export interface SchemaReference {
  /** Avro: full name of the type. JSON Schema: text of `$ref`. Protobuf: path of the import. */
  readonly name: string
  /** Subject of the schema; without a context it is in the context of the schema that uses it. */
  readonly subject: string
  /** Version within the subject, from 1; -1 for the latest. */
  readonly version: number
}

/** A reference with the text of its schema. */
export interface ResolvedReference extends SchemaReference {
  /** Text of the schema as stored. */
  readonly schema: string
}

/** Text of a schema, with everything that is needed to parse it. */
export interface SchemaSource {
  /** Text as a client sent it, or as stored. */
  readonly schema: string
  /** The schema's own references, in the order of the request. */
  readonly references: readonly SchemaReference[]
  /** References of the schema and of all schemas it reaches: a schema after those that it uses. */
  readonly resolved: readonly ResolvedReference[]
}

/** How a change of a JSON Schema with an open content model is judged (`compatibilityPolicy`). */
export type CompatibilityPolicy = 'STRICT' | 'LENIENT'

/** Settings of a comparison. */
export interface ComparisonOptions {
  /** Default `STRICT`. Only JSON Schema knows the difference. */
  readonly policy?: CompatibilityPolicy
  /**
   * Which of the two schemas is the new one, for the texts. `reader`: backward compatibility.
   * `writer`: forward compatibility. Default `reader`.
   */
  readonly newer?: 'reader' | 'writer'
  /**
   * Part of the usual limits of work, above 0 and at most 1. A comparison that needs more than a
   * part below 1 throws `EffortExceededError`. Default 1, with which every comparison has a result.
   */
  readonly effort?: number
}

/** One reason for which data of the writer's schema cannot be read with the reader's schema. */
export interface Incompatibility {
  /** Confluent's name of the rule, for example `READER_FIELD_MISSING_DEFAULT_VALUE`. */
  readonly errorType: string
  /** Place in the schema that breaks the rule, for example `/fields/1` or `#/properties/b`. */
  readonly path: string
  /** The element of Confluent's `messages`, for example `{errorType:'TYPE_MISMATCH', …}`. */
  readonly message: string
  /** The rule in a sentence: what readers need. */
  readonly rule: string
  /** What the author of the schema can do, in a sentence. */
  readonly remedy: string
}

/** A schema that has been parsed and found to be valid. Immutable. */
export interface ParsedSchema {
  /** Format of the schema. */
  readonly type: SchemaType
  /** The text that is stored: what Confluent's registry would store for the same request. */
  readonly canonical: string
  /** The schema's own references, as given. */
  readonly references: readonly SchemaReference[]
  /** Full name of its (first) record, message or title; undefined if it has none. */
  readonly name: string | undefined
  /** The text under `normalize=true`: the same for schemas that differ in form only. */
  normalized(): string
  /**
   * Checks that parsers leave out: defaults that do not match their type, for
   * `validateNewSchemas`, and reserved field names of the configuration, for `validateFields`.
   * Returns the problems, none if it is valid.
   */
  problems(): readonly string[]
  /**
   * Another form of the text, for the query parameter `format`: Avro `resolved`, Protobuf
   * `serialized`, `ignore_extensions`. `''` is the canonical text. An unknown format is treated as
   * `''`.
   */
  format(format: string): string
  /** What this schema, as the reader, cannot read of data of `writer`; empty if it reads all. */
  incompatibilities(writer: ParsedSchema, options?: ComparisonOptions): readonly Incompatibility[]
}

/** A format: parses texts and compares what it has parsed. Without I/O. */
export interface SchemaFormat {
  /** Format of its schemas. */
  readonly type: SchemaType
  /**
   * Parses and checks a schema. Throws `InvalidSchemaError` with the place and the reason, also
   * for a text over the limits (length, nesting, references).
   */
  parse(source: SchemaSource): ParsedSchema
}

/** A comparison needs more work than its `effort` allows. */
export class EffortExceededError extends MillraceError {
  override readonly name = 'EffortExceededError'
  /** Creates the error. */
  constructor() {
    super('MILLRACE_EFFORT_EXCEEDED', 'the comparison needs more work than allowed')
  }
}

/** A text that is not a valid schema of its format. */
export class InvalidSchemaError extends MillraceError {
  override readonly name = 'InvalidSchemaError'
  /** Creates the error; `message` names the place, the value and what was expected. */
  constructor(message: string, cause?: unknown) {
    super('MILLRACE_INVALID_SCHEMA', message, { cause })
  }
}

/** Limits of what is parsed: any client with the right to register can send one. */
export const schemaLimits = {
  /** Characters of one text. */
  length: 1_000_000,
  /** Levels of nesting in one text. */
  nesting: 100,
  /** Schemas that one schema reaches through references. */
  references: 1000,
  /** Characters of a text and of all that it reaches through references. */
  totalLength: 4_000_000,
} as const
