// SPDX-License-Identifier: Apache-2.0
import type { Logger, World } from '@millrace/base'
import type { Channel, TakeTransaction } from './channel.ts'
import type { SinkProcessor } from './component.ts'
import { reasonOf } from './errors.ts'
import { Breather, sleep } from './waiting.ts'

const FIRST_BACKOFF_MS = 100
const MAX_BACKOFF_MS = 5000
const FOREVER_MS = 2 ** 31

/** Takes batches out of a channel and has them delivered; what cannot be goes back, and is tried again after a while. */
export class SinkRunner {
  readonly name: string
  readonly #channel: Channel
  readonly #processor: SinkProcessor
  readonly #batchSize: number
  readonly #maxInFlight: number
  readonly #world: World
  readonly #logger: Logger
  readonly #inFlight = new Set<Promise<void>>()
  #stopping = new AbortController()
  #running: Promise<void> | undefined
  #failures = 0
  #backoffMs = 0

  constructor(options: {
    readonly name: string
    readonly channel: Channel
    readonly processor: SinkProcessor
    readonly batchSize: number
    readonly maxInFlight: number
    readonly world: World
    readonly logger: Logger
  }) {
    this.name = options.name
    this.#channel = options.channel
    this.#processor = options.processor
    this.#batchSize = options.batchSize
    this.#maxInFlight = options.maxInFlight
    this.#world = options.world
    this.#logger = options.logger
  }

  /** Batches that are being delivered. */
  get inFlight(): number {
    return this.#inFlight.size
  }

  start(): void {
    this.#stopping = new AbortController()
    this.#running = this.#run()
  }

  /** Finishes what is under way and takes nothing new. `flush` is called in between. */
  async stop(flush: () => Promise<unknown>): Promise<void> {
    this.#stopping.abort()
    await flush()
    await this.#running
  }

  async #run(): Promise<void> {
    const { signal } = this.#stopping
    const breather = new Breather(this.#world.clock)
    while (!signal.aborted) {
      const batch = await this.#take(signal)
      if (batch === undefined) continue
      const delivery = this.#deliver(batch).then(() => void this.#inFlight.delete(delivery))
      this.#inFlight.add(delivery)
      if (this.#inFlight.size >= this.#maxInFlight) await Promise.race(this.#inFlight)
      if (this.#backoffMs > 0) {
        // What went out after a batch that failed is waited for, so that all of it goes back together.
        await Promise.all(this.#inFlight)
        const ms = this.#backoffMs
        this.#backoffMs = 0
        await sleep(this.#world.clock, ms, signal)
      }
      await breather.breathe()
    }
    await Promise.all(this.#inFlight)
  }

  async #take(signal: AbortSignal): Promise<TakeTransaction | undefined> {
    try {
      return await this.#channel.take(this.#batchSize, { waitMs: FOREVER_MS, signal })
    } catch (error) {
      this.#logger.error('cannot take events from the channel', { sink: this.name, error })
      await sleep(this.#world.clock, MAX_BACKOFF_MS, signal)
      return undefined
    }
  }

  async #deliver(batch: TakeTransaction): Promise<void> {
    try {
      const outcome = (await this.#processor.process(batch)) ?? 'ready'
      if (outcome === 'ready' || outcome === 'backoff') await batch.commit()
      else await batch.rollback()
      if (outcome === 'backoff' || outcome === 'rollback-and-backoff') this.#backOff()
      else this.#failures = 0
    } catch (error) {
      await batch.rollback().catch((failure: unknown) => {
        this.#logger.error('cannot put events back', { sink: this.name, error: failure })
      })
      if (!this.#stopping.signal.aborted) {
        this.#backOff()
        this.#logger.warn('cannot deliver; the events stay in the channel', {
          sink: this.name,
          events: batch.events.length,
          againInMs: this.#backoffMs,
          reason: reasonOf(error),
        })
      }
    }
  }

  #backOff(): void {
    // Batches that fail together are one failure.
    if (this.#backoffMs > 0) return
    this.#backoffMs = Math.min(FIRST_BACKOFF_MS * 2 ** Math.min(this.#failures, 10), MAX_BACKOFF_MS)
    this.#failures++
  }
}
