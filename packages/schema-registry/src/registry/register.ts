// SPDX-License-Identifier: Apache-2.0
import { passDeferred } from '../evaluation/schema-evaluator.ts'
import type { RuleSet, SchemaMetadata } from '../schema/data-contract.ts'
import type { ParsedSchema, SchemaReference } from '../schema/schema.ts'
import { type CheckedSchema, checkCompatibility } from './compatibility.ts'
import {
  mergeMetadata,
  mergeRuleSets,
  VERSION_PROPERTY,
  withoutVersionProperty,
  withVersionProperty,
} from './data-contract.ts'
import { type Decision, type RegistryView, unchanged } from './decision.ts'
import { guidOf } from './guid.ts'
import { highestIds } from './highest-ids.ts'
import { errors } from './registry-error.ts'
import type { RegistryRecord, SchemaValue } from './registry-record.ts'
import type { RegistryState, SchemaEntry } from './registry-state.ts'
import { formOf, type SchemaForm } from './schema-parser.ts'
import { hasDefaultsOrOverrides, type Mode, mergeSettings, type Settings } from './settings.ts'
import { contextOf, contextPrefix, DEFAULT_CONTEXT } from './subject.ts'

/** A schema to register or to look up. */
export interface SchemaRequest {
  /** Text; empty: that of the latest version. */
  readonly schema: string
  /** Format. */
  readonly schemaType: string
  /** References. */
  readonly references: readonly SchemaReference[]
  /** Metadata; undefined: that of the latest version. */
  readonly metadata: SchemaMetadata | undefined
  /** Rules; undefined: those of the latest version. */
  readonly ruleSet: RuleSet | undefined
  /** Id to import; undefined for a new one. */
  readonly id: number | undefined
  /** Version to register; 0 for the next one, -1 for the next one with its number in metadata. */
  readonly version: number
}

/** How a schema is registered. */
export interface RegisterOptions {
  /** Whether the normal form is stored. */
  readonly normalize: boolean
  /** Whether compatibility is not checked. */
  readonly force: boolean
  /** Assigns an id of a context; called once, and only if the schema needs a new id. */
  readonly nextId: (context: string) => number
}

/** A registered version, as a reply shows it. */
export interface Registered {
  /** Id. */
  readonly id: number
  /** Version. */
  readonly version: number
  /** GUID. */
  readonly guid: string
  /** Format. */
  readonly schemaType: string
  /** References. */
  readonly references: readonly SchemaReference[]
  /** Metadata. */
  readonly metadata?: SchemaMetadata | undefined
  /** Rules. */
  readonly ruleSet?: RuleSet | undefined
  /** Text as stored. */
  readonly schema: string
}

/** Settings that apply to a subject, and the checks that the registry does by default. */
function effectiveSettings(state: RegistryState, subject: string): Settings {
  const { validateFields, validateNewSchemas } = state.defaults
  return { validateFields, validateNewSchemas, ...settingsInScope(state, subject) }
}

/** Settings that apply to a subject. */
export function settingsInScope(state: RegistryState, subject: string): Settings {
  const own = state.storedSettings(subject)
  if (own === undefined || subject === '') return state.inheritedSettings(subject)
  const { compatibilityLevel } = state.defaults.settings
  const level = own.compatibilityLevel ?? compatibilityLevel
  const complete = level === undefined ? own : { ...own, compatibilityLevel: level }
  const global = state.ownSettings('') ?? {}
  return mergeSettings({ ...state.defaults.settings, ...global }, complete)
}

const isImport = (mode: Mode): boolean => mode === 'IMPORT' || mode === 'FORWARD'

/** Throws 42205 in a mode that accepts no changes. */
export function checkWritable(state: RegistryState, subject: string): void {
  const mode = state.mode(subject)
  if (mode === 'READONLY' || mode === 'READONLY_OVERRIDE') {
    throw notPermitted(subject, 'is in read-only mode')
  }
}

function notPermitted(subject: string, why: string): Error {
  const context = contextPrefix(contextOf(subject))
  return errors.notPermitted(`Subject ${subject} in context ${context} ${why}`)
}

function checkRegisterMode(state: RegistryState, subject: string, request: SchemaRequest): void {
  checkWritable(state, subject)
  const mode = state.mode(subject)
  if (request.id !== undefined) {
    if (!isImport(mode)) throw notPermitted(subject, 'is not in import mode')
  } else if (mode !== 'READWRITE') {
    throw notPermitted(subject, 'is not in read-write mode')
  }
}

/** A schema with what it takes over from the latest version and the settings. */
interface Completed extends SchemaRequest {
  readonly parsed: ParsedSchema
}

