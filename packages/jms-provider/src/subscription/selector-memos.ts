// SPDX-License-Identifier: Apache-2.0
import type { StoredMessage } from '../mapping/stored-message.ts'
import type { Selector } from '../selector/selector.ts'
import { SelectorMemo } from './selector-memo.ts'

/**
 * Number of selector results to keep after the last consumer closes, for the next one with the same
 * selector.
 */
export const KEPT_MEMOS = 16

/** Selector results of a subscription; consumers with the same selector share them. */
export class SelectorMemos {
  readonly #memos = new Map<string, SelectorMemo>()

  get size(): number {
    return this.#memos.size
  }

  /** The results of a selector, for one more consumer. */
  use(selector: Selector): SelectorMemo {
    let memo = this.#memos.get(selector.text)
    if (memo === undefined) {
      for (const [text, each] of this.#memos) {
        if (this.#memos.size < KEPT_MEMOS) break
        if (each.users === 0) this.#memos.delete(text)
      }
      memo = new SelectorMemo(selector)
      this.#memos.set(selector.text, memo)
    }
    memo.users++
    return memo
  }

  /** A consumer with the selector has closed. */
  release(memo: SelectorMemo): void {
    memo.users--
  }

  /** Evaluates all selectors for a message that is in memory now. */
  evaluate(message: StoredMessage): void {
    for (const memo of this.#memos.values()) memo.evaluate(message)
  }

  /** Drops results below an offset. */
  forget(partition: number, floor: number): void {
    for (const memo of this.#memos.values()) memo.forget(partition, floor)
  }

  /** Drops all results. */
  reset(): void {
    for (const [text, memo] of this.#memos) {
      if (memo.users === 0) this.#memos.delete(text)
      else memo.clear()
    }
  }
}
