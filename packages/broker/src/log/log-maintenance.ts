// SPDX-License-Identifier: Apache-2.0
import { attempt, type Logger, type Timer, type World } from '@millrace/base'
import { cleanLog, dirtiness } from './cleaner.ts'
import type { LogConfig } from './log-config.ts'
import type { LogDirectory } from './log-directory.ts'
import type { PartitionLog } from './partition-log.ts'
import { systemMessage } from './storage-error.ts'

/** A partition of the broker; its log is opened on first use. */
export interface PartitionHandle {
  readonly name: string
  readonly topicId: string
  directory: LogDirectory
  log: PartitionLog | undefined
  /** Undefined until the partition is in the metadata. */
  config: (() => LogConfig) | undefined
}

export interface MaintenanceOptions {
  readonly world: World
  readonly logger: Logger
  readonly retentionCheckIntervalMs: number
  readonly checkpointIntervalMs: number
  readonly cleanerEnabled: boolean
  readonly producerIdExpirationCheckIntervalMs: number
  // The rest may change while the broker runs.
  readonly cleanerBackoffMs: () => number
  readonly cleanerMemoryBytes: () => number
  readonly producerIdExpirationMs: () => number
}

/** The logs that are maintained. */
export interface MaintainedLogs {
  all(): Iterable<PartitionHandle>
  has(name: string): boolean
  /** Opens a log if needed; throws `KAFKA_STORAGE_ERROR` if that fails. */
  open(name: string): PartitionLog
  /** Writes the checkpoint files. */
  checkpoint(): void
}

/** Runs retention, compaction, expiration of producers, checkpoints and flushes on schedule. */
export class LogMaintenance {
  readonly #options: MaintenanceOptions
  readonly #world: World
  readonly #logger: Logger
  readonly #logs: MaintainedLogs
  readonly #timers = new Set<Timer>()
  #closed = false
  #maintenance: Promise<void> = Promise.resolve()

  constructor(options: MaintenanceOptions, logs: MaintainedLogs) {
    this.#options = options
    this.#world = options.world
    this.#logger = options.logger
    this.#logs = logs
  }

  /** Starts the schedules. */
  start(): void {
    const options = this.#options
    this.#every(
      () => options.retentionCheckIntervalMs,
      () => this.enforceRetention(),
    )
    this.#every(
      () => options.checkpointIntervalMs,
      async () => this.#logs.checkpoint(),
    )
    this.#every(
      () => options.producerIdExpirationCheckIntervalMs,
      () => this.expireProducers(),
    )
    this.#every(
      () => 1000,
      async () => {
        const now = this.#world.clock.now()
        for (const { log } of this.#logs.all()) log?.flushIfDue(now)
      },
    )
    if (options.cleanerEnabled) this.#every(options.cleanerBackoffMs, () => this.clean())
  }

  #every(intervalMs: () => number, task: () => Promise<void>): void {
    const again = (): void => {
      const timer = this.#world.clock.setTimer(intervalMs(), () => {
        this.#timers.delete(timer)
        this.#maintenance = this.#maintenance
          .then(task)
          .catch((error) => this.#logger.error('log maintenance failed', { error }))
        attempt(this.#logger, 'scheduling log maintenance', () =>
          this.#maintenance.then(() => {
            if (!this.#closed) again()
          }),
        )
      })
      this.#timers.add(timer)
    }
    again()
  }

  /** Applies retention to every log, including those not opened yet. */
  async enforceRetention(): Promise<void> {
    for (const handle of [...this.#logs.all()]) {
      if (this.#closed || !this.#logs.has(handle.name)) continue
      const now = this.#world.clock.now()
      this.#maintain(handle, 'apply retention', () =>
        this.#visit(handle, (log) => {
          const deleted = log.enforceRetention(now)
          if (deleted > 0)
            this.#logger.info('deleted old segments', { log: handle.name, count: deleted })
        }),
      )
      await this.#world.clock.yield()
    }
  }

  /** Removes producers that have not written for `producer.id.expiration.ms`. */
  async expireProducers(): Promise<void> {
    for (const handle of [...this.#logs.all()]) {
      if (this.#closed || !this.#logs.has(handle.name)) continue
      const before = this.#world.clock.now() - this.#options.producerIdExpirationMs()
      // An unopened log has no producers in memory; those on disk are checked when it is opened.
      handle.log?.expireProducers(BigInt(before))
      await this.#world.clock.yield()
    }
  }

  /** Runs an operation on one log; its errors do not affect other logs. */
  #maintain<T>(handle: PartitionHandle, what: string, work: () => T): T | undefined {
    if (handle.directory.failure !== undefined || handle.config === undefined) return undefined
    try {
      return work()
    } catch (error) {
      // A directory that went offline has already been reported.
      if (handle.directory.failure === undefined) {
        this.#logger.error(`could not ${what}`, { log: handle.name, error: systemMessage(error) })
      }
      return undefined
    }
  }

  /**
   * Runs maintenance of a log within one turn of the event loop. An unused log is closed again, so
   * maintenance keeps no files open.
   */
  #visit<T>(handle: PartitionHandle, look: (log: PartitionLog) => T): T {
    const wasOpen = handle.log !== undefined
    const log = this.#logs.open(handle.name)
    try {
      return look(log)
    } finally {
      if (!wasOpen) {
        log.abandon()
        handle.log = undefined
      }
    }
  }

  /** Compacts the dirtiest logs until none is dirty enough. */
  async clean(): Promise<void> {
    const skipped = new Set<PartitionHandle>()
    for (;;) {
      const now = this.#world.clock.now()
      let dirtiest: { readonly handle: PartitionHandle; readonly ratio: number } | undefined
      for (const handle of this.#logs.all()) {
        if (skipped.has(handle) || handle.config?.().cleanupPolicy.compact !== true) continue
        const ratio = this.#maintain(handle, 'compact', () =>
          this.#visit(handle, (log) => dirtiness(log, now)),
        )
        if (ratio !== undefined && ratio > (dirtiest?.ratio ?? -1)) dirtiest = { handle, ratio }
      }
      if (dirtiest === undefined || this.#closed) return
      const { handle } = dirtiest
      if (!(await this.#cleanOne(handle))) skipped.add(handle)
    }
  }

  /** Compacts one log; returns false if there was no progress. */
  async #cleanOne(handle: PartitionHandle): Promise<boolean> {
    try {
      const log = this.#logs.open(handle.name)
      const before = log.cleanedUpTo
      await cleanLog(log, {
        world: this.#world,
        memoryBytes: this.#options.cleanerMemoryBytes(),
        isCancelled: () => this.#closed || log.failure !== undefined,
      })
      return log.cleanedUpTo !== before
    } catch (error) {
      this.#maintain(handle, 'compact', () => {
        throw error
      })
      return false
    }
  }

  /** Ends the schedules; the work in progress stops at its next step. */
  stop(): void {
    this.#closed = true
    for (const timer of this.#timers) timer.cancel()
  }

  /** Resolves when the work in progress has ended. */
  async ended(): Promise<void> {
    await this.#maintenance
  }
}
