// SPDX-License-Identifier: Apache-2.0
import { ProtocolError } from '@millrace/protocol'
import { Effects } from '../runtime/effects.ts'
import {
  type ReplayedShareState,
  type SharePartitionKey,
  type ShareStateRecord,
  shareKeyText,
} from './share-state-record.ts'
import { mergeStateBatches, type StateBatch } from './state-batches.ts'

export type ShareStateEffects = Effects<ShareStateRecord, never>

/** The start offset is not initialized yet. */
export const UNINITIALIZED_OFFSET = -1n
/** No record was acknowledged yet. */
export const UNINITIALIZED_COUNT = -1

/** State of one share partition. */
export interface ShareState {
  readonly key: SharePartitionKey
  readonly snapshotEpoch: number
  readonly stateEpoch: number
  readonly leaderEpoch: number
  readonly startOffset: bigint
  readonly deliveryCompleteCount: number
  readonly batches: readonly StateBatch[]
  readonly createdMs: bigint
  readonly writtenMs: bigint
  readonly updatesSinceSnapshot: number
  /** Log offset of the last snapshot. */
  readonly snapshotOffset: bigint
}

export interface StateWrite {
  readonly key: SharePartitionKey
  readonly stateEpoch: number
  readonly leaderEpoch: number
  /** -1 means unchanged. */
  readonly startOffset: bigint
  readonly deliveryCompleteCount: number
  readonly batches: readonly StateBatch[]
}

/**
 * State of share groups in one partition of `__share_group_state` (KIP-932): snapshots, and updates
 * between them.
 */
export class ShareStateShard {
  readonly states = new Map<string, ShareState>()
  readonly #updatesPerSnapshot: number

  constructor(updatesPerSnapshot: number) {
    this.#updatesPerSnapshot = updatesPerSnapshot
  }

  apply(
    record: ReplayedShareState,
    _nowMs: number,
    _producerId: bigint | undefined,
    offset = 0n,
  ): void {
    if (record.kind === 'other') return
    const name = shareKeyText(record.key)
    if (record.kind === 'snapshot') {
      const { key, value } = record
      if (value === null) {
        this.states.delete(name)
        return
      }
      this.states.set(name, {
        key,
        snapshotEpoch: value.snapshotEpoch,
        stateEpoch: value.stateEpoch,
        leaderEpoch: value.leaderEpoch,
        startOffset: value.startOffset,
        deliveryCompleteCount: value.deliveryCompleteCount,
        batches: value.stateBatches,
        createdMs: value.createTimestamp,
        writtenMs: value.writeTimestamp,
        updatesSinceSnapshot: 0,
        snapshotOffset: offset,
      })
      return
    }
    const known = this.states.get(name)
    if (known === undefined) return
    const { value } = record
    const startOffset =
      value.startOffset === UNINITIALIZED_OFFSET ? known.startOffset : value.startOffset
    this.states.set(name, {
      ...known,
      leaderEpoch: Math.max(known.leaderEpoch, value.leaderEpoch),
      startOffset,
      deliveryCompleteCount:
        value.deliveryCompleteCount < 0 ? known.deliveryCompleteCount : value.deliveryCompleteCount,
      batches: mergeStateBatches(known.batches, value.stateBatches, startOffset),
      updatesSinceSnapshot: known.updatesSinceSnapshot + 1,
    })
  }

  restore(): ShareStateEffects {
    return new Effects()
  }

  expire(): ShareStateEffects {
    return new Effects()
  }

