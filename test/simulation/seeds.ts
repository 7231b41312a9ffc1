// SPDX-License-Identifier: Apache-2.0

/** Which seeds to run: `SEEDS=FIRST+COUNT`, or so many from 1. */
export function seedsToRun(usual: number): { readonly first: number; readonly count: number } {
  const [first = 1, count = usual] = (process.env.SEEDS ?? '')
    .split('+')
    .filter(Boolean)
    .map(Number)
  return { first, count }
}

/** Runs them one after another; the error of one that fails says how to run it again. */
export async function runSeeds(
  { first, count }: { readonly first: number; readonly count: number },
  simulate: (seed: number) => Promise<unknown>,
): Promise<void> {
  for (let seed = first; seed < first + count; seed++) {
    try {
      await simulate(seed)
    } catch (error) {
      throw new Error(`SEEDS=${seed}+1: ${(error as Error).message}`, { cause: error })
    }
  }
}
