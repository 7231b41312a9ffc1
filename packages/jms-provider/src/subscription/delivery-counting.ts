// SPDX-License-Identifier: Apache-2.0
import { attempt, type Clock, type Logger, type Timer } from '@millrace/base'
import { CHUNK, type PartitionIndex } from './partition-index.ts'

/** Deliveries of unsettled messages are counted in the state topic after this delay. */
const COUNT_DELIVERIES_MS = 10

/** A delivery that is sent after it was counted. */
interface PendingDelivery {
  readonly index: PartitionIndex
  readonly offset: number
  send(): void
}

/**
 * Counts deliveries in the state topic, so that messages in delivery when the provider
 * crashes are redelivered with `JMSRedelivered`. A delivery is counted either before it is sent, or
 * shortly after, unless the message is settled by then.
 */
export class DeliveryCounting {
  readonly #clock: Clock
  readonly #logger: Logger
  /** Name of the subscription in log lines. */
  readonly #id: string
  readonly #onChanged: () => void
  readonly #flushed: () => Promise<void>
  /** Numbers of chunks with deliveries that the state topic does not count yet. */
  readonly #sent = new Map<PartitionIndex, Set<number>>()
  #timer: Timer | undefined
  #pending: PendingDelivery[] = []
  #isWriting = false
  #isClosed = false

  constructor(options: {
    readonly clock: Clock
    readonly logger: Logger
    readonly id: string
    /** Called when an index has changes to write. */
    readonly onChanged: () => void
    /** Resolves when the changes so far are written; rejects if they can no longer be written. */
    readonly flushed: () => Promise<void>
  }) {
    this.#clock = options.clock
    this.#logger = options.logger
    this.#id = options.id
    this.#onChanged = options.onChanged
    this.#flushed = options.flushed
  }

  /** Counts a delivery that is sent now, unless the message is settled soon. */
  countAfter(index: PartitionIndex, offset: number): void {
    let chunks = this.#sent.get(index)
    if (chunks === undefined) {
      chunks = new Set()
      this.#sent.set(index, chunks)
    }
    chunks.add(Math.floor(offset / CHUNK))
    this.#timer ??= this.#clock.setTimer(COUNT_DELIVERIES_MS, () => {
      this.#timer = undefined
      attempt(this.#logger, `counting deliveries of ${this.#id}`, () => this.#count())
    })
  }

  #count(): void {
    let isChanged = false
    for (const [index, chunks] of this.#sent) {
      for (const chunk of chunks) {
        if (index.countInFlightDeliveries(chunk * CHUNK)) isChanged = true
      }
    }
    this.#sent.clear()
    if (isChanged && !this.#isClosed) this.#onChanged()
  }

  /**
   * Counts a delivery, then calls `send`. It is never called if the state topic can no longer be
   * written.
   */
  countBefore(pending: PendingDelivery): void {
    pending.index.countInFlightDeliveries(pending.offset)
    this.#pending.push(pending)
    this.#onChanged()
    if (this.#isWriting) return
    this.#isWriting = true
    attempt(this.#logger, `sending messages of ${this.#id}`, () => this.#sendPending())
  }

  async #sendPending(): Promise<void> {
    try {
      while (this.#pending.length > 0 && !this.#isClosed) {
        const pending = this.#pending
        this.#pending = []
        if (!(await isFulfilled(this.#flushed()))) continue
        for (const each of pending) each.send()
      }
    } finally {
      this.#isWriting = false
    }
  }

  /** Stops counting. Pending deliveries are not sent. */
  close(): void {
    this.#isClosed = true
    this.#timer?.cancel()
  }
}

function isFulfilled(promise: Promise<void>): Promise<boolean> {
  return promise.then(
    () => true,
    () => false,
  )
}
