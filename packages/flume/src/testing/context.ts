// SPDX-License-Identifier: Apache-2.0
import { nodeWorld, silentLogger, type World } from '@millrace/base'
import type { Channel, PutOptions } from '../channel.ts'
import { ChannelProcessor } from '../channel-processor.ts'
import { MemoryChannel } from '../channels/memory-channel.ts'
import type { ComponentContext, SourceContext } from '../component.ts'
import { ChannelError, ChannelFullError } from '../errors.ts'
import type { Event } from '../event.ts'
import { type ComponentKind, Counters } from '../operation/counters.ts'
import { Taps } from '../operation/taps.ts'

/** The context of a component outside of an agent. */
export function componentContext(
  kind: ComponentKind,
  name: string,
  { directory = process.cwd(), world = nodeWorld }: { directory?: string; world?: World } = {},
): ComponentContext {
  return {
    agent: 'test',
    name,
    world,
    logger: silentLogger,
    counters: new Counters(kind, name),
    directory,
  }
}

/** The context of a source that puts into one channel. */
export function sourceContext(channel: Channel, { world = nodeWorld } = {}): SourceContext {
  const context = componentContext('SOURCE', 'r1', { world })
  const channels = new ChannelProcessor({
    agent: 'test',
    source: 'r1',
    host: 'localhost',
    world,
    logger: silentLogger,
    counters: context.counters,
    taps: new Taps(),
    interceptors: [],
    selector: { isUniform: true, required: () => [channel], optional: () => [] },
    channels: [channel],
  })
  return { ...context, channels }
}

/** A channel in memory with injected failures, which records committed events. */
export interface TestChannel extends MemoryChannel {
  /** Makes the next `count` puts fail: the channel is full, or the commit fails. */
  failPuts(count: number, how?: 'full' | 'commit'): void
  /** Events of committed puts. */
  readonly committed: readonly Event[]
}

/** A channel in memory that records committed events. */
export function testChannel(options: { readonly capacity?: number } = {}): TestChannel {
  const capacity = options.capacity ?? 100_000
  const channel = new MemoryChannel(
    {
      capacity,
      transactionCapacity: capacity,
      keepAlive: 0,
      byteCapacity: Number.POSITIVE_INFINITY,
    },
    componentContext('CHANNEL', 'c1'),
  )
  const committed: Event[] = []
  const put = channel.put.bind(channel)
  let left = 0
  let kind: 'full' | 'commit' = 'full'
  return Object.assign(channel, {
    committed,
    failPuts(count: number, how: 'full' | 'commit' = 'full') {
      left = count
      kind = how
    },
    async put(events: readonly Event[], putOptions?: PutOptions) {
      const fails = left > 0
      if (fails) left--
      if (fails && kind === 'full') throw new ChannelFullError('no room, as the test has it')
      const transaction = await put(events, putOptions)
      return {
        async commit() {
          if (fails) {
            await transaction.rollback()
            throw new ChannelError('the commit broke, as the test has it')
          }
          await transaction.commit()
          committed.push(...events)
        },
        rollback: () => transaction.rollback(),
      }
    },
  })
}
