// SPDX-License-Identifier: Apache-2.0
import type { ConsumerCore } from './consumer-core.ts'
import type { ConsumerRecord } from './consumer-record.ts'

/** Returns the next records, at most `maxRecords`; waits up to `timeoutMs` for the first one. */
export async function poll(
  core: ConsumerCore,
  options: {
    readonly maxRecords: number
    readonly timeoutMs: number
    readonly signal: AbortSignal | undefined
  },
): Promise<ConsumerRecord<unknown, unknown>[]> {
  const deadline = core.now() + options.timeoutMs
  for (let isFirst = true; ; isFirst = false) {
    if (!isFirst || !core.isGroupDue) {
      const records = takeFromAll(core, options.maxRecords)
      if (records.length > 0) {
        core.keepUp()
        await core.breathe()
        return records
      }
    }
    const left = deadline - core.now()
    options.signal?.throwIfAborted()
    if (left <= 0 && !isFirst) {
      await core.breathe()
      return []
    }
    await core.turn(Math.max(0, left))
  }
}

/** Everything that is taken counts as handled with the next read. */
function takeFromAll(core: ConsumerCore, max: number): ConsumerRecord<unknown, unknown>[] {
  let taken: ConsumerRecord<unknown, unknown>[] = []
  for (const state of core.states()) {
    if (taken.length >= max) break
    if (state.isPaused || !state.isReady) continue
    const records = core.take(state, max - taken.length)
    state.consumedAll()
    if (records.length > 0) taken = taken.length === 0 ? records : taken.concat(records)
  }
  return taken
}
