// SPDX-License-Identifier: Apache-2.0
// `/subjects/{subject}/versions`: registering and reading versions.
import { createHash } from 'node:crypto'
import {
  checkRuleSet,
  integerOf,
  listOf,
  mergeRuleSets,
  readMetadata,
  readRuleSet,
  removeRules,
  textOf,
  withVersionProperty,
} from '../registry/data-contract.ts'
import { deleteVersion, undelete } from '../registry/deletion.ts'
import {
  findRegistered,
  register,
  type SchemaRequest,
  settingsInScope,
} from '../registry/register.ts'
import { errors } from '../registry/registry-error.ts'
import type { LookupFilter, SchemaEntry } from '../registry/registry-state.ts'
import {
  contextOf,
  contextPrefix,
  DEFAULT_CONTEXT,
  isValidSubject,
  parseSubject,
} from '../registry/subject.ts'
import type { LockedNames } from '../store/operation-locks.ts'
import type { SchemaStore } from '../store/schema-store.ts'
import type { Route } from './api.ts'
import {
  type ApiRequest,
  bodyFields,
  flag,
  json,
  page,
  param,
  schemaOf,
  versionParam,
} from './api-request.ts'
import { formatted, registeredJson, schemaJson } from './entities.ts'
import { MAX_LISTED_SCHEMAS } from './schema-routes.ts'
import { subjectParam } from './subject-routes.ts'

/** A version; -1 is the latest, which is never a deleted one. */
function find(
  { state }: SchemaStore,
  subject: string,
  version: number,
  includesDeleted: boolean,
): SchemaEntry | undefined {
  if (version === -1) return state.latest(subject)
  const entry = state.entry(subject, version)
  return entry === undefined || (entry.deleted && !includesDeleted) ? undefined : entry
}

/** The version that a path names, also in other contexts if the path names none. Throws 404xx. */
function versionOf(store: SchemaStore, request: ApiRequest, includesDeleted: boolean): SchemaEntry {
  const { state } = store
  const subject = subjectParam(request)
  const version = versionParam(request)
  const own = find(store, subject, version, includesDeleted)
  if (own !== undefined) return own
  const { context, name } = parseSubject(subject)
  for (const each of context === DEFAULT_CONTEXT ? state.contexts() : []) {
    const entry = find(store, contextPrefix(each) + name, version, includesDeleted)
    if (entry !== undefined) return entry
  }
  if (!state.hasSubjects(subject, includesDeleted)) throw errors.subjectNotFound(subject)
  throw errors.versionNotFound(version)
}

function filterOf(request: ApiRequest): LookupFilter {
  if (flag(request, 'deletedAsNegative')) return 'all'
  if (flag(request, 'deletedOnly')) return 'deletedOnly'
  return flag(request, 'deleted') ? 'all' : 'live'
}

/**
 * What a registration must have for itself: its subject, and its text within the context, so that
 * one schema gets one id. A text that is taken over from the latest version is not known yet.
 */
function locksOf(
  store: SchemaStore,
  subject: string,
  request: SchemaRequest,
  normalize: boolean,
): LockedNames {
  if (request.schema.trim() === '') return 'all'
  const parsed = store.parser.parse(store.state, { subject, ...request })
  const isNormalized = normalize || settingsInScope(store.state, subject).normalize === true
  const text = isNormalized ? parsed.normalized() : parsed.canonical
  const hash = createHash('sha1').update(text).digest('base64')
  // Settings and deletions run alone, so what the names depend on does not change.
  return [`subject ${subject}`, `schema ${contextOf(subject)} ${hash}`]
}

async function registerSchema(
  store: SchemaStore,
  subject: string,
  request: SchemaRequest,
  options: { readonly normalize: boolean; readonly force: boolean },
): Promise<ReturnType<typeof register>['reply']> {
  const names = locksOf(store, subject, request, options.normalize)
  return store.change(names, (tools) =>
    register(tools, subject, request, { ...options, nextId: tools.nextId }),
  )
}

/** The text of a registered version in the form that the request asks for. */
function inFormat(store: SchemaStore, request: ApiRequest, reply: object, version: number): object {
  const format = request.query.get('format') ?? ''
  if (format.trim() === '') return reply
  const entry = store.state.entry(subjectParam(request), version)
  return entry === undefined ? reply : { ...reply, schema: formatted(store, entry, format) }
}

