// SPDX-License-Identifier: Apache-2.0
// As a namespace: an older Node lacks zstd and must reach the check of its version.
import * as zlib from 'node:zlib'
import { MalformedInputError } from '@millrace/base'
import { Scratch } from './scratch.ts'

export interface Inflated {
  /** Overwritten by the next call. */
  readonly decompressed: Buffer
  /** Bytes of the input that belong to the compressed data. */
  readonly consumed: number
}

/** The part of a zlib stream's native handle that is used here. */
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

/** Above this much output the engine is not kept: it may hold a window of the same size. */
const KEPT_BYTES = 4 * 1024 * 1024

/**
 * Decompresses gzip or zstd into memory that is used again and again, by one engine. Node's own
 * synchronous functions make an engine and several buffers for each call, which costs more than the
 * decompression. They are what is used when the engine does not have the form that Node has given
 * it so far.
 */
export class Inflater {
  readonly #type: 'gzip' | 'zstd'
  readonly #scratch = new Scratch()
  #engine: Engine | undefined
  #isUnsuitable = false

  constructor(type: 'gzip' | 'zstd') {
    this.#type = type
  }

  /** Decompresses all of `data`; throws `DecompressedTooLargeError` beyond `limit` bytes. */
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

  /** An engine that has passed a test, or undefined. */
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
  /** Where the engine says how much room and how much input is left. */
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
      // With no room left it is only asked whether there is more.
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
  // Declared as if the option `info` did not change what is returned.
  const { buffer, engine } = run(data, options) as unknown as WithInfo
  return { decompressed: buffer, consumed: engine.bytesWritten }
}
