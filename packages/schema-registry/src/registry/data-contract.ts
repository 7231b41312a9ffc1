// SPDX-License-Identifier: Apache-2.0
// Metadata and rules of a schema: reading, merging and checking. Clients execute the rules.
import type { RuleSet, SchemaMetadata, SchemaRule } from '../schema/data-contract.ts'
import { errors } from './registry-error.ts'

/** Property of metadata with the version of the schema, kept for the rules between versions. */
export const VERSION_PROPERTY = 'confluent:version'
/** Property of metadata whose sensitive values are encrypted with keys of another topic. */
export const ENCRYPTED_PROPERTY = '__enc__'

const MAX_RULE_NAME = 256

type Fields = Readonly<Record<string, unknown>>

function isFields(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function refuse(path: string, expected: string): never {
  throw errors.badRequest(`${path}: expected ${expected}`)
}

/** An object, or undefined for null and nothing; anything else is refused. */
export function fieldsOf(value: unknown, path: string): Fields | undefined {
  if (value === undefined || value === null) return undefined
  return isFields(value) ? value : refuse(path, 'an object')
}

/** A text, or undefined for null and nothing; numbers and booleans are converted. */
export function textOf(value: unknown, path: string): string | undefined {
  if (value === undefined || value === null) return undefined
  if (typeof value === 'string') return value
  if (typeof value === 'number' || typeof value === 'boolean') return String(value)
  return refuse(path, 'a string')
}

/** An array, or undefined for null and nothing. */
export function listOf(value: unknown, path: string): readonly unknown[] | undefined {
  if (value === undefined || value === null) return undefined
  return Array.isArray(value) ? value : refuse(path, 'an array')
}

/** A boolean, or undefined for null and nothing. */
export function booleanOf(value: unknown, path: string): boolean | undefined {
  if (value === undefined || value === null) return undefined
  if (typeof value === 'boolean') return value
  if (typeof value === 'string' && /^(true|false)$/i.test(value)) {
    return value.toLowerCase() === 'true'
  }
  return refuse(path, 'true or false')
}

/** An integer of 32 bits, or undefined for null and nothing. */
export function integerOf(value: unknown, path: string): number | undefined {
  if (value === undefined || value === null) return undefined
  const number = typeof value === 'string' && value.trim() !== '' ? Number(value) : value
  if (typeof number === 'number' && Number.isInteger(number) && Math.abs(number) < 2 ** 31) {
    return number
  }
  return refuse(path, 'an integer')
}

/** Entries by key, sorted. A null prototype keeps a key such as `__proto__` an ordinary one. */
function sorted<T>(entries: Iterable<readonly [string, T]>): Readonly<Record<string, T>> {
  const result: Record<string, T> = Object.create(null)
  for (const [key, value] of [...entries].sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0))) {
    result[key] = value
  }
  return result
}

function names(value: unknown, path: string): readonly string[] {
  const list = (listOf(value, path) ?? []).map((each) => textOf(each, path) ?? '')
  return [...new Set(list)].sort()
}

function texts(value: unknown, path: string): Readonly<Record<string, string>> {
  return sorted(
    Object.entries(fieldsOf(value, path) ?? {}).map(
      ([key, each]) => [key, textOf(each, `${path}.${key}`) ?? ''] as const,
    ),
  )
}

const isEmpty = (value: object): boolean => Object.keys(value).length === 0

/** Metadata of a JSON value, in the one order that is stored and hashed; empty parts are absent. */
export function readMetadata(value: unknown, path = 'metadata'): SchemaMetadata | undefined {
  const fields = fieldsOf(value, path)
  if (fields === undefined) return undefined
  const tags = sorted(
    Object.entries(fieldsOf(fields.tags, `${path}.tags`) ?? {}).map(
      ([key, each]) => [key, names(each, `${path}.tags.${key}`)] as const,
    ),
  )
  const properties = texts(fields.properties, `${path}.properties`)
  const sensitive = names(fields.sensitive, `${path}.sensitive`)
  return {
    ...(isEmpty(tags) ? {} : { tags }),
    ...(isEmpty(properties) ? {} : { properties }),
    ...(sensitive.length === 0 ? {} : { sensitive }),
  }
}

const kinds: readonly string[] = ['CONDITION', 'TRANSFORM']
const migrationModes: readonly string[] = ['UPGRADE', 'DOWNGRADE', 'UPDOWN']
const domainModes: readonly string[] = ['WRITE', 'READ', 'WRITEREAD']
const modes = [...migrationModes, ...domainModes]
const environments: readonly string[] = ['ALL', 'CLIENT', 'GATEWAY', 'SERVER', 'NONE']

function choice(value: unknown, path: string, allowed: readonly string[]): string | undefined {
  const text = textOf(value, path)
  if (text === undefined || allowed.includes(text)) return text
  return refuse(path, `one of ${allowed.join(', ')}`)
}

function readRule(value: unknown, path: string): SchemaRule {
  const fields = fieldsOf(value, path) ?? {}
  const optional = (key: string): Fields => {
    const text = textOf(fields[key], `${path}.${key}`)
    return text === undefined || text === '' ? {} : { [key]: text }
  }
  const tags = names(fields.tags, `${path}.tags`)
  const params = texts(fields.params, `${path}.params`)
  return {
    ...optional('name'),
    ...optional('doc'),
    kind: choice(fields.kind, `${path}.kind`, kinds) ?? 'TRANSFORM',
    mode: choice(fields.mode, `${path}.mode`, modes) ?? 'WRITEREAD',
    ...optional('type'),
    ...(tags.length === 0 ? {} : { tags }),
    ...(isEmpty(params) ? {} : { params }),
    ...optional('expr'),
    ...optional('onSuccess'),
    ...optional('onFailure'),
    disabled: booleanOf(fields.disabled, `${path}.disabled`) ?? false,
  } as SchemaRule
}