  /** Initializes the state, or resets it to an offset. */
  initialize(
    fx: ShareStateEffects,
    key: SharePartitionKey,
    start: { readonly stateEpoch: number; readonly startOffset: bigint },
    nowMs: number,
  ): void {
    const known = this.states.get(shareKeyText(key))
    if (known !== undefined && start.stateEpoch < known.stateEpoch) {
      throw new ProtocolError(
        'FENCED_STATE_EPOCH',
        `state of ${shareKeyText(key)} has epoch ${known.stateEpoch}, not ${start.stateEpoch}`,
      )
    }
    fx.records.push({
      kind: 'snapshot',
      key,
      value: {
        snapshotEpoch: (known?.snapshotEpoch ?? -1) + 1,
        stateEpoch: start.stateEpoch,
        leaderEpoch: known?.leaderEpoch ?? 0,
        startOffset: start.startOffset,
        deliveryCompleteCount: start.startOffset === UNINITIALIZED_OFFSET ? UNINITIALIZED_COUNT : 0,
        createTimestamp: BigInt(nowMs),
        writeTimestamp: BigInt(nowMs),
        stateBatches: [],
      },
    })
  }

  write(fx: ShareStateEffects, write: StateWrite, nowMs: number): void {
    const name = shareKeyText(write.key)
    const known = this.states.get(name)
    if (known === undefined) {
      throw new ProtocolError('UNKNOWN_TOPIC_OR_PARTITION', `no state of ${name}`)
    }
    if (write.leaderEpoch >= 0 && write.leaderEpoch < known.leaderEpoch) {
      throw new ProtocolError(
        'FENCED_LEADER_EPOCH',
        `state of ${name} has leader epoch ${known.leaderEpoch}, not ${write.leaderEpoch}`,
      )
    }
    if (write.stateEpoch >= 0 && write.stateEpoch < known.stateEpoch) {
      throw new ProtocolError(
        'FENCED_STATE_EPOCH',
        `state of ${name} has epoch ${known.stateEpoch}, not ${write.stateEpoch}`,
      )
    }
    const { startOffset, deliveryCompleteCount, batches } = write
    const leaderEpoch = Math.max(known.leaderEpoch, write.leaderEpoch)
    if (known.updatesSinceSnapshot < this.#updatesPerSnapshot) {
      fx.records.push({
        kind: 'update',
        key: write.key,
        value: {
          snapshotEpoch: known.snapshotEpoch,
          leaderEpoch,
          startOffset,
          deliveryCompleteCount,
          stateBatches: batches,
        },
      })
      return
    }
    const start = startOffset === UNINITIALIZED_OFFSET ? known.startOffset : startOffset
    this.#snapshot(
      fx,
      {
        ...known,
        leaderEpoch,
        startOffset: start,
        deliveryCompleteCount:
          deliveryCompleteCount < 0 ? known.deliveryCompleteCount : deliveryCompleteCount,
        batches: mergeStateBatches(known.batches, batches, start),
      },
      nowMs,
    )
  }

  #snapshot(fx: ShareStateEffects, state: ShareState, nowMs: number): void {
    fx.records.push({
      kind: 'snapshot',
      key: state.key,
      value: {
        snapshotEpoch: state.snapshotEpoch + 1,
        stateEpoch: state.stateEpoch,
        leaderEpoch: state.leaderEpoch,
        startOffset: state.startOffset,
        deliveryCompleteCount: state.deliveryCompleteCount,
        createTimestamp: state.createdMs,
        writeTimestamp: BigInt(nowMs),
        stateBatches: state.batches,
      },
    })
  }

  delete(fx: ShareStateEffects, key: SharePartitionKey): void {
    if (!this.states.has(shareKeyText(key))) return
    fx.records.push({ kind: 'snapshot', key, value: null })
  }

  /**
   * Writes snapshots of states whose last one is old, so that the log before them can be deleted.
   */
  snapshotCold(fx: ShareStateEffects, nowMs: number, coldMs: number): void {
    for (const state of this.states.values()) {
      const isCold = nowMs - Number(state.writtenMs) >= coldMs
      if (isCold && state.updatesSinceSnapshot > 0) this.#snapshot(fx, state, nowMs)
    }
  }

  /** Records before this offset are superseded by later ones. */
  get redundantBefore(): bigint | undefined {
    let oldest: bigint | undefined
    for (const { snapshotOffset } of this.states.values()) {
      if (oldest === undefined || snapshotOffset < oldest) oldest = snapshotOffset
    }
    return oldest
  }
}
