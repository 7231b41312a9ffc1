// SPDX-License-Identifier: Apache-2.0
import { AmqpError, Condition } from './amqp-error.ts'
import type { DeliveryState } from './definitions/messaging.ts'
import type { Flow } from './definitions/performatives.ts'
import type { SentDelivery } from './delivery.ts'
import type { LinkHandler, SenderHandler, SenderLink, SendOptions } from './link.ts'
import { LinkEndpoint } from './link-endpoint.ts'
import { distance, next } from './serial.ts'

/** The sending end of a link. It may send as many messages as the receiver grants credit for. */
export class SenderEndpoint extends LinkEndpoint implements SenderLink {
  readonly role = 'sender'
  handler: SenderHandler | undefined
  #nextTag = 0
  /** Messages, or remainders of messages, that wait for the session window. */
  readonly #held: HeldTransfer[] = []

  protected get handlerOrNone(): LinkHandler | undefined {
    return this.handler
  }

  get isSendable(): boolean {
    return (
      this.credit > 0 &&
      this.#held.length === 0 &&
      !this.isDetached &&
      !this.isRemotelyDetached &&
      !this.session.isCongested
    )
  }

  send(pieces: readonly Uint8Array[], options: SendOptions): SentDelivery {
    if (this.credit <= 0) {
      throw new AmqpError(Condition.transferLimitExceeded, `no credit on link ${this.name}`)
    }
    this.credit--
    this.deliveryCount = next(this.deliveryCount)
    const tag = options.tag ?? this.#tag()
    const delivery = this.session.newOutgoing(this, tag, options.settled)
    delivery.context = options.context
    let size = 0
    for (const piece of pieces) size += piece.length
    const held: HeldTransfer = {
      delivery,
      pieces: [...pieces],
      size,
      isStarted: false,
      messageFormat: options.messageFormat ?? 0,
      settled: options.settled,
      state: options.state,
    }
    if (this.#held.length > 0 || !this.session.sendTransfer(this, held)) {
      this.#held.push(held)
      this.session.hold(this)
    }
    return delivery
  }

  #tag(): Buffer {
    const tag = Buffer.allocUnsafe(4)
    tag.writeUInt32BE(this.#nextTag, 0)
    this.#nextTag = next(this.#nextTag)
    return tag
  }

  /** Bytes of messages that wait for the session window. */
  get heldBytes(): number {
    let bytes = 0
    for (const { size } of this.#held) bytes += size
    return bytes
  }

  protected override freeBuffers(): void {
    this.#held.length = 0
  }

  /**
   * Sends messages that waited for the window. Returns false if the window is still full.
   */
  release(): boolean {
    for (;;) {
      const [first] = this.#held
      if (first === undefined) return true
      if (!this.session.sendTransfer(this, first)) return false
      this.#held.shift()
    }
  }

  drained(): void {
    if (!this.isDraining || this.#held.length > 0) return
    this.isDraining = false
    this.deliveryCount = next(this.deliveryCount, this.credit)
    this.credit = 0
    this.session.sendFlow(this, { drain: true })
  }

  onFlow(flow: Flow): void {
    if (flow.linkCredit !== undefined) {
      const theirs = flow.deliveryCount ?? 0
      this.credit = Math.max(distance(next(theirs, flow.linkCredit), this.deliveryCount), 0)
    }
    this.isDraining = flow.drain === true
    this.run(() => this.handler?.onSendable())
    if (flow.echo === true && !this.isDetached && this.localHandle >= 0) {
      this.session.sendFlow(this, {})
    }
  }
}

/** A transfer that is partly sent or waits to be sent. */
export interface HeldTransfer {
  readonly delivery: SentDelivery
  pieces: Uint8Array[]
  /** Number of bytes not yet sent. */
  size: number
  isStarted: boolean
  readonly messageFormat: number
  readonly settled: boolean
  readonly state: DeliveryState | undefined
}
