// SPDX-License-Identifier: Apache-2.0
import type { DeliveryState } from '@millrace/amqp'
import type { ConsumedDelivery, MessageConsumer } from './consumer.ts'

/** Deliveries that a session has passed to the program and not settled, in delivery order. */
export class Unacknowledged {
  #deliveries: ConsumedDelivery[] = []

  /** The deliveries. */
  get all(): readonly ConsumedDelivery[] {
    return this.#deliveries
  }

  add(delivery: ConsumedDelivery): void {
    this.#deliveries.push(delivery)
  }

  /** Removes a settled delivery. */
  remove(delivery: ConsumedDelivery): void {
    const at = this.#deliveries.indexOf(delivery)
    if (at >= 0) this.#deliveries.splice(at, 1)
  }

  has(delivery: ConsumedDelivery): boolean {
    return this.#deliveries.includes(delivery)
  }

  /** Whether any of the deliveries belongs to the consumer. */
  hasOf(consumer: MessageConsumer): boolean {
    return this.#deliveries.some((each) => each.consumer === consumer)
  }

  /** Removes and returns all deliveries. */
  takeAll(): ConsumedDelivery[] {
    const taken = this.#deliveries
    this.#deliveries = []
    return taken
  }

  /** Removes and returns the deliveries of a consumer. */
  takeOf(consumer: MessageConsumer): ConsumedDelivery[] {
    const taken = this.#deliveries.filter((each) => each.consumer === consumer)
    this.#deliveries = this.#deliveries.filter((each) => each.consumer !== consumer)
    return taken
  }

  /** Removes all deliveries and settles them with a state. */
  settleAll(state: DeliveryState): void {
    for (const each of this.takeAll()) each.settle(state)
  }
}
