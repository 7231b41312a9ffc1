// SPDX-License-Identifier: Apache-2.0
// `/config` and `/mode`, of the registry, of contexts and of subjects.
import { textOf } from '../registry/data-contract.ts'
import { deleteMode, deleteSettings, setMode, setSettings } from '../registry/modes.ts'
import { settingsInScope } from '../registry/register.ts'
import { errors } from '../registry/registry-error.ts'
import { readMode, settingsUpdateJson } from '../registry/settings.ts'
import { isDefaultContext, isValidSubject, normalizeSubject } from '../registry/subject.ts'
import type { Api, Route } from './api.ts'
import { type ApiReply, type ApiRequest, bodyFields, flag, json } from './api-request.ts'

/** Scope of the path: empty for the registry. */
function scopeOf({ params }: ApiRequest): string {
  const { subject = '' } = params
  return isDefaultContext(subject) ? '' : normalizeSubject(subject)
}

function checkScope({ params }: ApiRequest): void {
  const { subject } = params
  if (subject !== undefined && !isValidSubject(subject, true)) throw errors.invalidSubject(subject)
}

function getSettings({ store }: Api, request: ApiRequest): ApiReply {
  const { state } = store
  const scope = scopeOf(request)
  if (flag(request, 'defaultToGlobal')) return json(settingsInScope(state, scope))
  const settings = state.ownSettings(scope)
  if (settings === undefined) throw errors.subjectHasNoConfig(scope)
  return json(settings)
}

async function putSettings({ store }: Api, request: ApiRequest): Promise<ApiReply> {
  const update = bodyFields(request)
  checkScope(request)
  const scope = scopeOf(request)
  const settings = await store.change('all', (tools) => setSettings(tools, scope, update))
  return json(settingsUpdateJson(settings))
}

async function removeSettings({ store }: Api, request: ApiRequest): Promise<ApiReply> {
  return json(await store.change('all', (tools) => deleteSettings(tools, scopeOf(request))))
}

function getMode({ store }: Api, request: ApiRequest): ApiReply {
  const { state } = store
  const scope = scopeOf(request)
  const mode = flag(request, 'defaultToGlobal') ? state.mode(scope) : state.ownMode(scope)
  if (mode === undefined) throw errors.subjectHasNoMode(scope)
  return json({ mode })
}

function checkMutability({ allowsModeChanges }: Api): void {
  if (!allowsModeChanges) throw errors.notPermitted('Mode changes are not allowed')
}

async function putMode(api: Api, request: ApiRequest): Promise<ApiReply> {
  const body = bodyFields(request)
  checkScope(request)
  const options = { mode: readMode(body.mode), force: flag(request, 'force') }
  checkMutability(api)
  await api.store.change('all', (tools) => setMode(tools, scopeOf(request), options))
  return json({ mode: textOf(body.mode, 'mode') })
}

async function removeMode(api: Api, request: ApiRequest): Promise<ApiReply> {
  const scope = scopeOf(request)
  const recursive = flag(request, 'recursive')
  if (api.store.state.ownMode(scope) === undefined && !recursive) {
    throw errors.subjectNotFound(scope)
  }
  checkMutability(api)
  const mode = await api.store.change('all', (tools) => deleteMode(tools, scope, { recursive }))
  return json({ mode })
}

export const settingsRoutes: readonly Route[] = ['', '/{subject}'].flatMap((suffix): Route[] => [
  { method: 'GET', path: `/config${suffix}`, handle: getSettings },
  { method: 'PUT', path: `/config${suffix}`, isWrite: true, handle: putSettings },
  { method: 'DELETE', path: `/config${suffix}`, isWrite: true, handle: removeSettings },
  { method: 'GET', path: `/mode${suffix}`, handle: getMode },
  { method: 'PUT', path: `/mode${suffix}`, isWrite: true, handle: putMode },
  { method: 'DELETE', path: `/mode${suffix}`, isWrite: true, handle: removeMode },
])
