// SPDX-License-Identifier: Apache-2.0
import { MillraceError } from '@millrace/base'
import type { Cluster } from '../metadata/cluster.ts'
import { lookUpEpochEnds, lookUpOffsets, SpecialTimestamp } from '../metadata/offset-lookup.ts'
import { partitionName, type TopicPartition } from '../topic-partition.ts'
import type { CommittedOffsets } from './committed-offsets.ts'
import type { ResolvedConsumerOptions } from './consumer-options.ts'
import type { CommittedOffset } from './offset-messages.ts'
import type { PartitionState, Position } from './partition-state.ts'

/** Finds the position of each assigned partition. */
export class Positions {
  readonly #cluster: Cluster
  readonly #options: ResolvedConsumerOptions
  readonly #committed: CommittedOffsets | undefined
  readonly #states: () => Iterable<PartitionState>
  readonly #wake: () => void

  constructor(options: {
    readonly cluster: Cluster
    readonly options: ResolvedConsumerOptions
    /** Reads committed offsets; undefined without a group. */
    readonly committed: CommittedOffsets | undefined
    readonly states: () => Iterable<PartitionState>
    readonly wake: () => void
  }) {
    this.#cluster = options.cluster
    this.#options = options.options
    this.#committed = options.committed
    this.#states = options.states
    this.#wake = options.wake
  }

  /** Whether a position is missing or must be validated against a new leader. */
  get isDue(): boolean {
    for (const state of this.#states()) {
      if (state.position === undefined && state.error === undefined) return true
      if (this.#needsValidation(state)) return true
    }
    return false
  }

  #needsValidation(state: PartitionState): boolean {
    const epoch = this.#leaderEpoch(state)
    if (epoch < 0 || epoch === state.validatedEpoch) return false
    const position = state.position
    return position !== undefined && position.leaderEpoch >= 0
  }

  #leaderEpoch({ topic, partition }: TopicPartition): number {
    return this.#cluster.metadata.topics.get(topic)?.partitions[partition]?.leaderEpoch ?? -1
  }

  /**
   * Looks up missing positions, first committed offsets, then by the reset policy; and validates
   * those that may be truncated.
   */
  async advance(): Promise<void> {
    const { defaultApiTimeoutMs } = this.#options
    const isUnknown = (state: PartitionState): boolean =>
      !state.isRevoked && state.position === undefined && state.error === undefined
    const unknown = [...this.#states()].filter(
      (state) => isUnknown(state) && state.reset === undefined,
    )
    if (unknown.length > 0) {
      const committed =
        this.#committed === undefined
          ? new Map<string, CommittedOffset>()
          : await this.#committed.fetch(unknown, defaultApiTimeoutMs)
      for (const state of unknown) {
        if (!isUnknown(state) || state.reset !== undefined) continue
        const found = committed.get(partitionName(state))
        if (found === undefined) this.resetOrFail(state)
        else state.seek({ offset: found.offset, leaderEpoch: found.leaderEpoch })
      }
    }
    const resets = [...this.#states()].filter((state) => state.reset !== undefined)
    if (resets.length > 0) await this.#resetPositions(resets)
    const changed = [...this.#states()].filter((state) => this.#needsValidation(state))
    if (changed.length > 0) await this.#validatePositions(changed)
  }

  /** Applies the reset policy to a partition without a usable offset. */
  resetOrFail(state: PartitionState): void {
    const { reset } = this.#options
    if (reset !== undefined) {
      state.requestReset(
        typeof reset === 'object' && 'beforeNowMs' in reset
          ? { timestamp: this.#cluster.clock.now() - reset.beforeNowMs }
          : reset,
      )
    } else if (state.position === undefined) {
      state.error = new MillraceError(
        'MILLRACE_NO_OFFSET',
        `group ${this.#options.groupId} has no offset for ${partitionName(state)}, and autoOffsetReset is none: seek first`,
      )
    } else {
      state.error = new MillraceError(
        'OFFSET_OUT_OF_RANGE',
        `offset ${state.position.offset} of ${partitionName(state)} is out of range, and autoOffsetReset is none: seek first`,
      )
    }
    this.#wake()
  }

  async #resetPositions(states: readonly PartitionState[]): Promise<void> {
    const targets = new Map(states.map((state) => [state, state.reset]))
    const found = await lookUpOffsets(
      this.#cluster,
      states.map(({ topic, partition, reset }) => ({
        topic,
        partition,
        timestamp:
          typeof reset === 'object' ? BigInt(reset.timestamp) : SpecialTimestamp[reset ?? 'latest'],
      })),
      {
        isReadCommitted: this.#options.fetch.isReadCommitted,
        timeoutMs: this.#options.defaultApiTimeoutMs,
      },
    )
    for (const [i, [state, target]] of [...targets].entries()) {
      const offset = found[i]
      // A seek in the meantime takes precedence.
      if (offset === undefined || state.isRevoked || state.reset !== target) continue
      if (offset.offset >= 0n)
        state.seek({ offset: offset.offset, leaderEpoch: offset.leaderEpoch })
      else state.requestReset('latest')
    }
  }

  /** After a change of leader: was the log truncated below the position? (KIP-320) */
  async #validatePositions(states: readonly PartitionState[]): Promise<void> {
    const before = new Map(
      states.map((state) => [
        state,
        { position: state.position as Position, epoch: this.#leaderEpoch(state) },
      ]),
    )
    for (const state of states) state.isValidating = true
    try {
      const ends = await lookUpEpochEnds(
        this.#cluster,
        states.map((state) => ({
          topic: state.topic,
          partition: state.partition,
          leaderEpoch: (state.position as Position).leaderEpoch,
        })),
        { timeoutMs: this.#options.defaultApiTimeoutMs },
      )
      for (const [state, { position, epoch }] of before) {
        const end = ends.get(partitionName(state))
        if (end === undefined || state.isRevoked) continue
        state.validatedEpoch = epoch
        if (end.endOffset < 0n || end.leaderEpoch < 0) continue
        if (end.endOffset >= position.offset) continue
        this.#truncated(state, position, end)
      }
    } finally {
      for (const state of states) state.isValidating = false
    }
  }

  #truncated(
    state: PartitionState,
    position: Position,
    end: { readonly endOffset: bigint; readonly leaderEpoch: number },
  ): void {
    if (this.#options.reset !== undefined) {
      this.#cluster.options.logger.warn(
        'the log was cut below the position; reading on from there',
        {
          partition: partitionName(state),
          position: position.offset,
          endOffset: end.endOffset,
        },
      )
      state.seek({ offset: end.endOffset, leaderEpoch: end.leaderEpoch })
      return
    }
    state.error = new MillraceError(
      'MILLRACE_LOG_TRUNCATED',
      `${partitionName(state)} was cut at ${end.endOffset}, below the position ${position.offset}; autoOffsetReset is none: seek first`,
    )
  }
}
