// SPDX-License-Identifier: Apache-2.0
// `/schemas`: schemas by id, by GUID, and all of them.
import { errors } from '../registry/registry-error.ts'
import type { RegistryState, SchemaEntry } from '../registry/registry-state.ts'
import { ALL_CONTEXTS, contextPrefix, DEFAULT_CONTEXT, parseSubject } from '../registry/subject.ts'
import { schemaTypes } from '../schema/schema.ts'
import type { SchemaStore } from '../store/schema-store.ts'
import type { Route } from './api.ts'
import { type ApiRequest, flag, idParam, json, page, param } from './api-request.ts'
import { formatted, schemaJson, schemaStringJson } from './entities.ts'

/** Schemas that one reply lists at most. */
export const MAX_LISTED_SCHEMAS = 1000

/**
 * A version with an id. The ids of a subject's context count; for a subject of the default context
 * also those of contexts that have a subject of that name.
 */
function findById(state: RegistryState, id: number, subject: string): SchemaEntry | undefined {
  const { context, name } = parseSubject(subject)
  const inContext = (each: string): SchemaEntry | undefined =>
    state
      .entriesById(each, id)
      .findLast((entry) => name === '' || entry.subject === contextPrefix(each) + name)
  const own = inContext(context)
  if (own !== undefined || context !== DEFAULT_CONTEXT || name === '') return own
  for (const other of state.contexts()) {
    const found = inContext(other)
    if (found !== undefined) return found
  }
  return state.entriesById(context, id)[0]
}

function byId(state: RegistryState, request: ApiRequest): SchemaEntry | undefined {
  return findById(state, idParam(request), request.query.get('subject') ?? '')
}

/** Versions of the schema that an id names, one per subject, sorted. Throws 40403. */
function versionsById(state: RegistryState, request: ApiRequest): SchemaEntry[] {
  const found = byId(state, request)
  if (found === undefined) throw errors.schemaNotFound()
  const { context } = parseSubject(found.subject)
  const includesDeleted = flag(request, 'deleted')
  const bySubject = new Map<string, SchemaEntry>()
  for (const entry of state.entriesById(context, found.id)) {
    if (!includesDeleted && entry.deleted) continue
    const known = bySubject.get(entry.subject)
    if (known === undefined || known.version < entry.version) bySubject.set(entry.subject, entry)
  }
  return [...bySubject.values()].sort((a, b) => (a.subject < b.subject ? -1 : 1))
}

function byGuid(state: RegistryState, guid: string): SchemaEntry | undefined {
  for (const context of state.contexts()) {
    const [entry] = state.entriesByGuid(context, guid.toLowerCase())
    if (entry !== undefined) return entry
  }
  return undefined
}

/** Versions of all subjects with a prefix, by subject and version. */
function listed(state: RegistryState, request: ApiRequest): SchemaEntry[] {
  const prefix = request.query.get('subjectPrefix') ?? ALL_CONTEXTS
  const filter = flag(request, 'deleted') ? 'all' : 'live'
  const ruleType = request.query.get('ruleType') ?? ''
  const isLatestOnly = flag(request, 'latestOnly')
  const subjects = new Set(state.subjects(prefix, 'all'))
  if (flag(request, 'aliases')) {
    const matches = (alias: string): boolean => {
      const { context, name } = parseSubject(prefix)
      return context === '*' ? parseSubject(alias).name.startsWith(name) : alias.startsWith(prefix)
    }
    for (const [subject, aliases] of state.aliases()) {
      if (aliases.some(matches)) subjects.add(subject)
    }
  }
  return [...subjects].sort().flatMap((subject) => {
    const versions = state.versions(subject, filter)
    const shown = isLatestOnly ? versions.slice(-1) : versions
    return ruleType === '' ? shown : shown.filter((entry) => hasRuleType(entry, ruleType))
  })
}

function hasRuleType({ ruleSet }: SchemaEntry, type: string): boolean {
  const lists = [ruleSet?.migrationRules, ruleSet?.domainRules, ruleSet?.encodingRules]
  return lists.some((list) => list?.some((rule) => rule.type === type) === true)
}

function* shown(
  store: SchemaStore,
  entries: readonly SchemaEntry[],
  aliases: ReadonlyMap<string, readonly string[]> | undefined,
): Generator<object> {
  for (const entry of entries) {
    const names = aliases?.get(entry.subject)
    yield { ...schemaJson(store, entry), ...(names === undefined ? {} : { aliases: names }) }
  }
}

export const schemaRoutes: readonly Route[] = [
  {
    method: 'GET',
    path: '/schemas',
    handle({ store }, request) {
      const { state } = store
      const entries = page(request, listed(state, request), MAX_LISTED_SCHEMAS)
      const aliases = flag(request, 'aliases') ? state.aliases() : undefined
      return { items: shown(store, entries, aliases) }
    },
  },
  { method: 'GET', path: '/schemas/types', handle: () => json(schemaTypes) },
  {
    method: 'GET',
    path: '/schemas/ids/{id}',
    handle({ store }, request) {
      const entry = byId(store.state, request)
      if (entry === undefined) throw errors.schemaNotFound(idParam(request))
      const { query } = request
      const maxId = store.state.maxId(parseSubject(entry.subject).context)
      return json(
        schemaStringJson(store, entry, {
          format: query.get('format') ?? '',
          referenceFormat: query.get('referenceFormat') ?? undefined,
          isOfSubject: query.has('subject'),
          ...(flag(request, 'fetchMaxId') ? { maxId } : {}),
        }),
      )
    },
  },
  {
    method: 'GET',
    path: '/schemas/ids/{id}/schema',
    handle({ store }, request) {
      const entry = byId(store.state, request)
      if (entry === undefined) throw errors.schemaNotFound(idParam(request))
      return { text: formatted(store, entry, request.query.get('format') ?? '') }
    },
  },
  {
    method: 'GET',
    path: '/schemas/ids/{id}/subjects',
    handle: ({ store }, request) =>
      json(page(request, versionsById(store.state, request)).map(({ subject }) => subject)),
  },
  {
    method: 'GET',
    path: '/schemas/ids/{id}/versions',
    handle: ({ store }, request) =>
      json(
        page(request, versionsById(store.state, request)).map(({ subject, version }) => ({
          subject,
          version,
        })),
      ),
  },
  {
    method: 'GET',
    path: '/schemas/guids/{guid}',
    handle({ store }, request) {
      const guid = param(request, 'guid')
      const entry = byGuid(store.state, guid)
      if (entry === undefined) throw errors.schemaNotFound(guid)
      const format = request.query.get('format') ?? ''
      return json(schemaStringJson(store, entry, { format, isOfSubject: false }))
    },
  },
  {
    method: 'GET',
    path: '/schemas/guids/{guid}/ids',
    handle({ store }, request) {
      const guid = param(request, 'guid').toLowerCase()
      return json(
        store.state.contexts().flatMap((context) => {
          const [entry] = store.state.entriesByGuid(context, guid)
          return entry === undefined ? [] : [{ context, id: entry.id }]
        }),
      )
    },
  },
]
