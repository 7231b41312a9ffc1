// SPDX-License-Identifier: Apache-2.0
import { createHash, type Hash } from 'node:crypto'
import type { RuleSet, SchemaMetadata, SchemaRule } from '../schema/data-contract.ts'
import type { SchemaReference } from '../schema/schema.ts'

/** What identifies a schema, whatever its subject, version and id. */
export interface SchemaContent {
  /** Text as stored. */
  readonly schema: string
  /** References, in their order. */
  readonly references: readonly SchemaReference[]
  /** Metadata, sorted. */
  readonly metadata?: SchemaMetadata | undefined
  /** Rules. */
  readonly ruleSet?: RuleSet | undefined
}

/** Byte in front of metadata and of rules, so that empty ones differ from absent ones. */
const PRESENT = Buffer.of(1)

/** The GUID of a schema: the MD5 of its content, written as a UUID. */
export function guidOf({ schema, references, metadata, ruleSet }: SchemaContent): string {
  const hash = createHash('md5').update(schema)
  for (const { name, subject, version } of references) {
    const bytes = Buffer.alloc(4)
    bytes.writeInt32BE(version)
    hash.update(name).update(subject).update(bytes)
  }
  if (metadata !== undefined) addMetadata(hash, metadata)
  if (ruleSet !== undefined) addRuleSet(hash, ruleSet)
  return asUuid(hash.digest('hex'))
}

function addMetadata(hash: Hash, { tags, properties, sensitive }: SchemaMetadata): void {
  hash.update(PRESENT)
  for (const [path, names] of Object.entries(tags ?? {})) {
    hash.update(path)
    for (const name of names) hash.update(name)
  }
  for (const [key, value] of Object.entries(properties ?? {})) hash.update(key).update(value)
  for (const name of sensitive ?? []) hash.update(name)
}

function addRuleSet(hash: Hash, ruleSet: RuleSet): void {
  hash.update(PRESENT)
  for (const list of [ruleSet.migrationRules, ruleSet.domainRules, ruleSet.encodingRules]) {
    for (const rule of list ?? []) addRule(hash, rule)
  }
  if (ruleSet.enableAt !== undefined) hash.update(ruleSet.enableAt)
}

function addRule(hash: Hash, rule: SchemaRule): void {
  const { name, doc, kind, mode, type, tags, params, expr, onSuccess, onFailure, disabled } = rule
  for (const text of [name, doc, kind, mode, type]) if (text !== undefined) hash.update(text)
  for (const tag of tags ?? []) hash.update(tag)
  for (const [key, value] of Object.entries(params ?? {})) hash.update(key).update(value)
  for (const text of [expr, onSuccess, onFailure]) if (text !== undefined) hash.update(text)
  if (disabled === true) hash.update(PRESENT)
}

/** 32 hexadecimal digits as a UUID. */
function asUuid(hex: string): string {
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5')
}

/** The GUID of an MD5 in base64, as some records have it; undefined if it is not one. */
export function guidOfMd5(base64: string): string | undefined {
  const bytes = Buffer.from(base64, 'base64')
  return bytes.length === 16 ? asUuid(bytes.toString('hex')) : undefined
}
