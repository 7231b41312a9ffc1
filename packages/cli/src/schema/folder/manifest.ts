// SPDX-License-Identifier: Apache-2.0
import { MillraceError } from '@millrace/base'
import type { RuleSet, SchemaMetadata } from '@millrace/schema-registry/serdes'

/** Name of the manifest within the folder. */
export const MANIFEST = 'registry.json'

/** A schema that another one of the folder uses. */
export interface ManifestReference {
  /** Avro: full name of the type. JSON Schema: text of `$ref`. Protobuf: path of the import. */
  readonly name: string
  /** Subject. */
  readonly subject: string
  /** Version; `latest` is that of the subject's file in this folder, or of the registry. */
  readonly version: number | 'latest'
}

/** What the manifest says about a subject. */
export interface ManifestEntry {
  /** File, relative to the folder, with `/`. */
  readonly file: string
  /** Schemas that it uses. */
  readonly references?: readonly ManifestReference[]
  /** Settings of the subject; absent: those of the registry apply. */
  readonly config?: Readonly<Record<string, unknown>>
  /** Metadata of the schema. */
  readonly metadata?: SchemaMetadata
  /** Rules of the schema. */
  readonly ruleSet?: RuleSet
}

/** The manifest: entries by subject. */
export type Manifest = ReadonlyMap<string, ManifestEntry>

/** An error in a folder of schemas. */
export class SchemaFolderError extends MillraceError {
  override readonly name = 'SchemaFolderError'

  /** Creates the error; `message` names the file. */
  constructor(message: string, cause?: unknown) {
    super('MILLRACE_SCHEMA_FOLDER', message, { cause })
  }
}

/** Reads a manifest. Throws `SchemaFolderError` with the place of an error. */
export function parseManifest(text: string): Manifest {
  let parsed: unknown
  try {
    parsed = JSON.parse(text)
  } catch (error) {
    throw new SchemaFolderError(`${MANIFEST} is not JSON: ${(error as Error).message}`, error)
  }
  const subjects = fields(fields(parsed, '').subjects, 'subjects')
  return new Map(
    Object.entries(subjects).map(([subject, entry]) => [subject, entryOf(subject, entry)]),
  )
}

function entryOf(subject: string, value: unknown): ManifestEntry {
  const place = `subjects[${JSON.stringify(subject)}]`
  const { file, references, config, metadata, ruleSet } = fields(value, place)
  if (typeof file !== 'string' || !isInside(file)) {
    throw invalid(`${place}.file`, file, 'a path within the folder, with /')
  }
  return {
    file,
    ...(references === undefined ? {} : { references: referencesOf(references, place) }),
    ...(config === undefined ? {} : { config: fields(config, `${place}.config`) }),
    ...(metadata === undefined
      ? {}
      : { metadata: fields(metadata, `${place}.metadata`) as SchemaMetadata }),
    ...(ruleSet === undefined ? {} : { ruleSet: fields(ruleSet, `${place}.ruleSet`) as RuleSet }),
  }
}

/** Whether a path stays below the folder, whatever the system's separator is. */
export function isInside(path: string): boolean {
  const parts = path.split('/')
  return parts.every(
    (part) => part !== '' && part !== '.' && part !== '..' && !/[\\:\0]/.test(part),
  )
}

function referencesOf(value: unknown, place: string): ManifestReference[] {
  if (!Array.isArray(value)) throw invalid(`${place}.references`, value, 'a list')
  return value.map((each, i) => {
    const at = `${place}.references[${i}]`
    const { name, subject, version } = fields(each, at)
    if (typeof name !== 'string') throw invalid(`${at}.name`, name, 'a text')
    if (typeof subject !== 'string') throw invalid(`${at}.subject`, subject, 'a text')
    const isVersion = Number.isInteger(version) && Number(version) >= 1
    if (version !== 'latest' && !isVersion) {
      throw invalid(`${at}.version`, version, 'a whole number from 1, or latest')
    }
    return { name, subject, version: version === 'latest' ? version : Number(version) }
  })
}

function fields(value: unknown, place: string): Readonly<Record<string, unknown>> {
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) {
    return value as Readonly<Record<string, unknown>>
  }
  throw invalid(place === '' ? 'the manifest' : place, value, 'an object')
}

function invalid(place: string, value: unknown, expected: string): SchemaFolderError {
  return new SchemaFolderError(
    `${MANIFEST}: invalid ${place} ${JSON.stringify(value)}: expected ${expected}`,
  )
}

/** Text of a manifest; subjects and keys are sorted, so that equal manifests have equal texts. */
export function manifestText(manifest: Manifest): string {
  const subjects = [...manifest].sort(([a], [b]) => (a < b ? -1 : 1))
  // A subject may be named __proto__: entries are written one by one, not assigned to an object.
  const entries = subjects.map(([subject, entry]) => {
    const { file, references = [], config, metadata, ruleSet } = entry
    const value = {
      file,
      ...(references.length === 0 ? {} : { references }),
      ...(config === undefined ? {} : { config: sorted(config) }),
      ...(metadata === undefined ? {} : { metadata: sorted(metadata) }),
      ...(ruleSet === undefined ? {} : { ruleSet }),
    }
    const text = JSON.stringify(value, null, 2).replaceAll('\n', '\n    ')
    return `    ${JSON.stringify(subject)}: ${text}`
  })
  const body = entries.length === 0 ? '{}' : `{\n${entries.join(',\n')}\n  }`
  return `{\n  "subjects": ${body}\n}\n`
}

function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted)
  if (typeof value !== 'object' || value === null) return value
  const entries = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1))
  return Object.fromEntries(entries.map(([key, each]) => [key, sorted(each)]))
}
