// SPDX-License-Identifier: Apache-2.0
import { createHash } from 'node:crypto'
import { lengthOf, type SchemaData } from '../evaluation/evaluation-task.ts'
import { passDeferred, type SchemaEvaluator } from '../evaluation/schema-evaluator.ts'
import { WeightedCache } from '../evaluation/weighted-cache.ts'
import {
  InvalidSchemaError,
  type ParsedSchema,
  type ResolvedReference,
  type SchemaFormat,
  type SchemaReference,
  schemaLimits,
} from '../schema/schema.ts'
import { errors } from './registry-error.ts'
import type { RegistryState, SchemaEntry } from './registry-state.ts'

/** A schema as a client sent it, or as stored. */
export interface UnparsedSchema {
  /** Subject: references without a context are in its context. */
  readonly subject: string
  /** Format; Avro unless named. */
  readonly schemaType: string
  /** Text. */
  readonly schema: string
  /** References; -1 stands for the latest version. */
  readonly references: readonly SchemaReference[]
}

/** Parsed schemas to keep. */
const MAX_CACHED = 1000
/** Characters of all texts to keep: a parsed schema takes a multiple of its text. */
const MAX_CACHED_LENGTH = 8_000_000

/** Forms in which schemas are compared. */
export type SchemaForm = 'normal' | 'resolved'

const UNREADABLE = ''

/** Identifies a form of a schema. */
export function formOf(parsed: ParsedSchema, form: SchemaForm): string {
  const text = form === 'normal' ? parsed.normalized() : parsed.format('resolved')
  return createHash('sha1').update(text).digest('base64')
}

/** Parses schemas with their references, and keeps what it has parsed. */
export class SchemaParser {
  readonly #formats: ReadonlyMap<string, SchemaFormat>
  readonly #evaluator: SchemaEvaluator | undefined
  readonly #cache = new WeightedCache<ParsedSchema>({
    maxCount: MAX_CACHED,
    maxWeight: MAX_CACHED_LENGTH,
  })
  /** Keys of stored schemas without references. */
  readonly #keys = new WeakMap<SchemaEntry, string>()
  readonly #forms: Readonly<Record<SchemaForm, WeakMap<SchemaEntry, string>>> = {
    normal: new WeakMap(),
    resolved: new WeakMap(),
  }

  /** Creates a parser; without an evaluator everything is evaluated at once. */
  constructor(formats: readonly SchemaFormat[], evaluator?: SchemaEvaluator) {
    this.#evaluator = evaluator
    this.#formats = new Map(formats.map((format) => [format.type, format]))
  }

  /** Runs an operation that parses: it is repeated as long as something large is evaluated. */
  async run<T>(operation: () => T | Promise<T>): Promise<T> {
    return this.#evaluator === undefined ? operation() : this.#evaluator.run(operation)
  }

  /** Parses a schema. Throws 42201. */
  parse(state: RegistryState, source: UnparsedSchema, livingOnly = false): ParsedSchema {
    const { schemaType, schema } = source
    const format = this.#formats.get(schemaType)
    if (format === undefined) throw errors.invalidSchema(`Invalid schema type ${schemaType}`)
    const invalid = (error: unknown): Error => {
      const reason = error instanceof Error ? error.message : String(error)
      const message = `Invalid schema of type ${schemaType}, details: ${reason}`
      return errors.invalidSchema(message, error)
    }
    if (schema.length > schemaLimits.length) {
      const { length } = schemaLimits
      throw invalid(`the schema has ${schema.length} characters, the limit is ${length}`)
    }
    let references: readonly SchemaReference[]
    let resolved: readonly ResolvedReference[]
    try {
      ;({ references, resolved } = resolveReferences(state, source, livingOnly))
    } catch (error) {
      throw invalid(error)
    }
    const data = { schemaType, schema, references, resolved }
    return this.#parse(format, { ...data, key: keyOf(data) }, invalid)
  }

  #parse(
    format: SchemaFormat,
    source: SchemaData,
    invalid: (error: unknown) => Error,
  ): ParsedSchema {
    const cached = this.#cache.get(source.key)
    if (cached !== undefined) return cached
    let parsed: ParsedSchema
    try {
      const parse = (): ParsedSchema => format.parse(source)
      parsed = this.#evaluator?.parse(source, parse) ?? parse()
    } catch (error) {
      passDeferred(error)
      // A fault of the parser, such as too much recursion, ends only this request, too.
      throw invalid(error)
    }
    this.#cache.set(source.key, parsed, lengthOf(source))
    return parsed
  }

  /** Parses a stored schema. */
  parseEntry(state: RegistryState, entry: SchemaEntry): ParsedSchema {
    const { schemaType, schema, references } = entry
    if (references.length > 0) return this.parse(state, entry)
    const key = this.#keys.get(entry) ?? keyOf({ schemaType, schema, references, resolved: [] })
    this.#keys.set(entry, key)
    return this.#cache.get(key) ?? this.parse(state, entry)
  }

  /**
   * Identifies the normal form of a stored schema, or its form with references in the text;
   * undefined if it is not readable here. Kept, since a new schema is compared with all versions.
   */
  formOf(state: RegistryState, entry: SchemaEntry, form: SchemaForm): string | undefined {
    const forms = this.#forms[form]
    const known = forms.get(entry)
    if (known !== undefined) return known === UNREADABLE ? undefined : known
    let found: string
    try {
      found = formOf(this.parseEntry(state, entry), form)
    } catch (error) {
      passDeferred(error)
      found = UNREADABLE
    }
    forms.set(entry, found)
    return found === UNREADABLE ? undefined : found
  }
}

