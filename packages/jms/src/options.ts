// SPDX-License-Identifier: Apache-2.0
import { nearestSpelling } from '@millrace/base'
import { JMSException } from './exceptions.ts'

/** Rule for the value of an option. */
export interface OptionRule {
  /** Follows "expected" in an error message. */
  readonly expected: string
  readonly accepts: (value: unknown) => boolean
  /** All allowed values, if they are a closed set. */
  readonly choices?: readonly string[]
}

export type OptionRules<T> = { readonly [K in keyof Required<T>]: OptionRule }

export const text: OptionRule = {
  expected: 'text',
  accepts: (value) => typeof value === 'string',
}

export const nonEmptyText: OptionRule = {
  expected: 'non-empty text',
  accepts: (value) => typeof value === 'string' && value !== '',
}

export const flag: OptionRule = {
  expected: 'true or false',
  accepts: (value) => typeof value === 'boolean',
}

export const callback: OptionRule = {
  expected: 'a function',
  accepts: (value) => typeof value === 'function',
}

export const signal: OptionRule = {
  expected: 'an AbortSignal',
  accepts: (value) => value instanceof AbortSignal,
}

/** Text, or null for none. */
export const textOrNull: OptionRule = {
  expected: 'text or null',
  accepts: (value) => value === null || typeof value === 'string',
}

/** A listener: a function, an object with these methods, or null for none. */
export function listenerOrNull(...methods: readonly string[]): OptionRule {
  const { accepts } = withMethods('', ...methods)
  return {
    expected: `a function, an object with ${methods.join(' and ')}, or null`,
    accepts: (value) => value === null || typeof value === 'function' || accepts(value),
  }
}

/** A whole number, at least `min`. */
export function whole(min: number): OptionRule {
  return {
    expected: `a whole number from ${min}`,
    accepts: (value) => Number.isSafeInteger(value) && (value as number) >= min,
  }
}

/** A number, at least `min`; fractions are allowed. */
export function number(min: number): OptionRule {
  return {
    expected: `a number from ${min}`,
    accepts: (value) => typeof value === 'number' && Number.isFinite(value) && value >= min,
  }
}

export function oneOf(...choices: readonly string[]): OptionRule {
  return {
    expected: choices.map((each) => JSON.stringify(each)).join(', '),
    accepts: (value) => choices.includes(value as string),
    choices,
  }
}

/** An object with these methods. */
export function withMethods(expected: string, ...methods: readonly string[]): OptionRule {
  return {
    expected,
    accepts: (value) =>
      typeof value === 'object' &&
      value !== null &&
      methods.every((name) => typeof (value as Record<string, unknown>)[name] === 'function'),
  }
}

/** An object; its properties are checked elsewhere. */
export function object(expected: string): OptionRule {
  return { expected, accepts: (value) => typeof value === 'object' && value !== null }
}

/**
 * An invalid argument or option. The message contains its name, its value, the expected value and
 * the nearest spelling.
 */
export class InvalidOptionException extends JMSException {
  override readonly name = 'InvalidOptionException'
  /** Creates the exception with a reason. */
  constructor(reason: string) {
    super(reason, 'JMS_INVALID_OPTION')
  }
}

/**
 * Checks the options of an entry point: unknown keys and invalid values. An undefined option counts
 * as absent. Throws `InvalidOptionException`.
 */
export function checkOptions(
  where: string,
  given: unknown,
  rules: Readonly<Record<string, OptionRule>>,
): void {
  if (typeof given !== 'object' || given === null || Array.isArray(given)) {
    throw new InvalidOptionException(`${where}: invalid options ${show(given)}: expected an object`)
  }
  for (const [key, value] of Object.entries(given)) {
    if (!Object.hasOwn(rules, key)) {
      const nearest = nearestSpelling(key, Object.keys(rules))
      const hint =
        nearest === undefined
          ? `: expected one of ${Object.keys(rules).join(', ')}`
          : `; did you mean ${nearest}?`
      throw new InvalidOptionException(`${where}: unknown option ${key}${hint}`)
    }
    if (value !== undefined) checkValue(where, key, value, rules[key] as OptionRule)
  }
}

/** Checks one value. Throws `InvalidOptionException`. */
export function checkValue(where: string, key: string, value: unknown, rule: OptionRule): void {
  if (rule.accepts(value)) return
  const nearest =
    typeof value === 'string' && rule.choices !== undefined
      ? nearestSpelling(value, rule.choices)
      : undefined
  const hint = nearest === undefined ? '' : `; did you mean ${JSON.stringify(nearest)}?`
  throw new InvalidOptionException(
    `${where}: invalid ${key} ${show(value)}: expected ${rule.expected}${hint}`,
  )
}

/**
 * Formats a value for an error message: short, and without the properties of objects, which may be
 * secret.
 */
export function show(value: unknown): string {
  switch (typeof value) {
    case 'string':
      return JSON.stringify(value.length > 100 ? `${value.slice(0, 100)}…` : value)
    case 'bigint':
      return `${value}n`
    case 'function':
      return value.name === '' ? 'a function' : `the function ${value.name}`
    case 'object':
      if (value === null) return 'null'
      if (Array.isArray(value)) return `[${value.map(show).join(', ')}]`
      return `an object of class ${value.constructor?.name ?? 'null'}`
    default:
      return String(value)
  }
}
