// SPDX-License-Identifier: Apache-2.0
import type { DeliveryState } from './definitions/messaging.ts'
import type { ReceiverLink, SenderLink } from './link.ts'
import type { ReceiverEndpoint } from './receiver-endpoint.ts'
import type { SenderEndpoint } from './sender-endpoint.ts'

/**
 * A received message. It is unsettled until `update` settles it, unless the sender sent it settled.
 */
export interface IncomingDelivery {
  /** Link that the delivery arrived on. */
  readonly link: ReceiverLink
  /** Delivery id within the session. */
  readonly id: number
  /** Delivery tag that the sender assigned. */
  readonly tag: Buffer
  /** Message format; 0 is the AMQP format. */
  readonly messageFormat: number
  /** Encoded message. It shares memory with the buffer that the socket read. */
  readonly payload: Buffer
  /** Delivery state that the sender set, for example a transactional state; undefined for none. */
  readonly remoteState: DeliveryState | undefined
  /** True if the delivery is settled: the sender expects no outcome. */
  readonly isSettled: boolean
  /**
   * Sends the outcome to the sender, and settles the delivery unless `settle` is false. Does
   * nothing for a settled delivery.
   */
  update(state: DeliveryState, options?: { readonly settle: boolean }): void
}

/** A sent message, tracked until both ends have settled it. */
export interface OutgoingDelivery {
  /** Link that the delivery is sent on. */
  readonly link: SenderLink
  /** Delivery id within the session. */
  readonly id: number
  /** Delivery tag. */
  readonly tag: Buffer
  /** Last delivery state that the receiver sent. */
  readonly remoteState: DeliveryState | undefined
  /** True if the receiver has settled the delivery. */
  readonly isRemotelySettled: boolean
  /** True if this end has settled the delivery. */
  readonly isSettled: boolean
  /** Value that the owner attached to the delivery when sending it. */
  context: unknown
  /** Settles the delivery, and notifies the receiver unless it has already settled. */
  settle(state?: DeliveryState): void
  /** Sends a delivery state to the receiver without settling. */
  update(state: DeliveryState): void
}

/** Parts of a received message, from its transfers. */
export interface ReceivedParts {
  readonly id: number
  readonly tag: Buffer
  readonly messageFormat: number
  readonly payload: Buffer
  readonly state: DeliveryState | undefined
  readonly settled: boolean
}

/** A delivery of a receiver link. */
export class ReceivedDelivery implements IncomingDelivery {
  readonly link: ReceiverEndpoint
  readonly id: number
  readonly tag: Buffer
  readonly messageFormat: number
  readonly payload: Buffer
  readonly remoteState: DeliveryState | undefined
  isSettled: boolean

  constructor(link: ReceiverEndpoint, parts: ReceivedParts) {
    this.link = link
    this.id = parts.id
    this.tag = parts.tag
    this.messageFormat = parts.messageFormat
    this.payload = parts.payload
    this.remoteState = parts.state
    this.isSettled = parts.settled
  }

  update(state: DeliveryState, options: { readonly settle: boolean } = { settle: true }): void {
    if (this.isSettled) return
    this.link.session.disposeIncoming(this, state, options.settle)
  }
}

/** A delivery of a sender link. */
export class SentDelivery implements OutgoingDelivery {
  readonly link: SenderEndpoint
  readonly id: number
  readonly tag: Buffer
  remoteState: DeliveryState | undefined
  isRemotelySettled = false
  isSettled: boolean
  context: unknown

  constructor(link: SenderEndpoint, id: number, tag: Buffer, isSettled: boolean) {
    this.link = link
    this.id = id
    this.tag = tag
    this.isSettled = isSettled
  }

  settle(state?: DeliveryState): void {
    if (this.isSettled) return
    this.link.session.settleOutgoing(this, state)
  }

  update(state: DeliveryState): void {
    if (!this.isSettled) this.link.session.updateOutgoing(this, state)
  }
}
