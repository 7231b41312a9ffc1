// SPDX-License-Identifier: Apache-2.0
import {
  type AmqpValue,
  accepted,
  EncodedMessage,
  encodeMessage,
  type IncomingDelivery,
  type ReceiverLink,
  textOf,
} from '@millrace/amqp'
import type { Engine } from '../engine.ts'
import { toRecord } from '../mapping/to-record.ts'
import { parseAddress } from './address.ts'
import { amqpErrorOf } from './producer-link.ts'
import type { Subscriptions } from './subscriptions.ts'

/** The address that tools send their questions to. */
export const MANAGEMENT_ADDRESS = '$management'
const CREDIT = 100

/**
 * Answers what tools ask: a message with the property `operation`, and the rest of its properties as arguments, gets a reply of
 * JSON text at its reply-to. A failure is told in the property `error` of the reply.
 */
export class Management {
  readonly #engine: Engine
  readonly #subscriptions: Subscriptions

  constructor(engine: Engine, subscriptions: Subscriptions) {
    this.#engine = engine
    this.#subscriptions = subscriptions
  }

  serve(link: ReceiverLink): void {
    link.handler = {
      onDelivery: (delivery) => {
        this.#answer(delivery)
          .then(() => {
            if (link.credit < CREDIT / 2) link.setCredit(CREDIT)
          })
          .catch((error: unknown) => link.fail(error))
      },
      onDetach: (detach) => link.detach({ closed: detach?.closed ?? true }),
    }
    link.attach({ source: link.remote?.source, target: link.remote?.target })
    link.setCredit(CREDIT)
  }

  async #answer(delivery: IncomingDelivery): Promise<void> {
    try {
      const message = new EncodedMessage(delivery.payload)
      const { replyTo, messageId, correlationId } = message.properties
      let reply: string
      let error: string | undefined
      try {
        reply = JSON.stringify(await this.#perform(message.applicationProperties))
      } catch (failure) {
        reply = 'null'
        error = amqpErrorOf(failure).message
      }
      delivery.update(accepted)
      if (replyTo === undefined) return
      const { name, kind = 'queue' } = parseAddress(replyTo)
      const destination = await this.#engine.destination(kind, name)
      const answer = encodeMessage({
        properties: { correlationId: correlationId ?? messageId, to: replyTo },
        applicationProperties: new Map(error === undefined ? [] : [['error', error]]),
        body: { kind: 'value', value: reply },
      })
      const nowMs = this.#engine.clock.now()
      await destination.append(toRecord(new EncodedMessage(answer), { nowMs, origin: 0n }))
    } catch (error) {
      delivery.update({ kind: 'rejected', error: amqpErrorOf(error).condition })
    }
  }

  async #perform(given: ReadonlyMap<string, AmqpValue>): Promise<unknown> {
    const name = (): string => textOf(given.get('name')) ?? ''
    switch (textOf(given.get('operation'))) {
      case 'queue.list':
        return this.#listQueues()
      case 'queue.purge':
        return { purged: (await this.#engine.destination('queue', name())).queue.purge() }
      case 'subscription.list':
        return this.#listSubscriptions()
      case 'subscription.delete':
        if (this.#engine.subscriptionRecord(name()) === undefined) {
          throw new Error(`there is no subscription ${name()}`)
        }
        await this.#subscriptions.remove(name())
        return { deleted: name() }
      default:
        throw new Error(
          'unknown operation: there are queue.list, queue.purge, subscription.list and subscription.delete',
        )
    }
  }

  #listQueues(): unknown[] {
    return [...this.#engine.destinations]
      .filter(({ kind }) => kind === 'queue')
      .map(({ name, queue, isTemporary, log }) => ({
        name,
        topic: log.topic ?? null,
        messages: queue.depth,
        inDelivery: queue.inFlight,
        delayed: queue.delayed,
        consumers: queue.consumerCount,
        acknowledged: queue.acknowledged,
        isTemporary,
      }))
  }

  async #listSubscriptions(): Promise<unknown[]> {
    const listed: unknown[] = []
    for (const record of this.#engine.subscriptionRecords) {
      const destination = await this.#engine.destination('topic', record.topic)
      const subscription = destination.subscription(record.id)
      listed.push({
        id: record.id,
        topic: record.topic,
        name: record.name,
        clientId: record.clientId,
        isShared: record.isShared,
        selector: record.selector,
        messages: subscription?.depth ?? 0,
        consumers: subscription?.consumerCount ?? 0,
      })
    }
    return listed
  }
}
