// SPDX-License-Identifier: Apache-2.0
import type { RecordMetadata } from './producer-record.ts'

/** One call of `send`: settles when every batch with its records is settled. */
export class Delivery {
  readonly metadata: RecordMetadata[]
  readonly promise: Promise<RecordMetadata[]>
  readonly #resolve: (metadata: RecordMetadata[]) => void
  readonly #reject: (error: Error) => void
  /** Batches that are not settled, plus one until all records are in batches. */
  #open = 1
  #error: Error | undefined
  isSettled = false

  constructor(size: number) {
    this.metadata = new Array(size)
    const { promise, resolve, reject } = Promise.withResolvers<RecordMetadata[]>()
    this.promise = promise
    this.#resolve = resolve
    this.#reject = reject
  }

  expect(): void {
    this.#open++
  }

  /** Counts one part as settled; the first error decides. */
  settle(error?: Error): void {
    this.#open--
    if (error !== undefined) this.#error ??= error
    if (this.#open > 0 || this.isSettled) return
    this.isSettled = true
    if (this.#error === undefined) this.#resolve(this.metadata)
    else this.#reject(this.#error)
  }
}
