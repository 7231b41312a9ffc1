// SPDX-License-Identifier: Apache-2.0
// Imported as a namespace: an older Node lacks zstd and must reach the check of its version.
import * as zlib from 'node:zlib'
import { MalformedInputError } from '@millrace/base'
import { Scratch } from './scratch.ts'

export interface Inflated {
  /** The next call overwrites the bytes. */
  readonly decompressed: Buffer
  /** Number of input bytes consumed. */
  readonly consumed: number
}

/** The part of the native handle of a zlib stream that is used here. */
interface Handle {
  onerror: (message: string) => void
  writeSync(
    flush: number,
    input: Buffer,
    inputOffset: number,
    inputSize: number,
    output: Buffer,
    outputOffset: number,
    outputSize: number,
  ): void
  reset(): void
}

/** An engine with more output than this is discarded: its window may be as large. */
const KEPT_BYTES = 4 * 1024 * 1024

/**
 * Decompresses gzip or zstd into reused memory, with one engine. Node's synchronous functions
 * create an engine and several buffers for each call, which costs more than the decompression. They
 * are the fallback if the engine does not have the internal form that is known.
 */
export class Inflater {
  readonly #type: 'gzip' | 'zstd'
  readonly #scratch = new Scratch()
  #engine: Engine | undefined
  #isUnsuitable = false

  constructor(type: 'gzip' | 'zstd') {
    this.#type = type
  }

  /** Decompresses all of `data`; throws `DecompressedTooLargeError` above `limit` bytes. */
  inflate(data: Buffer, limit: number): Inflated {
    this.#engine ??= this.#isUnsuitable ? undefined : this.#open()
    if (this.#engine === undefined) return inflateOnce(this.#type, data, limit)
    try {
      const { size, consumed } = this.#engine.run(data, this.#scratch, limit)
      if (size > KEPT_BYTES) this.#engine = undefined
      return { decompressed: this.#scratch.take(size), consumed }
    } catch (error) {
      this.#scratch.release()
      this.#engine = undefined
      throw error
    }
  }

  /** An engine that has passed a self-test, or undefined. */
  #open(): Engine | undefined {
    const sample = Buffer.alloc(100_000, 'sample ')
    try {
      const engine = new Engine(this.#type)
      const packed = this.#type === 'gzip' ? zlib.gzipSync(sample) : zlib.zstdCompressSync(sample)
      for (let round = 0; round < 2; round++) {
        const { size, consumed } = engine.run(packed, this.#scratch, sample.length)
        if (consumed !== packed.length || !this.#scratch.take(size).equals(sample))
          throw new Error()
      }
      return engine
    } catch {
      this.#isUnsuitable = true
      return undefined
    }
  }
}

class Engine {
  readonly #handle: Handle
  /** The engine stores the remaining output and input sizes here. */
  readonly #left: Uint32Array
  readonly #flush: number
  #failure: string | undefined

  constructor(type: 'gzip' | 'zstd') {
    const stream: unknown = type === 'gzip' ? zlib.createGunzip() : zlib.createZstdDecompress()
    const { _handle: handle, _writeState: left } = stream as {
      readonly _handle?: Handle
      readonly _writeState?: unknown
    }
    if (typeof handle?.writeSync !== 'function' || !(left instanceof Uint32Array)) {
      throw new Error(`${type} streams have no native handle`)
    }
    this.#handle = handle
    this.#left = left
    this.#flush = type === 'gzip' ? zlib.constants.Z_FINISH : zlib.constants.ZSTD_e_end
    handle.onerror = (message) => {
      this.#failure = message
    }
  }

  run(
    data: Buffer,
    scratch: Scratch,
    limit: number,
  ): { readonly size: number; readonly consumed: number } {
    this.#failure = undefined
    this.#handle.reset()
    let size = 0
    let consumed = 0
    scratch.reserve(Math.min(limit, Math.max(data.length * 4, 1024)), 0, limit)
    for (;;) {
      const room = Math.min(scratch.room, limit) - size
      const input = data.length - consumed
      // With no space left, the engine is called only to check for more output.
      const isFull = room === 0
      const [target, offset, length] = isFull ? [OVERFLOW, 0, 1] : [scratch.buffer, size, room]
      this.#handle.writeSync(this.#flush, data, consumed, input, target, offset, length)
      if (this.#failure !== undefined) throw new MalformedInputError(this.#failure)
      const [roomLeft = 0, inputLeft = 0] = this.#left
      const written = length - roomLeft
      consumed += input - inputLeft
      if (!isFull) size += written
      if (roomLeft > 0) return { size, consumed }
      scratch.reserve(isFull ? limit + 1 : Math.min(size * 2, limit), size, limit)
    }
  }
}

const OVERFLOW = Buffer.alloc(1)

interface WithInfo {
  readonly buffer: Buffer
  readonly engine: { readonly bytesWritten: number }
}

function inflateOnce(type: 'gzip' | 'zstd', data: Buffer, limit: number): Inflated {
  const run = type === 'gzip' ? zlib.gunzipSync : zlib.zstdDecompressSync
  const options = { maxOutputLength: Math.max(1, limit), info: true }
  // The type definitions ignore that the option `info` changes the return type.
  const { buffer, engine } = run(data, options) as unknown as WithInfo
  return { decompressed: buffer, consumed: engine.bytesWritten }
}
