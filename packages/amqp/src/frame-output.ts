// SPDX-License-Identifier: Apache-2.0
import type { Connection } from '@millrace/base'
import type { Flushable } from './session-owner.ts'

/** Small writes are joined up to this size: one larger write costs less than many small ones. */
const JOIN_LIMIT = 64 * 1024
/** Bytes that are written before the turn ends. */
const FLUSH_LIMIT = 1024 * 1024

/** When a connection writes the queued frames. */
export interface FlushTimes {
  /** At the end of a turn in which a frame was queued. */
  onTurnEnd(): void
  /** More than 1 MiB is queued. */
  onFull(): void
}

/** Frames that wait to be written; those of one turn share few writes. */
export class FrameOutput {
  readonly #transport: Pick<Connection, 'write'>
  readonly #times: FlushTimes
  #pieces: Uint8Array[] = []
  #size = 0
  #isScheduled = false
  #isClosed = false
  readonly #sessions: Flushable[] = []
  /** The socket's write buffer is full. */
  isFull = false
  /** Bytes of frames without message data written since the peer last read everything. */
  replyBytes = 0
  /** A frame was written since this was last set to false. */
  hasWritten = false

  constructor(transport: Pick<Connection, 'write'>, times: FlushTimes) {
    this.#transport = transport
    this.#times = times
  }

  write(head: Buffer, payload: readonly Uint8Array[]): void {
    if (this.#isClosed) return
    this.#pieces.push(head)
    this.#size += head.length
    if (payload.length === 0) this.replyBytes += head.length
    for (const piece of payload) {
      this.#pieces.push(piece)
      this.#size += piece.length
    }
    this.#schedule()
    if (this.#size > FLUSH_LIMIT) this.#times.onFull()
  }

  flushLater(session: Flushable): void {
    this.#sessions.push(session)
    this.#schedule()
  }

  #schedule(): void {
    if (this.#isScheduled) return
    this.#isScheduled = true
    queueMicrotask(() => {
      this.#isScheduled = false
      this.#times.onTurnEnd()
    })
  }

  /** Writes what is queued. Returns false if there was nothing to write. */
  flush(): boolean {
    for (const session of this.#sessions.splice(0)) session.flush()
    if (this.#pieces.length === 0 || this.#isClosed) return false
    const pieces = this.#pieces
    const size = this.#size
    this.#pieces = []
    this.#size = 0
    this.hasWritten = true
    const whole = size <= JOIN_LIMIT && pieces.length > 1 ? [Buffer.concat(pieces, size)] : pieces
    if (!this.#transport.write(whole)) this.isFull = true
    if (!this.isFull) this.replyBytes = 0
    return true
  }

  /** The peer has read everything. */
  drained(): void {
    this.isFull = false
    this.replyBytes = 0
  }

  /** Discards what is queued and all that is written from now on. */
  close(): void {
    this.#isClosed = true
    this.#sessions.length = 0
    this.#pieces = []
    this.#size = 0
  }
}
