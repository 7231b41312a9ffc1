// SPDX-License-Identifier: Apache-2.0
import type { SchemaReference } from '../schema/schema.ts'
import { guidOf, guidOfMd5, type SchemaContent } from './guid.ts'
import type { RegistryRecord, SchemaValue } from './registry-record.ts'
import { keyOf } from './registry-record.ts'
import type { Mode, Settings } from './settings.ts'
import {
  contextOf,
  contextPrefix,
  DEFAULT_CONTEXT,
  GLOBAL_CONTEXT,
  isInScope,
  parseSubject,
  qualify,
} from './subject.ts'

/** A version of a subject. */
export interface SchemaEntry extends SchemaValue {
  /** GUID of its content. */
  readonly guid: string
  /** Time of its record, milliseconds since 1970. */
  readonly timestampMs: number
}

/** Place of a record in the topic. */
export interface RecordPosition {
  /** Time of the record, milliseconds since 1970. */
  readonly timestampMs: number
  /** Text of the key, if it is not in the form that `keyOf` returns. */
  readonly keyText?: string
}

/** Which versions count. */
export type LookupFilter = 'live' | 'all' | 'deletedOnly'

/** Schemas of one context. */
interface ContextState {
  /** Whether it has a separate record. */
  isRecorded: boolean
  /** Highest id that was assigned. */
  maxId: number
  /** Highest id in a separate record. */
  recordedMaxId: number
  /** Versions with an id, soft-deleted ones included. */
  readonly byId: Map<number, SchemaEntry[]>
  readonly idByGuid: Map<string, number>
}

/** Settings that apply where no record says otherwise. */
export interface RegistryDefaults {
  /** Compatibility level and validation of the registry. */
  readonly settings: Settings
  /** Mode of the registry. */
  readonly mode: Mode
  /** Whether reserved fields are checked. */
  readonly validateFields: boolean
  /** Whether new schemas are checked more strictly than stored ones. */
  readonly validateNewSchemas: boolean
}

/** The state of a registry: what the records of its topic say. Changed only by `apply`. */
export class RegistryState {
  readonly #defaults: RegistryDefaults
  /** Versions by subject. */
  readonly #subjects = new Map<string, Map<number, SchemaEntry>>()
  readonly #contexts = new Map<string, ContextState>()
  readonly #settings = new Map<string, Settings>()
  readonly #modes = new Map<string, Mode>()
  /** Schemas that reference a version, by subject and version. */
  readonly #referrers = new Map<string, Set<SchemaEntry>>()
  readonly #associations = new Map<string, object>()
  /** Keys whose text in the topic differs from that of this registry. */
  readonly #otherKeyTexts = new Map<string, Set<string>>()

  constructor(defaults: RegistryDefaults) {
    this.#defaults = defaults
  }

  // Changes

  /**
   * Applies a record. Returns false for a schema whose id belongs to another schema of the context:
   * the first record with an id counts, in every registry that reads the topic.
   */
  apply(record: RegistryRecord, position: RecordPosition): boolean {
    if (position.keyText !== undefined) this.#rememberKey(record, position.keyText)
    switch (record.kind) {
      case 'schema':
        return this.#applySchema(record.subject, record.version, record.value, position)
      case 'config':
        if (record.value === null) this.#settings.delete(record.subject)
        else this.#settings.set(record.subject, record.value)
        return true
      case 'mode':
        if (record.value === null) this.#modes.delete(record.subject)
        else this.#modes.set(record.subject, record.value)
        return true
      case 'deleteSubject':
        if (record.value !== null) this.#softDelete(record.subject, record.value)
        return true
      case 'clearSubject':
        if (record.value !== null) this.#clear(record.subject)
        return true
      case 'context':
        this.#context(record.context).isRecorded = record.value !== null
        return true
      case 'maxId': {
        const context = this.#context(record.context)
        context.maxId = Math.max(context.maxId, record.value)
        context.recordedMaxId = Math.max(context.recordedMaxId, record.value)
        return true
      }
      case 'association':
        if (record.value === null) this.#associations.delete(record.key)
        else this.#associations.set(record.key, record.value)
        return true
      case 'noop':
      case 'unknown':
        return true
    }
  }

