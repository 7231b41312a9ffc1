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

/** Syntax of a key's values, checked on the trimmed text. */
export interface ConfigForm {
  /** Completes "expected …" in an error message. */
  readonly expected: string
  matches(text: string): boolean
}

/** One configuration key. Values are text, as in a properties file; null means unset. */
export interface ConfigDefinition {
  /** Type of the value. */
  readonly type: ConfigType
  /** Default value; null for none. */
  readonly default: string | null
  /** Smallest value. */
  readonly min?: number
  /** Largest value. */
  readonly max?: number
  /** An additional valid value outside `min` and `max`. */
  readonly or?: number
  /** Allowed values. */
  readonly oneOf?: readonly string[]
  /** Whether `oneOf` is compared case-insensitively. */
  readonly ignoresCase?: true
  /** Whether an empty text or an empty list is invalid. */
  readonly nonEmpty?: true
  /** Syntax of the values, if type and limits do not define it. */
  readonly form?: ConfigForm
  /** Whether the key is dynamic: cluster-wide, or for a single broker only. */
  readonly dynamic?: 'cluster-wide' | 'per-broker'
  /** An internal key for Kafka's own tests: accepted, and omitted from descriptions. */
  readonly internal?: true
  /** A topic key that Apache Kafka does not have: omitted from descriptions unless it is set. */
  readonly extension?: true
}
export type ConfigDefinitions = Readonly<Record<string, ConfigDefinition>>

/** An invalid value. The message names the key, the value and the expected values. */
export class ConfigError extends MillraceError {
  override readonly name = 'ConfigError'
  /** Key of the configuration. */
  readonly key: string
  /** Creates the error; `message` describes the invalid value of `key`. */
  constructor(key: string, message: string) {
    super('INVALID_CONFIG', message)
    this.key = key
  }
}

/** The error for an invalid value; `expected` completes "expected …". */
export function invalidValue(key: string, value: string, expected: string): ConfigError {
  return new ConfigError(
    key,
    `Invalid value ${value} for configuration ${key}: expected ${expected}`,
  )
}

/** Kafka's code for a type in DescribeConfigs. */
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
