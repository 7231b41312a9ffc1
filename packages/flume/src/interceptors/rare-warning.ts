// SPDX-License-Identifier: Apache-2.0
import type { ComponentContext } from '../component.ts'

/** Shortest time between two warnings. */
const WARN_MS = 10_000

/** Logs a warning of an interceptor about events, at most every ten seconds. */
export function rareWarning({
  world,
  logger,
  name,
}: ComponentContext): (message: string, fields: Readonly<Record<string, unknown>>) => void {
  let warnedMs = Number.NEGATIVE_INFINITY
  return (message, fields) => {
    const now = world.clock.monotonic()
    if (now - warnedMs < WARN_MS) return
    warnedMs = now
    logger.warn(message, { interceptor: name, ...fields })
  }
}
