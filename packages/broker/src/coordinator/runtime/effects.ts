// SPDX-License-Identifier: Apache-2.0

/** A timer as data: setting one with the key of a pending timer replaces it. */
export type TimerChange<Event> =
  | {
      readonly kind: 'set'
      readonly key: string
      readonly dueMs: number
      readonly event: Event
      /** Keeps a pending timer with this key unchanged. */
      readonly ifAbsent?: true
    }
  | { readonly kind: 'cancel'; readonly key: string }

export interface TransactionalProducer {
  readonly producerId: bigint
  readonly producerEpoch: number
}

/**
 * Outcome of one coordinator step: records to append, replies to send once the records are durable,
 * and timer changes.
 */
export class Effects<Record, Event> {
  readonly records: Record[] = []
  readonly replies: { readonly token: number; readonly reply: unknown }[] = []
  readonly timers: TimerChange<Event>[] = []
  /** The transaction of the records: they take effect when its marker is written. */
  producer: TransactionalProducer | undefined

  reply(token: number | undefined, reply: unknown): void {
    if (token !== undefined) this.replies.push({ token, reply })
  }

  setTimer(key: string, dueMs: number, event: Event): void {
    this.timers.push({ kind: 'set', key, dueMs, event })
  }

  setTimerIfAbsent(key: string, dueMs: number, event: Event): void {
    this.timers.push({ kind: 'set', key, dueMs, event, ifAbsent: true })
  }

  cancelTimer(key: string): void {
    this.timers.push({ kind: 'cancel', key })
  }
}
