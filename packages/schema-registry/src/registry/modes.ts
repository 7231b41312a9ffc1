// SPDX-License-Identifier: Apache-2.0

import { checkRuleSet } from './data-contract.ts'
import { type Decision, type RegistryView, unchanged } from './decision.ts'
import { removeVersions } from './deletion.ts'
import { checkWritable } from './register.ts'
import { errors } from './registry-error.ts'
import type { RegistryRecord } from './registry-record.ts'
import { type Mode, type Settings, updateSettings } from './settings.ts'
import { isContext, isGlobalContext } from './subject.ts'

/** Sets the mode of a scope; undefined removes it. Throws 42204 to 42206. */
export function setMode(
  { state }: RegistryView,
  scope: string,
  options: { readonly mode: Mode | undefined; readonly force: boolean },
): Decision<undefined> {
  const { mode, force } = options
  if (mode === 'FORWARD' && !isGlobalContext(scope)) {
    throw errors.invalidMode('Forward mode only supported on global level')
  }
  const records: RegistryRecord[] = []
  if (mode === 'IMPORT' && state.mode(scope) !== 'IMPORT' && !force) {
    if (state.hasSubjects(scope, false)) {
      throw errors.notPermitted('Cannot import since found existing subjects')
    }
    const entries = state.subjectsIn(scope).flatMap((subject) => state.versions(subject, 'all'))
    for (const { subject, version } of entries) {
      const referrers = state.referrers(subject, version, true)
      if (referrers.length > 0) throw errors.referenceExists(subject, version)
    }
    if (entries.length > 0) records.push(...removeVersions(state, entries))
    records.push({ kind: 'clearSubject', subject: scope, value: true })
  }
  records.push({ kind: 'mode', subject: scope, value: mode ?? null })
  return { records, reply: undefined }
}

/**
 * Removes the mode of a scope, and with `recursive` those of the subjects in a context. Returns the
 * mode that it had. Throws 40401 if it has none.
 */
export function deleteMode(
  { state }: RegistryView,
  scope: string,
  { recursive }: { readonly recursive: boolean },
): Decision<Mode | undefined> {
  const mode = state.ownMode(scope)
  if (mode === undefined && !recursive) throw errors.subjectNotFound(scope)
  const inner = recursive && isContext(scope) ? state.subjectsWithMode(scope) : []
  const records = [scope, ...inner]
    .filter((each) => state.hasMode(each))
    .map((subject) => ({ kind: 'mode', subject, value: null }) as const)
  return { records, reply: mode }
}

/** Updates the settings of a scope. Returns all its settings. Throws 42203, 42205, 42210. */
export function setSettings(
  { state }: RegistryView,
  scope: string,
  update: Readonly<Record<string, unknown>>,
): Decision<Settings> {
  const settings = updateSettings(state.storedSettings(scope), update)
  checkRuleSet(settings.defaultRuleSet)
  checkRuleSet(settings.overrideRuleSet)
  checkWritable(state, scope)
  return { records: [{ kind: 'config', subject: scope, value: settings }], reply: settings }
}

/** Removes the settings of a scope. Returns what they were. Throws 40401, 42205. */
export function deleteSettings({ state }: RegistryView, scope: string): Decision<Settings> {
  const settings = state.ownSettings(scope)
  if (settings === undefined) throw errors.subjectNotFound(scope)
  checkWritable(state, scope)
  if (!state.hasSettings(scope)) return unchanged(settings)
  return { records: [{ kind: 'config', subject: scope, value: null }], reply: settings }
}