function completeText(request: SchemaRequest, latest: SchemaEntry | undefined): SchemaRequest {
  if (request.schema.trim() !== '') return request
  if (latest === undefined) throw errors.invalidSchema('Empty schema')
  const { schema, schemaType, references } = latest
  return { ...request, schema, schemaType, references }
}

/** Adds metadata and rules of the latest version, and the defaults and overrides of the subject. */
function completeContract(
  settings: Settings,
  request: SchemaRequest,
  latest: SchemaEntry | undefined,
  newVersion?: number,
): SchemaRequest {
  const own = request.metadata ?? latest?.metadata
  let metadata = mergeMetadata(
    mergeMetadata(settings.defaultMetadata, own),
    settings.overrideMetadata,
  )
  const ruleSet = mergeRuleSets(
    mergeRuleSets(settings.defaultRuleSet, request.ruleSet ?? latest?.ruleSet),
    settings.overrideRuleSet,
  )
  const hasVersion = metadata?.properties?.[VERSION_PROPERTY] !== undefined
  if (newVersion !== undefined && (request.version !== 0 || hasVersion)) {
    metadata = withVersionProperty(metadata, newVersion)
  }
  return { ...request, metadata, ruleSet }
}

/** Parses a schema and takes its canonical or normal text. */
function canonicalize(
  { state, parser }: RegistryView,
  subject: string,
  request: SchemaRequest,
  options: { readonly normalize: boolean; readonly settings: Settings },
): Completed {
  const { normalize, settings } = options
  const isChecked = request.id === undefined && settings.validateNewSchemas === true
  const parsed = parser.parse(state, { subject, ...request }, isChecked)
  const { references } = parsed
  if (isImport(state.mode(subject))) {
    return { ...request, schema: parsed.canonical, references, parsed }
  }
  if (isChecked || settings.validateFields === true) {
    const problems = parsed.problems()
    if (problems.length > 0) {
      throw errors.invalidSchema(
        `Invalid schema of type ${request.schemaType}, details: ${problems.join('; ')}`,
      )
    }
  }
  if (!normalize) return { ...request, schema: parsed.canonical, references, parsed }
  try {
    const normal = normalReferences(references)
    return { ...request, schema: parsed.normalized(), references: normal, parsed }
  } catch (error) {
    passDeferred(error)
    const reason = error instanceof Error ? error.message : String(error)
    throw errors.invalidSchema(
      `Invalid schema of type ${request.schemaType}, details: ${reason}`,
      error,
    )
  }
}

/** Versions have 32 bits. */
const MAX_VERSION = 2 ** 31 - 1

/** References by subject and version, each once: the normal form of Confluent's registry. */
function normalReferences(references: readonly SchemaReference[]): readonly SchemaReference[] {
  const distinct = new Map(
    references.map((each) => [JSON.stringify([each.name, each.subject, each.version]), each]),
  )
  return [...distinct.values()].sort((a, b) =>
    a.subject === b.subject ? a.version - b.version : a.subject < b.subject ? -1 : 1,
  )
}

/** Registers a schema. Throws 40901, 42201, 42205. */
export function register(
  view: RegistryView,
  subject: string,
  request: SchemaRequest,
  options: RegisterOptions,
): Decision<Registered> {
  const { state } = view
  const settings = effectiveSettings(state, subject)
  const normalize = options.normalize || settings.normalize === true
  const existing = findRegistered(view, subject, request, options)
  if (existing !== undefined) return unchanged(existing)

  checkRegisterMode(state, subject, request)
  const mode = state.mode(subject)
  const all = state.versions(subject, 'all')
  const live = all.filter(({ deleted }) => !deleted)
  const nextVersion = (all.at(-1)?.version ?? 0) + 1
  const latest = live.at(-1)
  const completed = isImport(mode)
    ? completeText(request, undefined)
    : completeContract(settings, completeText(request, latest), latest, nextVersion)
  const schema = canonicalize(view, subject, completed, { normalize, settings })

  const context = contextOf(subject)
  const guid = guidOf(schema)
  const same = state.entriesByGuid(context, guid)
  let id = schema.id
  if (same[0] !== undefined && (id === undefined || id === same[0].id)) {
    const here = same.findLast((each) => each.subject === subject && !each.deleted)
    if (request.version === 0 && here !== undefined) return unchanged(registered(here))
    id = same[0].id
  }
  if (request.version === 0) {
    const compared = { ...schema, subject, form: formsOf(schema) }
    const alike = live.findLast(
      (each) =>
        (request.id === undefined || request.id === each.id) && isEquivalent(view, compared, each),
    )
    if (alike !== undefined) return unchanged(registered(alike))
  }
  if (!isImport(mode) && !options.force) {
    const checked: CheckedSchema = { parsed: schema.parsed, metadata: schema.metadata }
    const { messages } = checkCompatibility(view, checked, settings, live)
    if (messages.length > 0) throw errors.incompatible(subject, `[${messages.join(', ')}]`)
  }
  const version = request.version > 0 ? request.version : nextVersion
  if (version > MAX_VERSION) throw errors.invalidSchema(`subject ${subject} has no more versions`)
  if (version !== nextVersion && !isImport(mode)) {
    throw errors.invalidSchema('Version is not one more than previous version')
  }
  if (id !== undefined) checkId(state, { context, id }, schema)
  const value: SchemaValue = {
    subject,
    version,
    id: id ?? options.nextId(context),
    schemaType: schema.schemaType,
    references: schema.references,
    ...(schema.metadata === undefined ? {} : { metadata: schema.metadata }),
    ...(schema.ruleSet === undefined ? {} : { ruleSet: schema.ruleSet }),
    schema: schema.schema,
    deleted: false,
  }
  return { records: recordsOf(state, value), reply: { ...value, guid } }
}

