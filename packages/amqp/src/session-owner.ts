// SPDX-License-Identifier: Apache-2.0
import type { Logger } from '@millrace/base'
import type { AmqpConnection } from './connection.ts'

/** Memory that the sessions of one connection use. */
export class SessionMemory {
  /** Bytes of messages that have arrived in part. */
  incompleteBytes = 0
  /** Bytes of the attach frames of open links. */
  attachBytes = 0
  /** Sessions with messages that wait for the window. */
  readonly holding = new Set<HoldingSession>()

  /** Bytes of messages that wait for a window. */
  get heldBytes(): number {
    let bytes = 0
    for (const session of this.holding) bytes += session.heldBytes
    return bytes
  }

  clear(): void {
    this.incompleteBytes = 0
    this.attachBytes = 0
    this.holding.clear()
  }
}

interface HoldingSession {
  readonly heldBytes: number
}

/** A session with a disposition that waits to be merged with others. */
export interface Flushable {
  /** Writes the disposition. */
  flush(): void
}

/** Members of a connection that its sessions and links use; they are not public. */
export interface SessionOwner {
  readonly connection: AmqpConnection
  readonly logger: Logger
  readonly memory: SessionMemory
  /** Largest frame that the peer accepts, in bytes. */
  readonly maxFrameSizeOut: number
  /** The socket's write buffer is full. */
  readonly isCongested: boolean
  /** Queues a frame and its payload. Frames queued in one turn are written together. */
  write(head: Buffer, payload: readonly Uint8Array[]): void
  /** Calls `flush` of the session at the end of this turn. */
  flushLater(session: Flushable): void
  /** The session on this channel has ended on both sides. */
  forget(session: { readonly channel: number }): void
}
