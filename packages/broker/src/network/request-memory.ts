// SPDX-License-Identifier: Apache-2.0
import { SharedMemory } from './shared-memory.ts'

/**
 * Request bytes that every connection may hold regardless of the limit, so that a small request is
 * read even while others use up the memory.
 */
const FREE_BYTES = 64 * 1024

/** A connection, as a holder of request bytes. */
export interface RequestReader {
  /** Number of bytes that complete the current request; undefined between requests. */
  readonly missingBytes: number | undefined
  /** Called when reading may continue. */
  onMayRead(): void
}

/**
 * Request bytes that all connections together hold: partly read, pending, or running. While they
 * exceed the limit, only one large request is read further, the one that needs the fewest bytes: it
 * will complete, and release its memory. The model is Kafka's `queued.max.request.bytes`, which
 * however counts a request by its announced size.
 */
export class RequestMemory extends SharedMemory<RequestReader> {
  readonly #waiting = new Set<RequestReader>()
  #favoured: RequestReader | undefined

  /** Records that the reader holds `bytes` now. */
  update(reader: RequestReader, bytes: number): void {
    const now = Math.max(0, bytes - FREE_BYTES)
    if (this.count(reader, now) === 0) return
    if (now === 0) this.stopWaiting(reader)
    if (!this.isExhausted && this.#waiting.size > 0) this.#admit()
  }

  /** Whether the reader may continue. If not, its `onMayRead` is called later. */
  mayRead(reader: RequestReader): boolean {
    if (!this.isExhausted || this.usedBy(reader) === 0) {
      this.stopWaiting(reader)
      return true
    }
    this.#waiting.add(reader)
    this.#favour()
    return this.#favoured === reader
  }

  /** Called when the reader is closed. */
  remove(reader: RequestReader): void {
    this.update(reader, 0)
    this.stopWaiting(reader)
  }

  /** Called when the reader has paused for other reasons. */
  stopWaiting(reader: RequestReader): void {
    if (this.#waiting.delete(reader) && this.#favoured === reader) this.#favour()
  }

  #favour(): void {
    const next = this.#smallest()
    if (next === this.#favoured) return
    this.#favoured = next
    next?.onMayRead()
  }

  #smallest(): RequestReader | undefined {
    let found: RequestReader | undefined
    let least = Number.POSITIVE_INFINITY
    for (const reader of this.#waiting) {
      const missing = reader.missingBytes ?? Number.POSITIVE_INFINITY
      if (missing >= least) continue
      least = missing
      found = reader
    }
    return found
  }

  /**
   * Lets readers continue, those that need the fewest bytes first, as far as the memory suffices.
   */
  #admit(): void {
    const missing = (reader: RequestReader): number => reader.missingBytes ?? FREE_BYTES
    let room = this.limit - this.used
    for (const reader of [...this.#waiting].sort((a, b) => missing(a) - missing(b))) {
      if (room <= 0) return
      room -= missing(reader)
      reader.onMayRead()
    }
  }
}
