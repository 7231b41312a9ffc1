// SPDX-License-Identifier: Apache-2.0
import type { SourceContext } from '../component.ts'
import { reasonOf } from '../errors.ts'
import type { Event } from '../event.ts'
import { Breather, sleep } from '../waiting.ts'

/**
 * Transactions and events in flight: a durable channel syncs many of them together.
 */
const MAX_IN_FLIGHT = 64
const MAX_EVENTS_IN_FLIGHT = 3000
const RETRY_MS = 100

/** Drives a source that makes its events out of nothing, as fast as its channels take them. */
export class Generator {
  readonly #context: SourceContext
  readonly #next: () => Event[] | undefined
  readonly #pace: ((signal: AbortSignal) => Promise<void> | undefined) | undefined
  readonly #inFlight = new Set<Promise<void>>()
  readonly #stopping = new AbortController()
  #events = 0
  #running: Promise<void> | undefined

  /** `next` gives the next batch, undefined at the end; `pace` waits until it is time for it. */
  constructor(
    context: SourceContext,
    next: () => Event[] | undefined,
    pace?: (signal: AbortSignal) => Promise<void> | undefined,
  ) {
    this.#context = context
    this.#next = next
    this.#pace = pace
  }

  start(): void {
    this.#running = this.#run()
  }

  async stop(): Promise<void> {
    this.#stopping.abort()
    await this.#running
  }

  async #run(): Promise<void> {
    const breather = new Breather(this.#context.world.clock)
    while (!this.#stopping.signal.aborted) {
      await this.#pace?.(this.#stopping.signal)
      if (this.#stopping.signal.aborted) break
      const events = this.#next()
      if (events === undefined) break
      this.#events += events.length
      const put = this.#put(events).then(() => {
        this.#inFlight.delete(put)
        this.#events -= events.length
      })
      this.#inFlight.add(put)
      while (this.#inFlight.size >= MAX_IN_FLIGHT || this.#events >= MAX_EVENTS_IN_FLIGHT) {
        await Promise.race(this.#inFlight)
      }
      await breather.breathe()
    }
    await Promise.all(this.#inFlight)
  }

  /** Puts a batch, again and again while there is no room. */
  async #put(events: readonly Event[]): Promise<void> {
    const { channels, world, logger, name } = this.#context
    for (let failures = 0; !this.#stopping.signal.aborted; failures++) {
      try {
        await channels.process(events)
        return
      } catch (error) {
        if (failures === 0)
          logger.debug('cannot put events yet', { source: name, reason: reasonOf(error) })
        await sleep(world.clock, RETRY_MS, this.#stopping.signal)
      }
    }
  }
}
