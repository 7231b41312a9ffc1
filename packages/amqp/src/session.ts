// SPDX-License-Identifier: Apache-2.0
import type { AmqpError } from './amqp-error.ts'
import type { AmqpConnection } from './connection.ts'
import type { ErrorCondition } from './definitions/messaging.ts'
import type { Link, ReceiverLink, SenderLink } from './link.ts'

/** Receives the events of a session. */
export interface SessionHandler {
  /** The peer attached a new link. Call `attach` or `refuse` on it, immediately or later. */
  onLink(link: SenderLink | ReceiverLink): void
  /** The peer or the connection ended the session. Its links have already been notified. */
  onEnd(error: AmqpError | undefined): void
}

/** One end of a session: its links, its windows and all unsettled deliveries. */
export interface Session {
  /** Connection of the session. */
  readonly connection: AmqpConnection
  /** Channel number of this side. */
  readonly channel: number
  /** Receives the events of the session. */
  handler: SessionHandler | undefined
  /** Resolves when the peer has begun the session too. Rejects if the session ends first. */
  readonly begun: Promise<void>
  /** Links of the session. */
  readonly links: Iterable<Link>
  /** Links that are not detached on both sides. */
  readonly linkCount: number
  /** Whether either side has ended the session. */
  readonly isEnded: boolean
  /** Whether the session window or the socket is full. */
  readonly isCongested: boolean
  /** Number of sent deliveries that are not settled. */
  readonly unsettledOutgoing: number
  /** Creates the sending end of a new link. Call `attach` on it next. */
  sender(name: string): SenderLink
  /** Creates the receiving end of a new link. Call `attach` on it next. */
  receiver(name: string): ReceiverLink
  /** Ends this side of the session. The peer answers with its own end. Idempotent. */
  end(error?: ErrorCondition): void
}
