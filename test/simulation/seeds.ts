// SPDX-License-Identifier: Apache-2.0
import { effort } from '@millrace/testkit'

/**
 * Seeds to run: `SEEDS=FIRST+COUNT`, or `usual` from 1 on, or in the nightly run `thorough`
 * from a day's own number on.
 */
export function seedsToRun(
  usual: number,
  thorough: number,
): { readonly first: number; readonly count: number } {
  const today = Math.floor(Date.now() / 86_400_000)
  const [first = effort(1, today * 1000), count = effort(usual, thorough)] = (
    process.env.SEEDS ?? ''
  )
    .split('+')
    .filter(Boolean)
    .map(Number)
  return { first, count }
}

/** Runs the seeds one after another; the error of a failed one explains how to run it again. */
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
