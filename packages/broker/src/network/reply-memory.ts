// SPDX-License-Identifier: Apache-2.0
import { SharedMemory } from './shared-memory.ts'

/** Excess over the limit at which connections are closed. */
const OVERFLOW = 2

/** A connection, as a holder of bytes that its socket has not accepted. */
export type ReplyWriter = object

/**
 * Reply bytes that all connections together hold because their clients do not read them. As the
 * memory fills up, replies to Fetch get smaller, down to one batch.
 */
export class ReplyMemory extends SharedMemory<ReplyWriter> {
  /** Called when replies exceed the limit by far. */
  onOverflow: () => void = () => {}

  get isOverflowing(): boolean {
    return this.used >= OVERFLOW * this.limit
  }

  /**
   * Maximum size of one more reply, if its size can be chosen: half of the remaining memory, to
   * leave some for others.
   */
  get allowance(): number {
    return Math.max(0, Math.floor((this.limit - this.used) / 2))
  }

  /** Records that the writer holds `bytes` now. */
  update(writer: ReplyWriter, bytes: number): void {
    if (this.count(writer, bytes) > 0 && this.isOverflowing) this.onOverflow()
  }
}
