// SPDX-License-Identifier: Apache-2.0
import type { Clock } from '@millrace/base'
import { ChannelError } from '../errors.ts'

/** Bytes of incomplete frames of all connections, as `maxReadBufferBytes` of libthrift 0.14. */
export const FRAME_MEMORY_BYTES = 256 * 1024 * 1024

/**
 * Bounds the bytes of incomplete frames over all connections together. When they exceed the limit,
 * the connection that received nothing for the longest time is evicted.
 */
export class FrameMemory {
  readonly #limitBytes: number
  /** Connections with an incomplete frame, the one that received last at the end. */
  readonly #held = new Map<FrameShare, number>()
  #bytes = 0

  constructor(limitBytes = FRAME_MEMORY_BYTES) {
    this.#limitBytes = limitBytes
  }

  /** Bytes held now. */
  get bytes(): number {
    return this.#bytes
  }

  /** The share of one connection; `onEvicted` must close it. */
  share(onEvicted: (error: Error) => void): FrameShare {
    return new FrameShare((share, bytes) => this.#hold(share, bytes), onEvicted)
  }

  #hold(share: FrameShare, bytes: number): void {
    this.#bytes += bytes - (this.#held.get(share) ?? 0)
    this.#held.delete(share)
    if (bytes > 0) this.#held.set(share, bytes)
    while (this.#bytes > this.#limitBytes) {
      const [entry] = this.#held
      if (entry === undefined) return
      const [stalest, held] = entry
      this.#held.delete(stalest)
      this.#bytes -= held
      stalest.onEvicted(
        new ChannelError(
          `incomplete messages of all connections exceed ${this.#limitBytes} bytes, and this one received nothing for the longest time`,
        ),
      )
    }
  }
}

/** The incomplete frame of one connection. */
export class FrameShare {
  readonly #hold: (share: FrameShare, bytes: number) => void
  readonly onEvicted: (error: Error) => void

  constructor(hold: (share: FrameShare, bytes: number) => void, onEvicted: (error: Error) => void) {
    this.#hold = hold
    this.onEvicted = onEvicted
  }

  /** Sets the number of bytes that the connection holds. To be called after each chunk. */
  hold(bytes: number): void {
    this.#hold(this, bytes)
  }
}

const shared = new WeakMap<Clock, FrameMemory>()

/** The memory that all connections of a process with this clock share. */
export function frameMemoryOf(clock: Clock): FrameMemory {
  let memory = shared.get(clock)
  if (memory === undefined) {
    memory = new FrameMemory()
    shared.set(clock, memory)
  }
  return memory
}
