// SPDX-License-Identifier: Apache-2.0
import type { EpochEntry } from './checkpoint-files.ts'

/** Start offsets of leader epochs (KIP-101). Both epochs and offsets increase. */
export class LeaderEpochs {
  #entries: EpochEntry[]

  constructor(entries: readonly EpochEntry[] = []) {
    this.#entries = [...entries]
  }

  get entries(): readonly EpochEntry[] {
    return this.#entries
  }

  get latestEpoch(): number | undefined {
    return this.#entries.at(-1)?.epoch
  }

  /** Records the epoch of a batch; returns true if that created an entry. */
  assign(epoch: number, startOffset: bigint): boolean {
    const latest = this.#entries.at(-1)
    if (epoch < 0 || (latest !== undefined && latest.epoch >= epoch)) return false
    this.#entries.push({ epoch, startOffset })
    return true
  }

  /** Epoch in which the record at `offset` was written. */
  epochAt(offset: bigint): number | undefined {
    return this.#entries.findLast((entry) => entry.startOffset <= offset)?.epoch
  }

  /**
   * The largest epoch up to `epoch` and its end offset; undefined for an epoch newer than the
   * latest or older than all.
   */
  endOf(
    epoch: number,
    logEndOffset: bigint,
  ): { readonly epoch: number; readonly endOffset: bigint } | undefined {
    const latest = this.#entries.at(-1)
    if (latest === undefined || epoch < 0) return undefined
    if (epoch === latest.epoch) return { epoch, endOffset: logEndOffset }
    if (epoch > latest.epoch) return undefined
    const next = this.#entries.findIndex((entry) => entry.epoch > epoch)
    const after = this.#entries[next]
    const floor = this.#entries[next - 1]
    if (after === undefined) return undefined
    // For an epoch before the first known one, Kafka returns that epoch itself and the log start
    // offset.
    return { epoch: floor?.epoch ?? epoch, endOffset: after.startOffset }
  }

  truncateEnd(endOffset: bigint): void {
    this.#entries = this.#entries.filter((entry) => entry.startOffset < endOffset)
  }

  /**
   * Removes epochs that ended at or before the log start offset; the epoch at that offset then
   * starts there.
   */
  truncateStart(startOffset: bigint): void {
    const inForce = this.#entries.findLastIndex((entry) => entry.startOffset <= startOffset)
    const entry = this.#entries[inForce]
    if (entry === undefined) return
    this.#entries = [{ epoch: entry.epoch, startOffset }, ...this.#entries.slice(inForce + 1)]
  }
}
