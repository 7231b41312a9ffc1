// SPDX-License-Identifier: Apache-2.0
import { defineSource, type Source, type SourceContext } from '../component.ts'
import { integer, type ValuesOf } from '../config/keys.ts'
import { Event } from '../event.ts'
import { Generator } from './generator.ts'

const keys = {
  batchSize: integer(1, { min: 1 }),
  totalEvents: integer(Number.MAX_SAFE_INTEGER, { min: 0, isFloor: true }),
}

/** The digits of a batch share one buffer: one allocation per batch. */
function numbers(first: number, count: number): Event[] {
  const width = String(first + count - 1).length
  const buffer = Buffer.allocUnsafeSlow(width * count)
  const events = new Array<Event>(count)
  let at = 0
  for (let i = 0; i < count; i++) {
    const size = buffer.write(String(first + i), at, width, 'latin1')
    events[i] = new Event(buffer.subarray(at, at + size))
    at += size
  }
  return events
}

class SeqSource implements Source {
  readonly #generator: Generator

  constructor(config: ValuesOf<typeof keys>, context: SourceContext) {
    let next = 0
    const batchSize = context.channels.batchSizeWithin(config.batchSize)
    this.#generator = new Generator(context, () => {
      const count = Math.min(batchSize, config.totalEvents - next)
      if (count <= 0) return undefined
      const events = numbers(next, count)
      next += count
      return events
    })
  }

  async start(): Promise<void> {
    this.#generator.start()
  }

  stop(): Promise<void> {
    return this.#generator.stop()
  }
}

export const seqSource = defineSource({
  type: 'seq',
  aliases: ['org.apache.flume.source.SequenceGeneratorSource'],
  about: 'counts from 0, for trying things out',
  keys,
  create: (config, context) => new SeqSource(config, context),
})
