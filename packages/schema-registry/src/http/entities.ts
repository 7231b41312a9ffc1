// SPDX-License-Identifier: Apache-2.0
// Schemas as the API shows them. Parts without a value are left out.

import type { RegistryView } from '../registry/decision.ts'
import type { Registered } from '../registry/register.ts'
import type { SchemaEntry } from '../registry/registry-state.ts'
import { contextOf, DEFAULT_CONTEXT, qualify } from '../registry/subject.ts'
import type { SchemaReference } from '../schema/schema.ts'

/** How a schema is shown. */
export interface ShownAs {
  /** Form of the text; empty: as stored. */
  readonly format?: string
  /** `qualified`: references name their contexts. */
  readonly referenceFormat?: string | undefined
}

type Shown = Omit<Registered, 'id' | 'version'> & Partial<Pick<Registered, 'id' | 'version'>>

function typeOf({ schemaType }: Shown): object {
  return schemaType === 'AVRO' ? {} : { schemaType }
}

function contractOf({ metadata, ruleSet }: Shown): object {
  return {
    ...(metadata === undefined || Object.keys(metadata).length === 0 ? {} : { metadata }),
    ...(ruleSet === undefined || Object.keys(ruleSet).length === 0 ? {} : { ruleSet }),
  }
}

function referencesOf(
  references: readonly SchemaReference[],
  subject: string,
  referenceFormat: string | undefined,
): object {
  if (references.length === 0) return {}
  if (referenceFormat !== 'qualified' || contextOf(subject) === DEFAULT_CONTEXT) {
    return { references }
  }
  return {
    references: references.map((each) => ({ ...each, subject: qualify(subject, each.subject) })),
  }
}

/** Text of a schema in a form. */
export function formatted(view: RegistryView, entry: SchemaEntry, format = ''): string {
  if (format.trim() === '') return entry.schema
  return view.parser.parseEntry(view.state, entry).format(format)
}

function stateOf({ timestampMs, deleted }: SchemaEntry): object {
  return { ts: timestampMs, ...(deleted ? { deleted } : {}) }
}

/** A version of a subject. */
export function schemaJson(view: RegistryView, entry: SchemaEntry, as: ShownAs = {}): object {
  const { subject, version, id, guid } = entry
  return {
    subject,
    version,
    id,
    guid,
    ...typeOf(entry),
    ...referencesOf(entry.references, subject, as.referenceFormat),
    ...contractOf(entry),
    schema: formatted(view, entry, as.format),
    ...stateOf(entry),
  }
}

/** A schema that was found by its id or GUID, with its version if `isOfSubject`. */
export function schemaStringJson(
  view: RegistryView,
  entry: SchemaEntry,
  as: ShownAs & { readonly isOfSubject: boolean; readonly maxId?: number },
): object {
  const { subject, version, guid } = entry
  return {
    ...(as.isOfSubject ? { subject, version } : {}),
    guid,
    ...typeOf(entry),
    schema: formatted(view, entry, as.format),
    ...referencesOf(entry.references, subject, as.referenceFormat),
    ...contractOf(entry),
    ...(as.maxId === undefined ? {} : { maxId: as.maxId }),
    ...stateOf(entry),
  }
}

/** The reply to a registration. */
export function registeredJson(registered: Registered): object {
  const { id, version, guid, references, schema } = registered
  return {
    id,
    version,
    guid,
    ...typeOf(registered),
    ...(references.length === 0 ? {} : { references }),
    ...contractOf(registered),
    schema,
  }
}
