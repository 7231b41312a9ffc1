// SPDX-License-Identifier: Apache-2.0
import { createHash } from 'node:crypto'
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
  readonly #cache = new Map<string, ParsedSchema>()
  readonly #forms: Readonly<Record<SchemaForm, WeakMap<SchemaEntry, string>>> = {
    normal: new WeakMap(),
    resolved: new WeakMap(),
  }
  #cachedLength = 0

  constructor(formats: readonly SchemaFormat[]) {
    this.#formats = new Map(formats.map((format) => [format.type, format]))
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
    let references: readonly SchemaReference[]
    let resolved: readonly ResolvedReference[]
    try {
      ;({ references, resolved } = resolveReferences(state, source, livingOnly))
    } catch (error) {
      throw invalid(error)
    }
    const key = JSON.stringify([schemaType, schema, references, resolved])
    const cached = this.#cache.get(key)
    if (cached !== undefined) {
      this.#cache.delete(key)
      this.#cache.set(key, cached)
      return cached
    }
    let parsed: ParsedSchema
    try {
      parsed = format.parse({ schema, references, resolved })
    } catch (error) {
      // A fault of the parser, such as too much recursion, ends only this request, too.
      throw invalid(error)
    }
    this.#keep(key, parsed)
    return parsed
  }

  /** Parses a stored schema. */
  parseEntry(state: RegistryState, entry: SchemaEntry): ParsedSchema {
    return this.parse(state, entry)
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
    } catch {
      found = UNREADABLE
    }
    forms.set(entry, found)
    return found === UNREADABLE ? undefined : found
  }

  #keep(key: string, parsed: ParsedSchema): void {
    if (key.length > MAX_CACHED_LENGTH / 8) return
    this.#cache.set(key, parsed)
    this.#cachedLength += key.length
    for (const [oldest] of this.#cache) {
      if (this.#cache.size <= MAX_CACHED && this.#cachedLength <= MAX_CACHED_LENGTH) break
      this.#cache.delete(oldest)
      this.#cachedLength -= oldest.length
    }
  }
}

/** The references of a schema with their versions, and the texts of all that it reaches. */
function resolveReferences(
  state: RegistryState,
  { subject, references }: UnparsedSchema,
  livingOnly: boolean,
): {
  readonly references: readonly SchemaReference[]
  readonly resolved: readonly ResolvedReference[]
} {
  const resolved: ResolvedReference[] = []
  const seen = new Set<string>()
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
    for (const each of entry.references) visit(entry.subject, each)
    resolved.push({ ...exact, schema: entry.schema })
    return exact
  }
  return { references: references.map((each) => visit(subject, each)), resolved }
}