/** Records of a new version: its context if that is new, and tombstones of what it replaces. */
function recordsOf(state: RegistryState, value: SchemaValue): RegistryRecord[] {
  const { subject, version, id } = value
  const context = contextOf(subject)
  const isNewContext = context !== DEFAULT_CONTEXT && !state.isContextRecorded(context)
  const replaced = state
    .versions(subject, 'deletedOnly')
    .filter((each) => each.id === id && each.version < version)
    // References name subject and version: a version with a referrer stays.
    .filter((each) => state.referrers(subject, each.version, true).length === 0)
  const overwritten = state.entry(subject, version)
  return [
    ...(isNewContext ? [{ kind: 'context', context, value: true } as const] : []),
    ...(overwritten === undefined ? [] : highestIds(state, [overwritten])),
    { kind: 'schema', subject, version, value },
    ...replaced.map(
      (each) => ({ kind: 'schema', subject, version: each.version, value: null }) as const,
    ),
  ]
}

/** Throws 42205 if an id belongs to another schema. */
function checkId(
  state: RegistryState,
  { context, id }: { readonly context: string; readonly id: number },
  schema: SchemaRequest,
): void {
  const [owner] = state.entriesById(context, id)
  if (owner === undefined || guidOf(owner) === guidOf(schema)) return
  throw errors.notPermitted(
    `Overwrite new schema with id ${id} in context ${contextPrefix(context)} is not permitted.`,
  )
}

/**
 * What a registration returns without writing anything: the schema is registered already. This is
 * so in every mode of the subject. Throws 42201.
 */
export function findRegistered(
  view: RegistryView,
  subject: string,
  request: SchemaRequest,
  options: { readonly normalize: boolean },
): Registered | undefined {
  const settings = effectiveSettings(view.state, subject)
  const normalize = options.normalize || settings.normalize === true
  const existing = findExisting(view, subject, request, { settings, normalize })
  return existing === undefined ? undefined : registered(existing)
}

function findExisting(
  view: RegistryView,
  subject: string,
  request: SchemaRequest,
  options: { readonly settings: Settings; readonly normalize: boolean },
): SchemaEntry | undefined {
  if (hasDefaultsOrOverrides(options.settings) || request.schema.trim() === '') return undefined
  const { state } = view
  const found = find(view, subject, request, { ...options, includesDeleted: false })
  if (found === undefined) return undefined
  if (request.version === 0 || request.version === -1) {
    if (request.version === -1 && found.version !== state.latest(subject)?.version) return undefined
    return request.id === undefined || request.id === found.id ? found : undefined
  }
  if (request.id !== found.id) return undefined
  if (request.version === found.version) return found
  const older = state.entry(subject, request.version)
  const isSame = older !== undefined && !older.deleted && older.guid === found.guid
  return isSame && older.id === found.id ? older : undefined
}

/** How a schema is looked up. */
export interface LookupOptions {
  /** Whether the normal form is looked for. */
  readonly normalize: boolean
  /** Whether soft-deleted versions count. */
  readonly includesDeleted: boolean
}

/** The version of a subject with a schema. Throws 42201. */
export function lookUp(
  view: RegistryView,
  subject: string,
  request: SchemaRequest,
  options: LookupOptions,
): SchemaEntry | undefined {
  const { state } = view
  if (request.schema.trim() === '') return undefined
  const settings = effectiveSettings(state, subject)
  const normalize = options.normalize || settings.normalize === true
  const all = { ...options, settings, normalize }
  const found = find(view, subject, request, all)
  if (found !== undefined) return found
  const latest = state.latest(subject)
  if (latest === undefined) return undefined
  const completed = completeContract(settings, request, latest)
  if (completed.metadata === request.metadata && completed.ruleSet === request.ruleSet) {
    return undefined
  }
  return find(view, subject, completed, all)
}

