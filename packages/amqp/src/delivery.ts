// SPDX-License-Identifier: Apache-2.0
import type { DeliveryState } from './definitions/messaging.ts'
import type { ReceiverLink, SenderLink } from './link.ts'

/** A message that arrived. It stays unsettled until `update` settles it, unless the sender had settled it. */
export class IncomingDelivery {
  /** Link that the delivery came on. */
  readonly link: ReceiverLink
  /** Delivery id within the session. */
  readonly id: number
  /** Delivery tag of the sender. */
  readonly tag: Buffer
  /** Format of the message; 0 is AMQP's. */
  readonly messageFormat: number
  /** The encoded message. It shares memory with what the socket read. */
  readonly payload: Buffer
  /** What the sender said of it: a transaction's state, or nothing. */
  readonly remoteState: DeliveryState | undefined
  /** True when nobody waits for an outcome. */
  isSettled: boolean

  /** Created by a receiver link. */
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

  /** Tells the sender what became of it. Does nothing for what is settled. */
  update(state: DeliveryState, options: { readonly settle: boolean } = { settle: true }): void {
    if (this.isSettled) return
    this.link.session.disposeIncoming(this, state, options.settle)
  }
}

/** A message that was sent, until both ends have settled it. */
export class OutgoingDelivery {
  /** Link that the delivery goes out on. */
  readonly link: SenderLink
  /** Delivery id within the session. */
  readonly id: number
  /** Delivery tag. */
  readonly tag: Buffer
  /** What the receiver last said of it. */
  remoteState: DeliveryState | undefined
  /** True when the receiver has forgotten it. */
  isRemotelySettled = false
  /** Whether this side has settled. */
  isSettled: boolean
  /** Whatever the owner wants to find again with it. */
  context: unknown

  /** Created by a sender link. */
  constructor(link: SenderLink, id: number, tag: Buffer, isSettled: boolean) {
    this.link = link
    this.id = id
    this.tag = tag
    this.isSettled = isSettled
  }

  /** Forgets it, and tells the receiver if that still waits. */
  settle(state?: DeliveryState): void {
    if (this.isSettled) return
    this.link.session.settleOutgoing(this, state)
  }

  /** Tells the receiver a state, without an end. */
  update(state: DeliveryState): void {
    if (!this.isSettled) this.link.session.updateOutgoing(this, state)
  }
}
