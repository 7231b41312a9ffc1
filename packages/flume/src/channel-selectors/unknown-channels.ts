// SPDX-License-Identifier: Apache-2.0
import type { CheckProblem } from '../config/keys.ts'

/** Problems with names in a selector that are not channels of the source. */
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
