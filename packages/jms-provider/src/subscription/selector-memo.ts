// SPDX-License-Identifier: Apache-2.0
import { MalformedInputError } from '@millrace/base'
import type { StoredMessage } from '../mapping/stored-message.ts'
import type { Selectable, Selector } from '../selector/selector.ts'
import { CHUNK } from './partition-index.ts'

export const Verdict = { unknown: 0, yes: 1, no: 2 } as const
export type Verdict = (typeof Verdict)[keyof typeof Verdict]

/**
 * Results of a selector for the messages of a subscription, one byte each, so that no message is
 * evaluated twice.
 */
export class SelectorMemo {
  readonly selector: Selector
  readonly #verdicts = new Map<number, Map<number, Uint8Array>>()
  readonly #isOfPropertiesOnly: boolean
  /** Number of consumers that use it now. */
  users = 0

  constructor(selector: Selector) {
    this.selector = selector
    this.#isOfPropertiesOnly = ![...selector.identifiers].some(
      (name) =>
        /^JMS(?!_|X)/.test(name) ||
        name === 'JMSXGroupID' ||
        name === 'JMSXGroupSeq' ||
        name === 'JMSXUserID',
    )
  }

  verdictOf(partition: number, offset: number): Verdict {
    const chunk = this.#verdicts.get(partition)?.get(Math.floor(offset / CHUNK))
    return (chunk?.[offset % CHUNK] ?? Verdict.unknown) as Verdict
  }

  /** Whether the selector uses only application properties. */
  get isOfPropertiesOnly(): boolean {
    return this.#isOfPropertiesOnly
  }

  judge(message: StoredMessage): Verdict {
    return this.judgeAt(message.partition, message.offset, message)
  }

  judgeAt(partition: number, offset: number, message: Selectable): Verdict {
    let chunks = this.#verdicts.get(partition)
    if (chunks === undefined) {
      chunks = new Map()
      this.#verdicts.set(partition, chunks)
    }
    const number = Math.floor(offset / CHUNK)
    let chunk = chunks.get(number)
    if (chunk === undefined) {
      chunk = new Uint8Array(CHUNK)
      chunks.set(number, chunk)
    }
    const known = chunk[offset % CHUNK] as Verdict
    if (known !== Verdict.unknown) return known
    const verdict = this.#matches(message) ? Verdict.yes : Verdict.no
    chunk[offset % CHUNK] = verdict
    return verdict
  }

  /** A message whose properties cannot be decoded matches no selector. */
  #matches(message: Selectable): boolean {
    try {
      return this.selector.matches(message)
    } catch (error) {
      if (error instanceof MalformedInputError) return false
      throw error
    }
  }

  /** Drops all results. */
  clear(): void {
    this.#verdicts.clear()
  }

  /** Drops results below an offset. */
  forget(partition: number, floor: number): void {
    const chunks = this.#verdicts.get(partition)
    if (chunks === undefined) return
    for (const number of chunks.keys()) {
      if ((number + 1) * CHUNK > floor) return
      chunks.delete(number)
    }
  }
}
