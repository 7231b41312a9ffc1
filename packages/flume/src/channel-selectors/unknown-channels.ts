// SPDX-License-Identifier: Apache-2.0
import type { CheckProblem } from '../config/keys.ts'

/** Names in a selector have to be channels of the source. */
export function unknownChannels(
  key: string,
  names: readonly string[],
  known: readonly string[],
): CheckProblem[] {
  return names
    .filter((name) => !known.includes(name))
    .map((name) => ({
      key,
      message: `names channel ${name}, which the source does not have; it has ${known.join(', ')}`,
    }))
}
