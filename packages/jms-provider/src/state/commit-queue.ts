// SPDX-License-Identifier: Apache-2.0
import { type Clock, MillraceError } from '@millrace/base'
import type { Destination } from '../destination/destination.ts'
import { type Commit, TopicMissingError } from './commit.ts'

/** A commit, and whoever waits for it. */
export interface PendingCommit {
  readonly commit: Commit
  /** It was refused once because a topic was deleted. */
  wasMissing?: boolean
  readonly resolve: () => void
  readonly reject: (error: unknown) => void
}

/** Commits that share a Kafka transaction, and their bytes. A larger one is alone. */
const MAX_GROUP = 1000
const MAX_GROUP_BYTES = 8 * 1024 * 1024
/** A commit whose topic does not answer is tried again for so long, and so often. */
const STALLED_LIMIT_MS = 30_000
const STALLED_RETRY_MS = 5000

/** The code of a commit that had no answer while others had. */
export const STALLED = 'MILLRACE_STALLED'

interface StalledCommit {
  readonly pending: PendingCommit
  readonly sinceMs: number
  dueMs: number
}

/**
 * Commits in the order they came, in groups that become final together. When a group is refused, the commit that is to blame is taken out and
 * the others go on; when that is not certain, those that may be are tried in smaller groups.
 */
export class CommitQueue {
  readonly #clock: Clock
  #waiting: PendingCommit[] = []
  /** Groups that come first: what is left of those that were refused. */
  #groups: (readonly PendingCommit[])[] = []
  #stalled: StalledCommit[] = []
  /** Commits that wait until their destination knows that its topic was deleted. */
  readonly #missing = new Set<PendingCommit>()
  readonly #onReady: () => void

  /** `onReady` is called when a commit that had to wait can be tried again. */
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

  /** Whether there is a group to be tried now. */
  get hasReady(): boolean {
    return this.#waiting.length > 0 || this.#groups.length > 0 || this.#dueStalled !== undefined
  }

  get #dueStalled(): StalledCommit | undefined {
    const now = this.#clock.monotonic()
    return this.#stalled.find(({ dueMs }) => dueMs <= now)
  }

  /** The next group, empty when there is none. */
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

  /** None of a group was written. `refusals` are the commits whose messages were refused, or had no answer, and why. */
  refused(group: readonly PendingCommit[], refusals: ReadonlyMap<PendingCommit, Error>): void {
    const missing = group.filter(
      (each) => refusals.get(each) instanceof TopicMissingError && each.wasMissing !== true,
    )
    if (missing.length > 0) {
      for (const each of missing) {
        const { destination } = refusals.get(each) as TopicMissingError
        void this.#retryWhenKnown(each, destination)
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
    // Messages of several commits may have been in one batch, and been refused for one of them.
    this.#groups.unshift(...(suspects.length === 0 ? halves(group) : runs(group, refusals)))
  }

  /** The topic of a destination was deleted: the commit is tried again with the one that takes its place. */
  async #retryWhenKnown(pending: PendingCommit, destination: Destination): Promise<void> {
    pending.wasMissing = true
    this.#missing.add(pending)
    try {
      await destination.onTopicMissing()
      if (destination.isDormant) await destination.revive()
    } catch (error) {
      if (this.#missing.delete(pending)) pending.reject(error)
      return
    }
    // Otherwise it was taken out meanwhile.
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

  /** One that had stalled is written. */
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

/** A group cut where those that may be to blame begin and end; a run of several of these is halved. Their order stays. */
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
