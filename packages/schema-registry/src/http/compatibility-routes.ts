// SPDX-License-Identifier: Apache-2.0
// `/compatibility`: whether a schema could be registered.
import type { CompatibilityReport } from '../registry/compatibility.ts'
import { checkSchema } from '../registry/register.ts'
import { errors, RegistryError } from '../registry/registry-error.ts'
import type { SchemaEntry } from '../registry/registry-state.ts'
import type { SchemaStore } from '../store/schema-store.ts'
import type { Route } from './api.ts'
import {
  type ApiReply,
  type ApiRequest,
  flag,
  json,
  schemaOf,
  versionParam,
} from './api-request.ts'
import { subjectParam } from './subject-routes.ts'

function check(
  store: SchemaStore,
  request: ApiRequest,
  versions: readonly SchemaEntry[],
): ApiReply {
  const isVerbose = flag(request, 'verbose')
  let report: CompatibilityReport
  try {
    report = checkSchema(store, subjectParam(request), schemaOf(request), {
      normalize: flag(request, 'normalize'),
      versions,
    })
  } catch (error) {
    const isInvalid = error instanceof RegistryError && error.errorCode === 42201
    if (!isVerbose || !isInvalid) throw error
    report = { messages: [error.message], why: [] }
  }
  const { messages, why } = report
  return json({
    is_compatible: messages.length === 0,
    ...(isVerbose ? { messages } : {}),
    ...(flag(request, 'why') ? { why } : {}),
  })
}

export const compatibilityRoutes: readonly Route[] = [
  {
    method: 'POST',
    path: '/compatibility/subjects/{subject}/versions',
    handle: ({ store }, request) =>
      check(store, request, store.state.versions(subjectParam(request))),
  },
  {
    method: 'POST',
    path: '/compatibility/subjects/{subject}/versions/{version}',
    handle({ store }, request) {
      const { state } = store
      const subject = subjectParam(request)
      const version = versionParam(request)
      if (version === -1) {
        const latest = state.latest(subject)
        return check(store, request, latest === undefined ? [] : [latest])
      }
      const entry = state.entry(subject, version)
      if (entry === undefined || entry.deleted) throw errors.versionNotFound(version)
      return check(store, request, [entry])
    },
  },
]
