// SPDX-License-Identifier: Apache-2.0
import { AmqpError, Condition, JmsCapability, type Source } from '@millrace/amqp'
import { attempt } from '@millrace/base'
import type { Destination } from '../destination/destination.ts'
import type { Engine } from '../engine.ts'
import type { ClientAccess } from '../security/client-access.ts'
import type { SubscriptionRecord } from '../state/state-record.ts'
import type { Subscription } from '../subscription/subscription.ts'
import { filterOf } from '../subscription/subscription-filter.ts'
import type { SourceFilters } from './filters.ts'

/** Group whose ACLs a named subscription has: `clientId.name`, or the name without a client id. */
export function subscriptionGroup({
  clientId,
  name,
}: Pick<SubscriptionRecord, 'clientId' | 'name'>): string {
  return clientId === '' ? name : `${clientId}.${name}`
}

/** Parameters of a consumer's request for a topic subscription. */
export interface SubscriptionRequest {
  readonly linkName: string
  readonly containerId: string
  readonly source: Source
  readonly filters: SourceFilters
  readonly access: ClientAccess
}

/**
 * A subscription that a consumer has joined. Call `leave` when the consumer closes (`isClosing`) or
 * detaches.
 */
export interface JoinedSubscription {
  readonly subscription: Subscription
  leave(isClosing: boolean): void
}

/**
 * Subscriptions of topics, by the rules of Jakarta Messaging 3.1 (section 6.11): a subscription is
 * identified by client id and name. Changing its topic or selector recreates it, unless it has
 * consumers.
 */
export class Subscriptions {
  readonly #engine: Engine
  /** Number of consumers by subscription id. */
  readonly #users = new Map<string, number>()
  /** Volatile shared subscriptions and the parameters that they were created with. */
  readonly #volatile = new Map<
    string,
    { readonly shape: string; readonly subscription: Subscription }
  >()
  readonly #busy = new Map<string, Promise<unknown>>()
  #nextId = 0

  constructor(engine: Engine) {
    this.#engine = engine
  }

