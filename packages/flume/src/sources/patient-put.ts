// SPDX-License-Identifier: Apache-2.0
import type { ProcessOptions } from '../channel-processor.ts'
import type { SourceContext } from '../component.ts'
import { reasonOf } from '../errors.ts'
import type { Event } from '../event.ts'
import { sleep } from '../waiting.ts'

const FIRST_RETRY_MS = 100
const MAX_RETRY_MS = 5000

/**
 * Puts a batch and retries until the channels have stored it, for sources that can wait. Resolves
 * with false if `signal` was aborted before.
 */
export async function putPatiently(
  { channels, logger, name, world }: SourceContext,
  events: readonly Event[],
  signal: AbortSignal,
  options?: ProcessOptions,
): Promise<boolean> {
  for (let failures = 0; !signal.aborted; failures++) {
    try {
      await channels.process(events, options)
      return true
    } catch (error) {
      const retryInMs = Math.min(FIRST_RETRY_MS * 2 ** Math.min(failures, 10), MAX_RETRY_MS)
      logger[failures === 0 ? 'warn' : 'debug']('cannot put events; the source waits', {
        source: name,
        retryInMs,
        reason: reasonOf(error),
      })
      await sleep(world.clock, retryInMs, signal)
    }
  }
  return false
}
