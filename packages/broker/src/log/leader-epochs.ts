// SPDX-License-Identifier: Apache-2.0
import type { EpochEntry } from './checkpoint-files.ts'

/** Which leader epoch began at which offset (KIP-101). Epochs and offsets both rise. */
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

  /** Notes the epoch of a batch; true when that opened a new entry. */
  assign(epoch: number, startOffset: bigint): boolean {
    const latest = this.#entries.at(-1)
    if (epoch < 0 || (latest !== undefined && latest.epoch >= epoch)) return false
    this.#entries.push({ epoch, startOffset })
    return true
  }

  /** Epoch that the record at `offset` was written in. */
  epochAt(offset: bigint): number | undefined {
    return this.#entries.findLast((entry) => entry.startOffset <= offset)?.epoch
  }

  /**
   * The largest epoch up to `epoch` and the offset at which it ended; undefined for an epoch newer
   * than any here or older than all.
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
    // Asked for an epoch before the first known one: Kafka answers with that epoch itself and where
    // the log begins.
    return { epoch: floor?.epoch ?? epoch, endOffset: after.startOffset }
  }

  truncateEnd(endOffset: bigint): void {
    this.#entries = this.#entries.filter((entry) => entry.startOffset < endOffset)
  }

  /**
   * Forgets epochs that ended at or before the log's start; the one in force there now begins
   * there.
   */
  truncateStart(startOffset: bigint): void {
    const inForce = this.#entries.findLastIndex((entry) => entry.startOffset <= startOffset)
    const entry = this.#entries[inForce]
    if (entry === undefined) return
    this.#entries = [{ epoch: entry.epoch, startOffset }, ...this.#entries.slice(inForce + 1)]
  }
}
