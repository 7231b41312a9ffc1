// SPDX-License-Identifier: Apache-2.0

/** Context of subjects without one. */
export const DEFAULT_CONTEXT = '.'
/** Context whose settings apply to all contexts. It has no schemas. */
export const GLOBAL_CONTEXT = '.__GLOBAL'
/** Matches the subjects of all contexts, as a prefix. */
export const ALL_CONTEXTS = ':*:'

/** A subject and the context that it is in. */
export interface QualifiedSubject {
  /** `.` for the default context, otherwise `.` and a name; `*` for all contexts. */
  readonly context: string
  /** Name within the context; empty for the context itself. */
  readonly name: string
}

/** Parses `:.context:name`; a text without a context is in the default one. */
export function parseSubject(text: string): QualifiedSubject {
  if (text.startsWith(ALL_CONTEXTS)) return { context: '*', name: text.slice(ALL_CONTEXTS.length) }
  if (!text.startsWith(':.')) return { context: DEFAULT_CONTEXT, name: text }
  const end = text.indexOf(':', 2)
  if (end < 0) return { context: text.slice(1), name: '' }
  return { context: text.slice(1, end), name: text.slice(end + 1) }
}

/** `:.context:`, or nothing for the default context. */
export function contextPrefix(context: string): string {
  return context === DEFAULT_CONTEXT ? '' : `:${context}:`
}

/** The text of a subject: with its context, unless that is the default one. */
export function formatSubject({ context, name }: QualifiedSubject): string {
  return contextPrefix(context) + name
}

/** The one text of a subject: `:.:s` is `s`. */
export function normalizeSubject(text: string): string {
  return formatSubject(parseSubject(text))
}

/** Context of a subject. */
export function contextOf(subject: string): string {
  return parseSubject(subject).context
}

/**
 * A subject as named by a schema of `parent`: without a context it is in the context of the parent.
 */
export function qualify(parent: string, subject: string): string {
  const own = parseSubject(subject)
  if (own.context !== DEFAULT_CONTEXT) return formatSubject(own)
  const { context } = parseSubject(parent)
  if (context === DEFAULT_CONTEXT) return formatSubject(own)
  return contextPrefix(context) + subject
}

/** Whether a text names a context, the default one included, and no subject. */
export function isContext(text: string): boolean {
  return parseSubject(text).name === ''
}

/** Whether a text names the default context. */
export function isDefaultContext(text: string): boolean {
  const { context, name } = parseSubject(text)
  return context === DEFAULT_CONTEXT && name === ''
}

/** Whether a text names the context whose settings apply to all contexts. */
export function isGlobalContext(text: string): boolean {
  const { context, name } = parseSubject(text)
  return context === GLOBAL_CONTEXT && name === ''
}

/**
 * Whether schemas, or with `isSetting` modes and configurations, may be stored under a subject.
 */
export function isValidSubject(text: string, isSetting = false): boolean {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are refused
  if (/[\u0000-\u001f\u007f-\u009f]/.test(text)) return false
  const { context, name } = parseSubject(text)
  if (name === '__GLOBAL' || name === '__EMPTY') return false
  return isSetting || context !== GLOBAL_CONTEXT
}

/**
 * The context of a path, such as `.a`, `a` or `:.a:`, as a prefix of its subjects; undefined if it
 * contains a colon.
 */
export function prefixOfContext(text: string): string | undefined {
  const name = text.replace(/^:/, '').replace(/:$/, '')
  if (name.includes(':')) return undefined
  return contextPrefix(name.startsWith('.') ? name : `.${name}`)
}

/** Whether `subject` is the one that `scope` names, or in the context that `scope` names. */
export function isInScope(subject: string, scope: string): boolean {
  if (subject === scope) return true
  const { context, name } = parseSubject(scope)
  return name === '' && (context === GLOBAL_CONTEXT || context === contextOf(subject))
}
