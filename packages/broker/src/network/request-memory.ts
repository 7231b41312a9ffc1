// SPDX-License-Identifier: Apache-2.0
import { SharedMemory } from './shared-memory.ts'

/**
 * Bytes of requests that every connection may hold without regard to the limit, so that a small request is read even while others
 * use up the memory.
 */
const FREE_BYTES = 64 * 1024

/** A connection, as far as it holds bytes of requests. */
export interface RequestReader {
  /** Bytes that complete the request that is being read; undefined between requests. */
  readonly missingBytes: number | undefined
  /** Called when reading may continue. */
  onMayRead(): void
}

/**
 * The bytes of requests that all connections together hold: partly read, waiting, or being worked on. While they exceed the limit,
 * only one large request is read on, the one that needs the fewest bytes: it will be worked on, and give its memory back. The model
 * is Kafka's `queued.max.request.bytes`, which however counts a request by the size that it announces.
 */
export class RequestMemory extends SharedMemory<RequestReader> {
  readonly #waiting = new Set<RequestReader>()
  #favoured: RequestReader | undefined

  /** Notes that the reader holds `bytes` now. */
  update(reader: RequestReader, bytes: number): void {
    const now = Math.max(0, bytes - FREE_BYTES)
    if (this.count(reader, now) === 0) return
    if (now === 0) this.stopWaiting(reader)
    if (!this.isExhausted && this.#waiting.size > 0) this.#admit()
  }

  /** Whether the reader may be read from. If not, its `onMayRead` is called later. */
  mayRead(reader: RequestReader): boolean {
    if (!this.isExhausted || this.usedBy(reader) === 0) {
      this.stopWaiting(reader)
      return true
    }
    this.#waiting.add(reader)
    this.#favour()
    return this.#favoured === reader
  }

  /** The reader is closed. */
  remove(reader: RequestReader): void {
    this.update(reader, 0)
    this.stopWaiting(reader)
  }

  /** The reader does not want to read for reasons of its own. */
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

  /** Lets readers continue, those that need the fewest bytes first, as far as the memory reaches. */
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