  #rememberKey(record: RegistryRecord, keyText: string): void {
    if (record.kind === 'unknown' || record.kind === 'noop') return
    const own = keyOf(record)
    if (own === keyText) return
    const texts = this.#otherKeyTexts.get(own) ?? new Set()
    // A key has few forms; the bound is for records that are no registry's.
    if (texts.size < 8) this.#otherKeyTexts.set(own, texts.add(keyText))
  }

  #applySchema(
    subject: string,
    version: number,
    value: SchemaValue | null,
    { timestampMs }: RecordPosition,
  ): boolean {
    const old = this.#subjects.get(subject)?.get(version)
    if (value === null) {
      if (old !== undefined) this.#remove(old)
      return true
    }
    const context = this.#context(contextOf(subject))
    context.maxId = Math.max(context.maxId, value.id)
    const [same] = context.byId.get(value.id) ?? []
    if (same !== undefined && same.schema !== value.schema) return false
    if (old !== undefined) this.#remove(old)
    const guid =
      (value.md5 === undefined ? undefined : guidOfMd5(value.md5)) ?? guidOf(value as SchemaContent)
    this.#add({ ...value, guid, timestampMs })
    return true
  }

  #add(entry: SchemaEntry): void {
    const { subject, version, id, guid } = entry
    const versions = this.#subjects.get(subject) ?? new Map<number, SchemaEntry>()
    versions.set(version, entry)
    this.#subjects.set(subject, versions)
    const context = this.#context(contextOf(subject))
    const sameId = context.byId.get(id)
    if (sameId === undefined) context.byId.set(id, [entry])
    else sameId.push(entry)
    context.idByGuid.set(guid, id)
    for (const key of this.#referenced(entry)) {
      const referrers = this.#referrers.get(key)
      if (referrers === undefined) this.#referrers.set(key, new Set([entry]))
      else referrers.add(entry)
    }
  }

  #remove(entry: SchemaEntry): void {
    const { subject, version, id, guid } = entry
    const versions = this.#subjects.get(subject)
    versions?.delete(version)
    if (versions?.size === 0) this.#subjects.delete(subject)
    const context = this.#context(contextOf(subject))
    const others = (context.byId.get(id) ?? []).filter((each) => each !== entry)
    if (others.length > 0) {
      context.byId.set(id, others)
    } else {
      context.byId.delete(id)
    }
    if (!others.some((each) => each.guid === guid) && context.idByGuid.get(guid) === id) {
      context.idByGuid.delete(guid)
    }
    for (const key of this.#referenced(entry)) {
      const referrers = this.#referrers.get(key)
      referrers?.delete(entry)
      if (referrers?.size === 0) this.#referrers.delete(key)
    }
  }

  #referenced({ subject, references }: SchemaEntry): string[] {
    return references.map((each) => versionKey(qualify(subject, each.subject), each.version))
  }

  #softDelete(subject: string, lastVersion: number): void {
    for (const entry of [...(this.#subjects.get(subject)?.values() ?? [])]) {
      if (entry.version > lastVersion || entry.deleted) continue
      this.#remove(entry)
      this.#add({ ...entry, deleted: true })
    }
  }

  #clear(scope: string): void {
    for (const [subject, versions] of [...this.#subjects]) {
      if (!isInScope(subject, scope)) continue
      for (const entry of [...versions.values()]) if (entry.deleted) this.#remove(entry)
    }
  }

  #context(name: string): ContextState {
    let context = this.#contexts.get(name)
    if (context === undefined) {
      context = {
        isRecorded: false,
        maxId: 0,
        recordedMaxId: 0,
        byId: new Map(),
        idByGuid: new Map(),
      }
      this.#contexts.set(name, context)
    }
    return context
  }

  // Keys

  /** All texts that the key of a record has in the topic; the first is that of this registry. */
  keyTexts(record: RegistryRecord): readonly string[] {
    const own = keyOf(record)
    return [own, ...(this.#otherKeyTexts.get(own) ?? [])]
  }

  // Subjects and versions

  /** A version of a subject, soft-deleted or not. */
  entry(subject: string, version: number): SchemaEntry | undefined {
    return this.#subjects.get(subject)?.get(version)
  }

  /** Versions of a subject, the lowest first. */
  versions(subject: string, filter: LookupFilter = 'live'): SchemaEntry[] {
    return [...(this.#subjects.get(subject)?.values() ?? [])]
      .filter(({ deleted }) => filter === 'all' || deleted === (filter === 'deletedOnly'))
      .sort((a, b) => a.version - b.version)
  }

  /** The last version of a subject that is not deleted. */
  latest(subject: string): SchemaEntry | undefined {
    let latest: SchemaEntry | undefined
    for (const entry of this.#subjects.get(subject)?.values() ?? []) {
      if (!entry.deleted && entry.version > (latest?.version ?? 0)) latest = entry
    }
    return latest
  }

  /** Whether a subject, or a context if `scope` names one, has versions. */
  hasSubjects(scope: string, includesDeleted: boolean): boolean {
    const isLive = (versions: ReadonlyMap<number, SchemaEntry>): boolean =>
      includesDeleted || [...versions.values()].some(({ deleted }) => !deleted)
    const own = this.#subjects.get(scope)
    if (own !== undefined && isLive(own)) return true
    if (parseSubject(scope).name !== '') return false
    return [...this.#subjects].some(([subject, each]) => isInScope(subject, scope) && isLive(each))
  }

  /** Subjects with versions, soft-deleted ones included, that are `scope` or in that context. */
  subjectsIn(scope: string): string[] {
    return [...this.#subjects.keys()].filter((subject) => isInScope(subject, scope))
  }

  /**
   * Subjects that begin with a prefix, sorted. `:*:` in front of it stands for every context.
   * `deletedOnly`: those of which all versions are deleted.
   */
  subjects(prefix: string, filter: LookupFilter = 'live'): string[] {
    return [...this.#subjects]
      .filter(([subject, versions]) => {
        if (!startsWith(subject, prefix)) return false
        if (filter === 'all') return true
        const isDeleted = [...versions.values()].every(({ deleted }) => deleted)
        return isDeleted === (filter === 'deletedOnly')
      })
      .map(([subject]) => subject)
      .sort()
  }

  // Ids

  /** Versions with an id in a context, soft-deleted ones included, in the order of registration. */
  entriesById(context: string, id: number): readonly SchemaEntry[] {
    return this.#contexts.get(context)?.byId.get(id) ?? []
  }

  /** Versions with the content of a GUID in a context. */
  entriesByGuid(context: string, guid: string): readonly SchemaEntry[] {
    const id = this.#contexts.get(context)?.idByGuid.get(guid)
    return id === undefined ? [] : this.entriesById(context, id).filter((e) => e.guid === guid)
  }

  /** Highest id of a context that was assigned; 0 for none. */
  maxId(context: string): number {
    return this.#contexts.get(context)?.maxId ?? 0
  }

  /**
   * Whether the highest id of a context is still in the topic without some versions: in a record
   * of the id, or in that of another version.
   */
  keepsMaxId(context: string, removed: readonly SchemaEntry[]): boolean {
    const { maxId, recordedMaxId, byId } = this.#context(context)
    if (recordedMaxId >= maxId) return true
    return (byId.get(maxId) ?? []).some((entry) => !removed.includes(entry))
  }

  /** Contexts, sorted; the default one is the first. */
  contexts(): string[] {
    const names = [...this.#contexts]
      .filter(([, { isRecorded, byId }]) => isRecorded || byId.size > 0)
      .map(([name]) => name)
      .filter((name) => name !== DEFAULT_CONTEXT)
    return [DEFAULT_CONTEXT, ...names.sort()]
  }

  /** Whether a context has a separate record. */
  isContextRecorded(context: string): boolean {
    return this.#contexts.get(context)?.isRecorded ?? false
  }

  // References

  /** Versions that reference a version. */
  referrers(subject: string, version: number, includesDeleted: boolean): readonly SchemaEntry[] {
    const referrers = [...(this.#referrers.get(versionKey(subject, version)) ?? [])]
    return includesDeleted ? referrers : referrers.filter(({ deleted }) => !deleted)
  }

  /** The version that a reference of a schema of `parent` names. */
  resolve(parent: string, { subject, version }: SchemaReference): SchemaEntry | undefined {
    const target = qualify(parent, subject)
    return version === -1 ? this.latest(target) : this.entry(target, version)
  }

  // Settings. The empty scope is the default context, which is also that of the whole registry.

  /** Settings of a scope itself; for the registry with defaults. */
  ownSettings(scope: string): Settings | undefined {
    const own = this.#settings.get(scope)
    if (own !== undefined) return this.#withLevel(own)
    return isRegistry(scope) ? this.#defaults.settings : undefined
  }

  /** Whether there is a record with settings of a scope. */
  hasSettings(scope: string): boolean {
    return this.#settings.has(scope)
  }

  /** Settings of a scope as stored. */
  storedSettings(scope: string): Settings | undefined {
    return this.#settings.get(scope)
  }

  /** Settings that apply to a scope: its own, or those of its context, or of the registry. */
  inheritedSettings(scope: string): Settings {
    for (const each of scopesOf(scope)) {
      const settings = this.#settings.get(each)
      if (settings !== undefined) return this.#withLevel(settings)
    }
    return this.#defaults.settings
  }

  #withLevel(settings: Settings): Settings {
    const { compatibilityLevel } = this.#defaults.settings
    if (settings.compatibilityLevel !== undefined || compatibilityLevel === undefined) {
      return settings
    }
    return { ...settings, compatibilityLevel }
  }

  /** Defaults of the registry. */
  get defaults(): RegistryDefaults {
    return this.#defaults
  }

  /** Mode of a scope itself; for the registry with the default. */
  ownMode(scope: string): Mode | undefined {
    return this.#modes.get(scope) ?? (isRegistry(scope) ? this.#defaults.mode : undefined)
  }

  /** Whether there is a record with the mode of a scope. */
  hasMode(scope: string): boolean {
    return this.#modes.has(scope)
  }

  /** The mode that applies to a scope: its own, or that of its context, or of the registry. */
  mode(scope: string): Mode {
    for (const each of scopesOf(scope)) {
      const mode = this.#modes.get(each)
      if (mode !== undefined) return mode
    }
    return this.#defaults.mode
  }

  /** Subjects with a mode that begin with a prefix. */
  subjectsWithMode(prefix: string): string[] {
    return [...this.#modes.keys()].filter(
      (each) => each !== prefix && each !== '' && startsWith(each, prefix),
    )
  }

  /** Subjects whose settings name another subject as their alias, by that subject. */
  aliases(): ReadonlyMap<string, readonly string[]> {
    const aliases = new Map<string, string[]>()
    for (const [scope, { alias }] of this.#settings) {
      if (alias === undefined) continue
      const target = qualify(scope, alias)
      aliases.set(target, [...(aliases.get(target) ?? []), scope])
    }
    return aliases
  }

  /** Associations of subjects with resources, written by other registries. */
  associations(): readonly object[] {
    return [...this.#associations.values()]
  }
}

function versionKey(subject: string, version: number): string {
  return `${version} ${subject}`
}

/** Scopes whose settings apply, the most specific one first. */
function scopesOf(scope: string): string[] {
  return [scope, contextPrefix(contextOf(scope)), contextPrefix(GLOBAL_CONTEXT)]
}

function isRegistry(scope: string): boolean {
  return scope === '' || contextOf(scope) === GLOBAL_CONTEXT
}

function startsWith(subject: string, prefix: string): boolean {
  const { context, name } = parseSubject(prefix)
  if (context !== '*') {
    return subject.startsWith(prefix) && (prefix !== '' || !subject.startsWith(':.'))
  }
  return parseSubject(subject).name.startsWith(name)
}
