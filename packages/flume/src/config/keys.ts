// SPDX-License-Identifier: Apache-2.0
import { nearestSpelling } from '@millrace/base'

/** One key of a component: how it is spelled in a file, and how its text becomes a value. */
export interface Key<T, R extends boolean = boolean> {
  readonly kind: 'single'
  /** Its spelling in files; by default the property's own name. */
  readonly key?: string
  /** Older spellings, and what others call it. */
  readonly alsoKnownAs?: readonly string[]
  /** Whether the key must be set. */
  readonly isRequired: R
  /** Throws an `Error` that says what is allowed. */
  parse(text: string): T
  /** Value if the key is not set. */
  readonly fallback: T
  /** The value is a `PartType`, which may name code of the user. */
  readonly isPart?: true
}

/** All keys that begin with a prefix, by the rest of their names. */
export interface PrefixKey {
  readonly kind: 'prefix'
  readonly prefix: string
  /** The names that may stand after the prefix; anything when absent. */
  readonly names?: Keys
  parse?(text: string): unknown
}

/** A key that Flume has and this does not: refused with the reason, so that nobody believes it counts. */
export interface UnsupportedKey {
  readonly kind: 'unsupported'
  readonly key?: string
  readonly reason: string
  /** A value that asks for nothing, and is let pass. */
  readonly unless?: RegExp
}

/** A key of Flume's that has no meaning here (thread counts and the like); it is taken and does nothing. */
export interface IgnoredKey {
  readonly kind: 'ignored'
  readonly key?: string
  readonly reason: string
}

/** Keys of a component, by name. */
// biome-ignore lint/suspicious/noExplicitAny: a table of keys holds keys of every type
export type Keys = Readonly<Record<string, Key<any> | PrefixKey | UnsupportedKey | IgnoredKey>>

/** Values of keys, by their names in camel case. */
export type ValuesOf<K extends Keys> = {
  readonly [P in keyof K as K[P] extends UnsupportedKey | IgnoredKey ? never : P]: K[P] extends Key<
    infer T,
    boolean
  >
    ? T
    : ReadonlyMap<string, string>
}

interface KeyOptions {
  readonly key?: string
  readonly alsoKnownAs?: readonly string[]
}

function optional<T>(parse: (text: string) => T, options: KeyOptions, fallback: T): Key<T, false> {
  return { kind: 'single', parse, ...options, isRequired: false, fallback }
}

function required<T>(parse: (text: string) => T, options: KeyOptions): Key<T, true> {
  // Without a value the configuration is refused, so nobody sees this one.
  return { kind: 'single', parse, ...options, isRequired: true, fallback: undefined as never }
}

type Bounds = { readonly min?: number; readonly max?: number }

function wholeNumber({ min = Number.MIN_SAFE_INTEGER, max = Number.MAX_SAFE_INTEGER }: Bounds) {
  return (text: string): number => {
    const value = /^[+-]?\d+$/.test(text.trim()) ? Number(text) : Number.NaN
    // Flume's examples write Long.MAX_VALUE for "no limit".
    if (value > Number.MAX_SAFE_INTEGER && max === Number.MAX_SAFE_INTEGER) return max
    if (value >= min && value <= max) return value
    const least = min === Number.MIN_SAFE_INTEGER ? '' : ` from ${min}`
    const most = max === Number.MAX_SAFE_INTEGER ? '' : ` to ${max}`
    throw new Error(`a whole number${least}${most}`)
  }
}

/** A whole number within bounds. */
export function integer(fallback: number, options: KeyOptions & Bounds = {}): Key<number, false> {
  return optional(wholeNumber(options), options, fallback)
}

/** A key that must be a whole number. */
export function requiredInteger(options: KeyOptions & Bounds = {}): Key<number, true> {
  return required(wholeNumber(options), options)
}

