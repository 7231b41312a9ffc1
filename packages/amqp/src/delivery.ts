// SPDX-License-Identifier: Apache-2.0
import type { DeliveryState } from './definitions/messaging.ts'
import type { ReceiverLink, SenderLink } from './link.ts'

/**
 * A received message. It is unsettled until `update` settles it, unless the sender sent it settled.
 */
export class IncomingDelivery {
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
  isSettled: boolean

  /** Called by a receiver link. */
  constructor(
    link: ReceiverLink,
    parts: {
      readonly id: number
      readonly tag: Buffer
      readonly messageFormat: number
      readonly payload: Buffer
      readonly state: DeliveryState | undefined
      readonly settled: boolean
    },
  ) {
    this.link = link
    this.id = parts.id
    this.tag = parts.tag
    this.messageFormat = parts.messageFormat
    this.payload = parts.payload
    this.remoteState = parts.state
    this.isSettled = parts.settled
  }

  /** Sends the outcome to the sender. Does nothing for a settled delivery. */
  update(state: DeliveryState, options: { readonly settle: boolean } = { settle: true }): void {
    if (this.isSettled) return
    this.link.session.disposeIncoming(this, state, options.settle)
  }
}

/** A sent message, tracked until both ends have settled it. */
export class OutgoingDelivery {
  /** Link that the delivery is sent on. */
  readonly link: SenderLink
  /** Delivery id within the session. */
  readonly id: number
  /** Delivery tag. */
  readonly tag: Buffer
  /** Last delivery state that the receiver sent. */
  remoteState: DeliveryState | undefined
  /** True if the receiver has settled the delivery. */
  isRemotelySettled = false
  /** True if this end has settled the delivery. */
  isSettled: boolean
  /** Value that the owner attached to the delivery when sending it. */
  context: unknown

  /** Called by a sender link. */
  constructor(link: SenderLink, id: number, tag: Buffer, isSettled: boolean) {
    this.link = link
    this.id = id
    this.tag = tag
    this.isSettled = isSettled
  }

  /** Settles the delivery, and notifies the receiver unless it has already settled. */
  settle(state?: DeliveryState): void {
    if (this.isSettled) return
    this.link.session.settleOutgoing(this, state)
  }

  /** Sends a delivery state to the receiver without settling. */
  update(state: DeliveryState): void {
    if (!this.isSettled) this.link.session.updateOutgoing(this, state)
  }
}