const ruleLists = ['migrationRules', 'domainRules', 'encodingRules'] as const

/** Rules of a JSON value, in the one form that is stored and hashed; empty lists are absent. */
export function readRuleSet(value: unknown, path = 'ruleSet'): RuleSet | undefined {
  const fields = fieldsOf(value, path)
  if (fields === undefined) return undefined
  const lists = ruleLists.flatMap((key) => {
    const list = listOf(fields[key], `${path}.${key}`) ?? []
    return list.length === 0
      ? []
      : [[key, list.map((rule, index) => readRule(rule, `${path}.${key}[${index}]`))] as const]
  })
  const enableAt = choice(fields.enableAt, `${path}.enableAt`, environments)
  return { ...Object.fromEntries(lists), ...(enableAt === undefined ? {} : { enableAt }) }
}

/** Checks rules that a client sent. Throws 42210. */
export function checkRuleSet(ruleSet: RuleSet | undefined): void {
  const seen = new Set<string>()
  for (const list of ruleLists) {
    for (const rule of ruleSet?.[list] ?? []) {
      if (seen.has(rule.name)) {
        throw errors.invalidRules(`Found rule with duplicate name '${rule.name}'`)
      }
      seen.add(rule.name)
      checkRule(rule)
      const isMigration = list === 'migrationRules'
      if (!(isMigration ? migrationModes : domainModes).includes(rule.mode ?? '')) {
        throw errors.invalidRules(
          isMigration
            ? 'Migration rules can only be UPGRADE, DOWNGRADE, UPDOWN'
            : `${list === 'domainRules' ? 'Domain' : 'Encoding'} rules can only be WRITE, READ, WRITEREAD`,
        )
      }
    }
  }
}

function checkRule({ name, type, mode, onSuccess, onFailure }: SchemaRule): void {
  if (name === undefined || name === '') throw errors.invalidRules('Missing rule name')
  if (name.length > MAX_RULE_NAME) throw errors.invalidRules('Rule name too long')
  if (!/^[\p{L}_]/u.test(name)) {
    throw errors.invalidRules(`Illegal initial character in rule name: ${name}`)
  }
  if (!/^[\p{L}\p{Nd}_-]*$/u.test(name)) {
    throw errors.invalidRules(`Illegal character in rule name: ${name}`)
  }
  if (type === undefined) throw errors.invalidRules('Missing rule type')
  if (mode === 'WRITEREAD' || mode === 'UPDOWN') return
  if (onSuccess?.includes(',') === true || onFailure?.includes(',') === true) {
    throw errors.invalidRules('Multiple actions only valid with WRITEREAD and UPDOWN')
  }
}

/** Metadata of both; the second takes precedence, key by key. */
export function mergeMetadata(
  older: SchemaMetadata | undefined,
  newer: SchemaMetadata | undefined,
): SchemaMetadata | undefined {
  if (older === undefined) return newer
  if (newer === undefined) return older
  return readMetadata({
    tags: { ...older.tags, ...newer.tags },
    properties: { ...older.properties, ...newer.properties },
    sensitive: [...(older.sensitive ?? []), ...(newer.sensitive ?? [])],
  })
}

/** Rules of both; a rule of the second replaces one of the same name in the same list. */
export function mergeRuleSets(
  older: RuleSet | undefined,
  newer: RuleSet | undefined,
): RuleSet | undefined {
  if (older === undefined) return newer
  if (newer === undefined) return older
  const enableAt = newer.enableAt ?? older.enableAt
  const lists = ruleLists.flatMap((key) => {
    const added = newer[key] ?? []
    const replaced = new Set(added.map(({ name }) => name))
    const kept = (older[key] ?? []).filter(({ name }) => !replaced.has(name))
    const list = [...kept, ...added]
    return list.length === 0 ? [] : [[key, list] as const]
  })
  return { ...Object.fromEntries(lists), ...(enableAt === undefined ? {} : { enableAt }) }
}

/** Rules without those of some names. */
export function removeRules(
  ruleSet: RuleSet | undefined,
  removed: readonly string[],
): RuleSet | undefined {
  if (ruleSet === undefined) return undefined
  const names = new Set(removed)
  return readRuleSet({
    ...ruleSet,
    ...Object.fromEntries(
      ruleLists.map((key) => [key, (ruleSet[key] ?? []).filter((r) => !names.has(r.name))]),
    ),
  })
}

/** Metadata with the property that records the schema's version. */
export function withVersionProperty(
  metadata: SchemaMetadata | undefined,
  version: number,
): SchemaMetadata {
  return mergeMetadata(metadata ?? {}, {
    properties: { [VERSION_PROPERTY]: String(version) },
  }) as SchemaMetadata
}

/** Metadata without the property that records the schema's version. */
export function withoutVersionProperty(
  metadata: SchemaMetadata | undefined,
): SchemaMetadata | undefined {
  if (metadata?.properties?.[VERSION_PROPERTY] === undefined) return metadata
  const { [VERSION_PROPERTY]: _removed, ...properties } = metadata.properties
  return readMetadata({ ...metadata, properties })
}
