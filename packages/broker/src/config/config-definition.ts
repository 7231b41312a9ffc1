// SPDX-License-Identifier: Apache-2.0
import { MillraceError } from '@millrace/base'

export type ConfigType =
  | 'boolean'
  | 'short'
  | 'int'
  | 'long'
  | 'double'
  | 'string'
  | 'list'
  | 'class'
  | 'password'

/** One configuration key. Values are text, as in a properties file; null means not set. */
export interface ConfigDefinition {
  /** Type of the value. */
  readonly type: ConfigType
  /** Value if none is set; null for none. */
  readonly default: string | null
  /** Smallest value. */
  readonly min?: number
  /** Largest value. */
  readonly max?: number
  /** A value allowed although it lies outside `min` and `max`. */
  readonly or?: number
  /** Allowed values. */
  readonly oneOf?: readonly string[]
  /** Whether a running broker takes a change. */
  readonly dynamic?: true
  /** For Kafka's own tests; accepted, and left out of descriptions. */
  readonly internal?: true
}
export type ConfigDefinitions = Readonly<Record<string, ConfigDefinition>>

/** A value that its key does not allow. The message names key, value and what is allowed. */
export class ConfigError extends MillraceError {
  override readonly name = 'ConfigError'
  /** Key of the configuration. */
  readonly key: string
  /** Creates the error; `message` says what is wrong with the value of `key`. */
  constructor(key: string, message: string) {
    super('INVALID_CONFIG', message)
    this.key = key
  }
}

const RANGES: Partial<Record<ConfigType, readonly [bigint, bigint, string]>> = {
  short: [-32768n, 32767n, 'a 16-bit number'],
  int: [-2147483648n, 2147483647n, 'a 32-bit number'],
  long: [-(2n ** 63n), 2n ** 63n - 1n, 'a 64-bit number'],
}

function allowedRange({ min, max, or }: ConfigDefinition): string {
  const lower = min === undefined ? '' : `at least ${min}`
  const upper = max === undefined ? '' : `at most ${max}`
  const range = [lower, upper].filter((part) => part !== '').join(' and ')
  return or === undefined ? range : `${range}, or ${or}`
}

/** Throws `ConfigError` unless the text is a value of the key. */
export function validateValue(key: string, value: string, definition: ConfigDefinition): void {
  const refuse = (allowed: string): never => {
    const shown = definition.type === 'password' ? '[hidden]' : value
    throw new ConfigError(
      key,
      `Invalid value ${shown} for configuration ${key}: allowed is ${allowed}`,
    )
  }
  const { type, min, max, or, oneOf } = definition
  const text = value.trim()
  const range = RANGES[type]
  if (range !== undefined) {
    if (!/^[+-]?\d+$/.test(text)) refuse(range[2])
    const number = BigInt(text)
    if (number < range[0] || number > range[1]) refuse(range[2])
  }
  if (type === 'double' && (text === '' || Number.isNaN(Number(text)))) refuse('a number')
  if (range !== undefined || type === 'double') {
    const number = Number(text)
    const isBelow = min !== undefined && number < min
    const isAbove = max !== undefined && number > max
    if ((isBelow || isAbove) && number !== or) refuse(allowedRange(definition))
  }
  if (type === 'boolean' && !/^(true|false)$/i.test(text)) refuse('true or false')
  if (oneOf !== undefined) {
    const values = type === 'list' ? splitList(text) : [text]
    if (values.some((item) => !oneOf.includes(item))) refuse(`one of ${oneOf.join(', ')}`)
  }
}

/** Splits a comma-separated value; an empty text is an empty list. */
export function splitList(value: string): string[] {
  return value
    .split(',')
    .map((item) => item.trim())
    .filter((item) => item !== '')
}

/** Kafka's number for a type in DescribeConfigs. */
export const configTypeCode: Readonly<Record<ConfigType, number>> = {
  boolean: 1,
  string: 2,
  int: 3,
  short: 4,
  long: 5,
  double: 6,
  list: 7,
  class: 8,
  password: 9,
}
