// SPDX-License-Identifier: Apache-2.0

/** A timer as data: setting one with a key that is pending replaces it. */
export type TimerChange<Event> =
  | {
      readonly kind: 'set'
      readonly key: string
      readonly dueMs: number
      readonly event: Event
      /** Leaves a timer with this key as it is. */
      readonly ifAbsent?: true
    }
  | { readonly kind: 'cancel'; readonly key: string }

export interface TransactionalProducer {
  readonly producerId: bigint
  readonly producerEpoch: number
}

/**
 * What one step of a coordinator wants done: records appended, then replies to the requests behind
 * the tokens once the records are durable, and timers changed.
 */
export class Effects<Record, Event> {
  readonly records: Record[] = []
  readonly replies: { readonly token: number; readonly reply: unknown }[] = []
  readonly timers: TimerChange<Event>[] = []
  /** The transaction that the records belong to: they take effect when its marker is written. */
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