/** Identifies a schema with all that it reaches. */
function keyOf({ schemaType, schema, references, resolved }: Omit<SchemaData, 'key'>): string {
  const hash = createHash('sha1')
  const names = resolved.map(({ schema: text, ...reference }) => [reference, text.length])
  hash.update(JSON.stringify([schemaType, schema.length, references, names]))
  hash.update(schema)
  for (const { schema: text } of resolved) hash.update(text)
  return hash.digest('base64')
}

/** The references of a schema with their versions, and the texts of all that it reaches. */
function resolveReferences(
  state: RegistryState,
  { subject, schema, references }: UnparsedSchema,
  livingOnly: boolean,
): {
  readonly references: readonly SchemaReference[]
  readonly resolved: readonly ResolvedReference[]
} {
  const resolved: ResolvedReference[] = []
  const seen = new Set<string>()
  let length = schema.length
  const visit = (parent: string, reference: SchemaReference): SchemaReference => {
    if (reference.name === '' || reference.subject === '') {
      const shown = `${reference.name || 'null'}, ${reference.subject || 'null'}`
      throw new InvalidSchemaError(`Invalid reference: ${shown}, ${reference.version}`)
    }
    const entry = state.resolve(parent, reference)
    if (entry === undefined || (livingOnly && entry.deleted)) {
      throw new InvalidSchemaError(
        `No schema reference found for subject "${reference.subject}" and version ${reference.version}`,
      )
    }
    const exact = { ...reference, version: entry.version }
    if (seen.has(reference.name)) return exact
    seen.add(reference.name)
    if (seen.size > schemaLimits.references) {
      throw new InvalidSchemaError(`more than ${schemaLimits.references} references`)
    }
    length += entry.schema.length
    if (length > schemaLimits.totalLength) {
      throw new InvalidSchemaError(
        `the schema and all that it references have more than ${schemaLimits.totalLength} characters`,
      )
    }
    for (const each of entry.references) visit(entry.subject, each)
    resolved.push({ ...exact, schema: entry.schema })
    return exact
  }
  return { references: references.map((each) => visit(subject, each)), resolved }
}
