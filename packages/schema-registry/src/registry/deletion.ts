// SPDX-License-Identifier: Apache-2.0
import { type Decision, type RegistryView, unchanged } from './decision.ts'
import { highestIds } from './highest-ids.ts'
import { checkWritable } from './register.ts'
import { errors } from './registry-error.ts'
import type { RegistryRecord } from './registry-record.ts'
import type { RegistryState, SchemaEntry } from './registry-state.ts'
import { contextPrefix } from './subject.ts'

/** Records that remove versions. */
export function removeVersions(
  state: RegistryState,
  removed: readonly SchemaEntry[],
): RegistryRecord[] {
  return [
    ...highestIds(state, removed),
    ...removed.map(
      ({ subject, version }) => ({ kind: 'schema', subject, version, value: null }) as const,
    ),
  ]
}

/** Records that remove the mode and the settings of a subject without versions. */
function removeSettings(state: RegistryState, subject: string): RegistryRecord[] {
  return [
    ...(state.hasMode(subject) ? [{ kind: 'mode', subject, value: null } as const] : []),
    ...(state.hasSettings(subject) ? [{ kind: 'config', subject, value: null } as const] : []),
  ]
}

/** Deletes a version; -1 is the latest. Returns its number. Throws 40401 to 40407, 42205, 42206. */
export function deleteVersion(
  { state }: RegistryView,
  subject: string,
  options: { readonly version: number; readonly permanent: boolean },
): Decision<number> {
  const { permanent } = options
  const entry =
    options.version === -1 ? state.latest(subject) : state.entry(subject, options.version)
  if (entry === undefined) {
    if (!state.hasSubjects(subject, true)) throw errors.subjectNotFound(subject)
    throw errors.versionNotFound(options.version)
  }
  const { version } = entry
  if (!permanent && entry.deleted) throw errors.versionSoftDeleted(subject, version)
  checkWritable(state, subject)
  if (state.referrers(subject, version, permanent).length > 0) {
    throw errors.referenceExists(subject, version)
  }
  if (!permanent) {
    return { records: [softDeleted(entry)], reply: version }
  }
  if (!entry.deleted) throw errors.versionNotSoftDeleted(subject, version)
  const isLast = state.versions(subject, 'all').length === 1
  return {
    records: [...removeVersions(state, [entry]), ...(isLast ? removeSettings(state, subject) : [])],
    reply: version,
  }
}

function softDeleted({ guid: _guid, timestampMs: _time, ...value }: SchemaEntry): RegistryRecord {
  const { subject, version } = value
  return { kind: 'schema', subject, version, value: { ...value, deleted: true } }
}

/** Deletes the versions of a subject. Returns their numbers. Throws 404xx, 42205, 42206. */
export function deleteSubject(
  { state }: RegistryView,
  subject: string,
  { permanent }: { readonly permanent: boolean },
): Decision<readonly number[]> {
  if (!state.hasSubjects(subject, true)) throw errors.subjectNotFound(subject)
  if (!permanent && !state.hasSubjects(subject, false)) throw errors.subjectSoftDeleted(subject)
  checkWritable(state, subject)
  const entries = state.versions(subject, permanent ? 'all' : 'live')
  for (const { version, deleted } of entries) {
    const referrers = state.referrers(subject, version, permanent)
    if (referrers.some((each) => each.subject !== subject)) {
      throw errors.referenceExists(subject, version)
    }
    if (permanent && !deleted) throw errors.subjectNotSoftDeleted(subject)
  }
  const versions = entries.map(({ version }) => version)
  const last = versions.at(-1)
  if (last === undefined) return unchanged(versions)
  if (!permanent) {
    return { records: [{ kind: 'deleteSubject', subject, value: last }], reply: versions }
  }
  return {
    // Versions may reference earlier ones of the subject.
    records: [...removeVersions(state, entries.toReversed()), ...removeSettings(state, subject)],
    reply: versions,
  }
}

/**
 * Restores soft-deleted versions of a subject: one, or all if `version` is undefined. Returns their
 * numbers. Throws 40401, 40402 if there is nothing to restore, 42205.
 */
export function undelete(
  { state }: RegistryView,
  subject: string,
  version: number | undefined,
): Decision<readonly number[]> {
  if (!state.hasSubjects(subject, true)) throw errors.subjectNotFound(subject)
  const deleted = state.versions(subject, 'deletedOnly')
  const restored = deleted.filter(
    (each) =>
      version === undefined ||
      each.version === (version === -1 ? deleted.at(-1)?.version : version),
  )
  if (restored.length === 0) throw errors.versionNotFound(version ?? -1)
  checkWritable(state, subject)
  return {
    records: restored.map(({ guid: _guid, timestampMs: _time, ...value }) => ({
      kind: 'schema',
      subject,
      version: value.version,
      value: { ...value, deleted: false },
    })),
    reply: restored.map((each) => each.version),
  }
}

/** Deletes a context without subjects. Throws 42211. */
export function deleteContext({ state }: RegistryView, context: string): Decision<undefined> {
  const prefix = contextPrefix(context)
  if (state.hasSubjects(prefix, true)) throw errors.contextNotEmpty(prefix)
  if (!state.isContextRecorded(context)) return unchanged(undefined)
  return { records: [{ kind: 'context', context, value: null }], reply: undefined }
}
