// SPDX-License-Identifier: Apache-2.0
import { nearestSpelling } from '@millrace/base'
import { ConfigError } from './config-definition.ts'

/** The error for a key that a resource type does not have; suggests the nearest spelling. */
export function unknownConfig(what: string, name: string, known: Iterable<string>): ConfigError {
  const nearest = nearestSpelling(name, known)
  const hint = nearest === undefined ? '' : `; did you mean ${nearest}?`
  return new ConfigError(name, `Unknown ${what} config name: ${name}${hint}`)
}
