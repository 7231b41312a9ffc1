// SPDX-License-Identifier: Apache-2.0

/** Whether long loops run in full, as in `npm run test:nightly`: the variable `THOROUGH` is set. */
export const isThorough = (process.env.THOROUGH ?? '') !== ''

/** How often a test repeats something: `usual` times, in the nightly run `thorough` times. */
export function effort(usual: number, thorough: number): number {
  return isThorough ? thorough : usual
}
