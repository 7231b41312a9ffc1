// SPDX-License-Identifier: Apache-2.0
import type { AmqpValue } from './codec/types.ts'
import type {
  Coordinator,
  DeliveryState,
  ErrorCondition,
  Source,
  Target,
} from './definitions/messaging.ts'
import type { Attach, Detach } from './definitions/performatives.ts'
import type { IncomingDelivery, OutgoingDelivery } from './delivery.ts'
import type { Session } from './session.ts'

/** Local state of a link endpoint, sent in its attach frame. */
export interface LinkOptions {
  /** Source of the link: the node that messages come from. */
  readonly source?: Source | undefined
  /** Target of the link: the node that messages are sent to. */
  readonly target?: Target | Coordinator | undefined
  /** 0 unsettled, 1 settled, 2 mixed (default). */
  readonly sndSettleMode?: number | undefined
  /** 0 first (default), 1 second. */
  readonly rcvSettleMode?: number | undefined
  /** Capabilities that this end offers. */
  readonly offeredCapabilities?: readonly string[] | undefined
  /** Capabilities that this end desires from the peer. */
  readonly desiredCapabilities?: readonly string[] | undefined
  /** Properties to send in the attach frame. */
  readonly properties?: ReadonlyMap<string, AmqpValue> | undefined
  /** Largest message that is accepted, in bytes. */
  readonly maxMessageSize?: number | undefined
}

/** Events common to sender and receiver links. */
export interface LinkHandler {
  /**
   * The link has ended: the peer detached it, or, if `detach` is undefined, its session or
   * connection ended or the link failed. `isLost` is true if the peer had no chance to report the
   * state of its deliveries. Called once. Exceptions are logged and do not propagate.
   */
  onDetach(detach: Detach | undefined, isLost: boolean): void
}

/** Receives the events of a sender link. */
export interface SenderHandler extends LinkHandler {
  /** Credit and buffer space are available, or the receiver asked to drain. */
  onSendable(): void
  /** The receiver sent a disposition for a delivery. */
  onDisposition(delivery: OutgoingDelivery): void
}

/** Receives the events of a receiver link. */
export interface ReceiverHandler extends LinkHandler {
  /** Called with each complete message. */
  onDelivery(delivery: IncomingDelivery): void
  /** After `drain`: the sender has used or returned all credit. */
  onDrained?(): void
  /**
   * The sender settled a delivery that this end had left unsettled (receiver settle mode second).
   */
  onSettled?(delivery: IncomingDelivery): void
}

/** One end of a link. */
export interface Link {
  /** Session of the link. */
  readonly session: Session
  /** Name of the link, unique per direction between two containers. */
  readonly name: string
  /** Whether this end sends or receives. */
  readonly role: 'sender' | 'receiver'
  /** The peer's attach frame; undefined until it arrives. */
  readonly remote: Attach | undefined
  /** The options that this end attached with; undefined until it has attached. */
  readonly local: LinkOptions | undefined
  /** Handle that this end assigned; -1 while not attached. */
  readonly localHandle: number
  /** Handle that the peer assigned; -1 while not attached. */
  readonly remoteHandle: number
  /** True once this end has detached. */
  readonly isDetached: boolean
  /** True once the peer has detached, or the session or connection has ended. */
  readonly isRemotelyDetached: boolean
  /** Resolves when the peer has attached with a terminus. Rejects if the peer refuses the link. */
  readonly attached: Promise<void>
  /** Whether the link has ended, from either side. Its handler has been notified or will not be. */
  readonly isOver: boolean
  /** Attaches this end: a client to request the link, a server to accept it. */
  attach(options: LinkOptions): void
  /**
   * Refuses the link that the peer attached: sends an attach without a terminus, then a detach with
   * the error.
   */
  refuse(error: ErrorCondition): void
  /** Detaches this end. The terminus is kept unless `closed` is true. Idempotent. */
  detach(options: { readonly closed: boolean; readonly error?: ErrorCondition | undefined }): void
  /** Runs code of the link's owner. An exception ends this link only. */
  run(work: () => void): void
  /**
   * Ends this link, and nothing else, because of an error: detaches with the error and calls the
   * handler's `onDetach` without waiting for the peer's answer. Errors other than `AmqpError` are
   * logged.
   */
  fail(error: unknown): void
}

/** Options of a message to send. */
export interface SendOptions {
  /** Whether the delivery is sent settled: the receiver then reports no outcome. */
  readonly settled: boolean
  /** Delivery state to send with the message, for example a transactional state. */
  readonly state?: DeliveryState
  /** Delivery tag, unique among the unsettled deliveries of the link. Default: a counter. */
  readonly tag?: Buffer
  /** Message format. Default 0, the AMQP format. */
  readonly messageFormat?: number
  /** Value to keep with the delivery. */
  readonly context?: unknown
}

/** The sending end of a link. It may send as many messages as the receiver grants credit for. */
export interface SenderLink extends Link {
  /** Always `sender`. */
  readonly role: 'sender'
  /** Receives the events of the link. */
  handler: SenderHandler | undefined
  /**
   * The receiver asks for the messages that are available now and for the return of unused credit.
   */
  readonly isDraining: boolean
  /** Credit: number of messages that may be sent now. */
  readonly credit: number
  /** Delivery count of the link, a serial number. */
  readonly deliveryCount: number
  /**
   * Whether a message sent now would be written immediately: credit is available, and neither the
   * window nor the socket is full.
   */
  readonly isSendable: boolean
  /**
   * Sends a message and uses one credit. The buffers must not change until they are written. Throws
   * without credit, because the peer would close the link (`amqp:link:transfer-limit-exceeded`).
   */
  send(pieces: readonly Uint8Array[], options: SendOptions): OutgoingDelivery
  /**
   * Completes a drain: returns all unused credit. Call it when `isDraining` is true and nothing is
   * left to send.
   */
  drained(): void
}

/** The receiving end of a link. It grants credit and settles each message. */
export interface ReceiverLink extends Link {
  /** Always `receiver`. */
  readonly role: 'receiver'
  /** Receives the events of the link. */
  handler: ReceiverHandler | undefined
  /** Credit: number of messages that may still arrive. */
  readonly credit: number
  /** Delivery count of the link, a serial number. */
  readonly deliveryCount: number
  /** Whether the peer was asked to use or return its credit. */
  readonly isDraining: boolean
  /** Sets the credit: the number of messages that may arrive from now on. */
  setCredit(credit: number): void
  /** Grants credit for `count` more messages. */
  addCredit(count: number): void
  /**
   * Asks for the messages that are available and for the return of unused credit. `onDrained`
   * follows.
   */
  drain(): void
}
