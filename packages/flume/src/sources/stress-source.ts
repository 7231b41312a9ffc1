// SPDX-License-Identifier: Apache-2.0
import { defineSource, type Source, type SourceContext } from '../component.ts'
import { integer, type ValuesOf } from '../config/keys.ts'
import { Event } from '../event.ts'
import { sleep } from '../waiting.ts'
import { Generator } from './generator.ts'

const keys = {
  size: integer(500, { min: 0 }),
  maxTotalEvents: integer(-1, { min: -1, isFloor: true }),
  maxSuccessfulEvents: integer(-1, { min: -1, isFloor: true }),
  batchSize: integer(1, { min: 1 }),
  maxEventsPerSecond: integer(0, { min: 0, isFloor: true }),
}

/** Events of one size, separate objects with a shared body. */
class StressSource implements Source {
  readonly #generator: Generator

  constructor(config: ValuesOf<typeof keys>, context: SourceContext) {
    const { clock } = context.world
    const batchSize = context.channels.batchSizeWithin(config.batchSize)
    const body = Buffer.alloc(config.size, 0x7f)
    const most = [config.maxTotalEvents, config.maxSuccessfulEvents].filter((each) => each >= 0)
    let left = Math.min(...most)
    const began = clock.monotonic()
    let sent = 0
    this.#generator = new Generator(
      context,
      () => {
        const count = Math.min(batchSize, left)
        if (count <= 0) return undefined
        left -= count
        sent += count
        return Array.from({ length: count }, () => new Event(body))
      },
      config.maxEventsPerSecond === 0
        ? undefined
        : (signal) => {
            const dueMs = (sent / config.maxEventsPerSecond) * 1000
            const aheadMs = dueMs - (clock.monotonic() - began)
            return aheadMs > 1 ? sleep(clock, aheadMs, signal) : undefined
          },
    )
  }

  async start(): Promise<void> {
    this.#generator.start()
  }

  stop(): Promise<void> {
    return this.#generator.stop()
  }
}

export const stressSource = defineSource({
  type: 'stress',
  aliases: ['org.apache.flume.source.StressSource'],
  about: 'events of one size as fast as they go, or at a given rate',
  keys,
  create: (config, context) => new StressSource(config, context),
})
