// SPDX-License-Identifier: Apache-2.0
import type { Logger, World } from '@millrace/base'
import type { Channel, TakeTransaction } from './channel.ts'
import type { SinkProcessor } from './component.ts'
import { reasonOf } from './errors.ts'
import { Breather, sleep } from './waiting.ts'

const FIRST_BACKOFF_MS = 100
const MAX_BACKOFF_MS = 5000
const FOREVER_MS = 2 ** 31

/**
 * Takes batches from a channel and passes them to a sink processor, in the order of the channel.
 *
 * Several batches may be in flight. When one fails, no further batch is delivered until all of them
 * have settled; then those that failed return to the channel together, and after a pause are taken
 * again, the oldest first.
 */
export class SinkRunner {
  readonly name: string
  readonly #channel: Channel
  readonly #processor: SinkProcessor
  readonly #batchSize: number
  readonly #world: World
  readonly #logger: Logger
  readonly #inFlight = new Set<Promise<void>>()
  /** Batches that failed and were not returned to the channel yet. */
  #undelivered: TakeTransaction[] = []
  /** Set by the first failure; cleared when all batches have settled and the pause is over. */
  #isFailing = false
  #stopping = new AbortController()
  #running: Promise<void> | undefined
  #failures = 0
  #pauseMs = 0

  constructor(options: {
    readonly name: string
    readonly channel: Channel
    readonly processor: SinkProcessor
    readonly batchSize: number
    readonly world: World
    readonly logger: Logger
  }) {
    this.name = options.name
    this.#channel = options.channel
    this.#processor = options.processor
    this.#batchSize = options.batchSize
    this.#world = options.world
    this.#logger = options.logger
  }

  /** Number of batches in flight. */
  get inFlight(): number {
    return this.#inFlight.size
  }

  start(): void {
    this.#stopping = new AbortController()
    this.#running = this.#run()
  }

  /**
   * Takes no further batch and waits for those in flight. `flush` makes a sink deliver what it
   * holds back.
   */
  async stop(flush: () => Promise<unknown>): Promise<void> {
    this.#stopping.abort()
    await flush()
    await this.#running
  }

  async #run(): Promise<void> {
    const { signal } = this.#stopping
    const breather = new Breather(this.#world.clock)
    while (!signal.aborted) {
      if (this.#isFailing || this.#pauseMs > 0) await this.#recover(signal)
      else if (this.#inFlight.size >= (this.#processor.maxInFlight ?? 1)) {
        await Promise.race(this.#inFlight)
      } else {
        const batch = await this.#take(signal)
        if (batch === undefined) continue
        // An earlier batch failed in the meantime.
        if (this.#isFailing) await this.#rollBack(batch)
        else this.#start(batch)
        await breather.breathe()
      }
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

  #start(batch: TakeTransaction): void {
    const isFollowUp = this.#inFlight.size > 0
    const delivery = this.#deliver(batch, isFollowUp).then(async () => {
      // Only the last one returns them: a take must not find the events of a later batch without
      // those of an earlier one.
      if (this.#inFlight.size === 1) await this.#returnUndelivered()
      this.#inFlight.delete(delivery)
    })
    this.#inFlight.add(delivery)
  }

  async #deliver(batch: TakeTransaction, isFollowUp: boolean): Promise<void> {
    try {
      const outcome =
        (await this.#processor.process({
          events: batch.events,
          origin: batch.origin,
          isFollowUp,
          commit: () => batch.commit(),
          rollback: () => batch.rollback(),
        })) ?? 'ready'
      if (outcome === 'ready' || outcome === 'backoff') await batch.commit()
      else this.#failed(batch)
      if (outcome === 'backoff' || outcome === 'rollback-and-backoff') this.#backOff()
      else if (outcome === 'ready') this.#failures = 0
    } catch (error) {
      this.#failed(batch)
      if (this.#stopping.signal.aborted) return
      this.#backOff()
      this.#logger.warn('cannot deliver events; they stay in the channel', {
        sink: this.name,
        events: batch.events.length,
        retryInMs: this.#pauseMs,
        reason: reasonOf(error),
      })
    }
  }

  #failed(batch: TakeTransaction): void {
    this.#isFailing = true
    this.#undelivered.push(batch)
  }

  #backOff(): void {
    // Batches that fail together count as one failure.
    if (this.#pauseMs > 0) return
    this.#pauseMs = Math.min(FIRST_BACKOFF_MS * 2 ** Math.min(this.#failures, 10), MAX_BACKOFF_MS)
    this.#failures++
  }

  async #returnUndelivered(): Promise<void> {
    const batches = this.#undelivered
    this.#undelivered = []
    for (const batch of batches) await this.#rollBack(batch)
  }

  async #rollBack(batch: TakeTransaction): Promise<void> {
    try {
      await batch.rollback()
    } catch (error) {
      this.#logger.error('cannot return events to the channel', { sink: this.name, error })
    }
  }

  async #recover(signal: AbortSignal): Promise<void> {
    await Promise.all(this.#inFlight)
    const ms = this.#pauseMs
    this.#pauseMs = 0
    this.#isFailing = false
    if (ms > 0) await sleep(this.#world.clock, ms, signal)
  }
}