export const versionRoutes: readonly Route[] = [
  {
    method: 'GET',
    path: '/subjects/{subject}/versions',
    handle({ store }, request) {
      const { state } = store
      const subject = subjectParam(request)
      const includesDeleted = flag(request, 'deleted') || flag(request, 'deletedOnly')
      if (!state.hasSubjects(subject, includesDeleted)) throw errors.subjectNotFound(subject)
      const isNegative = flag(request, 'deletedAsNegative')
      const versions = state
        .versions(subject, filterOf(request))
        .map(({ version, deleted }) => (isNegative && deleted ? -version : version))
      return json(page(request, versions))
    },
  },
  {
    method: 'POST',
    path: '/subjects/{subject}/versions',
    isWrite: true,
    withoutWriting({ store }, request) {
      const schema = schemaOf(request, true)
      if (!isValidSubject(param(request, 'subject'))) {
        throw errors.invalidSubject(param(request, 'subject'))
      }
      const options = { normalize: flag(request, 'normalize') }
      const found = findRegistered(store, subjectParam(request), schema, options)
      if (found === undefined) return undefined
      return json(inFormat(store, request, registeredJson(found), found.version))
    },
    async handle({ store }, request) {
      const schema = schemaOf(request)
      const registered = await registerSchema(store, subjectParam(request), schema, {
        normalize: flag(request, 'normalize'),
        force: flag(request, 'force'),
      })
      return json(inFormat(store, request, registeredJson(registered), registered.version))
    },
  },
  {
    method: 'GET',
    path: '/subjects/{subject}/versions/{version}',
    handle({ store }, request) {
      const { query } = request
      const entry = versionOf(store, request, flag(request, 'deleted'))
      const referenceFormat = query.get('referenceFormat') ?? undefined
      return json(schemaJson(store, entry, { format: query.get('format') ?? '', referenceFormat }))
    },
  },
  {
    method: 'GET',
    path: '/subjects/{subject}/versions/{version}/schema',
    handle({ store }, request) {
      const entry = versionOf(store, request, flag(request, 'deleted'))
      return { text: formatted(store, entry, request.query.get('format') ?? '') }
    },
  },
  {
    method: 'GET',
    path: '/subjects/{subject}/versions/{version}/referencedby',
    handle({ store }, request) {
      const { subject, version } = versionOf(store, request, true)
      const referrers = store.state.referrers(subject, version, flag(request, 'deleted'))
      const ids = [...new Set(referrers.map(({ id }) => id))].sort((a, b) => a - b)
      return json(page(request, ids, MAX_LISTED_SCHEMAS))
    },
  },
  {
    method: 'DELETE',
    path: '/subjects/{subject}/versions/{version}',
    isWrite: true,
    async handle({ store }, request) {
      const subject = subjectParam(request)
      const options = { version: versionParam(request), permanent: flag(request, 'permanent') }
      return json(await store.change('all', (tools) => deleteVersion(tools, subject, options)))
    },
  },
  {
    method: 'POST',
    path: '/subjects/{subject}/versions/{version}/undelete',
    isWrite: true,
    async handle({ store }, request) {
      const subject = subjectParam(request)
      const version = versionParam(request)
      const restored = await store.change('all', (tools) => undelete(tools, subject, version))
      return json(restored[0])
    },
  },
  {
    method: 'POST',
    path: '/subjects/{subject}/versions/{version}/tags',
    isWrite: true,
    async handle({ store }, request) {
      const fields = bodyFields(request)
      const entry = versionOf(store, request, false)
      const changed = changedContract(store, entry, fields)
      const options = { normalize: false, force: false }
      return json(registeredJson(await registerSchema(store, entry.subject, changed, options)))
    },
  },
]

/** A version with the metadata and rules of a request for `tags`. */
function changedContract(
  { state }: SchemaStore,
  entry: SchemaEntry,
  fields: Readonly<Record<string, unknown>>,
): SchemaRequest {
  for (const key of ['tagsToAdd', 'tagsToRemove']) {
    if ((listOf(fields[key], key) ?? []).length > 0) {
      throw errors.invalidSchema(
        `${key}: this registry does not edit tags in the text of a schema; register the text with its tags`,
      )
    }
  }
  const merged = readRuleSet(fields.rulesToMerge, 'rulesToMerge')
  const removed = (listOf(fields.rulesToRemove, 'rulesToRemove') ?? []).map(
    (each) => textOf(each, 'rulesToRemove') ?? '',
  )
  const given = readRuleSet(fields.ruleSet)
  const isEdit = merged !== undefined || removed.length > 0
  if (isEdit && given !== undefined) {
    throw errors.invalidRules(
      'ruleSet should be omitted if specifying rulesToMerge or rulesToRemove',
    )
  }
  checkRuleSet(merged)
  checkRuleSet(given)
  const newVersion = integerOf(fields.newVersion, 'newVersion') ?? 0
  const previous =
    newVersion > 1 ? state.entry(entry.subject, newVersion - 1) : state.latest(entry.subject)
  const { schema, schemaType, references, subject } = entry
  const next =
    newVersion > 0 ? newVersion : (state.versions(subject, 'all').at(-1)?.version ?? 0) + 1
  return {
    schema,
    schemaType,
    references,
    metadata: withVersionProperty(readMetadata(fields.metadata) ?? entry.metadata, next),
    ruleSet: isEdit ? removeRules(mergeRuleSets(previous?.ruleSet, merged), removed) : given,
    id: undefined,
    version: newVersion,
  }
}
