// SPDX-License-Identifier: Apache-2.0
import { nearestSpelling } from '@millrace/base'
import type { Effect, Place } from './problem.ts'

/** A key of a component: its spelling in files, and how its value is parsed. */
export interface Key<T, R extends boolean = boolean> {
  readonly kind: 'single'
  /** Spelling in files. Default: the name of the property. */
  readonly key?: string
  /** Other spellings. */
  readonly alsoKnownAs?: readonly string[]
  /** Whether the key must be set. */
  readonly isRequired: R
  /** Throws an `Error` whose message names the allowed values. */
  parse(text: string): T
  /**
   * Reads a text that `parse` refuses as Flume does; the problem is then a warning. Without a
   * result the component is not created.
   */
  lenient?(text: string): { readonly value: T; readonly note: string } | undefined
  /** Value if the key is not set. */
  readonly fallback: T
  /** Whether the value is a `PartType`, which may name user code. */
  readonly isPart?: true
}

/** All keys with a prefix, by the rest of their names. */
export interface PrefixKey {
  readonly kind: 'prefix'
  readonly prefix: string
  /** Names allowed after the prefix. Default: any. */
  readonly names?: Keys
  parse?(text: string): unknown
}

/** A key of Flume that is not supported. It stops the agent, with the reason. */
export interface UnsupportedKey {
  readonly kind: 'unsupported'
  readonly key?: string
  readonly reason: string
  /** A value that requests nothing and is accepted. */
  readonly unless?: RegExp
}

/**
 * A key of Flume that has no meaning here, such as a number of threads. It is accepted and has no
 * effect.
 */
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

/** Thrown by `parse` for a value of Flume that is not supported. It stops the agent. */
export class UnsupportedError extends Error {}

/** Options of every key. */
export interface KeyOptions {
  readonly key?: string
  readonly alsoKnownAs?: readonly string[]
}

/** Options of a key with a default. */
interface DefaultOptions extends KeyOptions {
  /**
   * When Flume uses the default instead of an invalid value: always, or only for a number out of
   * range.
   */
  readonly elseDefault?: 'always' | 'out of range'
}

function optional<T>(
  parse: (text: string) => T,
  options: DefaultOptions,
  fallback: T,
): Key<T, false> {
  const { key, alsoKnownAs, elseDefault } = options
  return {
    kind: 'single',
    parse,
    ...(key === undefined ? {} : { key }),
    ...(alsoKnownAs === undefined ? {} : { alsoKnownAs }),
    ...(elseDefault === undefined ? {} : { lenient: defaultFor(fallback, elseDefault) }),
    isRequired: false,
    fallback,
  }
}

function required<T>(parse: (text: string) => T, options: KeyOptions): Key<T, true> {
  // Not used: a configuration without a value is refused.
  return { kind: 'single', parse, ...options, isRequired: true, fallback: undefined as never }
}

interface Bounds {
  readonly min?: number
  readonly max?: number
  /** Lower numbers count as `min`. */
  readonly isFloor?: true
}

function defaultFor<T>(
  value: T,
  when: 'always' | 'out of range',
): (text: string) => { readonly value: T; readonly note: string } | undefined {
  const note =
    value === undefined ? 'it is ignored, as in Flume' : `the default ${value} is used, as in Flume`
  return (text) => (when === 'always' || isWholeNumber(text) ? { value, note } : undefined)
}

function isWholeNumber(text: string): boolean {
  return /^[+-]?\d+$/.test(text.trim())
}

/** Hint for a `#` after a value, which is part of the value. */
function commentHint(text: string): string {
  return /\s[#!]/.test(text) ? '; a comment after a value is part of the value' : ''
}

function wholeNumber({
  min = Number.MIN_SAFE_INTEGER,
  max = Number.MAX_SAFE_INTEGER,
  isFloor,
}: Bounds) {
  return (text: string): number => {
    const value = isWholeNumber(text) ? Number(text) : Number.NaN
    if (value < min && isFloor === true) return min
    // Flume's examples use Long.MAX_VALUE for "no limit".
    if (value > Number.MAX_SAFE_INTEGER && max === Number.MAX_SAFE_INTEGER) return max
    if (value >= min && value <= max) return value
    const least = min === Number.MIN_SAFE_INTEGER ? '' : ` from ${min}`
    const most = max === Number.MAX_SAFE_INTEGER ? '' : ` to ${max}`
    throw new Error(`a whole number${least}${most}${commentHint(text)}`)
  }
}

/** A whole number within bounds. */
export function integer(
  fallback: number,
  options: DefaultOptions & Bounds = {},
): Key<number, false> {
  return optional(wholeNumber(options), options, fallback)
}

/** A key that must be a whole number. */
export function requiredInteger(options: KeyOptions & Bounds = {}): Key<number, true> {
  return required(wholeNumber(options), options)
}

/** A key that is a whole number, or not set. */
export function optionalInteger(
  options: DefaultOptions & Bounds = {},
): Key<number | undefined, false> {
  return optional<number | undefined>(wholeNumber(options), options, undefined)
}

/** A TCP or UDP port; 0 selects a free one. */
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
      `a number${min === -Infinity ? '' : ` from ${min}`}${max === Infinity ? '' : ` to ${max}`}${commentHint(text)}`,
    )
  }
  return optional(parse, options, fallback)
}

function parseBoolean(text: string): boolean {
  const lower = text.trim().toLowerCase()
  if (lower === 'true') return true
  if (lower === 'false') return false
  throw new Error(`true or false${commentHint(text)}`)
}

