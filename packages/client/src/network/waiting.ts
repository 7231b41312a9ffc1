// SPDX-License-Identifier: Apache-2.0
import { type Clock, MillraceError } from '@millrace/base'

/** The error of a call whose `signal` was aborted. */
export class AbortedError extends MillraceError {
  override readonly name = 'AbortError'
  /** Creates the error; `cause` is the reason of the signal. */
  constructor(cause?: unknown) {
    super('ABORT_ERR', 'the operation was aborted', { cause })
  }
}

/** Resolves after `ms`, or rejects with `AbortedError` as soon as the signal is aborted. */
export function sleep(clock: Clock, ms: number, signal?: AbortSignal): Promise<void> {
  if (signal?.aborted) return Promise.reject(new AbortedError(signal.reason))
  return new Promise((resolve, reject) => {
    const onAbort = (): void => {
      timer.cancel()
      reject(new AbortedError(signal?.reason))
    }
    const timer = clock.setTimer(
      ms,
      () => {
        signal?.removeEventListener('abort', onAbort)
        resolve()
      },
      // A client that waits for a broker to return keeps the process alive.
      { keepsAlive: true },
    )
    signal?.addEventListener('abort', onAbort, { once: true })
  })
}

/** A wait that can be woken. A wake-up without a waiter is kept for the next one. */
export class Wakeup {
  #isSet = false
  #resolve: (() => void) | undefined

  wake(): void {
    const resolve = this.#resolve
    this.#resolve = undefined
    if (resolve === undefined) this.#isSet = true
    else resolve()
  }

  /** Resolves when woken, or after `ms`. */
  wait(clock: Clock, ms: number): Promise<void> {
    if (this.#isSet) {
      this.#isSet = false
      return Promise.resolve()
    }
    return new Promise((resolve) => {
      const timer = clock.setTimer(ms, () => this.wake(), { keepsAlive: true })
      this.#resolve = () => {
        timer.cancel()
        resolve()
      }
    })
  }
}

/** Settles as `work` does, unless the signal is aborted first. */
export async function abortable<T>(work: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (signal === undefined) return work
  if (signal.aborted) {
    work.catch(() => {})
    throw new AbortedError(signal.reason)
  }
  const { promise, reject } = Promise.withResolvers<never>()
  const onAbort = (): void => reject(new AbortedError(signal.reason))
  signal.addEventListener('abort', onAbort, { once: true })
  try {
    return await Promise.race([work, promise])
  } finally {
    signal.removeEventListener('abort', onAbort)
  }
}