/** A key that is a whole number, or not set. */
export function optionalInteger(options: KeyOptions & Bounds = {}): Key<number | undefined, false> {
  return optional<number | undefined>(wholeNumber(options), options, undefined)
}

/** A TCP or UDP port; 0 takes any that is free. */
export function port(options: KeyOptions = {}): Key<number, true> {
  return requiredInteger({ ...options, min: 0, max: 65535 })
}

/** A key that is a number with fractions, with a default. */
export function decimal(fallback: number, options: KeyOptions & Bounds = {}): Key<number, false> {
  const { min = -Infinity, max = Infinity } = options
  const parse = (text: string): number => {
    const value = text.trim() === '' ? Number.NaN : Number(text)
    if (value >= min && value <= max) return value
    throw new Error(
      `a number${min === -Infinity ? '' : ` from ${min}`}${max === Infinity ? '' : ` to ${max}`}`,
    )
  }
  return optional(parse, options, fallback)
}

function parseBoolean(text: string): boolean {
  const lower = text.trim().toLowerCase()
  if (lower === 'true') return true
  if (lower === 'false') return false
  throw new Error('true or false')
}

/** A key that is `true` or `false`, with a default. */
export function boolean(fallback: boolean, options: KeyOptions = {}): Key<boolean, false> {
  return optional(parseBoolean, options, fallback)
}

/** A key that is `true` or `false`, or not set. */
export function optionalBoolean(options: KeyOptions = {}): Key<boolean | undefined, false> {
  return optional<boolean | undefined>(parseBoolean, options, undefined)
}

/** A key that is text, with a default. */
export function text(fallback: string, options: KeyOptions = {}): Key<string, false> {
  return optional((value) => value, options, fallback)
}

/** A key that must be text. */
export function requiredText(options: KeyOptions = {}): Key<string, true> {
  const parse = (value: string): string => {
    if (value.trim() === '') throw new Error('a text that is not empty')
    return value
  }
  return required(parse, options)
}

/** The type of a part of a component: the name of a built-in one, or the definition of the user's that it names. */
export interface PartType {
  readonly type: string
  readonly custom?: unknown
}

export function partType(fallback: string, options: KeyOptions = {}): Key<PartType, false> {
  const parse = (type: string): PartType => ({ type })
  return { ...optional(parse, options, { type: fallback }), isPart: true }
}

/** A key that is text, or not set. */
export function optionalText(options: KeyOptions = {}): Key<string | undefined, false> {
  return optional<string | undefined>((value) => value, options, undefined)
}

/** One of some words, upper and lower case alike; the value is as they are spelled here. */
export function choice<const T extends string>(
  values: readonly T[],
  fallback: T,
  options: KeyOptions = {},
): Key<T, false> {
  const parse = (given: string): T => {
    const found = values.find((value) => value.toLowerCase() === given.trim().toLowerCase())
    if (found !== undefined) return found
    const nearest = nearestSpelling(given, values)
    throw new Error(
      `${values.join(', ')}${nearest === undefined ? '' : `; did you mean ${nearest}?`}`,
    )
  }
  return optional(parse, options, fallback)
}

/** Words with blanks between. */
export function words(options: KeyOptions = {}): Key<readonly string[], false> {
  return optional<readonly string[]>(splitWords, options, [])
}

/** A key that must be a list of words separated by blanks. */
export function requiredWords(options: KeyOptions = {}): Key<readonly string[], true> {
  const parse = (value: string): readonly string[] => {
    const list = splitWords(value)
    if (list.length === 0) throw new Error('one or more words')
    return list
  }
  return required<readonly string[]>(parse, options)
}

export function splitWords(value: string): string[] {
  return value.split(/\s+/).filter((word) => word !== '')
}

/** A text that `parse` makes something of; it throws an `Error` that says what is allowed. */
export function parsed<T>(
  parse: (text: string) => T,
  fallback: T,
  options: KeyOptions = {},
): Key<T, false> {
  return optional(parse, options, fallback)
}

