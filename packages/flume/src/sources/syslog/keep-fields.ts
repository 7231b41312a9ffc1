// SPDX-License-Identifier: Apache-2.0

const FIELDS = ['priority', 'version', 'timestamp', 'hostname'] as const
type Field = (typeof FIELDS)[number]

/**
 * Parts of the header that are kept in front of the body: none, all (the unchanged message), or
 * some.
 */
export type KeepFields = 'none' | 'all' | ReadonlySet<Field>

/** Reads `keepFields`: none or false, all or true, or names. */
export function parseKeepFields(text: string): KeepFields {
  const lower = text.trim().toLowerCase()
  if (lower === 'none' || lower === 'false') return 'none'
  if (lower === 'all' || lower === 'true') return 'all'
  const names = lower.split(/[\s,]+/)
  const unknown = names.find((name) => !(FIELDS as readonly string[]).includes(name))
  if (unknown !== undefined) {
    throw new Error(`none, all, or some of ${FIELDS.join(', ')} with blanks between`)
  }
  return new Set(names as Field[])
}

/** Flume's reading of other texts: the names that they contain. */
export function namesWithin(text: string): { readonly value: KeepFields; readonly note: string } {
  const found = FIELDS.filter((name) => text.toLowerCase().includes(name))
  return { value: new Set(found), note: `${found.join(', ') || 'none'} is kept, as in Flume` }
}

/** The kept parts, as they are in the message. */
export function keptText(
  keep: KeepFields,
  fields: {
    readonly priority: string
    readonly version: string
    readonly timestamp: string
    readonly hostname: string
  },
): string {
  if (keep === 'none' || keep === 'all') return ''
  let text = ''
  if (keep.has('priority')) text += `<${fields.priority}>`
  if (keep.has('version') && fields.version !== '') text += `${fields.version} `
  if (keep.has('timestamp')) text += `${fields.timestamp} `
  if (keep.has('hostname')) text += `${fields.hostname} `
  return text
}
