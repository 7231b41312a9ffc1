// SPDX-License-Identifier: Apache-2.0
// `/subjects`: lists, lookups, deletion and restoration of subjects.
import { deleteSubject, undelete } from '../registry/deletion.ts'
import { lookUp } from '../registry/register.ts'
import { errors, RegistryError } from '../registry/registry-error.ts'
import type { SchemaEntry } from '../registry/registry-state.ts'
import {
  ALL_CONTEXTS,
  contextPrefix,
  DEFAULT_CONTEXT,
  normalizeSubject,
  parseSubject,
} from '../registry/subject.ts'
import type { SchemaStore } from '../store/schema-store.ts'
import type { Route } from './api.ts'
import { type ApiRequest, flag, json, page, param, schemaOf } from './api-request.ts'
import { schemaJson } from './entities.ts'

/** Subject of the path, in its one form. */
export function subjectParam(request: ApiRequest): string {
  return normalizeSubject(param(request, 'subject'))
}

/** Finds a schema under a subject, and without a context also in contexts with that subject. */
function lookUpInContexts(store: SchemaStore, request: ApiRequest): SchemaEntry | undefined {
  const subject = subjectParam(request)
  const schema = schemaOf(request)
  const options = {
    normalize: flag(request, 'normalize'),
    includesDeleted: flag(request, 'deleted'),
  }
  const found = lookUp(store, subject, schema, options)
  if (found !== undefined) return found
  const { context, name } = parseSubject(subject)
  if (context !== DEFAULT_CONTEXT) return undefined
  for (const other of store.state.contexts()) {
    const qualified = contextPrefix(other) + name
    if (other === DEFAULT_CONTEXT || !store.state.hasSubjects(qualified, true)) continue
    try {
      const inContext = lookUp(store, qualified, schema, options)
      if (inContext !== undefined) return inContext
    } catch (error) {
      // References may be missing there.
      if (!(error instanceof RegistryError)) throw error
    }
  }
  return undefined
}

/** Throws 40401, or 40403 if there is the subject and only the schema is missing. */
function missing(store: SchemaStore, request: ApiRequest): never {
  const subject = subjectParam(request)
  if (!store.state.hasSubjects(subject, flag(request, 'deleted'))) {
    throw errors.subjectNotFound(subject)
  }
  throw errors.schemaNotFound()
}

export const subjectRoutes: readonly Route[] = [
  {
    method: 'GET',
    path: '/subjects',
    handle({ store }, request) {
      const prefix = request.query.get('subjectPrefix') ?? ALL_CONTEXTS
      const filter = flag(request, 'deletedOnly')
        ? 'deletedOnly'
        : flag(request, 'deleted')
          ? 'all'
          : 'live'
      return json(page(request, store.state.subjects(prefix, filter)))
    },
  },
  {
    method: 'POST',
    path: '/subjects/{subject}',
    handle({ store }, request) {
      const found = lookUpInContexts(store, request) ?? missing(store, request)
      return json(schemaJson(store, found, { format: request.query.get('format') ?? '' }))
    },
  },
  {
    method: 'GET',
    path: '/subjects/{subject}/metadata',
    handle({ store }, request) {
      const { query } = request
      const values = query.getAll('value')
      const wanted = query
        .getAll('key')
        .slice(0, values.length)
        .map((key, index) => [key, values[index]] as const)
      const filter = flag(request, 'deleted') ? 'all' : 'live'
      const found = store.state
        .versions(subjectParam(request), filter)
        .findLast(({ metadata }) =>
          metadata?.properties === undefined
            ? false
            : wanted.every(([key, value]) => metadata.properties?.[key] === value),
        )
      const entry = found ?? missing(store, request)
      return json(schemaJson(store, entry, { format: query.get('format') ?? '' }))
    },
  },
  {
    method: 'DELETE',
    path: '/subjects/{subject}',
    isWrite: true,
    async handle({ store }, request) {
      const subject = subjectParam(request)
      const permanent = flag(request, 'permanent')
      return json(
        await store.change('all', (tools) => deleteSubject(tools, subject, { permanent })),
      )
    },
  },
  {
    method: 'POST',
    path: '/subjects/{subject}/undelete',
    isWrite: true,
    async handle({ store }, request) {
      const subject = subjectParam(request)
      return json(await store.change('all', (tools) => undelete(tools, subject, undefined)))
    },
  },
]
