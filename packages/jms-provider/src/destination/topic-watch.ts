// SPDX-License-Identifier: Apache-2.0
import type { Clock, Logger, Timer } from '@millrace/base'
import type { Destination } from './destination.ts'
import type { TopicAdmin } from './topic-admin.ts'

/** How often the topics are looked at although nothing failed. */
const INTERVAL_MS = 30_000
/** The same while a destination waits for its topic to be created. */
const DORMANT_INTERVAL_MS = 1000

/**
 * Notices that the topic of a destination was deleted, or deleted and created again, and that the topic of a dormant destination
 * was created. A failed read or write is a reason to look at once.
 */
export class TopicWatch {
  readonly #topics: TopicAdmin
  readonly #clock: Clock
  readonly #logger: Logger
  readonly #destinations: () => Iterable<Destination>
  readonly #onGone: (destination: Destination) => Promise<void>
  #looking: Promise<void> | undefined
  #isWanted = false
  #timer: Timer | undefined
  #isClosed = false

  constructor(options: {
    readonly topics: TopicAdmin
    readonly clock: Clock
    readonly logger: Logger
    /** Those to be watched. */
    readonly destinations: () => Iterable<Destination>
    /** The topic of a destination was deleted; it is dormant afterwards, or closed. */
    readonly onGone: (destination: Destination) => Promise<void>
  }) {
    this.#topics = options.topics
    this.#clock = options.clock
    this.#logger = options.logger
    this.#destinations = options.destinations
    this.#onGone = options.onGone
    this.#plan(INTERVAL_MS)
  }

  #plan(ms: number): void {
    this.#timer?.cancel()
    if (this.#isClosed) return
    this.#timer = this.#clock.setTimer(ms, () => void this.look())
  }

  /** Looks at all topics, once more if it is doing so now. Never rejects. */
  look(): Promise<void> {
    this.#isWanted = true
    this.#looking ??= this.#run().finally(() => {
      this.#looking = undefined
      const waits = [...this.#destinations()].some(({ isDormant }) => isDormant)
      this.#plan(waits ? DORMANT_INTERVAL_MS : INTERVAL_MS)
    })
    return this.#looking
  }

  async #run(): Promise<void> {
    while (this.#isWanted && !this.#isClosed) {
      this.#isWanted = false
      try {
        const topics = await this.#topics.list()
        for (const destination of [...this.#destinations()]) {
          if (this.#isClosed) return
          await this.#check(destination, topics)
        }
      } catch (error) {
        if (this.#isClosed) return
        this.#logger.debug('cannot look at the topics of destinations for the moment', { error })
      }
    }
  }

  async #check(
    destination: Destination,
    topics: ReadonlyMap<string, string | undefined>,
  ): Promise<void> {
    const { topic } = destination
    if (topic === undefined || destination.isClosed) return
    if (!destination.isDormant) {
      const { log } = destination
      if (topics.has(topic) && topics.get(topic) === log.topicId) return
      if (log.topicId !== undefined && !(await this.#topics.isGone(log.topicId))) return
      if (!destination.hasLog(log)) return
      await this.#onGone(destination)
    }
    if (destination.isDormant && topics.has(topic)) await destination.revive()
  }

  close(): void {
    this.#isClosed = true
    this.#timer?.cancel()
  }
}
