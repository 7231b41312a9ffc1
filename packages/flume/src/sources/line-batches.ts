// SPDX-License-Identifier: Apache-2.0
import type { ChannelProcessor, ProcessOptions } from '../channel-processor.ts'
import { ChannelFullError } from '../errors.ts'
import type { Event } from '../event.ts'

/**
 * Puts events in as few transactions as the channels allow. If a batch does not fit, its events are
 * put one by one, as Flume always does. `onDone` is called for each event, in order, with the error
 * of those that were not stored.
 */
export async function putEach(
  channels: ChannelProcessor,
  events: readonly Event[],
  onDone: (event: Event, error: Error | undefined) => void,
  options?: ProcessOptions,
): Promise<void> {
  const max = Math.max(1, channels.maxBatchSize)
  for (let at = 0; at < events.length; at += max) {
    const batch = at === 0 && events.length <= max ? events : events.slice(at, at + max)
    try {
      await channels.process(batch, options)
      for (const event of batch) onDone(event, undefined)
    } catch (error) {
      if (batch.length > 1 && error instanceof ChannelFullError) {
        for (const event of batch) await putOne(channels, event, onDone, options)
      } else for (const event of batch) onDone(event, error as Error)
    }
  }
}

async function putOne(
  channels: ChannelProcessor,
  event: Event,
  onDone: (event: Event, error: Error | undefined) => void,
  options?: ProcessOptions,
): Promise<void> {
  try {
    await channels.process([event], { ...options, isSingle: true })
    onDone(event, undefined)
  } catch (error) {
    onDone(event, error as Error)
  }
}
