// SPDX-License-Identifier: Apache-2.0
import { MalformedInputError } from '@millrace/base'
import type { StoredMessage } from '../mapping/stored-message.ts'
import type { Selectable, Selector } from '../selector/selector.ts'
import { CHUNK } from './partition-index.ts'

export const SelectorResult = { unknown: 0, yes: 1, no: 2 } as const
export type SelectorResult = (typeof SelectorResult)[keyof typeof SelectorResult]

/**
 * Results of a selector for the messages of a subscription, one byte each, so that no message is
 * evaluated twice.
 */
export class SelectorMemo {
  readonly selector: Selector
  readonly #results = new Map<number, Map<number, Uint8Array>>()
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

  resultOf(partition: number, offset: number): SelectorResult {
    const chunk = this.#results.get(partition)?.get(Math.floor(offset / CHUNK))
    return (chunk?.[offset % CHUNK] ?? SelectorResult.unknown) as SelectorResult
  }

  /** Whether the selector uses only application properties. */
  get isOfPropertiesOnly(): boolean {
    return this.#isOfPropertiesOnly
  }

  evaluate(message: StoredMessage): SelectorResult {
    return this.evaluateAt(message.partition, message.offset, message)
  }

  evaluateAt(partition: number, offset: number, message: Selectable): SelectorResult {
    let chunks = this.#results.get(partition)
    if (chunks === undefined) {
      chunks = new Map()
      this.#results.set(partition, chunks)
    }
    const number = Math.floor(offset / CHUNK)
    let chunk = chunks.get(number)
    if (chunk === undefined) {
      chunk = new Uint8Array(CHUNK)
      chunks.set(number, chunk)
    }
    const known = chunk[offset % CHUNK] as SelectorResult
    if (known !== SelectorResult.unknown) return known
    const result = this.#matches(message) ? SelectorResult.yes : SelectorResult.no
    chunk[offset % CHUNK] = result
    return result
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
    this.#results.clear()
  }

  /** Drops results below an offset. */
  forget(partition: number, floor: number): void {
    const chunks = this.#results.get(partition)
    if (chunks === undefined) return
    for (const number of chunks.keys()) {
      if ((number + 1) * CHUNK > floor) return
      chunks.delete(number)
    }
  }
}
