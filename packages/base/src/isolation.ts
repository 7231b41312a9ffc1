// SPDX-License-Identifier: Apache-2.0
import type { Logger } from './logger.ts'

/**
 * Runs one step of a clean-up, or a callback, whose failure must not reach its caller. An exception, or the rejection of the promise that
 * `step` returns, is logged once as an error, with `what` as the subject: `what` failed.
 */
export function attempt(logger: Logger, what: string, step: () => unknown): void {
  try {
    const result = step()
    if (result instanceof Promise) {
      result.catch((error: unknown) => logger.error(`${what} failed`, { error }))
    }
  } catch (error) {
    logger.error(`${what} failed`, { error })
  }
}
