// SPDX-License-Identifier: Apache-2.0
import { SharedMemory } from './shared-memory.ts'

/** How far over the limit replies may get before connections are closed for it. */
const OVERFLOW = 2

/** A connection, as far as its socket has not accepted what was written. */
export type ReplyWriter = object

/**
 * The bytes of replies that all connections together hold because their clients do not read them. As it fills up, replies to Fetch
 * get smaller, down to one batch.
 */
export class ReplyMemory extends SharedMemory<ReplyWriter> {
  /** Called when replies take much more than the limit. */
  onOverflow: () => void = () => {}

  get isOverflowing(): boolean {
    return this.used >= OVERFLOW * this.limit
  }

  /** How large one more reply may be, where its size can be chosen. Half of what is left, so that others get something too. */
  get allowance(): number {
    return Math.max(0, Math.floor((this.limit - this.used) / 2))
  }

  /** Notes that the writer holds `bytes` now. */
  update(writer: ReplyWriter, bytes: number): void {
    if (this.count(writer, bytes) > 0 && this.isOverflowing) this.onOverflow()
  }
}
