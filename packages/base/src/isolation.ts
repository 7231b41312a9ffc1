// SPDX-License-Identifier: Apache-2.0
import type { Logger } from './logger.ts'
import type { Clock } from './world.ts'

/**
 * Runs a callback whose failure must not reach its caller. An exception, or the rejection of the
 * promise that `run` returns, is passed to `onError`.
 */
export function guard(run: () => unknown, onError: (error: Error) => void): void {
  try {
    const result = run()
    if (result instanceof Promise) result.catch((error: unknown) => onError(asError(error)))
  } catch (error) {
    onError(asError(error))
  }
}

function asError(thrown: unknown): Error {
  return thrown instanceof Error ? thrown : new Error(String(thrown), { cause: thrown })
}

/**
 * Runs one clean-up step, or a callback, whose failure must not reach its caller. An exception, or
 * the rejection of the promise that `step` returns, is logged as an error with `what` as the
 * subject: `what` failed.
 */
export function attempt(logger: Logger, what: string, step: () => unknown): void {
  guard(step, (error) => logger.error(`${what} failed`, { error }))
}

/**
 * A clock whose timer callbacks cannot end the process: their errors are logged, and other timers
 * are not affected.
 */
export function guardedClock(clock: Clock, logger: Logger): Clock {
  return {
    now: () => clock.now(),
    monotonic: () => clock.monotonic(),
    yield: () => clock.yield(),
    setTimer: (delayMs, callback, options) =>
      clock.setTimer(delayMs, () => attempt(logger, 'a timer callback', callback), options),
  }
}