/** As Java's `Boolean.parseBoolean`, which never fails. */
const lenientBoolean = (): { readonly value: false; readonly note: string } => ({
  value: false,
  note: 'it is read as false, as in Flume',
})

/** A key that is `true` or `false`, with a default. */
export function boolean(fallback: boolean, options: KeyOptions = {}): Key<boolean, false> {
  return { ...optional(parseBoolean, options, fallback), lenient: lenientBoolean }
}

/** A key that is `true` or `false`, or not set. */
export function optionalBoolean(options: KeyOptions = {}): Key<boolean | undefined, false> {
  return {
    ...optional<boolean | undefined>(parseBoolean, options, undefined),
    lenient: lenientBoolean,
  }
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

/** Type of a part of a component: the name of a built-in part, or the user's definition. */
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

/** One of several words; case is ignored. */
export function choice<const T extends string>(
  values: readonly T[],
  fallback: T,
  options: DefaultOptions = {},
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

/** A list of words separated by blanks. */
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

/**
 * A key that is read by a function, with a default. The function throws an `Error` that names the
 * allowed values.
 */
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

/** All keys with a prefix, by the rest of their names. */
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

/** An entry of a component: its value and its place. */
export interface Property extends Place {
  readonly value: string
}
export type Properties = ReadonlyMap<string, Property>

/** A problem with one key of a component. */
export interface KeyProblem {
  /** The key, without the component's prefix. */
  readonly key: string
  readonly message: string
  /** Undefined for a key that is missing. */
  readonly place?: Place | undefined
  readonly effect: Effect
}

/**
 * A problem that a definition's `check` finds. It removes the component unless `effect` says
 * otherwise.
 */
export interface CheckProblem {
  readonly key: string
  readonly message: string
  readonly effect?: Effect
}

/** All spellings in files; prefixes end with a dot. */
export function spellings(keys: Keys): string[] {
  return Object.entries(keys).flatMap(([name, key]) =>
    key.kind === 'prefix'
      ? [key.prefix]
      : [key.key ?? name, ...(key.kind === 'single' ? (key.alsoKnownAs ?? []) : [])],
  )
}

/**
 * Reads the properties of a component by its keys. Problems are added to `problems`. An invalid
 * value is replaced by the default, so that one pass finds all problems.
 */
export function readKeys<K extends Keys>(
  keys: K,
  properties: Properties,
  problems: KeyProblem[],
): ValuesOf<K> {
  const values: Record<string, unknown> = {}
  for (const [name, key] of Object.entries(keys)) {
    if (key.kind === 'prefix') values[name] = underPrefix(properties, key.prefix)
    else if (key.kind === 'single') values[name] = readSingle(name, key, properties, problems)
    else if (key.kind === 'unsupported')
      checkUnsupported(key.key ?? name, key, properties, problems)
  }
  findUnknown(keys, properties, problems)
  return values as ValuesOf<K>
}

function readSingle(
  name: string,
  key: Key<unknown>,
  properties: Properties,
  problems: KeyProblem[],
): unknown {
  const spelling = key.key ?? name
  const given = [spelling, ...(key.alsoKnownAs ?? [])].find((each) => properties.has(each))
  const place = given === undefined ? undefined : properties.get(given)
  if (given === undefined || place === undefined) {
    if (key.isRequired) problems.push({ key: spelling, message: 'is missing', effect: 'component' })
    return key.fallback
  }
  try {
    return key.parse(place.value)
  } catch (error) {
    const shown = JSON.stringify(place.value)
    if (error instanceof UnsupportedError) {
      const message = `is ${shown}, which is not supported: ${error.message}`
      problems.push({ key: given, place, message, effect: 'agent' })
      return key.fallback
    }
    const message = `is ${shown}; expected ${(error as Error).message}`
    const lenient = key.lenient?.(place.value)
    if (lenient === undefined) {
      problems.push({ key: given, place, message, effect: 'component' })
      return key.fallback
    }
    problems.push({ key: given, place, message: `${message}; ${lenient.note}`, effect: 'none' })
    return lenient.value
  }
}

function checkUnsupported(
  key: string,
  { reason, unless }: UnsupportedKey,
  properties: Properties,
  problems: KeyProblem[],
): void {
  const place = properties.get(key)
  if (place === undefined || unless?.test(place.value.trim()) === true) return
  problems.push({ key, place, message: `is not supported: ${reason}`, effect: 'agent' })
}

/** Reports unknown keys, which Flume ignores. */
function findUnknown(keys: Keys, properties: Properties, problems: KeyProblem[]): void {
  const all = spellings(keys)
  const known = new Set(all)
  const prefixes = Object.values(keys).flatMap((key) => (key.kind === 'prefix' ? [key.prefix] : []))
  for (const [key, place] of properties) {
    if (known.has(key) || prefixes.some((prefix) => key.startsWith(prefix))) continue
    const nearest = nearestSpelling(key, all)
    const hint = nearest === undefined ? '' : `; did you mean ${nearest}?`
    problems.push({ key, place, message: `is not known${hint}`, effect: 'none' })
  }
}

/** Entries with a prefix, by the rest of their keys. */
export function underPrefix(properties: Properties, prefix: string): Map<string, string> {
  const found = new Map<string, string>()
  for (const [key, { value }] of properties) {
    if (key.startsWith(prefix) && key.length > prefix.length)
      found.set(key.slice(prefix.length), value)
  }
  return found
}
