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
import { compareSchemas } from './compare.ts'
import { incompatibilityOf } from './differences.ts'
import { rootLocation, SchemaDocuments } from './documents.ts'
import { isModern } from './draft.ts'
import { type JsonNode, parseJsonText, printJson } from './json-text.ts'
import { loadClassic } from './load-classic.ts'
import { loadModern } from './load-modern.ts'
import type { Schema } from './model.ts'

/** A JSON Schema that has been parsed, with the schemas that it refers to. */
export class JsonSchema implements ParsedSchema {
  readonly type = 'JSON'
  readonly canonical: string
  readonly references: readonly SchemaReference[]
  /** `title` of the schema. */
  readonly name: string | undefined
  /** The schema's document and those that it refers to, for validators. */
  readonly documents: SchemaDocuments
  readonly #root: JsonNode
  readonly #schema: Schema
  /** Texts of everything that the schema is made of. */
  readonly #texts: readonly string[]

  /** Parses and checks a schema; throws `InvalidSchemaError`. */
  constructor({ schema, references, resolved }: SchemaSource) {
    if (resolved.length > schemaLimits.references) {
      throw new InvalidSchemaError(
        `the schema reaches ${resolved.length} schemas through references; the limit is ` +
          `${schemaLimits.references}`,
      )
    }
    this.#root = parseJsonText(schema)
    this.canonical = printJson(this.#root)
    this.references = references
    this.documents = new SchemaDocuments(this.#root, resolved)
    const start = rootLocation(this.documents.root)
    const load = isModern(this.documents.root.draft) ? loadModern : loadClassic
    this.#schema = load(start, this.documents)
    const title = this.#root.kind === 'object' ? this.#root.members.get('title') : undefined
    this.name = title?.kind === 'string' ? title.value : undefined
    this.#texts = [this.canonical, ...resolved.flatMap(({ name, schema: text }) => [name, text])]
  }

  normalized(): string {
    return printJson(this.#root, { sorted: true })
  }

  problems(): readonly string[] {
    if (this.#schema.kind !== 'object') return []
    return [...this.#schema.properties.keys()]
      .filter((name) => name.startsWith('$$'))
      .map((name) => `#/properties/${name}: Field names cannot start with $$ prefix`)
  }

  /** JSON Schema has no other forms: always the canonical text. */
  format(_format: string): string {
    return this.canonical
  }

  incompatibilities(
    writer: ParsedSchema,
    { policy = 'STRICT', newer = 'reader', effort }: ComparisonOptions = {},
  ): readonly Incompatibility[] {
    if (!(writer instanceof JsonSchema)) {
      return [
        {
          errorType: 'SCHEMA_TYPE_CHANGED',
          path: '#/',
          message: 'Incompatible because of different schema type',
          rule: 'All versions of a subject have the same format.',
          remedy: 'Register the schema under another subject.',
        },
      ]
    }
    if (this.#isSameAs(writer)) return []
    const differences = compareSchemas(writer.#schema, this.#schema, { policy, effort })
    return differences.map((difference) => incompatibilityOf(difference, newer))
  }

  #isSameAs(other: JsonSchema): boolean {
    if (this.#texts.length !== other.#texts.length) return false
    return this.#texts.every((text, index) => text === other.#texts[index])
  }
}

/**
 * JSON Schema: drafts 4, 6, 7, 2019-09 and 2020-12, by `$schema`; draft 7 without it.
 * A schema is valid if every schema that is reachable from its root has keywords of the right
 * types, and every `$ref` can be resolved; nothing is fetched. Regular expressions are compiled,
 * and executed only to find the pattern property that covers a property of a comparison, within
 * bounds. The canonical text is the text without spaces; numbers keep their digits.
 */
export const jsonSchemaFormat: SchemaFormat = {
  type: 'JSON',
  parse: (source) => new JsonSchema(source),
}
