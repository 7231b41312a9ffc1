// SPDX-License-Identifier: Apache-2.0
import type { Clock } from '@millrace/base'

/** Resolves after `ms` milliseconds of the clock. */
export function pause(clock: Clock, ms: number): Promise<void> {
  return new Promise((resolve) => {
    clock.setTimer(ms, resolve)
  })
}
