// SPDX-License-Identifier: Apache-2.0
import { AmqpError, Condition, JmsCapability } from '@millrace/amqp'
import { nearestSpelling } from '@millrace/base'
import type { Destination } from '../destination/destination.ts'
import { refuseWildcard } from '../destination/destination-name.ts'
import type { Engine } from '../engine.ts'
import type { ClientAccess } from '../security/client-access.ts'
import type { AccessOperation } from '../security/provider-security.ts'
import { Selector } from '../selector/selector.ts'
import type { SubscriptionRecord } from '../state/state-record.ts'
import { retryDeadLetters } from './dead-letter-retry.ts'
import { type Subscriptions, subscriptionGroup } from './subscriptions.ts'

/** Maximum number of dead letters that one request retries. */
const MAX_RETRIED = 1000

/** Arguments of an operation. */
export type Arguments = (name: string) => string

type Operation = (args: Arguments, access: ClientAccess) => unknown

/**
 * Operations for administration tools: list, create, purge and delete queues and durable
 * subscriptions. Only the create operations create anything; for an unknown name the error suggests
 * the nearest one.
 */
export class Administration {
  readonly #engine: Engine
  readonly #subscriptions: Subscriptions
  readonly #operations: ReadonlyMap<string, Operation>

  constructor(engine: Engine, subscriptions: Subscriptions) {
    this.#engine = engine
    this.#subscriptions = subscriptions
    const operations: Record<string, Operation> = {
      'queue.list': (_args, access) => this.#listQueues(access),
      'queue.find': async (args, access) => ({
        name: (await this.#queue(args('name'), access, 'DESCRIBE')).name,
      }),
      'queue.create': (args, access) => this.#createQueue(args, access),
      'queue.delete': (args, access) => this.#deleteQueue(args, access),
      'queue.purge': async (args, access) => ({
        purged: (await this.#queue(args('name'), access, 'DELETE')).queue.purge(),
      }),
      'queue.retry-dead': (args, access) => this.#retryDead(args, access),
      'subscription.list': (_args, access) => this.#listSubscriptions(access),
      'subscription.find': (args, access) => this.#findSubscription(args('name'), access),
      'subscription.create': (args, access) => this.#createSubscription(args, access),
      'subscription.delete': (args, access) => this.#deleteSubscription(args('name'), access),
    }
    this.#operations = new Map(Object.entries(operations))
  }

  /** Runs an operation. Resolves with its result as JSON. */
  async perform(operation: string, args: Arguments, access: ClientAccess): Promise<unknown> {
    const known = this.#operations.get(operation)
    if (known === undefined) {
      const names = [...this.#operations.keys()].join(', ')
      throw new Error(`unknown operation ${JSON.stringify(operation)}: expected one of ${names}`)
    }
    return known(args, access)
  }

  // Queues.

  #listQueues(access: ClientAccess): unknown[] {
    return this.#queues(access).map(({ name, queue, isTemporary, topic }) => ({
      name,
      topic: topic ?? null,
      messages: queue.depth,
      inDelivery: queue.inFlight,
      delayed: queue.delayed,
      consumers: queue.consumerCount,
      acknowledged: queue.acknowledged,
      isTemporary,
    }))
  }

  /** Without dormant queues that have no consumers. */
  #queues(access: ClientAccess): Destination[] {
    return [...this.#engine.destinations].filter(
      (destination) =>
        destination.kind === 'queue' &&
        !(destination.isDormant && destination.queue.consumerCount === 0) &&
        access.allows('DESCRIBE', 'TOPIC', this.#topicOf(destination)),
    )
  }

  #topicOf({ kind, name, topic }: Destination): string {
    return topic ?? this.#engine.topicOf(kind, name)
  }

  /** Returns an existing queue. The permission is checked before the queue is looked up. */
  async #queue(
    name: string,
    access: ClientAccess,
    operation: AccessOperation,
  ): Promise<Destination> {
    access.requireTopic(operation, this.#engine.topicOf('queue', name))
    const queue = name === '' ? undefined : await this.#engine.existing('queue', name)
    if (queue !== undefined && !queue.isDormant) return queue
    refuseWildcard(name)
    const names = this.#queues(access)
      .filter(({ isTemporary }) => !isTemporary)
      .map((each) => each.name)
    throw notFound('queue', name, names)
  }

  async #createQueue(args: Arguments, access: ClientAccess): Promise<unknown> {
    const name = args('name')
    const partitions = args('partitions')
    if (partitions !== '' && !/^[1-9]\d{0,4}$/.test(partitions)) {
      throw new Error(`invalid partitions ${partitions}: expected a whole number from 1`)
    }
    refuseWildcard(name)
    access.requireCreate(this.#engine.topicOf('queue', name))
    const known = await this.#engine.existing('queue', name)
    if (known !== undefined && !known.isDormant) throw new Error(`queue ${name} already exists`)
    const queue = await this.#engine.create('queue', name, {
      partitions: partitions === '' ? undefined : Number(partitions),
    })
    return { name, topic: queue.topic ?? null, partitions: queue.log.partitions }
  }

  async #deleteQueue(args: Arguments, access: ClientAccess): Promise<unknown> {
    const queue = await this.#queue(args('name'), access, 'DELETE')
    const { name, topic, isTemporary } = queue
    if (isTemporary)
      throw new Error(`queue ${name} is temporary and is deleted with its connection`)
    if (args('force') !== 'true') {
      const { consumerCount } = queue.queue
      if (consumerCount > 0) {
        const count = consumerCount === 1 ? '1 consumer' : `${consumerCount} consumers`
        throw new AmqpError(Condition.resourceLocked, `queue ${name} has ${count}`)
      }
      if (!this.#engine.isOwn(queue)) {
        throw new AmqpError(
          Condition.resourceLocked,
          `cannot delete queue ${name}: its topic ${topic} was not created by the provider`,
        )
      }
    }
    const messages = queue.queue.depth
    await this.#engine.deleteDestination(queue)
    return { name, topic: topic ?? null, messages }
  }

  /** Retries dead letters of a queue, at most 1000 per request, so that the reply is in time. */
  async #retryDead(args: Arguments, access: ClientAccess): Promise<unknown> {
    const queue = await this.#queue(args('name'), access, 'READ')
    access.requireGroup('READ', queue.name)
    const waiting = queue.queue.depth
    const max = Math.min(args('max') === '' ? MAX_RETRIED : Number(args('max')), MAX_RETRIED)
    return {
      ...(await retryDeadLetters(this.#engine, queue, {
        selector: args('selector'),
        max,
        maySend: ({ topic }) => topic === undefined || access.allows('WRITE', 'TOPIC', topic),
      })),
      waiting,
    }
  }

  // Subscriptions.

  async #listSubscriptions(access: ClientAccess): Promise<unknown[]> {
    const listed: unknown[] = []
    for (const record of this.#subscriptionsOf(access)) {
      const destination = await this.#engine.existing('topic', record.topic)
      const subscription = destination?.subscription(record.id)
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

  /** Subscriptions that the client may describe. */
  #subscriptionsOf(access: ClientAccess): SubscriptionRecord[] {
    return [...this.#engine.subscriptionRecords].filter((record) =>
      access.allows('DESCRIBE', 'GROUP', subscriptionGroup(record)),
    )
  }

  /** Finds a subscription by id, or by name if the name is unique. */
  #subscription(name: string, access: ClientAccess): SubscriptionRecord {
    const records = this.#subscriptionsOf(access)
    const record = records.find(({ id }) => id === name)
    if (record !== undefined) return record
    const named = records.filter((each) => each.name === name)
    if (named.length > 1) {
      const ids = named.map(({ id }) => id).join(', ')
      throw new Error(`subscription ${name} is ambiguous: expected one of ${ids}`)
    }
    const [only] = named
    if (only !== undefined) return only
    throw notFound(
      'subscription',
      name,
      records.flatMap((each) => [each.id, each.name]),
    )
  }

  /** Also returns the queue for the dead letters of the subscription. */
  async #findSubscription(name: string, access: ClientAccess): Promise<unknown> {
    const { id, topic } = this.#subscription(name, access)
    const destination = await this.#engine.existing('topic', topic)
    return { id, topic, deadLetterQueue: destination?.policy.deadLetterQueue ?? null }
  }

  async #createSubscription(args: Arguments, access: ClientAccess): Promise<unknown> {
    const [topic, name, clientId] = [args('topic'), args('name'), args('clientId')]
    const isShared = args('shared') === 'true'
    refuseWildcard(topic)
    if (name === '' || name.includes('|')) {
      throw new Error(`invalid subscription name ${JSON.stringify(name)}`)
    }
    if (clientId === '' && !isShared) {
      throw new Error('an unshared subscription requires a client id')
    }
    const capabilities = [
      JmsCapability.topic,
      ...(isShared ? [JmsCapability.shared] : []),
      ...(clientId === '' ? [JmsCapability.global] : []),
    ]
    const known = this.#subscriptions.find({
      linkName: name,
      containerId: clientId,
      isGlobal: clientId === '',
    })
    if (known !== undefined) throw new Error(`subscription ${known.id} already exists`)
    const selector = Selector.compile(args('selector') === '' ? null : args('selector'))
    const kafkaTopic = this.#engine.topicOf('topic', topic)
    access.requireTopic('READ', kafkaTopic)
    const existing = await this.#engine.existing('topic', topic)
    if (existing === undefined || existing.isDormant) access.requireCreate(kafkaTopic)
    const destination = await this.#engine.destination('topic', topic)
    const joined = await this.#subscriptions.join(destination, {
      linkName: name,
      containerId: clientId,
      source: { kind: 'source', durable: 2, expiryPolicy: 'never', capabilities },
      filters: { selector, noLocal: false, applied: new Map() },
      access,
    })
    joined.leave(false)
    return { id: joined.subscription.id, topic, name }
  }

  async #deleteSubscription(name: string, access: ClientAccess): Promise<unknown> {
    const record = this.#subscription(name, access)
    access.requireGroup('DELETE', subscriptionGroup(record))
    const { id } = record
    await this.#subscriptions.remove(id)
    return { deleted: id }
  }
}

function notFound(what: string, name: string, known: readonly string[]): AmqpError {
  const nearest = nearestSpelling(name, known)
  const hint = nearest === undefined ? '' : `; did you mean ${nearest}?`
  return new AmqpError(Condition.notFound, `${what} ${name} does not exist${hint}`)
}
