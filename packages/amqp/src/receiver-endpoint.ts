// SPDX-License-Identifier: Apache-2.0
import { AmqpError, Condition } from './amqp-error.ts'
import { ByteQueue } from './codec/byte-queue.ts'
import type { DeliveryState } from './definitions/messaging.ts'
import type { Attach, Flow, Transfer } from './definitions/performatives.ts'
import { ReceivedDelivery } from './delivery.ts'
import type { LinkHandler, ReceiverHandler, ReceiverLink } from './link.ts'
import { LinkEndpoint } from './link-endpoint.ts'
import { LinkFailure } from './link-failure.ts'
import { distance, next } from './serial.ts'

/** The receiving end of a link. It grants credit and settles each message. */
export class ReceiverEndpoint extends LinkEndpoint implements ReceiverLink {
  readonly role = 'receiver'
  handler: ReceiverHandler | undefined
  #partial: PartialDelivery | undefined

  protected get handlerOrNone(): LinkHandler | undefined {
    return this.handler
  }

  setCredit(credit: number): void {
    if (this.isDetached || this.isRemotelyDetached) return
    this.credit = credit
    this.isDraining = false
    this.session.sendFlow(this, {})
  }

  addCredit(count: number): void {
    this.setCredit(this.credit + count)
  }

  drain(): void {
    if (this.isDetached || this.isRemotelyDetached) return
    this.isDraining = true
    this.session.sendFlow(this, { drain: true, echo: true })
  }

  override onRemoteAttach(remote: Attach): void {
    this.deliveryCount = remote.initialDeliveryCount ?? 0
    super.onRemoteAttach(remote)
  }

  onFlow(flow: Flow): void {
    if (flow.deliveryCount !== undefined) {
      const used = distance(flow.deliveryCount, this.deliveryCount)
      if (used > 0) {
        this.deliveryCount = flow.deliveryCount
        this.credit = Math.max(this.credit - used, 0)
      }
    }
    this.#checkDrained()
    if (flow.echo === true && !this.isDetached && this.localHandle >= 0) {
      this.session.sendFlow(this, {})
    }
  }

  onTransfer(transfer: Transfer, payload: Buffer): void {
    const partial = this.#partial
    if (partial === undefined) {
      if (transfer.deliveryId === undefined || transfer.deliveryTag === undefined) {
        const what = 'first transfer of a delivery without delivery-id or delivery-tag'
        throw new AmqpError(Condition.invalidField, what)
      }
      this.#begin(transfer)
    } else if (
      transfer.deliveryId !== undefined &&
      transfer.deliveryId !== partial.first.deliveryId
    ) {
      const { deliveryId } = transfer
      throw new AmqpError(
        Condition.illegalState,
        `delivery ${deliveryId} started before delivery ${partial.first.deliveryId} was complete`,
      )
    }
    this.#append(this.#partial as PartialDelivery, transfer, payload)
  }

  #begin(transfer: Transfer): void {
    if (this.credit <= 0) {
      const what = `link ${this.name} has no credit left`
      throw new LinkFailure(this, new AmqpError(Condition.transferLimitExceeded, what))
    }
    this.credit--
    this.deliveryCount = next(this.deliveryCount)
    this.#partial = {
      first: transfer,
      bytes: new ByteQueue(),
      settled: false,
      state: undefined,
    }
  }

  #append(partial: PartialDelivery, transfer: Transfer, payload: Buffer): void {
    if (transfer.aborted === true) {
      this.#discardPartial()
      this.#checkDrained()
      return
    }
    const size = partial.bytes.size + payload.length
    const limit = this.local?.maxMessageSize
    if (limit !== undefined && limit > 0 && size > limit) {
      this.#discardPartial()
      const what = `message exceeds max-message-size ${limit} on link ${this.name}`
      throw new LinkFailure(this, new AmqpError(Condition.messageSizeExceeded, what))
    }
    // The settled flag and the state may be set on any frame of the delivery.
    partial.settled ||= transfer.settled === true
    partial.state = transfer.state ?? partial.state
    if (transfer.more === true) {
      partial.bytes.push(payload)
      this.session.owner.memory.incompleteBytes += payload.length
      return
    }
    this.#discardPartial()
    partial.bytes.push(payload)
    const { first } = partial
    const delivery = new ReceivedDelivery(this, {
      id: first.deliveryId as number,
      tag: first.deliveryTag as Buffer,
      messageFormat: first.messageFormat ?? 0,
      payload: partial.bytes.takeAll(),
      state: partial.state,
      settled: partial.settled,
    })
    this.session.addIncoming(delivery)
    this.run(() => this.handler?.onDelivery(delivery))
    this.#checkDrained()
  }

  #discardPartial(): void {
    if (this.#partial === undefined) return
    this.session.owner.memory.incompleteBytes -= this.#partial.bytes.size
    this.#partial = undefined
  }

  protected override freeBuffers(): void {
    this.#discardPartial()
  }

  #checkDrained(): void {
    if (!this.isDraining || this.credit > 0) return
    this.isDraining = false
    this.run(() => this.handler?.onDrained?.())
  }
}

interface PartialDelivery {
  readonly first: Transfer
  /** Bytes received so far. */
  readonly bytes: ByteQueue
  settled: boolean
  state: DeliveryState | undefined
}
