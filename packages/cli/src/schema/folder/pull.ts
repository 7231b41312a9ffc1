// SPDX-License-Identifier: Apache-2.0
import {
  type RegisteredSchema,
  RegistryError,
  type SchemaRegistryClient,
} from '@millrace/schema-registry/serdes'
import { concurrently } from '../concurrently.ts'
import { extensions, schemaTypeOfFile } from '../schema-file.ts'
import { fileNames } from './file-names.ts'
import { indentedJson } from './json-text.ts'
import {
  MANIFEST,
  type Manifest,
  type ManifestEntry,
  type ManifestReference,
  SchemaFolderError,
} from './manifest.ts'
import type { SchemaFolder } from './schema-folder.ts'

/** What a pull changed in the folder. */
export interface PullChange {
  /** Subject. */
  readonly subject: string
  /** File, relative to the folder. */
  readonly file: string
  /** What happened to the file. */
  readonly change: 'written' | 'unchanged' | 'removed' | 'kept'
  /** Version in the registry; undefined if the subject is not there. */
  readonly version: number | undefined
}

/** Settings of a pull. */
export interface PullOptions {
  /** Only subjects that start with this text. Default: all. */
  readonly prefix?: string | undefined
  /** Whether files of subjects that are no longer in the registry are removed. */
  readonly isPruning: boolean
}

/** Writes the latest schemas of a registry to a folder. */
export async function pull(
  client: SchemaRegistryClient,
  folder: SchemaFolder,
  { prefix = '', isPruning }: PullOptions,
): Promise<readonly PullChange[]> {
  const before = folder.manifest()
  const subjects = (await client.subjects()).filter((subject) => subject.startsWith(prefix))
  const found = await concurrently(subjects, async (subject) => {
    const [schema, config] = await Promise.all([
      client.version(subject),
      ownConfig(client, subject),
    ])
    return { subject, schema, config }
  })
  const schemas = new Map(found.map((each) => [each.subject, each.schema]))
  const files = filesFor(schemas, before)
  const used = new Set(subjects.map((subject) => files.get(subject)))
  // Before anything is written: a new file may differ from an old one in case only.
  for (const [subject, { file }] of before) {
    if (schemas.has(subject) && !used.has(file)) folder.remove(file)
  }
  const after = new Map<string, ManifestEntry>()
  const changes: PullChange[] = []
  for (const { subject, schema, config } of found) {
    const file = files.get(subject) ?? ''
    after.set(subject, entryOf(schema, { file, config, schemas }))
    const isWritten = folder.write(file, textOf(schema))
    const change = isWritten ? 'written' : 'unchanged'
    changes.push({ subject, file, change, version: schema.version })
  }
  for (const [subject, entry] of before) {
    if (schemas.has(subject)) continue
    const isRemoved = isPruning && subject.startsWith(prefix)
    if (!isRemoved) after.set(subject, entry)
    else if (!used.has(entry.file)) folder.remove(entry.file)
    if (!subject.startsWith(prefix)) continue
    const change = isRemoved ? 'removed' : 'kept'
    changes.push({ subject, file: entry.file, change, version: undefined })
  }
  folder.writeManifest(after)
  return changes.sort((a, b) => (a.subject < b.subject ? -1 : 1))
}

/**
 * Files by subject: those of the manifest stay where they are, unless a new subject needs a name
 * that differs in case only. Throws `SchemaFolderError` if two subjects have one file.
 */
function filesFor(
  schemas: ReadonlyMap<string, RegisteredSchema>,
  manifest: Manifest,
): ReadonlyMap<string, string> {
  const named = [...schemas].map(([subject, { schemaType }]) => ({ subject, type: schemaType }))
  const usual = fileNames(named)
  const kept = named.map(({ subject, type }) => {
    const known = manifest.get(subject)?.file
    if (known === undefined) return { subject, file: usual.get(subject) ?? '' }
    const isRight = schemaTypeOfFile(known) === type
    return { subject, file: isRight ? known : known.replace(/\.[^./]+$/, extensions[type]) }
  })
  // Files of subjects that this pull leaves alone.
  for (const [subject, { file }] of manifest) {
    if (!schemas.has(subject)) kept.push({ subject, file })
  }
  const sharing = Map.groupBy(kept, ({ file }) => file.toLowerCase())
  const files = kept.map(({ subject, file }) => {
    const isAlone = sharing.get(file.toLowerCase())?.length === 1
    return { subject, file: isAlone ? file : (usual.get(subject) ?? file) }
  })
  for (const [file, group] of Map.groupBy(files, (each) => each.file.toLowerCase())) {
    if (group.length === 1) continue
    const subjects = group.map(({ subject }) => subject).join(' and ')
    throw new SchemaFolderError(`${file} is the file of ${subjects}: change one in ${MANIFEST}`)
  }
  return new Map(files.map(({ subject, file }) => [subject, file]))
}

function entryOf(
  { references, metadata, ruleSet }: RegisteredSchema,
  {
    file,
    config,
    schemas,
  }: {
    readonly file: string
    readonly config: Readonly<Record<string, unknown>> | undefined
    readonly schemas: ReadonlyMap<string, RegisteredSchema>
  },
): ManifestEntry {
  return {
    file,
    references: references.map((each): ManifestReference => {
      const { name, subject, version } = each
      const isLatest = version < 0 || schemas.get(subject)?.version === version
      return { name, subject, version: isLatest ? 'latest' : version }
    }),
    ...(config === undefined ? {} : { config }),
    ...(metadata === undefined ? {} : { metadata }),
    ...(ruleSet === undefined ? {} : { ruleSet }),
  }
}

/** Text for people: JSON is stored on one line. */
function textOf({ schema, schemaType }: RegisteredSchema): string {
  const text = schemaType === 'PROTOBUF' ? schema : indentedJson(schema)
  return text.endsWith('\n') ? text : `${text}\n`
}

/** Settings of a subject in the form in which they are sent; undefined if it has none. */
export async function ownConfig(
  client: SchemaRegistryClient,
  subject: string,
): Promise<Readonly<Record<string, unknown>> | undefined> {
  try {
    const { compatibilityLevel, ...others } = await client.config(subject)
    const level = compatibilityLevel === undefined ? {} : { compatibility: compatibilityLevel }
    return { ...level, ...others }
  } catch (error) {
    if (error instanceof RegistryError && error.isNotFound) return undefined
    throw error
  }
}
