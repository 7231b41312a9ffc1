// SPDX-License-Identifier: Apache-2.0
import {
  type ComparisonOptions,
  type Incompatibility,
  InvalidSchemaError,
  type ParsedSchema,
  type SchemaFormat,
  type SchemaReference,
  type SchemaSource,
  type SchemaType,
} from '../schema/schema.ts'

/** A schema that can be parsed anywhere: plain data. */
export interface SchemaData extends SchemaSource {
  /** Format. */
  readonly schemaType: string
  /** Identifies format, text and references. */
  readonly key: string
}

/** What can be asked about schemas in another thread. */
export type EvaluationTask =
  | { readonly kind: 'parse'; readonly schema: SchemaData }
  | { readonly kind: 'normalized'; readonly schema: SchemaData }
  | { readonly kind: 'problems'; readonly schema: SchemaData }
  | { readonly kind: 'format'; readonly schema: SchemaData; readonly format: string }
  | {
      readonly kind: 'compare'
      readonly schema: SchemaData
      readonly writer: SchemaData
      readonly options: ComparisonOptions
    }

/** The parts of a parsed schema that are data. */
export interface SchemaParts {
  readonly type: SchemaType
  readonly canonical: string
  readonly references: readonly SchemaReference[]
  readonly name: string | undefined
}

/** Value of each kind of task. */
export interface EvaluationValues {
  readonly parse: SchemaParts
  readonly normalized: string
  readonly problems: readonly string[]
  readonly format: string
  readonly compare: readonly Incompatibility[]
}

/** Value of a task, or why it has none. */
export type EvaluationOutcome =
  | { readonly value: EvaluationValues[keyof EvaluationValues] }
  | { readonly error: string; readonly isInvalid: boolean }

/** The error of an outcome, as the format threw it. */
export function errorOf(outcome: { readonly error: string; readonly isInvalid: boolean }): Error {
  const { error, isInvalid } = outcome
  return isInvalid ? new InvalidSchemaError(error) : new Error(error)
}

/** Schemas that are kept parsed, and the characters of their texts together. */
const limits = { count: 64, length: 4_000_000 }

/** Evaluates tasks, and keeps the schemas of the last ones. */
export class TaskEvaluator {
  readonly #formats: ReadonlyMap<string, SchemaFormat>
  readonly #parsed = new Map<string, { readonly schema: ParsedSchema; readonly length: number }>()
  #length = 0

  constructor(formats: readonly SchemaFormat[]) {
    this.#formats = new Map(formats.map((format) => [format.type, format]))
  }

  /** Evaluates a task. Never throws: a fault of a format ends only its task. */
  evaluate(task: EvaluationTask): EvaluationOutcome {
    try {
      return { value: this.#value(task) }
    } catch (error) {
      return {
        error: error instanceof Error ? error.message : String(error),
        isInvalid: error instanceof InvalidSchemaError,
      }
    }
  }

  #value(task: EvaluationTask): EvaluationValues[keyof EvaluationValues] {
    const schema = this.#parse(task.schema)
    switch (task.kind) {
      case 'parse': {
        const { type, canonical, references, name } = schema
        return { type, canonical, references, name }
      }
      case 'normalized':
        return schema.normalized()
      case 'problems':
        return schema.problems()
      case 'format':
        return schema.format(task.format)
      case 'compare':
        return schema.incompatibilities(this.#parse(task.writer), task.options)
    }
  }

  #parse(source: SchemaData): ParsedSchema {
    const { key, schemaType } = source
    const known = this.#parsed.get(key)
    if (known !== undefined) {
      this.#parsed.delete(key)
      this.#parsed.set(key, known)
      return known.schema
    }
    const format = this.#formats.get(schemaType)
    if (format === undefined) throw new InvalidSchemaError(`Invalid schema type ${schemaType}`)
    const schema = format.parse(source)
    const length = lengthOf(source)
    this.#parsed.set(key, { schema, length })
    this.#length += length
    for (const [oldest, entry] of this.#parsed) {
      // A comparison needs two.
      const isWithin = this.#parsed.size <= limits.count && this.#length <= limits.length
      if (isWithin || this.#parsed.size <= 2) break
      this.#parsed.delete(oldest)
      this.#length -= entry.length
    }
    return schema
  }
}

/** Characters of all texts of a schema. */
export function lengthOf({ schema, resolved }: SchemaSource): number {
  return resolved.reduce((sum, each) => sum + each.schema.length, schema.length)
}
