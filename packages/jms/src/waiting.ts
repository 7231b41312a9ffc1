// SPDX-License-Identifier: Apache-2.0
import type { Clock } from '@millrace/base'
import { JMSException } from './exceptions.ts'

/** Resolves after a time, or immediately if the signal is aborted. Never rejects. */
export function pause(clock: Clock, ms: number, signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve()
  return new Promise((resolve) => {
    const end = (): void => {
      timer.cancel()
      signal.removeEventListener('abort', end)
      resolve()
    }
    const timer = clock.setTimer(ms, end, { keepsAlive: true })
    signal.addEventListener('abort', end)
  })
}

/**
 * Waits for a promise; rejects with the code `JMS_TIMEOUT` after `timeoutMs`. 0 or less means no
 * limit.
 */
export async function limited<T>(
  clock: Clock,
  promise: Promise<T>,
  { what, timeoutMs }: { readonly what: string; readonly timeoutMs: number },
): Promise<T> {
  if (timeoutMs <= 0) return promise
  const { promise: late, reject } = Promise.withResolvers<never>()
  const timer = clock.setTimer(
    timeoutMs,
    () => reject(new JMSException(`${what}: no answer within ${timeoutMs} ms`, 'JMS_TIMEOUT')),
    { keepsAlive: true },
  )
  try {
    return await Promise.race([promise, late])
  } finally {
    timer.cancel()
  }
}
