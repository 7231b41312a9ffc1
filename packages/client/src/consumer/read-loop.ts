// SPDX-License-Identifier: Apache-2.0
import { MillraceError } from '@millrace/base'
import type { Cluster } from '../metadata/cluster.ts'
import type { Wakeup } from '../network/waiting.ts'
import type { Assignment } from './assignment.ts'
import type { ConsumerCore } from './consumer-core.ts'
import type { ConsumerRecord } from './consumer-record.ts'
import type { Fetcher } from './fetcher.ts'
import type { GroupRebalance } from './group-rebalance.ts'
import type { OffsetCommits } from './offset-commits.ts'
import type { DecodeOptions, PartitionState } from './partition-state.ts'
import type { Positions } from './positions.ts'
import type { ConcurrentReader, ReadGate } from './read-gate.ts'

/** Longest wait before the state is checked again. */
const LOOK_AGAIN_MS = 1000
/** Time after which the event loop gets a turn, however many records are buffered. */
const YIELD_AFTER_MS = 5

/** What a read drives. */
export interface ReadLoopParts {
  readonly cluster: Cluster
  readonly gate: ReadGate
  readonly assignment: Assignment
  readonly decode: DecodeOptions
  readonly positions: Positions
  readonly fetcher: Fetcher
  /** Undefined without a group. */
  readonly commits: OffsetCommits | undefined
  /** The group while topics are subscribed. */
  readonly group: () => GroupRebalance | undefined
  readonly wakeup: Wakeup
  readonly groupId: string | undefined
}

/**
 * What all ways to read do between two records: work of the group, positions, periodic commits and
 * fetches. Errors of that work are thrown by the read.
 */
export class ReadLoop implements ConsumerCore {
  readonly #parts: ReadLoopParts
  readonly #cluster: Cluster
  /** Work of group and positions in progress. */
  #advancing: Promise<void> | undefined
  #failure: Error | undefined
  #lastYieldMs = 0

  constructor(parts: ReadLoopParts) {
    this.#parts = parts
    this.#cluster = parts.cluster
  }

  get groupId(): string | undefined {
    return this.#parts.groupId
  }

  get isClosed(): boolean {
    return this.#parts.gate.isClosed
  }

  get isGroupDue(): boolean {
    return this.#failure !== undefined || this.#parts.group()?.isDue === true
  }

  states(): Iterable<PartitionState> {
    return this.#parts.assignment.rotation
  }

  take(state: PartitionState, max: number): ConsumerRecord<unknown, unknown>[] {
    return this.#parts.assignment.take(state, max, this.#parts.decode)
  }

  now(): number {
    return this.#cluster.clock.monotonic()
  }

  wake(): void {
    this.#parts.wakeup.wake()
  }

  progress(): void {
    this.#parts.gate.progress()
  }

  attach(reader: ConcurrentReader): void {
    this.#parts.gate.attach(reader)
  }

  isBreathDue(): boolean {
    return this.now() - this.#lastYieldMs >= YIELD_AFTER_MS
  }

  async breathe(): Promise<void> {
    if (!this.isBreathDue()) return
    await this.#cluster.clock.yield()
    this.#lastYieldMs = this.now()
  }

  keepUp(): void {
    this.#parts.fetcher.fetch()
    this.#parts.commits?.commitIfDue()
  }

  async turn(ms: number): Promise<void> {
    this.progress()
    if (this.isClosed) throw new MillraceError('MILLRACE_CLOSED', 'the consumer was closed')
    this.#throwFailure()
    this.#parts.commits?.commitIfDue()
    if (this.#advancing === undefined && (this.isGroupDue || this.#parts.positions.isDue)) {
      this.#advancing = this.#advance()
    }
    this.#parts.fetcher.fetch()
    if (ms > 0) {
      await this.#parts.wakeup.wait(this.#cluster.clock, Math.min(ms, LOOK_AGAIN_MS))
      this.#lastYieldMs = this.now()
    }
    this.#throwFailure()
  }

  async #advance(): Promise<void> {
    try {
      const group = this.#parts.group()
      // Without a group positions are marked for validation before the next fetch is sent.
      if (group !== undefined) await group.advance()
      await this.#parts.positions.advance()
      this.#parts.fetcher.fetch()
    } catch (error) {
      const isPassing = error instanceof MillraceError && error.retriable
      if (!isPassing && !this.isClosed) this.#failure = error as Error
    } finally {
      this.#advancing = undefined
      this.wake()
    }
  }

  #throwFailure(): void {
    const failure = this.#failure
    if (failure !== undefined) {
      this.#failure = undefined
      throw failure
    }
    for (const state of this.#parts.assignment.states) {
      if (state.error === undefined || state.hasData) continue
      const { error } = state
      state.error = undefined
      throw error
    }
  }
}
