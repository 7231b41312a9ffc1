// SPDX-License-Identifier: Apache-2.0
import { MillraceError } from '@millrace/base'
import { EngineError } from './destination-errors.ts'

/** Name prefix of temporary destinations; reserved. */
export const TEMPORARY_PREFIX = '$temporary.'

/**
 * Whether a name contains a wildcard of Artemis (`*`, `#`) or ActiveMQ (`*`, `>`). Kafka allows
 * none of these characters in the name of a topic.
 */
export function hasWildcard(name: string): boolean {
  return /[*#>]/.test(name) && !name.startsWith(TEMPORARY_PREFIX)
}

/**
 * Throws `EngineError.invalidName` for a name with a wildcard. A wildcard taken literally would
 * silently match nothing.
 */
export function refuseWildcard(name: string): void {
  if (!hasWildcard(name)) return
  throw new MillraceError(
    EngineError.invalidName,
    `invalid destination ${JSON.stringify(name)}: addresses with wildcards (*, #, >) are not supported; use one consumer per destination`,
  )
}