function find(
  view: RegistryView,
  subject: string,
  request: SchemaRequest,
  options: LookupOptions & { readonly settings: Settings },
): SchemaEntry | undefined {
  const { state } = view
  const { includesDeleted } = options
  // Stricter checks of new schemas do not apply to a lookup.
  const { validateNewSchemas: _ignored, ...settings } = options.settings
  const schema = canonicalize(view, subject, request, { ...options, settings })
  const same = state
    .entriesByGuid(contextOf(subject), guidOf(schema))
    .findLast((each) => each.subject === subject && (includesDeleted || !each.deleted))
  if (same !== undefined) return same
  const compared = { ...schema, subject, form: formsOf(schema) }
  return state
    .versions(subject, includesDeleted ? 'all' : 'live')
    .findLast((each) => isEquivalent(view, compared, each))
}

/**
 * Whether a schema is a stored one in another form: without the version in its metadata, or with
 * its references in its text.
 */
function isEquivalent(
  { state, parser }: RegistryView,
  schema: Completed & { readonly subject: string; readonly form: (form: SchemaForm) => string },
  entry: SchemaEntry,
): boolean {
  if (schema.schemaType !== entry.schemaType) return false
  if (!hasSameContract(schema, entry)) return false
  const isInlined = schema.references.length === 0 && entry.references.length > 0
  if (!isInlined && !hasSameReferences(schema.references, entry.references)) return false
  if (schema.schema === entry.schema) return true
  // The normal form of Protobuf has another order of fields, which counts as another schema.
  if (!isInlined && schema.schemaType === 'PROTOBUF') return false
  const form = isInlined ? 'resolved' : 'normal'
  return parser.formOf(state, entry, form) === schema.form(form)
}

/** Forms of a schema, each made once. */
function formsOf({ parsed }: Completed): (form: SchemaForm) => string {
  const forms = new Map<SchemaForm, string>()
  return (form) => {
    const known = forms.get(form) ?? formOf(parsed, form)
    forms.set(form, known)
    return known
  }
}

function hasSameReferences(a: readonly SchemaReference[], b: readonly SchemaReference[]): boolean {
  const text = (references: readonly SchemaReference[]): string =>
    JSON.stringify(references.map(({ name, subject, version }) => [name, subject, version]))
  return text(a) === text(b)
}

/** Texts of metadata and rules: a new schema is compared with all versions of its subject. */
const texts = new WeakMap<object, string>()

function textOf(part: SchemaMetadata | RuleSet | undefined): string | undefined {
  if (part === undefined) return undefined
  const known = texts.get(part) ?? JSON.stringify(part)
  texts.set(part, known)
  return known
}

type Contract = Partial<Pick<SchemaRequest, 'metadata' | 'ruleSet'>>

function hasSameContract(
  schema: Contract,
  entry: Contract & Pick<SchemaEntry, 'version'>,
): boolean {
  if (textOf(schema.ruleSet) !== textOf(entry.ruleSet)) return false
  const own = schema.metadata?.properties?.[VERSION_PROPERTY]
  const stored = entry.metadata?.properties?.[VERSION_PROPERTY]
  if ((own === undefined) === (stored === undefined)) {
    return textOf(schema.metadata) === textOf(entry.metadata)
  }
  if (own !== undefined && own !== String(entry.version)) return false
  const text = (metadata: SchemaMetadata | undefined): string =>
    JSON.stringify(withoutVersionProperty(metadata) ?? {})
  return text(schema.metadata) === text(entry.metadata)
}

function registered(entry: SchemaEntry): Registered {
  const { id, version, guid, schemaType, references, metadata, ruleSet, schema } = entry
  return { id, version, guid, schemaType, references, metadata, ruleSet, schema }
}

/** Compares a schema with versions of a subject, without registering it. Throws 42201. */
export function checkSchema(
  view: RegistryView,
  subject: string,
  request: SchemaRequest,
  options: { readonly normalize: boolean; readonly versions: readonly SchemaEntry[] },
): ReturnType<typeof checkCompatibility> {
  if (request.schema.trim() === '') throw errors.invalidSchema('Empty schema')
  const settings = effectiveSettings(view.state, subject)
  const normalize = options.normalize || settings.normalize === true
  const { parsed, metadata } = canonicalize(view, subject, request, { normalize, settings })
  return checkCompatibility(view, { parsed, metadata }, settings, options.versions)
}
