// SPDX-License-Identifier: Apache-2.0
import type { HeldBytes } from '@millrace/amqp'
import { attempt, type Clock, type Logger, type Timer } from '@millrace/base'

/** A connection, as the budget sees it. */
export interface Holder {
  /** Bytes that its client has not read, now. */
  readonly unreadBytes: number
  /** Ends it, because of what it holds. */
  endForMemory(why: string): void
}

/** Bytes over all connections. */
export interface MemoryLimits {
  /** Of messages that have not arrived whole, and of attached links. */
  readonly incomplete: number
  /** Of what clients have not read. */
  readonly unread: number
}

interface Entry {
  held: HeldBytes
  /** When something last arrived of what is incomplete. */
  arrivedMs: number
  /** Since when it has something incomplete. */
  incompleteSinceMs: number
  /** When the client last read, or had nothing to read. */
  readMs: number
}

/** Who has less is never the one to be ended. */
const SMALL_BYTES = 64 * 1024
/** A message of which nothing arrives for so long has stalled. */
const ARRIVAL_STALL_MS = 1000
/** A client that reads nothing for so long has stalled. */
const READ_STALL_MS = 5000
const CHECK_MS = 500

/**
 * Bounds what connections hold in memory, over all of them together. Beyond a limit those are ended that got stuck; then those that are
 * the slowest. Clients that read get messages as long as others hold too much, but no more than they read at once.
 */
export class MemoryBudget {
  readonly #limits: MemoryLimits
  readonly #clock: Clock
  readonly #logger: Logger
  readonly #entries = new Map<Holder, Entry>()
  #incomplete = 0
  #unread = 0
  #timer: Timer | undefined
  #waiting = new Set<() => void>()

  constructor(limits: MemoryLimits, options: { readonly clock: Clock; readonly logger: Logger }) {
    this.#limits = limits
    this.#clock = options.clock
    this.#logger = options.logger
  }

  /** Bytes that are incomplete or attached, over all connections. */
  get incomplete(): number {
    return this.#incomplete
  }

  /** Bytes that clients have not read, over all connections. */
  get unread(): number {
    return this.#unread
  }

  /** A connection holds this much now. */
  update(holder: Holder, held: HeldBytes): void {
    const now = this.#clock.monotonic()
    const known = this.#entries.get(holder)
    const before = known?.held ?? { incomplete: 0, attached: 0, unread: 0 }
    const entry = known ?? { held, arrivedMs: now, incompleteSinceMs: now, readMs: now }
    if (held.incomplete !== before.incomplete) entry.arrivedMs = now
    if (held.incomplete < before.incomplete) entry.incompleteSinceMs = now
    if (held.unread < before.unread || before.unread === 0) entry.readMs = now
    entry.held = held
    this.#incomplete += inputOf(held) - inputOf(before)
    this.#unread += held.unread - before.unread
    if (inputOf(held) === 0 && held.unread === 0) this.#entries.delete(holder)
    else if (known === undefined) this.#entries.set(holder, entry)
    if (this.#incomplete > this.#limits.incomplete) this.#endOneThatSends(now)
    if (this.#unread > this.#limits.unread) this.#planCheck()
    else if (this.#waiting.size > 0) this.#wake()
  }

  /** Whether a connection may be given another message; `wake` is called when one may that may not now. */
  mayTake(holder: Holder, wake: () => void): boolean {
    if (this.#unread <= this.#limits.unread) return true
    if ((this.#entries.get(holder)?.held.unread ?? 0) === 0) return true
    this.#waiting.add(wake)
    return false
  }

  #wake(): void {
    const waiting = this.#waiting
    this.#waiting = new Set()
    for (const wake of waiting) attempt(this.#logger, 'delivering again', wake)
  }

  #endOneThatSends(now: number): void {
    const entries = [...this.#entries]
    const receiving = entries.filter(([, { held }]) => held.incomplete > SMALL_BYTES)
    const stalled = receiving.filter(([, { arrivedMs }]) => now - arrivedMs >= ARRIVAL_STALL_MS)
    const found =
      least(stalled, ({ arrivedMs }) => arrivedMs) ??
      least(receiving, ({ held, incompleteSinceMs }) => {
        return held.incomplete / Math.max(now - incompleteSinceMs, 1)
      }) ??
      least(entries, ({ held }) => -held.attached)
    this.#end(
      found,
      `messages that have not arrived whole take more than amqp.incomplete.max.bytes ${this.#limits.incomplete}`,
    )
  }

  /** Looks now and then who does not read, as long as there is too much. */
  #planCheck(): void {
    this.#timer ??= this.#clock.setTimer(CHECK_MS, () => {
      this.#timer = undefined
      if (this.#unread <= this.#limits.unread) return
      attempt(this.#logger, 'ending clients that do not read', () => this.#endOneThatDoesNotRead())
      if (this.#unread > this.#limits.unread) this.#planCheck()
    })
  }

  #endOneThatDoesNotRead(): void {
    const now = this.#clock.monotonic()
    for (const [holder, { held }] of [...this.#entries]) {
      // A large message on a slow line: it is being read, although nothing is told before all of it is.
      const unread = holder.unreadBytes
      if (unread !== held.unread) this.update(holder, { ...held, unread })
    }
    const stalled = [...this.#entries].filter(
      ([, { held, readMs }]) => held.unread > 0 && now - readMs >= READ_STALL_MS,
    )
    this.#end(
      least(stalled, ({ held }) => -held.unread),
      `what clients have not read takes more than amqp.unread.max.bytes ${this.#limits.unread}`,
    )
  }

  #end(found: readonly [Holder, Entry] | undefined, why: string): void {
    if (found === undefined) return
    const [holder] = found
    attempt(this.#logger, 'ending a connection', () => holder.endForMemory(why))
  }

  /** Stops looking. */
  close(): void {
    this.#timer?.cancel()
    this.#entries.clear()
  }
}

function inputOf({ incomplete, attached }: HeldBytes): number {
  return incomplete + attached
}

function least(
  entries: readonly (readonly [Holder, Entry])[],
  scoreOf: (entry: Entry) => number,
): readonly [Holder, Entry] | undefined {
  let found: readonly [Holder, Entry] | undefined
  for (const each of entries) {
    if (found === undefined || scoreOf(each[1]) < scoreOf(found[1])) found = each
  }
  return found
}
