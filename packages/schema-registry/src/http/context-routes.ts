// SPDX-License-Identifier: Apache-2.0
// The root, contexts, the registry itself, and associations of subjects with resources.
import { deleteContext } from '../registry/deletion.ts'
import { parseSubject } from '../registry/subject.ts'
import type { Route } from './api.ts'
import { type ApiRequest, json, page, param } from './api-request.ts'

type Fields = Readonly<Record<string, unknown>>

/** Associations that other registries wrote, of one resource or subject. */
function associations(
  all: readonly object[],
  { query }: ApiRequest,
  isMatch: (association: Fields) => boolean,
): readonly object[] {
  const types = query.getAll('associationType')
  const isWanted = (association: Fields): boolean =>
    isMatch(association) &&
    (types.length === 0 || types.includes(String(association.associationType))) &&
    ['resourceType', 'lifecycle'].every(
      (key) => !query.has(key) || query.get(key) === String(association[key]),
    )
  return (all as readonly Fields[])
    .filter(isWanted)
    .map(({ tenant: _tenant, ...association }) => association)
}

export const contextRoutes: readonly Route[] = [
  { method: 'GET', path: '/', handle: () => json({}) },
  { method: 'POST', path: '/', handle: () => json({}) },
  {
    method: 'GET',
    path: '/contexts',
    handle({ store }, request) {
      const prefix = request.query.get('contextPrefix') ?? ''
      const contexts = store.state.contexts().filter((context) => context.startsWith(prefix))
      return json(page(request, contexts))
    },
  },
  {
    method: 'DELETE',
    path: '/contexts/{context}',
    isWrite: true,
    async handle({ store }, request) {
      const { context } = parseSubject(param(request, 'context'))
      await store.change('all', (tools) => deleteContext(tools, context))
      return { status: 204 }
    },
  },
  {
    method: 'GET',
    path: '/v1/metadata/id',
    handle: ({ identity }) =>
      json({
        scope: {
          path: [],
          clusters: {
            'kafka-cluster': identity.kafkaClusterId,
            'schema-registry-cluster': identity.groupId,
          },
        },
      }),
  },
  {
    method: 'GET',
    path: '/v1/metadata/version',
    handle: ({ identity }) => json({ version: identity.version }),
  },
  {
    method: 'GET',
    path: '/v1/metadata/deployment',
    handle: () => json({ attributes: [] }),
  },
  {
    method: 'GET',
    path: '/associations/subjects/{subject}',
    handle: ({ store }, request) => {
      const subject = param(request, 'subject')
      const all = store.state.associations()
      return json(
        page(
          request,
          associations(all, request, (each) => each.subject === subject),
        ),
      )
    },
  },
  {
    method: 'GET',
    path: '/associations/resources/{namespace}/{name}',
    handle: ({ store }, request) => {
      const namespace = param(request, 'namespace')
      const name = param(request, 'name')
      const isMatch = (each: Fields): boolean =>
        each.resourceName === name && (namespace === '-' || each.resourceNamespace === namespace)
      return json(page(request, associations(store.state.associations(), request, isMatch)))
    },
  },
  {
    method: 'GET',
    path: '/associations/resources/{id}',
    handle: ({ store }, request) => {
      const id = param(request, 'id')
      const all = store.state.associations()
      return json(
        page(
          request,
          associations(all, request, (each) => each.resourceId === id),
        ),
      )
    },
  },
]
