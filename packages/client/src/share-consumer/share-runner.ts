// SPDX-License-Identifier: Apache-2.0
import { type Clock, guard, MillraceError, type Timer } from '@millrace/base'
import type { ConsumerRecord } from '../consumer/consumer-record.ts'
import { InvalidOptionError, numberOption } from '../options.ts'
import type { AcknowledgeType } from './acknowledgements.ts'

type AnyRecord = ConsumerRecord<unknown, unknown>

/** Outcome of a record whose handler failed. */
export type FailedRecord = 'release' | 'reject' | 'accept'

/** Options of `ShareConsumer.run`. */
export interface ShareRunOptions<R> {
  /** Handles a record; it is accepted when this resolves, and `onError` decides when it rejects. */
  readonly eachRecord: (record: R) => unknown
  /** Number of concurrent handlers. Default 1. Records of a queue have no order to keep. */
  readonly concurrency?: number
  /** Stops the run: handlers in progress finish, other records are released. */
  readonly signal?: AbortSignal
  /**
   * Decides about a record whose handler failed; the run continues. `release` delivers it again,
   * `reject` does not. If it throws, the run rejects with that error and the record is released.
   */
  readonly onError?: (error: unknown, record: R) => FailedRecord
  /** Whether locks are renewed while a handler runs. Default true. */
  readonly renewsLocks?: boolean
}

/** The part of the consumer that the runner uses. */
export interface ShareSource {
  nextBatch(timeoutMs: number, signal?: AbortSignal): Promise<AnyRecord[]>
  settle(record: AnyRecord, type: AcknowledgeType): void
  commit(): Promise<unknown>
  readonly clock: Clock
  lockTimeoutMs(): number
}

const WAIT_MS = 1000

/** `shareConsumer.run`: passes records to handlers. */
export class ShareRunner<R> {
  readonly #source: ShareSource
  readonly #options: ShareRunOptions<R>
  readonly #concurrency: number
  readonly #queue: AnyRecord[] = []
  readonly #inProgress = new Set<AnyRecord>()
  #failure: { readonly error: unknown } | undefined
  #renewal: Timer | undefined
  #wake: () => void = () => {}

  constructor(source: ShareSource, options: ShareRunOptions<R>) {
    if (typeof options.eachRecord !== 'function') {
      throw new InvalidOptionError('eachRecord', options.eachRecord, 'a function')
    }
    this.#source = source
    this.#options = options
    this.#concurrency = numberOption('concurrency', options.concurrency, { fallback: 1, min: 1 })
  }

  get #isOver(): boolean {
    return this.#failure !== undefined || this.#options.signal?.aborted === true
  }

  async run(): Promise<void> {
    this.#renewLater()
    try {
      while (!this.#isOver) {
        if (this.#queue.length === 0) await this.#fill()
        this.#supply()
        if (this.#inProgress.size >= this.#concurrency) await this.#oneHandlerDone()
      }
    } catch (error) {
      const isClosed = error instanceof MillraceError && error.code === 'MILLRACE_CLOSED'
      const isAborted = this.#options.signal?.aborted === true
      if (!isClosed && !isAborted) this.#failure ??= { error }
    } finally {
      while (this.#inProgress.size > 0) await this.#oneHandlerDone()
      this.#renewal?.cancel()
      for (const record of this.#queue) this.#source.settle(record, 'release')
      await this.#source.commit().catch(() => undefined)
    }
    if (this.#failure !== undefined) throw this.#failure.error
  }

  async #fill(): Promise<void> {
    const { signal } = this.#options
    this.#queue.push(...(await this.#source.nextBatch(WAIT_MS, signal)))
  }

  #supply(): void {
    while (this.#inProgress.size < this.#concurrency && this.#queue.length > 0 && !this.#isOver) {
      const record = this.#queue.shift() as AnyRecord
      guard(
        () => this.#handle(record),
        (error) => {
          this.#failure ??= { error }
        },
      )
    }
  }

  async #handle(record: AnyRecord): Promise<void> {
    this.#inProgress.add(record)
    try {
      await this.#options.eachRecord(record as R)
      this.#source.settle(record, 'accept')
    } catch (error) {
      this.#onHandlerFailed(error, record)
    } finally {
      this.#inProgress.delete(record)
      this.#wake()
    }
  }

  /** Without `onError`, or if that fails too, the run ends and the record is released. */
  #onHandlerFailed(error: unknown, record: AnyRecord): void {
    const { onError } = this.#options
    let failure = error
    if (onError !== undefined) {
      try {
        this.#source.settle(record, onError(error, record as R))
        return
      } catch (thrown) {
        failure = thrown
      }
    }
    this.#failure ??= { error: failure }
    this.#source.settle(record, 'release')
  }

  #oneHandlerDone(): Promise<void> {
    return new Promise((resolve) => {
      this.#wake = resolve
    })
  }

  /** Twice per lock time, for records that are being handled or wait for it. */
  #renewLater(): void {
    if (this.#options.renewsLocks === false) return
    const wait = Math.max(100, this.#source.lockTimeoutMs() / 2)
    this.#renewal = this.#source.clock.setTimer(wait, () => {
      const pending = [...this.#inProgress, ...this.#queue]
      for (const record of pending) this.#source.settle(record, 'renew')
      if (pending.length > 0) this.#source.commit().catch(() => undefined)
      this.#renewLater()
    })
  }
}
