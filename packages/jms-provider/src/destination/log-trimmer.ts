// SPDX-License-Identifier: Apache-2.0
import { attempt, type Clock, type Logger, type Timer } from '@millrace/base'
import type { Admin } from '@millrace/client'
import type { Destination } from './destination.ts'
import type { DestinationLog } from './destination-log.ts'
import type { TopicAdmin } from './topic-admin.ts'

/** Interval at which consumed messages are deleted from the logs. */
const INTERVAL_MS = 5000

interface Floor {
  readonly atMs: number
  readonly floor: number
}

/** Trimming progress of one partition. */
interface Progress {
  /** Observed floors with their times, oldest first. */
  readonly floors: Floor[]
  /** Records below this offset have been deleted. */
  trimmed: number
}

/** Records of a partition to delete: those below the floor. */
interface Due {
  readonly destination: Destination
  readonly log: DestinationLog
  readonly partition: number
  readonly floor: number
  readonly progress: Progress
}

/** Rule for deleting a destination's consumed messages. */
export interface TrimRule {
  /** Time that messages stay after all subscriptions have finished with them. */
  readonly retentionMs: number
}

/**
 * Deletes records that all subscriptions have consumed. Only messages recorded as consumed in the
 * state topic are deleted, so recovery never needs them.
 */
export class LogTrimmer {
  readonly #admin: Admin
  readonly #topics: TopicAdmin
  readonly #clock: Clock
  readonly #logger: Logger
  readonly #destinations: () => Iterable<Destination>
  readonly #ruleOf: (destination: Destination) => TrimRule | undefined
  readonly #progress = new WeakMap<DestinationLog, Map<number, Progress>>()
  #timer: Timer | undefined
  #isClosed = false

  constructor(options: {
    readonly admin: Admin
    readonly topics: TopicAdmin
    readonly clock: Clock
    readonly logger: Logger
    /** Open destinations. */
    readonly destinations: () => Iterable<Destination>
    /** Returns undefined for a destination whose log must not be trimmed. */
    readonly ruleOf: (destination: Destination) => TrimRule | undefined
  }) {
    this.#admin = options.admin
    this.#topics = options.topics
    this.#clock = options.clock
    this.#logger = options.logger
    this.#destinations = options.destinations
    this.#ruleOf = options.ruleOf
    this.#schedule()
  }

  #schedule(): void {
    if (this.#isClosed) return
    this.#timer = this.#clock.setTimer(INTERVAL_MS, () => {
      attempt(this.#logger, 'deleting consumed messages', async () => {
        try {
          await this.trim()
        } finally {
          this.#schedule()
        }
      })
    })
  }

  /** Deletes consumed messages whose retention has expired. Never rejects. */
  async trim(): Promise<void> {
    try {
      const due = [...this.#destinations()].flatMap((destination) => this.#dueOf(destination))
      if (due.length === 0) return
      // Records are deleted by topic name: check that the name still refers to the topic that was
      // read.
      const ids = await this.#topics.list()
      for (const each of due) {
        const { log, partition, floor, progress } = each
        if (this.#isClosed) return
        if (log.topic === undefined || ids.get(log.topic) !== log.topicId) continue
        const offset = BigInt(await this.#endOf(each))
        if (this.#isClosed) return
        await this.#delete({ topic: log.topic, partition, offset })
        progress.trimmed = floor
      }
    } catch (error) {
      if (!this.#isClosed) this.#logger.debug('cannot delete consumed messages', { error })
    }
  }

  /**
   * Offset below which records are deleted: the floor, or, if every message is consumed, the end of
   * the log with the control records after the last message. Then a broker can delete the last
   * segment too.
   */
  async #endOf({ destination, log, partition, floor }: Due): Promise<number> {
    if (destination.indexedBelow(partition) !== floor) return floor
    const end = await log.readTo(partition)
    // Records below the end may have been returned a moment ago: let them be indexed.
    await this.#clock.yield()
    const isUnchanged = destination.hasLog(log) && destination.indexedBelow(partition) === floor
    return isUnchanged ? Math.max(end, floor) : floor
  }

  async #delete(target: {
    readonly topic: string
    readonly partition: number
    readonly offset: bigint
  }): Promise<void> {
    try {
      await this.#admin.deleteRecords([target])
    } catch (error) {
      const { topic, partition } = target
      this.#logger.warn(`cannot delete consumed messages of ${topic}-${partition}`, { error })
    }
  }

  #dueOf(destination: Destination): Due[] {
    if (destination.isTemporary || destination.isDormant || destination.isClosed) return []
    const rule = this.#ruleOf(destination)
    if (rule === undefined) return []
    const { log } = destination
    const now = this.#clock.monotonic()
    const due: Due[] = []
    for (let partition = 0; partition < log.partitions; partition++) {
      const consumed = destination.consumedBelow(partition)
      if (consumed === undefined) continue
      const progress = this.#progressOf(log, partition)
      const { floors } = progress
      if (consumed > (floors.at(-1)?.floor ?? progress.trimmed)) {
        floors.push({ atMs: now, floor: consumed })
      }
      let floor = progress.trimmed
      while (floors[0] !== undefined && floors[0].atMs + rule.retentionMs <= now) {
        floor = (floors.shift() as Floor).floor
      }
      if (floor > progress.trimmed) due.push({ destination, log, partition, floor, progress })
    }
    return due
  }

  #progressOf(log: DestinationLog, partition: number): Progress {
    let partitions = this.#progress.get(log)
    if (partitions === undefined) {
      partitions = new Map()
      this.#progress.set(log, partitions)
    }
    let progress = partitions.get(partition)
    if (progress === undefined) {
      progress = { floors: [], trimmed: 0 }
      partitions.set(partition, progress)
    }
    return progress
  }

  /** Stops trimming. */
  close(): void {
    this.#isClosed = true
    this.#timer?.cancel()
  }
}
