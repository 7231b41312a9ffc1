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

/** A syntax that values of one key have, checked on the trimmed text. */
export interface ConfigForm {
  /** Completes "expected …" in an error message. */
  readonly expected: string
  matches(text: string): boolean
}

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
  /** `oneOf` is compared without regard to case. */
  readonly ignoresCase?: true
  /** Refuses an empty text or an empty list. */
  readonly nonEmpty?: true
  /** Syntax of the values, where type and limits do not say it. */
  readonly form?: ConfigForm
  /** Whether a running broker accepts a change: for all brokers at once, or only for one broker. */
  readonly dynamic?: 'cluster-wide' | 'per-broker'
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

/** The error for a value that its key does not allow; `expected` completes "expected …". */
export function invalidValue(key: string, value: string, expected: string): ConfigError {
  return new ConfigError(
    key,
    `Invalid value ${value} for configuration ${key}: expected ${expected}`,
  )
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
