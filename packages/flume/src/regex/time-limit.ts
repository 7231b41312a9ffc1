// SPDX-License-Identifier: Apache-2.0
import { Script } from 'node:vm'

const WORK = Symbol.for('millrace.flume.work')
const script = new Script("globalThis[Symbol.for('millrace.flume.work')]()")

/**
 * Runs synchronous `work` for at most `limitMs`. Returns its result, or undefined if it was
 * interrupted. The overhead is about 0.1 ms.
 */
export function withTimeLimit<T>(
  limitMs: number,
  work: () => T,
): { readonly value: T } | undefined {
  const holder = globalThis as { [WORK]?: () => void }
  const before = holder[WORK]
  let result: { readonly value: T } | undefined
  holder[WORK] = () => {
    result = { value: work() }
  }
  try {
    script.runInThisContext({ timeout: limitMs })
    return result
  } catch (error) {
    if ((error as { readonly code?: unknown }).code === 'ERR_SCRIPT_EXECUTION_TIMEOUT')
      return undefined
    throw error
  } finally {
    holder[WORK] = before as () => void
  }
}
