// SPDX-License-Identifier: Apache-2.0
import { type ParsedSchema, schemaFormats } from '@millrace/schema-registry'
import {
  type RegisteredSchema,
  RegistryError,
  type ResolvedReference,
  resolveReferences,
  type SchemaReference,
  type SchemaRegistryClient,
  type SchemaType,
} from '@millrace/schema-registry/serdes'
import type { Reason } from './compatibility-report.ts'
import { concurrently } from './concurrently.ts'

/** A schema with the texts of all that it uses. */
export interface CompleteSchema {
  /** Format. */
  readonly type: SchemaType
  /** Text. */
  readonly schema: string
  /** Its own references. */
  readonly references: readonly SchemaReference[]
  /** All schemas that it reaches, each after those that it uses. */
  readonly resolved: readonly ResolvedReference[]
}

/** Parses a schema with the rules of its format. Throws `InvalidSchemaError`. */
export function parseSchema({ type, schema, references, resolved }: CompleteSchema): ParsedSchema {
  return schemaFormats[type].parse({ schema, references, resolved })
}

/** Loads what a registered schema uses. */
export async function complete(
  client: SchemaRegistryClient,
  { schemaType, schema, references }: RegisteredSchema,
): Promise<CompleteSchema> {
  const resolved = await resolveReferences(client, references)
  return { type: schemaType, schema, references, resolved }
}

/** Settings of a subject that decide what is compatible. */
export interface CompatibilitySettings {
  /** For example `BACKWARD` or `FULL_TRANSITIVE`. */
  readonly level: string
  /** For JSON Schema. Default `STRICT`. */
  readonly policy: 'STRICT' | 'LENIENT'
}

/** The settings in a configuration of a registry. */
export function settingsOf(config: Readonly<Record<string, unknown>>): CompatibilitySettings {
  const level = config.compatibilityLevel ?? config.compatibility ?? 'BACKWARD'
  return {
    level: String(level).toUpperCase(),
    policy: config.compatibilityPolicy === 'LENIENT' ? 'LENIENT' : 'STRICT',
  }
}

/**
 * Reasons against a schema beside the versions of its subject, decided here, not by the registry:
 * for schemas that use others which are not registered yet, and for settings that are not set yet.
 * Throws `InvalidSchemaError` for a schema that cannot be parsed.
 */
export async function localReasons(
  client: SchemaRegistryClient,
  subject: string,
  question: {
    readonly schema: CompleteSchema
    readonly settings: CompatibilitySettings
    /** Version to compare with. Default `all`: those that the level requires. */
    readonly version?: number | 'latest' | 'all'
  },
): Promise<readonly Reason[]> {
  const { schema, settings, version: wanted = 'all' } = question
  const parsed = parseSchema(schema)
  const { level } = settings
  if (level === 'NONE') return []
  const versions = typeof wanted === 'number' ? [wanted] : await versionsOf(client, subject)
  const isTransitive = wanted === 'all' && level.endsWith('_TRANSITIVE')
  const compared = isTransitive ? versions : versions.slice(0, 1)
  const olds = await concurrently(compared, async (version) => {
    const registered = await client.version(subject, version)
    return { version, old: parseSchema(await complete(client, registered)) }
  })
  for (const { version, old } of olds) {
    const reasons = reasonsBetween(parsed, { old, version, settings })
    if (reasons.length > 0) return reasons
  }
  return []
}

/** Versions of a subject, the latest first; none if it does not exist. */
async function versionsOf(client: SchemaRegistryClient, subject: string): Promise<number[]> {
  try {
    return [...(await client.versions(subject))].sort((a, b) => b - a)
  } catch (error) {
    if (error instanceof RegistryError && error.isNotFound) return []
    throw error
  }
}

/** Reasons in the directions of a level. */
export function reasonsBetween(
  parsed: ParsedSchema,
  {
    old,
    version,
    settings: { level, policy },
  }: {
    readonly old: ParsedSchema
    readonly version: number
    readonly settings: CompatibilitySettings
  },
): readonly Reason[] {
  if (parsed.type !== old.type) {
    return [
      {
        version,
        direction: level.startsWith('FORWARD') ? 'FORWARD' : 'BACKWARD',
        errorType: 'SCHEMA_TYPE_CHANGED',
        path: '',
        rule: `all schemas of a subject have one format; version ${version} is ${old.type}`,
        remedy: `register it under another subject, or as ${old.type}`,
      },
    ]
  }
  const isForward = level.startsWith('FORWARD') || level.startsWith('FULL')
  const isBackward = level.startsWith('BACKWARD') || level.startsWith('FULL')
  return [
    ...(isForward ? old.incompatibilities(parsed, { policy, newer: 'writer' }) : []).map(
      (each) => ({ ...each, version, direction: 'FORWARD' as const }),
    ),
    ...(isBackward ? parsed.incompatibilities(old, { policy, newer: 'reader' }) : []).map(
      (each) => ({ ...each, version, direction: 'BACKWARD' as const }),
    ),
  ]
}
