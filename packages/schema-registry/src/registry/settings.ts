// SPDX-License-Identifier: Apache-2.0
import type { RuleSet, SchemaMetadata } from '../schema/data-contract.ts'
import type { CompatibilityPolicy } from '../schema/schema.ts'
import { booleanOf, readMetadata, readRuleSet, textOf } from './data-contract.ts'
import { errors } from './registry-error.ts'

/** Which changes of a schema are allowed. */
export type CompatibilityLevel =
  | 'NONE'
  | 'BACKWARD'
  | 'BACKWARD_TRANSITIVE'
  | 'FORWARD'
  | 'FORWARD_TRANSITIVE'
  | 'FULL'
  | 'FULL_TRANSITIVE'

/** All levels. */
export const compatibilityLevels: readonly CompatibilityLevel[] = [
  'NONE',
  'BACKWARD',
  'BACKWARD_TRANSITIVE',
  'FORWARD',
  'FORWARD_TRANSITIVE',
  'FULL',
  'FULL_TRANSITIVE',
]

/** Whether a subject accepts schemas, and with which ids. */
export type Mode = 'READWRITE' | 'READONLY' | 'READONLY_OVERRIDE' | 'IMPORT' | 'FORWARD'

/** All modes. */
export const registryModes: readonly Mode[] = [
  'READWRITE',
  'READONLY',
  'READONLY_OVERRIDE',
  'IMPORT',
  'FORWARD',
]

/** Configuration of a subject, of a context or of the registry; absent parts are inherited. */
export interface Settings {
  /** Subject whose schemas are used instead. */
  readonly alias?: string
  /** The same for encryption keys; stored for other registries. */
  readonly aliasForDeks?: string
  /** Whether schemas are normalized. */
  readonly normalize?: boolean
  /** Whether reserved fields are checked. */
  readonly validateFields?: boolean
  /** Whether new schemas are checked more strictly than stored ones. */
  readonly validateNewSchemas?: boolean
  /** Whether rules are checked; stored for other registries. */
  readonly validateRules?: boolean
  /** Which changes are allowed. */
  readonly compatibilityLevel?: CompatibilityLevel
  /** How JSON Schemas with an open content model are compared. */
  readonly compatibilityPolicy?: CompatibilityPolicy
  /** Property of metadata; only schemas with the same value are compared. */
  readonly compatibilityGroup?: string
  /** Metadata of schemas that have none of that name. */
  readonly defaultMetadata?: SchemaMetadata
  /** Metadata that replaces that of schemas. */
  readonly overrideMetadata?: SchemaMetadata
  /** Rules of schemas that have none of that name. */
  readonly defaultRuleSet?: RuleSet
  /** Rules that replace those of schemas. */
  readonly overrideRuleSet?: RuleSet
}

type Key = keyof Settings

function levelOf(value: unknown): CompatibilityLevel | undefined {
  const text = textOf(value, 'compatibility')?.toUpperCase()
  if (text === undefined) return undefined
  if (!compatibilityLevels.includes(text as CompatibilityLevel)) throw errors.invalidCompatibility()
  return text as CompatibilityLevel
}

function policyOf(value: unknown): CompatibilityPolicy | undefined {
  const text = textOf(value, 'compatibilityPolicy')?.toUpperCase()
  if (text === undefined || text === 'STRICT' || text === 'LENIENT') return text
  throw errors.badRequest('compatibilityPolicy: expected STRICT or LENIENT')
}

/** How each part is read, in the order of Confluent's JSON. */
const readers: { readonly [K in Key]-?: (value: unknown) => Settings[K] | undefined } = {
  alias: (value) => textOf(value, 'alias'),
  aliasForDeks: (value) => textOf(value, 'aliasForDeks'),
  normalize: (value) => booleanOf(value, 'normalize'),
  validateFields: (value) => booleanOf(value, 'validateFields'),
  validateNewSchemas: (value) => booleanOf(value, 'validateNewSchemas'),
  validateRules: (value) => booleanOf(value, 'validateRules'),
  compatibilityLevel: levelOf,
  compatibilityPolicy: policyOf,
  compatibilityGroup: (value) => textOf(value, 'compatibilityGroup'),
  defaultMetadata: (value) => readMetadata(value, 'defaultMetadata'),
  overrideMetadata: (value) => readMetadata(value, 'overrideMetadata'),
  defaultRuleSet: (value) => readRuleSet(value, 'defaultRuleSet'),
  overrideRuleSet: (value) => readRuleSet(value, 'overrideRuleSet'),
}

const keys = Object.keys(readers) as Key[]

/** Settings of a JSON object; keys that are null or empty are absent. */
export function readSettings(fields: Readonly<Record<string, unknown>>): Settings {
  return fromEntries((key) => readers[key](fields[key]))
}

function fromEntries(read: (key: Key) => unknown): Settings {
  const settings: Record<string, unknown> = {}
  for (const key of keys) {
    const value = read(key)
    if (value !== undefined && value !== '') settings[key] = value
  }
  return settings as Settings
}

/**
 * The settings after an update: its keys replace, its keys with null are removed, others stay.
 * In updates the level is called `compatibility`.
 */
export function updateSettings(
  current: Settings | undefined,
  update: Readonly<Record<string, unknown>>,
): Settings {
  return fromEntries((key) => {
    const name = key === 'compatibilityLevel' ? 'compatibility' : key
    const isGiven = Object.hasOwn(update, name)
    return isGiven ? readers[key](update[name]) : current?.[key]
  })
}

/** Settings as the reply to an update shows them. */
export function settingsUpdateJson({
  compatibilityLevel,
  ...settings
}: Settings): Readonly<Record<string, unknown>> {
  const entries = keys.flatMap((key): (readonly [string, unknown])[] => {
    if (key === 'compatibilityLevel') {
      return compatibilityLevel === undefined ? [] : [['compatibility', compatibilityLevel]]
    }
    const value = settings[key as keyof typeof settings]
    return value === undefined ? [] : [[key, value]]
  })
  return Object.fromEntries(entries)
}

/** Settings of a subject, completed by those of the registry where they are inherited singly. */
export function mergeSettings(global: Settings, own: Settings): Settings {
  const inherited: readonly Key[] = [
    'normalize',
    'validateFields',
    'validateNewSchemas',
    'validateRules',
    'compatibilityPolicy',
    'compatibilityGroup',
  ]
  return fromEntries((key) => own[key] ?? (inherited.includes(key) ? global[key] : undefined))
}

/** Whether settings change the metadata or rules of schemas. */
export function hasDefaultsOrOverrides(settings: Settings): boolean {
  return (
    settings.defaultMetadata !== undefined ||
    settings.overrideMetadata !== undefined ||
    settings.defaultRuleSet !== undefined ||
    settings.overrideRuleSet !== undefined
  )
}

/** A mode of a request, in any case; undefined for null. Throws 42204. */
export function readMode(value: unknown): Mode | undefined {
  const text = textOf(value, 'mode')?.toUpperCase()
  if (text === undefined) return undefined
  if (!registryModes.includes(text as Mode)) throw errors.invalidMode()
  return text as Mode
}
