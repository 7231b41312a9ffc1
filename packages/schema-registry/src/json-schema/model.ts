// SPDX-License-Identifier: Apache-2.0
import type { JsonNode } from './json-text.ts'

/** Keyword that combines schemas. */
export type Criterion = 'allOf' | 'anyOf' | 'oneOf'

/** What every schema of the model has. */
interface Common {
  /** Value of the document that the schema was read from. */
  readonly source: JsonNode
  /** Which part of that value the schema is, if one value became several schemas; else empty. */
  readonly part: string
  /** Whether it has a default value. */
  readonly hasDefault: boolean
  /** Whether `connect.type` is `bytes`. */
  readonly isConnectBytes: boolean
}

/** `{}`, `true`, or only keywords that are not compared. */
export interface EmptySchema extends Common {
  readonly kind: 'empty'
  /** Whether it is written as `true`. */
  readonly isLiteral: boolean
}

/** A schema without compared attributes: `false`, null, boolean, or a condition (`if`). */
export interface PlainSchema extends Common {
  readonly kind: 'false' | 'null' | 'boolean' | 'conditional'
}

/** A string, or only its keywords. */
export interface StringSchema extends Common {
  readonly kind: 'string'
  readonly minLength?: number
  readonly maxLength?: number
  readonly pattern?: string
}

/** A number, or only its keywords. Limits are numbers in text. */
export interface NumberSchema extends Common {
  readonly kind: 'number'
  readonly isInteger: boolean
  readonly minimum?: string
  readonly maximum?: string
  readonly exclusiveMinimum?: string
  readonly exclusiveMaximum?: string
  readonly multipleOf?: string
}

/** An object, or only its keywords. */
export interface ObjectSchema extends Common {
  readonly kind: 'object'
  readonly properties: ReadonlyMap<string, Schema>
  readonly required: ReadonlySet<string>
  /** False for `additionalProperties: false`. */
  readonly permitsAdditional: boolean
  readonly additional?: Schema
  /** Schemas by regular expression. */
  readonly patterns: ReadonlyMap<string, Schema>
  readonly propertyDependencies: ReadonlyMap<string, ReadonlySet<string>>
  readonly schemaDependencies: ReadonlyMap<string, Schema>
  readonly minProperties?: number
  readonly maxProperties?: number
  readonly unevaluated?: Schema
}

/** An array, or only its keywords. */
export interface ArraySchema extends Common {
  readonly kind: 'array'
  /** Schema of all items. */
  readonly all?: Schema
  /** Schemas of the first items. */
  readonly tuple: readonly Schema[]
  readonly permitsAdditional: boolean
  readonly additional?: Schema
  readonly minItems?: number
  readonly maxItems?: number
  readonly isUnique: boolean
  readonly minContains?: number
  readonly maxContains?: number
  readonly unevaluated?: Schema
}

/** One value. */
export interface ConstSchema extends Common {
  readonly kind: 'const'
  /** Text of the value: equal for equal values. */
  readonly value: string
}

/** A choice of values. */
export interface EnumSchema extends Common {
  readonly kind: 'enum'
  /** Texts of the values. */
  readonly values: ReadonlySet<string>
}

/** Several schemas for one value. */
export interface CombinedSchema extends Common {
  readonly kind: 'combined'
  readonly criterion: Criterion
  readonly subschemas: readonly Schema[]
  /** Whether it stands for keywords beside each other or a list of types. */
  readonly isGenerated: boolean
}

/** The values that a schema does not have. */
export interface NotSchema extends Common {
  readonly kind: 'not'
  readonly excluded: Schema
}

/** A use of a schema by its address. */
export interface ReferenceSchema extends Common {
  readonly kind: 'reference'
  /** Set when the whole document has been read; schemas may refer to themselves. */
  target: Schema | undefined
}

/** A schema as it is compared: what Confluent's registry makes of the keywords. */
export type Schema =
  | EmptySchema
  | PlainSchema
  | StringSchema
  | NumberSchema
  | ObjectSchema
  | ArraySchema
  | ConstSchema
  | EnumSchema
  | CombinedSchema
  | NotSchema
  | ReferenceSchema

/** Common part of a schema. */
export function commonOf(source: JsonNode, part = ''): Common {
  return { source, part, hasDefault: false, isConnectBytes: false }
}

/** An object schema without keywords. */
export function emptyObject(source: JsonNode, part = ''): ObjectSchema {
  return {
    ...commonOf(source, part),
    kind: 'object',
    properties: new Map(),
    required: new Set(),
    permitsAdditional: true,
    patterns: new Map(),
    propertyDependencies: new Map(),
    schemaDependencies: new Map(),
  }
}

/** An array schema without keywords. */
export function emptyArray(source: JsonNode, part = ''): ArraySchema {
  return {
    ...commonOf(source, part),
    kind: 'array',
    tuple: [],
    permitsAdditional: true,
    isUnique: false,
  }
}