/** A key that must be set and is read by a function. */
export function requiredParsed<T>(
  parse: (text: string) => T,
  options: KeyOptions = {},
): Key<T, true> {
  return required(parse, options)
}

/** All keys that begin with a prefix, without it. */
export function prefixed(prefix: string): PrefixKey {
  return { kind: 'prefix', prefix }
}

export function unsupported(
  reason: string,
  options: { key?: string; unless?: RegExp } = {},
): UnsupportedKey {
  return { kind: 'unsupported', reason, ...options }
}

export function ignored(reason: string, options: { key?: string } = {}): IgnoredKey {
  return { kind: 'ignored', reason, ...options }
}

/** An entry of a component: the text of its value, and the line it stands on. */
export interface Property {
  readonly value: string
  /** Undefined when it does not come from a file. */
  readonly line: number | undefined
}
export type Properties = ReadonlyMap<string, Property>

export interface Problem {
  /** The key it is about, without the component's prefix. */
  readonly key: string
  readonly message: string
  readonly line: number | undefined
}

/** All spellings that a file may use; prefixes end in a dot. */
export function spellings(keys: Keys): string[] {
  return Object.entries(keys).flatMap(([name, key]) =>
    key.kind === 'prefix'
      ? [key.prefix]
      : [key.key ?? name, ...(key.kind === 'single' ? (key.alsoKnownAs ?? []) : [])],
  )
}

/**
 * Reads a component's properties by its keys. What is wrong is added to `problems`; a value that cannot be read is replaced by its
 * default, so that everything wrong is found in one go.
 */
export function readKeys<K extends Keys>(
  keys: K,
  properties: Properties,
  problems: Problem[],
): ValuesOf<K> {
  const values: Record<string, unknown> = {}
  const known = new Set<string>()
  const prefixes: string[] = []
  for (const [name, key] of Object.entries(keys)) {
    if (key.kind === 'prefix') {
      prefixes.push(key.prefix)
      values[name] = underPrefix(properties, key.prefix)
      continue
    }
    const spelling = key.key ?? name
    known.add(spelling)
    if (key.kind === 'ignored') continue
    if (key.kind === 'unsupported') {
      const property = properties.get(spelling)
      if (property !== undefined && key.unless?.test(property.value.trim()) !== true) {
        problems.push({
          key: spelling,
          line: property.line,
          message: `is not supported: ${key.reason}`,
        })
      }
      continue
    }
    for (const other of key.alsoKnownAs ?? []) known.add(other)
    const given = [spelling, ...(key.alsoKnownAs ?? [])].find((each) => properties.has(each))
    values[name] = key.fallback
    if (given === undefined) {
      if (key.isRequired) problems.push({ key: spelling, line: undefined, message: 'is missing' })
      continue
    }
    const property = properties.get(given) as Property
    try {
      values[name] = key.parse(property.value)
    } catch (error) {
      const allowed = (error as Error).message
      problems.push({
        key: given,
        line: property.line,
        message: `is ${JSON.stringify(property.value)}; allowed is ${allowed}`,
      })
    }
  }
  for (const [spelling, { line }] of properties) {
    if (known.has(spelling) || prefixes.some((prefix) => spelling.startsWith(prefix))) continue
    const nearest = nearestSpelling(spelling, [...known, ...prefixes])
    problems.push({
      key: spelling,
      line,
      message: `is not known${nearest === undefined ? '' : `; did you mean ${nearest}?`}`,
    })
  }
  return values as ValuesOf<K>
}

/** The entries that begin with a prefix, without it. */
export function underPrefix(properties: Properties, prefix: string): Map<string, string> {
  const found = new Map<string, string>()
  for (const [key, { value }] of properties) {
    if (key.startsWith(prefix) && key.length > prefix.length)
      found.set(key.slice(prefix.length), value)
  }
  return found
}