  /** Joins or creates the subscription that a source requests. Rejects with `AmqpError`. */
  async join(destination: Destination, request: SubscriptionRequest): Promise<JoinedSubscription> {
    const { source, filters, containerId } = request
    const capabilities = source.capabilities ?? []
    const isShared = capabilities.includes(JmsCapability.shared)
    const isDurable = (source.durable ?? 0) > 0 || source.expiryPolicy === 'never'
    const scope = capabilities.includes(JmsCapability.global) ? '' : containerId
    if (!isDurable && !isShared) {
      const id = `own/${this.#nextId++}`
      const filter = filterOf({
        selector: filters.selector?.text ?? null,
        noLocalOf: filters.noLocal ? containerId : null,
      })
      const subscription = this.#engine.createVolatile(destination, {
        id,
        ...(filter === undefined ? {} : { filter }),
      })
      return { subscription, leave: () => destination.unsubscribe(id) }
    }
    const name = request.linkName.replace(/\|.*$/s, '')
    const id = `${isDurable ? 'durable' : 'volatile'}/${encodeURIComponent(scope)}/${encodeURIComponent(name)}`
    const wanted = {
      id,
      clientId: scope,
      name,
      isShared,
      selector: filters.selector?.text ?? null,
      noLocalOf: filters.noLocal ? containerId : null,
    }
    request.access.requireGroup('READ', subscriptionGroup(wanted))
    // Concurrent requests must not both create it.
    return this.#oneAtATime(id, () =>
      isDurable ? this.#joinDurable(destination, wanted) : this.#joinVolatile(destination, wanted),
    )
  }

  async #oneAtATime<T>(id: string, work: () => Promise<T>): Promise<T> {
    const before = this.#busy.get(id) ?? Promise.resolve()
    const result = before.then(work)
    const settled = result.catch(() => undefined)
    this.#busy.set(id, settled)
    try {
      return await result
    } finally {
      if (this.#busy.get(id) === settled) this.#busy.delete(id)
    }
  }

  /** Number of consumers of shared and durable subscriptions. */
  get userCount(): number {
    let count = 0
    for (const users of this.#users.values()) count += users
    return count
  }

  #usersOf(id: string): number {
    return this.#users.get(id) ?? 0
  }

  #enter(id: string): void {
    this.#users.set(id, this.#usersOf(id) + 1)
  }

  #leave(id: string): void {
    const left = this.#usersOf(id) - 1
    if (left <= 0) this.#users.delete(id)
    else this.#users.set(id, left)
  }

  async #joinDurable(
    destination: Destination,
    wanted: Omit<SubscriptionRecord, 'floors' | 'topic'>,
  ): Promise<JoinedSubscription> {
    const { id } = wanted
    if (destination.isTemporary) {
      throw new AmqpError(
        Condition.notAllowed,
        'a temporary topic cannot have durable subscriptions',
      )
    }
    const known = this.#engine.subscriptionRecord(id)
    const users = this.#usersOf(id)
    if (known !== undefined && known.isShared !== wanted.isShared) {
      throw new AmqpError(
        users > 0 ? Condition.resourceLocked : Condition.notAllowed,
        `subscription ${wanted.name} is ${known.isShared ? 'shared' : 'unshared'}`,
      )
    }
    if (users > 0 && !wanted.isShared) {
      throw new AmqpError(Condition.resourceLocked, `subscription ${wanted.name} has a consumer`)
    }
    const isSame =
      known !== undefined &&
      known.topic === destination.name &&
      known.selector === wanted.selector &&
      known.noLocalOf === wanted.noLocalOf
    if (known !== undefined && !isSame) {
      if (users > 0) {
        throw new AmqpError(
          Condition.resourceLocked,
          `subscription ${wanted.name} has consumers with another topic or selector`,
        )
      }
      await this.#engine.deleteDurable(id)
    }
    const subscription = isSame
      ? destination.subscription(id)
      : await this.#engine.createDurable(destination, wanted)
    if (subscription === undefined) {
      throw new AmqpError(Condition.internalError, `subscription ${wanted.name} is not open`)
    }
    this.#enter(id)
    return {
      subscription,
      leave: (isClosing) => {
        this.#leave(id)
        if (!isClosing || this.#usersOf(id) > 0) return
        attempt(this.#engine.logger, 'deleting a subscription', () =>
          this.#engine.deleteDurable(id),
        )
      },
    }
  }

  async #joinVolatile(
    destination: Destination,
    wanted: Omit<SubscriptionRecord, 'floors' | 'topic'>,
  ): Promise<JoinedSubscription> {
    const { id } = wanted
    const shape = JSON.stringify([destination.name, wanted.selector, wanted.noLocalOf])
    let known = this.#volatile.get(id)
    if (known !== undefined && known.shape !== shape) {
      throw new AmqpError(
        Condition.resourceLocked,
        `subscription ${wanted.name} has consumers with another topic or selector`,
      )
    }
    if (known === undefined) {
      const filter = filterOf(wanted)
      const subscription = this.#engine.createVolatile(destination, {
        id,
        ...(filter === undefined ? {} : { filter }),
      })
      known = { shape, subscription }
      this.#volatile.set(id, known)
    }
    this.#enter(id)
    return {
      subscription: known.subscription,
      leave: () => {
        this.#leave(id)
        if (this.#usersOf(id) > 0) return
        this.#volatile.delete(id)
        destination.unsubscribe(id)
      },
    }
  }

  /** Finds the durable subscription with a name, shared or not, to unsubscribe it. */
  find(request: {
    readonly linkName: string
    readonly containerId: string
    readonly isGlobal: boolean
  }): SubscriptionRecord | undefined {
    const name = encodeURIComponent(request.linkName.replace(/\|.*$/s, ''))
    const scope = request.isGlobal ? '' : encodeURIComponent(request.containerId)
    return this.#engine.subscriptionRecord(`durable/${scope}/${name}`)
  }

  /** Deletes a durable subscription. Throws `amqp:resource-locked` while it has consumers. */
  async remove(id: string): Promise<void> {
    if (this.#usersOf(id) > 0) {
      throw new AmqpError(Condition.resourceLocked, `subscription ${id} has consumers`)
    }
    await this.#engine.deleteDurable(id)
  }
}
