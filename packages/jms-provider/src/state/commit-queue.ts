// SPDX-License-Identifier: Apache-2.0
import { type Clock, guard, MillraceError } from '@millrace/base'
import type { Destination } from '../destination/destination.ts'
import { type Commit, TopicMissingError } from './commit.ts'

/** A commit and the callbacks for its outcome. */
export interface PendingCommit {
  readonly commit: Commit
  /** True if the commit was already refused once because a topic was deleted. */
  wasMissing?: boolean
  readonly resolve: () => void
  readonly reject: (error: unknown) => void
}

/**
 * Limits on the commits that share a Kafka transaction. A larger commit gets its own transaction.
 */
const MAX_GROUP = 1000
const MAX_GROUP_BYTES = 8 * 1024 * 1024
/** Total time and interval for retrying a commit whose topic does not respond. */
const STALLED_LIMIT_MS = 30_000
const STALLED_RETRY_MS = 5000

/** Code for a commit that got no response while others did. */
export const STALLED = 'MILLRACE_STALLED'

interface StalledCommit {
  readonly pending: PendingCommit
  readonly sinceMs: number
  dueMs: number
}

/**
 * Commits in order of arrival, in groups that are committed together. When a group is refused, the
 * commit that caused it is removed and the others are retried. If the cause is uncertain, the
 * suspected commits are retried in smaller groups.
 */
export class CommitQueue {
  readonly #clock: Clock
  #waiting: PendingCommit[] = []
  /** Groups to try first: the remainders of refused groups. */
  #groups: (readonly PendingCommit[])[] = []
  #stalled: StalledCommit[] = []
  /** Commits that wait until their destination has been updated after its topic was deleted. */
  readonly #missing = new Set<PendingCommit>()
  readonly #onReady: () => void

  /** `onReady` is called when a waiting commit can be retried. */
  constructor(clock: Clock, onReady: () => void) {
    this.#clock = clock
    this.#onReady = onReady
  }

  add(pending: PendingCommit): void {
    this.#waiting.push(pending)
  }

  get size(): number {
    return this.#waiting.length + this.#groups.length + this.#stalled.length
  }

  /** Whether a group can be tried now. */
  get hasReady(): boolean {
    return this.#waiting.length > 0 || this.#groups.length > 0 || this.#dueStalled !== undefined
  }

  get #dueStalled(): StalledCommit | undefined {
    const now = this.#clock.monotonic()
    return this.#stalled.find(({ dueMs }) => dueMs <= now)
  }

  /** The next group; empty if there is none. */
  next(): readonly PendingCommit[] {
    const group = this.#groups.shift()
    if (group !== undefined) return group
    if (this.#waiting.length > 0) return this.#nextWaiting()
    const stalled = this.#dueStalled
    return stalled === undefined ? [] : [stalled.pending]
  }

  #nextWaiting(): readonly PendingCommit[] {
    let bytes = 0
    let count = 0
    for (const { commit } of this.#waiting) {
      bytes += commit.sends.bytes
      if (count === MAX_GROUP || (count > 0 && bytes > MAX_GROUP_BYTES)) break
      count++
    }
    return this.#waiting.splice(0, count)
  }

  /**
   * Called when none of a group was written. `refusals` maps commits whose messages were refused or
   * got no response to the reason.
   */
  refused(group: readonly PendingCommit[], refusals: ReadonlyMap<PendingCommit, Error>): void {
    const missing = group.filter(
      (each) => refusals.get(each) instanceof TopicMissingError && each.wasMissing !== true,
    )
    if (missing.length > 0) {
      for (const each of missing) {
        const { destination } = refusals.get(each) as TopicMissingError
        guard(
          () => this.#retryWhenKnown(each, destination),
          (error) => each.reject(error),
        )
      }
      const others = group.filter((each) => !missing.includes(each))
      if (others.length > 0) this.#groups.unshift(others)
      return
    }
    const [only] = group
    if (group.length === 1 && only !== undefined) {
      this.#refuseOne(only, refusals.get(only) ?? unexplained())
      return
    }
    const suspects = group.filter((each) => refusals.has(each))
    const [suspect] = suspects
    if (suspects.length === 1 && suspect !== undefined) {
      this.#refuseOne(suspect, refusals.get(suspect) as Error)
      this.#groups.unshift(group.filter((each) => each !== suspect))
      return
    }
    // Messages of several commits may have shared a batch that was refused because of one of them.
    this.#groups.unshift(...(suspects.length === 0 ? halves(group) : runs(group, refusals)))
  }

  /**
   * The topic of a destination was deleted: the commit is retried on the topic that replaces it.
   */
  async #retryWhenKnown(pending: PendingCommit, destination: Destination): Promise<void> {
    pending.wasMissing = true
    this.#missing.add(pending)
    try {
      await destination.onTopicMissing()
      if (destination.isDormant) await destination.reopen()
    } catch (error) {
      if (this.#missing.delete(pending)) pending.reject(error)
      return
    }
    // If not, the commit was removed meanwhile.
    if (!this.#missing.delete(pending)) return
    this.#waiting.push(pending)
    this.#onReady()
  }

  #refuseOne(pending: PendingCommit, error: Error): void {
    const known = this.#stalled.find((each) => each.pending === pending)
    const now = this.#clock.monotonic()
    const isStalled = error instanceof MillraceError && error.code === STALLED
    if (isStalled && now - (known?.sinceMs ?? now) < STALLED_LIMIT_MS) {
      if (known === undefined) {
        this.#stalled.push({ pending, sinceMs: now, dueMs: now + STALLED_RETRY_MS })
      } else known.dueMs = now + STALLED_RETRY_MS
      return
    }
    this.#stalled = this.#stalled.filter((each) => each.pending !== pending)
    pending.reject(error)
  }

  /** Called when a group was written; its commits are no longer stalled. */
  done(group: readonly PendingCommit[]): void {
    if (this.#stalled.length === 0) return
    this.#stalled = this.#stalled.filter(({ pending }) => !group.includes(pending))
  }

  takeAll(): PendingCommit[] {
    const all = [
      ...this.#groups.flat(),
      ...this.#waiting,
      ...this.#stalled.map(({ pending }) => pending),
      ...this.#missing,
    ]
    this.#missing.clear()
    this.#groups = []
    this.#waiting = []
    this.#stalled = []
    return all
  }
}

function unexplained(): Error {
  return new MillraceError('MILLRACE_REFUSED', 'the transaction was aborted')
}

function halves(group: readonly PendingCommit[]): PendingCommit[][] {
  const middle = Math.ceil(group.length / 2)
  return [group.slice(0, middle), group.slice(middle)]
}

/**
 * Splits a group at the boundaries between suspected and other commits, and halves runs of several
 * suspected ones. The order is kept.
 */
function runs(
  group: readonly PendingCommit[],
  refusals: ReadonlyMap<PendingCommit, Error>,
): PendingCommit[][] {
  const cut: PendingCommit[][] = []
  let isSuspect: boolean | undefined
  for (const each of group) {
    if (refusals.has(each) !== isSuspect) cut.push([])
    isSuspect = refusals.has(each)
    cut.at(-1)?.push(each)
  }
  return cut.flatMap((run) =>
    run.length > 1 && run.every((each) => refusals.has(each)) ? halves(run) : [run],
  )
}
