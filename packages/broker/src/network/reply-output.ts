// SPDX-License-Identifier: Apache-2.0
import type { ByteSource, Connection } from '@millrace/base'

/** Bytes read from a file and passed to the socket at once. */
const CHUNK = 256 * 1024
/** Maximum chunk size while memory for replies is short. */
const LEAST_CHUNK = 16 * 1024
/** Buffers of smaller chunks are not kept. */
const LEAST_KEPT = 64 * 1024
const MAX_KEPT_BUFFERS = 16

/** Part of a reply: bytes, or a source to read them from. */
export type ReplyPiece = Uint8Array | ByteSource

function isBytes(piece: ReplyPiece): piece is Uint8Array {
  return piece instanceof Uint8Array
}

/**
 * Buffers for chunks, reused by all connections: allocating memory costs more than reading into it.
 */
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
 * Output queue of a connection. Data in files is read chunk by chunk, each when the socket has
 * accepted the previous one, so that a client that does not read its reply costs one chunk.
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

  /** Adds a reply after the previous ones. */
  add(pieces: readonly ReplyPiece[]): void {
    for (const piece of pieces) {
      if (piece.length === 0) continue
      this.#queue.push(piece)
      if (isBytes(piece)) this.#queuedBytes += piece.length
    }
  }

  /** Called when the socket has accepted all bytes passed to it. */
  onDrain(): void {
    this.#isBlocked = false
    this.#freeChunk()
  }

  /** The buffer of the chunk is reused when its bytes have left the process. */
  #freeChunk(): void {
    if (this.#chunk !== undefined && this.#connection.unsentBytes === 0) {
      this.#buffers.give(this.#chunk)
    }
    this.#chunk = undefined
  }

  /** Writes the next part. Throws if it cannot be read; then the connection cannot continue. */
  write(isMemoryShort: boolean): void {
    const limit = isMemoryShort ? LEAST_CHUNK : CHUNK
    // Data in memory is passed to the socket directly.
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

  /** Discards all further output. */
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

/** Releases the sources of a reply that is not sent. */
export function releasePieces(pieces: readonly ReplyPiece[]): void {
  for (const piece of pieces) if (!isBytes(piece)) piece.release()
}
