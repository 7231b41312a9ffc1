// SPDX-License-Identifier: Apache-2.0
import type { ByteSource, Connection } from '@millrace/base'

/** Bytes that are read from a file and given to the socket at once. */
const CHUNK = 256 * 1024
/** Largest chunk while memory for replies is short. */
const LEAST_CHUNK = 16 * 1024
/** Smaller chunks are not worth keeping their buffer. */
const LEAST_KEPT = 64 * 1024
const MAX_KEPT_BUFFERS = 16

/** Part of a reply: bytes, or where to read them. */
export type ReplyPiece = Uint8Array | ByteSource

function isBytes(piece: ReplyPiece): piece is Uint8Array {
  return piece instanceof Uint8Array
}

/** Buffers for chunks, used again by all connections: new memory costs more than reading into it. */
export class ChunkBuffers {
  readonly #free: Buffer[] = []

  take(size: number): Buffer {
    if (size < LEAST_KEPT) return Buffer.allocUnsafe(size)
    return (this.#free.pop() ?? Buffer.allocUnsafeSlow(CHUNK)).subarray(0, size)
  }

  give(chunk: Buffer): void {
    if (chunk.buffer.byteLength !== CHUNK || this.#free.length >= MAX_KEPT_BUFFERS) return
    this.#free.push(Buffer.from(chunk.buffer))
  }
}

/**
 * What is to be written to a connection. What is in files is read a chunk at a time, each when the socket has accepted the one before,
 * so that a client that does not read its reply costs a chunk.
 */
export class ReplyOutput {
  readonly #connection: Connection
  readonly #buffers: ChunkBuffers
  #queue: ReplyPiece[] = []
  /** Bytes already sent of the first piece, if it is a source. */
  #sentOfFirst = 0
  #queuedBytes = 0
  #chunk: Buffer | undefined
  #isBlocked = false

  constructor(connection: Connection, buffers: ChunkBuffers) {
    this.#connection = connection
    this.#buffers = buffers
  }

  /** Whether the socket has accepted everything. */
  get isEmpty(): boolean {
    return this.#queue.length === 0 && !this.#isBlocked
  }

  /** Whether there is more to write, and the socket accepts it. */
  get mayWrite(): boolean {
    return this.#queue.length > 0 && !this.#isBlocked
  }

  /** Bytes in memory that the socket has not accepted. */
  get heldBytes(): number {
    return this.#isBlocked || this.#queue.length > 0
      ? this.#queuedBytes + this.#connection.unsentBytes
      : 0
  }

  /** Adds a reply after those before it. */
  add(pieces: readonly ReplyPiece[]): void {
    for (const piece of pieces) {
      if (piece.length === 0) continue
      this.#queue.push(piece)
      if (isBytes(piece)) this.#queuedBytes += piece.length
    }
  }

  /** The socket has accepted all that it was given. */
  onDrain(): void {
    this.#isBlocked = false
    this.#freeChunk()
  }

  /** The chunk's buffer is used again when its bytes have left the process. */
  #freeChunk(): void {
    if (this.#chunk !== undefined && this.#connection.unsentBytes === 0) {
      this.#buffers.give(this.#chunk)
    }
    this.#chunk = undefined
  }

  /** Writes the next part. Throws when it cannot be read; then the connection cannot go on. */
  write(isMemoryShort: boolean): void {
    const limit = isMemoryShort ? LEAST_CHUNK : CHUNK
    // What is in memory goes to the socket as it is.
    const parts: Uint8Array[] = []
    let bytes = 0
    let count = 0
    for (const piece of this.#queue) {
      if (!isBytes(piece)) break
      parts.push(piece)
      bytes += piece.length
      count++
    }
    this.#drop(count, bytes)
    const source = this.#queue[0]
    if (source !== undefined && !isBytes(source) && bytes < limit) {
      parts.push(this.#readFrom(source, limit - bytes))
    }
    this.#isBlocked = !this.#connection.write(parts)
    if (!this.#isBlocked) this.#freeChunk()
  }

  /** Nothing more is written. */
  close(): void {
    for (const piece of this.#queue) if (!isBytes(piece)) piece.release()
    this.#queue = []
    this.#queuedBytes = 0
    this.#isBlocked = false
    this.#chunk = undefined
  }

  #drop(count: number, bytes: number): void {
    this.#queue = count === this.#queue.length ? [] : this.#queue.slice(count)
    this.#queuedBytes -= bytes
  }

  #readFrom(source: ByteSource, limit: number): Buffer {
    const size = Math.min(limit, source.length - this.#sentOfFirst)
    const chunk = this.#buffers.take(size)
    source.read(chunk, this.#sentOfFirst)
    this.#chunk = chunk
    this.#sentOfFirst += size
    if (this.#sentOfFirst === source.length) {
      this.#sentOfFirst = 0
      this.#drop(1, 0)
      source.release()
    }
    return chunk
  }
}

/** Gives back what a reply that is not sent would have read. */
export function releasePieces(pieces: readonly ReplyPiece[]): void {
  for (const piece of pieces) if (!isBytes(piece)) piece.release()
}
