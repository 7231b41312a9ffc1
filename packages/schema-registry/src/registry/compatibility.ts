// SPDX-License-Identifier: Apache-2.0
import type { Incompatibility, ParsedSchema } from '../schema/schema.ts'
import type { RegistryState, SchemaEntry } from './registry-state.ts'
import type { SchemaParser } from './schema-parser.ts'
import type { CompatibilityLevel, Settings } from './settings.ts'

/** A rule that a new schema breaks. */
export interface CompatibilityProblem {
  /** Version that the schema was compared with. */
  readonly version: number
  /** Which of the two cannot read data of the other. */
  readonly direction: 'BACKWARD' | 'FORWARD'
  /** Confluent's name of the rule. */
  readonly errorType: string
  /** Place in the schema. */
  readonly path: string
  /** The rule in a sentence. */
  readonly rule: string
  /** What the author of the schema can do. */
  readonly remedy: string
}

/** Outcome of a compatibility check; compatible if there are no messages. */
export interface CompatibilityReport {
  /** Confluent's messages. */
  readonly messages: readonly string[]
  /** The same as data. */
  readonly why: readonly CompatibilityProblem[]
}

const COMPATIBLE: CompatibilityReport = { messages: [], why: [] }
/** Longest text of a schema in messages, in characters. */
const MAX_SHOWN = 10 * 1024

/** The schema that is checked. */
export interface CheckedSchema {
  readonly parsed: ParsedSchema
  readonly metadata: SchemaEntry['metadata']
}

/** Compares a schema with earlier versions, the lowest first, as the settings demand. */
export function checkCompatibility(
  { state, parser }: { readonly state: RegistryState; readonly parser: SchemaParser },
  { parsed, metadata }: CheckedSchema,
  settings: Settings,
  versions: readonly SchemaEntry[],
): CompatibilityReport {
  const level = settings.compatibilityLevel ?? 'BACKWARD'
  if (level === 'NONE') return COMPATIBLE
  const { compatibilityGroup: group } = settings
  const groupOf = (of: SchemaEntry['metadata']): string | undefined =>
    group === undefined ? undefined : of?.properties?.[group]
  const compared = versions.filter((each) => groupOf(each.metadata) === groupOf(metadata)).reverse()
  const isTransitive = level.endsWith('_TRANSITIVE')
  for (const entry of isTransitive ? compared : compared.slice(0, 1)) {
    const old = parser.parseEntry(state, entry)
    const report = compare(parsed, { old, version: entry.version }, level, settings)
    if (report.messages.length === 0) continue
    const validates = settings.validateFields === true
    return {
      messages: [...report.messages, `{validateFields: '${validates}', compatibility: '${level}'}`],
      why: report.why,
    }
  }
  return COMPATIBLE
}

function compare(
  schema: ParsedSchema,
  { old, version }: { readonly old: ParsedSchema; readonly version: number },
  level: CompatibilityLevel,
  settings: Settings,
): CompatibilityReport {
  if (schema.type !== old.type) {
    return {
      messages: ['Incompatible because of different schema type'],
      why: [
        {
          version,
          direction: level.startsWith('FORWARD') ? 'FORWARD' : 'BACKWARD',
          errorType: 'SCHEMA_TYPE_CHANGED',
          path: '',
          rule: `all schemas of a subject have one format; version ${version} is ${old.type}, this one ${schema.type}`,
          remedy: `register it under another subject, or as ${old.type}`,
        },
      ],
    }
  }
  const policy = settings.compatibilityPolicy ?? 'STRICT'
  const problem = (direction: CompatibilityProblem['direction']) => (each: Incompatibility) => {
    const { errorType, path, rule, remedy } = each
    return { version, direction, errorType, path, rule, remedy }
  }
  const isForward = level.startsWith('FORWARD') || level.startsWith('FULL')
  const isBackward = !level.startsWith('FORWARD')
  const forward = isForward ? old.incompatibilities(schema, { policy, newer: 'writer' }) : []
  const backward = isBackward ? schema.incompatibilities(old, { policy, newer: 'reader' }) : []
  // With both directions Confluent's registry shows the old schema after the second list only.
  const last = isBackward ? backward : forward
  return {
    messages: [
      ...forward.map(({ message }) => message),
      ...backward.map(({ message }) => message),
      ...(last.length === 0 ? [] : [`{oldSchemaVersion: ${version}}`, shown(old.canonical)]),
    ],
    why: [...forward.map(problem('FORWARD')), ...backward.map(problem('BACKWARD'))],
  }
}

function shown(schema: string): string {
  if (schema.length <= MAX_SHOWN) return `{oldSchema: '${schema}'}`
  return `{oldSchema: <truncated> '${schema.slice(0, MAX_SHOWN)}...'}`
}
