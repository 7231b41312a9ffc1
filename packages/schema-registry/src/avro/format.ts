// SPDX-License-Identifier: Apache-2.0
import {
  type ComparisonOptions,
  type Incompatibility,
  InvalidSchemaError,
  type ParsedSchema,
  type SchemaFormat,
  type SchemaReference,
  type SchemaSource,
  schemaLimits,
} from '../schema/schema.ts'
import { ComparisonError, findIncompatibilities } from './compatibility.ts'
import { explain, explainFailure, explainFormats } from './explanations.ts'
import { type AvroType, typeName } from './model.ts'
import { AvroParser } from './parser.ts'
import { printSchema } from './printer.ts'
import { problemsOf } from './problems.ts'

/** The format of Avro schemas; `parse` returns the types, too. */
export interface AvroFormat extends SchemaFormat {
  /** Parses and checks a schema. Throws `InvalidSchemaError` with path and reason. */
  parse(source: SchemaSource): AvroSchema
}

/** Avro schemas, by the rules of Avro 1.12 for Java as Confluent's registry applies them. */
export const avroFormat: AvroFormat = {
  type: 'AVRO',
  parse: (source) => new AvroSchema(source),
}

/** A parsed Avro schema. Immutable. */
export class AvroSchema implements ParsedSchema {
  /** Format of the schema. */
  readonly type = 'AVRO'
  /** The text that is stored: as Avro's Java library prints it. References are names in it. */
  readonly canonical: string
  /** The schema's own references, as given. */
  readonly references: readonly SchemaReference[]
  /** Full name if it is a record; otherwise undefined. */
  readonly name: string | undefined
  /** The schema as a graph of types, with the types of its references in place. */
  readonly root: AvroType
  /**
   * The canonical text with the definitions of all references inlined: a schema that stands alone,
   * for libraries that encode and decode.
   */
  readonly resolved: string
  /** Full names that the references define: the canonical text does not. */
  readonly #known: readonly string[]

  /** Parses a schema. Throws `InvalidSchemaError`. */
  constructor(source: SchemaSource) {
    if (source.resolved.length > schemaLimits.references) {
      throw new InvalidSchemaError(
        `the schema uses ${source.resolved.length} other schemas, ` +
          `the limit is ${schemaLimits.references}`,
      )
    }
    const parser = new AvroParser()
    this.#known = source.resolved.map((reference) => {
      try {
        return typeName(parser.parse(reference.schema))
      } catch (error) {
        if (!(error instanceof InvalidSchemaError)) throw error
        const { name, subject, version } = reference
        throw new InvalidSchemaError(
          `reference ${name} (${subject}, version ${version}): ${error.message}`,
          error,
        )
      }
    })
    this.root = parser.parse(source.schema)
    this.references = source.references
    this.name = this.root.kind === 'record' ? this.root.fullName : undefined
    this.resolved = printSchema(this.root)
    this.canonical =
      this.#known.length === 0 ? this.resolved : printSchema(this.root, { known: this.#known })
  }

  /** The canonical text with extra properties, aliases and members of defaults sorted. */
  normalized(): string {
    return printSchema(this.root, { known: this.#known, isNormalized: true })
  }

  /** Defaults that do not match their type, and names that Avro's specification forbids. */
  problems(): readonly string[] {
    return problemsOf(this.root)
  }

  /** `resolved`: the text with all references inlined; otherwise the canonical text. */
  format(format: string): string {
    return format.toLowerCase() === 'resolved' ? this.resolved : this.canonical
  }

  /** What this schema, as the reader, cannot read of data of `writer`, by Avro 1.12's rules. */
  incompatibilities(
    writer: ParsedSchema,
    options: ComparisonOptions = {},
  ): readonly Incompatibility[] {
    if (!(writer instanceof AvroSchema)) return [explainFormats(writer.type)]
    try {
      return findIncompatibilities(this.root, writer.root, options.effort).map((finding) =>
        explain(finding, options.newer ?? 'reader'),
      )
    } catch (error) {
      if (!(error instanceof ComparisonError)) throw error
      return [explainFailure(error.message)]
    }
  }
}
