// SPDX-License-Identifier: Apache-2.0
import {
  AmqpError,
  type Detach,
  type Outcome,
  type OutgoingDelivery,
  type SenderHandler,
  type SenderLink,
} from '@millrace/amqp'
import { attempt } from '@millrace/base'
import type { Selector } from '../selector/selector.ts'
import type { Subscription } from '../subscription/subscription.ts'
import type { Acquired, SubscriptionConsumer } from '../subscription/subscription-host.ts'
import type { ProviderConnection } from './provider-connection.ts'

/** The sending link to a client's consumer or browser. */
export class ConsumerLink implements SenderHandler, SubscriptionConsumer {
  readonly #connection: ProviderConnection
  readonly #link: SenderLink
  readonly #subscription: Subscription
  readonly selector: Selector | undefined
  readonly isBrowser: boolean
  readonly isExclusive: boolean
  /** Whether a message counts as consumed when it is sent. */
  readonly #isPresettled: boolean
  /** Unsettled deliveries, in order of delivery. */
  readonly #unsettled = new Set<Acquired>()
  readonly #requireReceive: () => void
  readonly #countsOnLoss: () => boolean
  readonly #onClosed: (detach: Detach | undefined) => void
  #isClosed = false
  readonly #wake = (): void => this.#subscription.plan()

  constructor(
    connection: ProviderConnection,
    link: SenderLink,
    options: {
      readonly subscription: Subscription
      readonly selector: Selector | undefined
      readonly isBrowser: boolean
      readonly isExclusive: boolean
      /** Throws `amqp:unauthorized-access` if the client may no longer receive. */
      readonly requireReceive: () => void
      /** Whether unsettled messages count as failed deliveries when the connection is lost. */
      readonly countsOnLoss: () => boolean
      readonly onClosed: (detach: Detach | undefined) => void
    },
  ) {
    this.#connection = connection
    this.#link = link
    this.#subscription = options.subscription
    this.selector = options.selector
    this.isBrowser = options.isBrowser
    this.isExclusive = options.isExclusive
    this.#requireReceive = options.requireReceive
    this.#countsOnLoss = options.countsOnLoss
    this.#onClosed = options.onClosed
    this.#isPresettled = link.remote?.sndSettleMode === 1
    link.handler = this
  }

  start(): void {
    this.#subscription.add(this)
  }

  get canReceive(): boolean {
    return this.#link.isSendable && !this.#isClosed && this.#connection.maySend(this.#wake)
  }

  get isDraining(): boolean {
    return this.#link.isDraining
  }

  get room(): number {
    return this.#link.credit
  }

  /**
   * Sends a message. If that fails, the consumer is closed and the delivery counts as failed, so
   * that the message is not retried forever.
   */
  take(acquired: Acquired): void {
    try {
      this.#requireReceive()
    } catch (error) {
      if (!this.isBrowser) this.#subscription.release(acquired, { failed: false })
      this.#link.fail(error)
      return
    }
    try {
      this.#send(acquired)
    } catch (error) {
      if (!this.isBrowser) this.#subscription.release(acquired, { failed: true })
      this.#link.fail(error)
    }
  }

  #send(acquired: Acquired): void {
    const { message, deliveryCount } = acquired
    if (message === undefined) throw new Error('the message was already sent')
    acquired.message = undefined
    const settled = this.#isPresettled || this.isBrowser
    this.#link.send(message.pieces(deliveryCount, this.#connection.clock.now()), {
      settled,
      context: acquired,
    })
    if (this.isBrowser) return
    if (settled) {
      this.#subscription.accept(acquired)
      return
    }
    this.#unsettled.add(acquired)
    this.#connection.countUnsettled(1)
  }

  /** Removes a delivery that is settled or was returned. */
  #removeUnsettled(acquired: Acquired): void {
    if (this.#unsettled.delete(acquired)) this.#connection.countUnsettled(-1)
  }

  onDrained(): void {
    this.#link.drained()
  }

  onSendable(): void {
    if (this.#link.isSendable) this.#subscription.plan()
    else if (this.#link.isDraining && this.#link.credit === 0) this.#link.drained()
  }

  onDisposition(delivery: OutgoingDelivery): void {
    const acquired = delivery.context as Acquired
    const state = delivery.remoteState
    if (state === undefined) {
      // Settled without an outcome: apply the source's default outcome.
      if (delivery.isRemotelySettled)
        this.#apply(acquired, { kind: 'modified', deliveryFailed: true })
      delivery.settle()
      return
    }
    if (state.kind === 'received' || state.kind === 'declared') return
    if (state.kind === 'transactionalState') {
      this.#inTransaction(delivery, acquired, state.txnId, state.outcome ?? { kind: 'accepted' })
      return
    }
    this.#apply(acquired, state)
    if (delivery.isRemotelySettled) delivery.settle()
    // If the client has not settled, confirm the outcome when the consumption is durable.
    else if (state.kind !== 'accepted') delivery.settle(state)
    else {
      attempt(this.#connection.logger, 'settling a consumed message', () =>
        this.#connection.flushed().then(() => delivery.settle(state)),
      )
    }
  }

  #inTransaction(
    delivery: OutgoingDelivery,
    acquired: Acquired,
    txnId: Buffer,
    outcome: Outcome,
  ): void {
    this.#removeUnsettled(acquired)
    try {
      const transaction = this.#connection.transactions.get(txnId)
      if (outcome.kind === 'accepted') transaction.receipts.push(acquired)
      else transaction.returns.push(() => this.#apply(acquired, outcome))
      delivery.settle({ kind: 'transactionalState', txnId, outcome })
    } catch (error) {
      this.#subscription.release(acquired, { failed: true })
      if (!(error instanceof AmqpError)) throw error
      delivery.settle({ kind: 'rejected', error: error.condition })
    }
  }

  #apply(acquired: Acquired, outcome: Outcome): void {
    this.#removeUnsettled(acquired)
    switch (outcome.kind) {
      case 'accepted':
        return this.#subscription.accept(acquired)
      case 'rejected':
        return this.#subscription.reject(acquired, outcome.error?.description)
      case 'released':
        return this.#subscription.release(acquired, { failed: false })
      default:
        return this.#subscription.release(acquired, {
          failed: outcome.deliveryFailed === true,
          undeliverableHere: outcome.undeliverableHere === true,
        })
    }
  }

  /** Closes the link because its destination no longer exists. */
  end(condition: string, description: string): void {
    this.#link.fail(new AmqpError(condition, description))
  }

  /** Releases all deliveries, each independently, before the detach is answered. */
  onDetach(detach: Detach | undefined, isLost: boolean): void {
    if (this.#isClosed) return
    this.#finish(isLost)
    this.#onClosed(detach)
    this.#link.detach({ closed: detach?.closed ?? true })
  }

  /**
   * Returns unsettled messages to the subscription. If the client was lost, they count as failed
   * deliveries: it may have processed them.
   */
  #finish(isLost: boolean): void {
    this.#isClosed = true
    const failed = isLost && this.#countsOnLoss()
    const { logger } = this.#connection
    attempt(logger, 'removing a consumer', () => this.#subscription.remove(this))
    for (const acquired of [...this.#unsettled]) {
      this.#removeUnsettled(acquired)
      attempt(logger, 'returning a message', () => this.#subscription.release(acquired, { failed }))
    }
  }
}
