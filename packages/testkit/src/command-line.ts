// SPDX-License-Identifier: Apache-2.0
import { join } from 'node:path'

const sources = join(import.meta.dirname, '../../cli/src/main.ts')

/**
 * Node arguments that run `millrace ARGS`. The command line is run from its sources, or from the
 * bundle in `MILLRACE_MAIN`, which `npm test` creates: it starts with a third of the CPU time.
 */
export function millraceArguments(...args: readonly string[]): string[] {
  const bundle = process.env.MILLRACE_MAIN
  // Threads are modules of their own, also with the bundle.
  return ['--conditions=millrace-src', bundle ?? sources, ...args]
}
