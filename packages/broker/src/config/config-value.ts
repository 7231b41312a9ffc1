// SPDX-License-Identifier: Apache-2.0
import { type ConfigDefinition, type ConfigType, invalidValue } from './config-definition.ts'

const RANGES: Partial<Record<ConfigType, readonly [min: bigint, max: bigint, expected: string]>> = {
  short: [-32768n, 32767n, 'a 16-bit number'],
  int: [-2147483648n, 2147483647n, 'a 32-bit number'],
  long: [-(2n ** 63n), 2n ** 63n - 1n, 'a 64-bit number'],
}

/**
 * Parses a whole number as Java's `Long.parseLong` does after trimming: a sign and decimal digits.
 */
export function parseInteger(value: string): bigint | undefined {
  const text = value.trim()
  return /^[+-]?\d+$/.test(text) ? BigInt(text.replace('+', '')) : undefined
}

const DECIMAL = /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?[fd]?$/i
const HEXADECIMAL = /^([+-]?)0x([\da-f]*)\.?([\da-f]*)p([+-]?\d+)[fd]?$/i

/**
 * Parses a number as Java's `Double.parseDouble` does: `1`, `.5`, `1e3`, `1d`, `0x1p3`, `NaN`,
 * `Infinity`.
 */
export function parseDouble(value: string): number | undefined {
  const text = value.trim()
  if (/^[+-]?(NaN|Infinity)$/.test(text)) return Number(text.replace(/[+-](?=NaN)/, ''))
  if (DECIMAL.test(text)) return Number(text.replace(/[fd]$/i, ''))
  const [, sign = '', whole = '', fraction = '', exponent] = HEXADECIMAL.exec(text) ?? []
  if (exponent === undefined || whole + fraction === '') return undefined
  const digits = Number.parseInt(`${whole}${fraction}`, 16)
  const magnitude = digits * 2 ** (Number(exponent) - 4 * fraction.length)
  return sign === '-' ? -magnitude : magnitude
}

/** Converts the validated value of a numeric key. Values above 2⁵³ lose precision. */
export function numberOf(value: string): number {
  return parseDouble(value) ?? Number.NaN
}

/** Splits a comma-separated value. Empty items are kept; an empty text is an empty list. */
export function listItems(value: string): string[] {
  const text = value.trim()
  return text === '' ? [] : text.split(/\s*,\s*/)
}

/** Splits a comma-separated value and drops empty items and repetitions. */
export function splitList(value: string): string[] {
  return [...new Set(listItems(value))].filter((item) => item !== '')
}

/** Formats a validated value as Kafka does: trimmed, numbers and lists in canonical form. */
export function shownValue(value: string, type: ConfigType | undefined): string {
  switch (type) {
    case 'boolean':
      return value.trim().toLowerCase()
    case 'short':
    case 'int':
    case 'long':
      return String(parseInteger(value) ?? value)
    case 'double':
      return doubleText(numberOf(value))
    case 'list':
      return listItems(value).join(',')
    default:
      return value.trim()
  }
}

/** Formats a number as Java's `Double.toString` does: `1.0`, `1.0E10`. */
function doubleText(number: number): string {
  const magnitude = Math.abs(number)
  if (!Number.isFinite(number) || magnitude === 0)
    return Number.isFinite(number) ? '0.0' : String(number)
  const withFraction = (text: string): string => (text.includes('.') ? text : `${text}.0`)
  if (magnitude >= 1e-3 && magnitude < 1e7) return withFraction(String(number))
  const [digits = '', exponent = ''] = number.toExponential().split('e')
  return `${withFraction(digits)}E${exponent.replace('+', '')}`
}

function rangeText({ min, max, or }: ConfigDefinition): string {
  const lower = min === undefined ? '' : `at least ${min}`
  const upper = max === undefined ? '' : `at most ${max}`
  const range = [lower, upper].filter((part) => part !== '').join(' and ')
  return or === undefined ? range : `${range}, or ${or}`
}

/**
 * Throws `ConfigError` unless the text is a valid value of the key. Repeated list items are
 * dropped, as in a properties file; with `isDynamic` they are an error, as in Kafka.
 */
export function validateValue(
  key: string,
  value: string,
  definition: ConfigDefinition,
  isDynamic = false,
): void {
  const expected = expectedInstead(value, definition, isDynamic)
  if (expected === undefined) return
  throw invalidValue(key, definition.type === 'password' ? '[hidden]' : value, expected)
}

/** The expected values, or undefined if the text is valid. */
function expectedInstead(
  value: string,
  definition: ConfigDefinition,
  isDynamic: boolean,
): string | undefined {
  const { type, form } = definition
  const text = value.trim()
  if (form !== undefined && !form.matches(text)) return form.expected
  switch (type) {
    case 'boolean':
      return /^(true|false)$/i.test(text) ? undefined : 'true or false'
    case 'short':
    case 'int':
    case 'long':
    case 'double':
      return expectedNumber(text, definition)
    case 'list':
      return form === undefined ? expectedItems(listItems(text), definition, isDynamic) : undefined
    default:
      if (definition.nonEmpty && text === '') return 'a non-empty text'
      return isOneOf(text, definition) ? undefined : oneOfText(definition)
  }
}

function expectedNumber(text: string, definition: ConfigDefinition): string | undefined {
  const { type, min, max, or } = definition
  const range = RANGES[type]
  if (range !== undefined) {
    const integer = parseInteger(text)
    if (integer === undefined || integer < range[0] || integer > range[1]) return range[2]
  }
  const number = parseDouble(text)
  if (number === undefined) return 'a number'
  const isOutside = (min !== undefined && number < min) || (max !== undefined && number > max)
  return isOutside && number !== or ? rangeText(definition) : undefined
}

function expectedItems(
  items: readonly string[],
  definition: ConfigDefinition,
  isDynamic: boolean,
): string | undefined {
  if (definition.nonEmpty && items.length === 0) return 'a non-empty list'
  if (isDynamic && new Set(items).size !== items.length) return 'a list without repetitions'
  if (items.includes('')) return 'a list without empty items'
  return items.every((item) => isOneOf(item, definition)) ? undefined : oneOfText(definition)
}

function isOneOf(text: string, { oneOf, ignoresCase }: ConfigDefinition): boolean {
  if (oneOf === undefined) return true
  return oneOf.some((name) =>
    ignoresCase ? name.toLowerCase() === text.toLowerCase() : name === text,
  )
}

function oneOfText({ oneOf = [], ignoresCase }: ConfigDefinition): string {
  return `one of ${oneOf.join(', ')}${ignoresCase ? ' (case-insensitive)' : ''}`
}
