// SPDX-License-Identifier: Apache-2.0
import type { Cluster } from '../metadata/cluster.ts'
import { partitionName, type TopicPartition } from '../topic-partition.ts'
import type { Assignment } from './assignment.ts'
import type { CommittedOffsets } from './committed-offsets.ts'
import { ConsumerRecord } from './consumer-record.ts'
import type { CommittedOffset, OffsetAndMetadata } from './offset-messages.ts'
import type { PartitionState } from './partition-state.ts'

/** An offset to commit. */
export type OffsetToCommit = TopicPartition & OffsetAndMetadata

/** What `commit` accepts: a record stands for the offset after it; undefined for all positions. */
export type OffsetsToCommit =
  | ConsumerRecord<unknown, unknown>
  | readonly (ConsumerRecord<unknown, unknown> | OffsetToCommit)[]
  | undefined

const REVOKE_COMMIT_TIMEOUT_MS = 5000

/** Decides which offsets are committed and when: on request, periodically, before revocation. */
export class OffsetCommits {
  readonly #committed: CommittedOffsets
  readonly #assignment: Assignment
  readonly #cluster: Cluster
  readonly #options: {
    readonly enableAutoCommit: boolean
    readonly autoCommitIntervalMs: number
    readonly defaultApiTimeoutMs: number
  }
  #nextAutoCommitMs: number
  #autoCommitting: Promise<void> | undefined

  constructor(parts: {
    readonly committed: CommittedOffsets
    readonly assignment: Assignment
    readonly cluster: Cluster
    readonly options: {
      readonly enableAutoCommit: boolean
      readonly autoCommitIntervalMs: number
      readonly defaultApiTimeoutMs: number
    }
  }) {
    this.#committed = parts.committed
    this.#assignment = parts.assignment
    this.#cluster = parts.cluster
    this.#options = parts.options
    this.#nextAutoCommitMs = this.#cluster.clock.monotonic() + this.#options.autoCommitIntervalMs
  }

  /** Commits the given offsets, which then count as handled. */
  async commit(given: OffsetsToCommit): Promise<void> {
    const offsets = this.#offsetsOf(given)
    await this.#committed.commit(offsets, this.#options.defaultApiTimeoutMs)
    for (const { topic, partition, offset, leaderEpoch = -1 } of offsets) {
      this.#assignment.get({ topic, partition })?.confirm({ offset, leaderEpoch })
    }
  }

  #offsetsOf(given: OffsetsToCommit): readonly OffsetToCommit[] {
    if (given === undefined) {
      return [...this.#assignment.states].flatMap(({ topic, partition, position }) =>
        position === undefined ? [] : [{ topic, partition, ...position }],
      )
    }
    const list = given instanceof ConsumerRecord ? [given] : given
    return list.map((each) => {
      if (!(each instanceof ConsumerRecord)) return each
      const { topic, partition, offset, leaderEpoch } = each
      return { topic, partition, offset: offset + 1n, leaderEpoch }
    })
  }

  /** Committed offsets of the group, in the order of the request; null if there is none. */
  async fetch(partitions: readonly TopicPartition[]): Promise<(CommittedOffset | null)[]> {
    const found = await this.#committed.fetch(partitions, this.#options.defaultApiTimeoutMs)
    return partitions.map((partition) => found.get(partitionName(partition)) ?? null)
  }

  /** Starts the periodic commit if it is due and the last one has completed. */
  commitIfDue(): void {
    const { enableAutoCommit, autoCommitIntervalMs, defaultApiTimeoutMs } = this.#options
    if (!enableAutoCommit || this.#autoCommitting !== undefined) return
    const now = this.#cluster.clock.monotonic()
    if (now < this.#nextAutoCommitMs) return
    this.#nextAutoCommitMs = now + autoCommitIntervalMs
    this.#autoCommitting = this.#tryCommit(
      this.#assignment.states,
      defaultApiTimeoutMs,
      'auto-commit failed',
    ).then(() => {
      this.#autoCommitting = undefined
    })
  }

  /** With auto-commit, commits what was handled of partitions that are being revoked. */
  async commitBeforeRevocation(states: readonly PartitionState[]): Promise<void> {
    if (!this.#options.enableAutoCommit) return
    const whatFailed = 'could not commit the offsets of revoked partitions'
    await this.#tryCommit(states, REVOKE_COMMIT_TIMEOUT_MS, whatFailed)
  }

  /** With auto-commit, commits what was handled before the consumer closes. */
  async commitBeforeClose(states: readonly PartitionState[], timeoutMs: number): Promise<void> {
    if (!this.#options.enableAutoCommit) return
    await this.#autoCommitting
    const longestMs = Math.min(timeoutMs, REVOKE_COMMIT_TIMEOUT_MS)
    await this.#tryCommit(states, longestMs, 'the last commit failed')
  }

  /** Commits what was handled; a failure is only logged. */
  async #tryCommit(
    states: Iterable<PartitionState>,
    timeoutMs: number,
    whatFailed: string,
  ): Promise<void> {
    const offsets = [...states].flatMap(({ topic, partition, handled, isRevoked }) =>
      handled === undefined || isRevoked ? [] : [{ topic, partition, ...handled }],
    )
    try {
      await this.#committed.commit(offsets, timeoutMs)
    } catch (error) {
      this.#cluster.options.logger.warn(whatFailed, { error: error as Error })
    }
  }
}
