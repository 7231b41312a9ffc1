// SPDX-License-Identifier: Apache-2.0
import type { HeldBytes } from '@millrace/amqp'
import { attempt, type Clock, type Logger, type Timer } from '@millrace/base'

/** A connection whose memory the budget counts. */
export interface BudgetedConnection {
  /** Bytes sent to the client that it has not read yet. */
  readonly unreadBytes: number
  /** Closes the connection because of the memory it uses. */
  closeForMemory(why: string): void
}

/** Limits over all connections, in bytes. */
export interface MemoryLimits {
  /** Limit on incomplete messages and the attach frames of open links. */
  readonly incomplete: number
  /** Limit on bytes that clients have not read. */
  readonly unread: number
}

interface Entry {
  held: HeldBytes
  /** When the incomplete bytes last changed. */
  arrivedMs: number
  /** When the oldest incomplete message started to arrive, or the last one was completed. */
  incompleteSinceMs: number
  /** When the client last read, or had nothing to read. */
  readMs: number
}

/** A connection with fewer incomplete bytes is not closed because of them. */
const SMALL_BYTES = 64 * 1024
/** A message without new bytes for this long has stalled. */
const ARRIVAL_STALL_MS = 1000
/** A client that reads nothing for this long has stalled. */
const READ_STALL_MS = 5000
const CHECK_MS = 500

/**
 * Bounds the memory of all connections together. Above a limit on incomplete messages, a stalled
 * connection is closed, or else the slowest one. Above the limit on unread bytes, stalled clients
 * are closed; until then, clients without unread bytes still receive messages.
 */
export class MemoryBudget {
  readonly #limits: MemoryLimits
  readonly #clock: Clock
  readonly #logger: Logger
  readonly #entries = new Map<BudgetedConnection, Entry>()
  #incomplete = 0
  #unread = 0
  #timer: Timer | undefined
  #waiting = new Set<() => void>()

  constructor(limits: MemoryLimits, options: { readonly clock: Clock; readonly logger: Logger }) {
    this.#limits = limits
    this.#clock = options.clock
    this.#logger = options.logger
  }

  /** Bytes of incomplete messages and attach frames, over all connections. */
  get incomplete(): number {
    return this.#incomplete
  }

  /** Bytes that clients have not read, over all connections. */
  get unread(): number {
    return this.#unread
  }

  /** Updates the memory that a connection uses. */
  update(holder: BudgetedConnection, held: HeldBytes): void {
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
    if (this.#incomplete > this.#limits.incomplete) this.#closeSender(now)
    if (this.#unread > this.#limits.unread) this.#scheduleCheck()
    else if (this.#waiting.size > 0) this.#wake()
  }

  /** Whether a message may be sent to a connection now. If not, `wake` is called when it may be. */
  maySend(holder: BudgetedConnection, wake: () => void): boolean {
    if (this.#unread <= this.#limits.unread) return true
    if ((this.#entries.get(holder)?.held.unread ?? 0) === 0) return true
    this.#waiting.add(wake)
    return false
  }

  #wake(): void {
    const waiting = this.#waiting
    this.#waiting = new Set()
    for (const wake of waiting) attempt(this.#logger, 'resuming delivery', wake)
  }

  #closeSender(now: number): void {
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
      `incomplete messages exceed amqp.incomplete.max.bytes=${this.#limits.incomplete}`,
    )
  }

  /** Checks periodically for clients that do not read, while the limit is exceeded. */
  #scheduleCheck(): void {
    this.#timer ??= this.#clock.setTimer(CHECK_MS, () => {
      this.#timer = undefined
      if (this.#unread <= this.#limits.unread) return
      attempt(this.#logger, 'closing stalled connections', () => this.#closeStalledReader())
      if (this.#unread > this.#limits.unread) this.#scheduleCheck()
    })
  }

  #closeStalledReader(): void {
    const now = this.#clock.monotonic()
    for (const [holder, { held }] of [...this.#entries]) {
      // A large write on a slow line makes progress without an event until it is complete.
      const unread = holder.unreadBytes
      if (unread !== held.unread) this.update(holder, { ...held, unread })
    }
    const stalled = [...this.#entries].filter(
      ([, { held, readMs }]) => held.unread > 0 && now - readMs >= READ_STALL_MS,
    )
    this.#end(
      least(stalled, ({ held }) => -held.unread),
      `unread bytes exceed amqp.unread.max.bytes=${this.#limits.unread}`,
    )
  }

  #end(found: readonly [BudgetedConnection, Entry] | undefined, why: string): void {
    if (found === undefined) return
    const [holder] = found
    attempt(this.#logger, 'closing a connection', () => holder.closeForMemory(why))
  }

  /** Stops the periodic checks. */
  close(): void {
    this.#timer?.cancel()
    this.#entries.clear()
  }
}

function inputOf({ incomplete, attached }: HeldBytes): number {
  return incomplete + attached
}

function least(
  entries: readonly (readonly [BudgetedConnection, Entry])[],
  scoreOf: (entry: Entry) => number,
): readonly [BudgetedConnection, Entry] | undefined {
  let found: readonly [BudgetedConnection, Entry] | undefined
  for (const each of entries) {
    if (found === undefined || scoreOf(each[1]) < scoreOf(found[1])) found = each
  }
  return found
}
