// SPDX-License-Identifier: Apache-2.0
import { attempt, type Clock, type Logger, type Timer } from '@millrace/base'
import type { Destination } from './destination.ts'
import type { TopicAdmin } from './topic-admin.ts'

/** Interval of periodic checks. */
const INTERVAL_MS = 30_000
/** Interval while a destination waits for its topic to be created. */
const DORMANT_INTERVAL_MS = 1000

/**
 * Detects that the topic of a destination was deleted or recreated, and that the topic of a dormant
 * destination was created. A failed read or write triggers an immediate check.
 */
export class TopicWatch {
  readonly #topics: TopicAdmin
  readonly #clock: Clock
  readonly #logger: Logger
  readonly #destinations: () => Iterable<Destination>
  readonly #onGone: (destination: Destination) => Promise<void>
  #checking: Promise<void> | undefined
  #isCheckRequested = false
  #timer: Timer | undefined
  #isClosed = false

  constructor(options: {
    readonly topics: TopicAdmin
    readonly clock: Clock
    readonly logger: Logger
    /** Destinations to watch. */
    readonly destinations: () => Iterable<Destination>
    /**
     * Called when the topic of a destination was deleted; afterwards the destination is dormant or
     * closed.
     */
    readonly onGone: (destination: Destination) => Promise<void>
  }) {
    this.#topics = options.topics
    this.#clock = options.clock
    this.#logger = options.logger
    this.#destinations = options.destinations
    this.#onGone = options.onGone
    this.#schedule(INTERVAL_MS)
  }

  #schedule(ms: number): void {
    this.#timer?.cancel()
    if (this.#isClosed) return
    this.#timer = this.#clock.setTimer(ms, () => {
      attempt(this.#logger, 'checking topics', () => this.checkAll())
    })
  }

  /** Checks all topics, and once more if a check is already running. Never rejects. */
  checkAll(): Promise<void> {
    this.#isCheckRequested = true
    this.#checking ??= this.#run().finally(() => {
      this.#checking = undefined
      const waits = [...this.#destinations()].some(({ isDormant }) => isDormant)
      this.#schedule(waits ? DORMANT_INTERVAL_MS : INTERVAL_MS)
    })
    return this.#checking
  }

  async #run(): Promise<void> {
    while (this.#isCheckRequested && !this.#isClosed) {
      this.#isCheckRequested = false
      try {
        const topics = await this.#topics.list()
        for (const destination of [...this.#destinations()]) {
          if (this.#isClosed) return
          await this.#check(destination, topics)
        }
      } catch (error) {
        if (this.#isClosed) return
        this.#logger.debug('cannot check the topics of destinations; retrying', { error })
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
    if (destination.isDormant && topics.has(topic)) await destination.reopen()
  }

  close(): void {
    this.#isClosed = true
    this.#timer?.cancel()
  }
}
