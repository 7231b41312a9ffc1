// SPDX-License-Identifier: Apache-2.0
import { JmsCapability, JmsDestinationType } from '@millrace/amqp'
import { InvalidDestinationException } from './exceptions.ts'

/** Where messages are sent to and received from. */
export abstract class Destination {
  #address: string
  /** Whether it is a queue or a topic. */
  abstract readonly kind: 'queue' | 'topic'
  /** Whether the destination is deleted with its connection. */
  readonly isTemporary: boolean = false

  /** Creates a destination of this name. */
  constructor(address: string) {
    if (typeof address !== 'string' || address === '') {
      throw new InvalidDestinationException(
        `invalid destination name ${JSON.stringify(address)}: expected non-empty text`,
      )
    }
    this.#address = address
  }

  /** Name of the destination at the provider. */
  get address(): string {
    return this.#address
  }

  /**
   * @internal Sets the address of a temporary destination that was created again after a
   * reconnect.
   */
  changeAddress(address: string): void {
    this.#address = address
  }

  /** Name of the destination. */
  toString(): string {
    return this.address
  }

  /** Whether `other` is a destination of the same kind and name. */
  equals(other: unknown): boolean {
    return (
      other instanceof Destination && other.kind === this.kind && other.address === this.address
    )
  }
}

/** A queue: each message goes to one consumer. */
export class Queue extends Destination {
  /** Always `queue`. */
  readonly kind = 'queue'
  /** Name of the queue. */
  getQueueName(): string {
    return this.address
  }
}

/** A topic: each message goes to every subscription. */
export class Topic extends Destination {
  /** Always `topic`. */
  readonly kind = 'topic'
  /** Name of the topic. */
  getTopicName(): string {
    return this.address
  }
}

/** Deletes temporary destinations: the connection that created them. */
export interface TemporaryOwner {
  deleteTemporary(destination: TemporaryQueue | TemporaryTopic): Promise<void>
}

/** A queue that is deleted with the connection that created it. */
export class TemporaryQueue extends Queue {
  override readonly isTemporary = true
  readonly #owner: TemporaryOwner | undefined
  /** Created by `createTemporaryQueue`. */
  constructor(address: string, owner?: TemporaryOwner) {
    super(address)
    this.#owner = owner
  }

  /** Whether `owner` created the queue; only that connection may consume from it. */
  isOwnedBy(owner: TemporaryOwner): boolean {
    return this.#owner === owner
  }

  /** Deletes the queue. Rejects with `JMSException` if it has consumers. */
  async delete(): Promise<void> {
    await this.#owner?.deleteTemporary(this)
  }
}

/** A topic that is deleted with the connection that created it. */
export class TemporaryTopic extends Topic {
  override readonly isTemporary = true
  readonly #owner: TemporaryOwner | undefined
  /** Created by `createTemporaryTopic`. */
  constructor(address: string, owner?: TemporaryOwner) {
    super(address)
    this.#owner = owner
  }

  /** Whether `owner` created the topic; only that connection may consume from it. */
  isOwnedBy(owner: TemporaryOwner): boolean {
    return this.#owner === owner
  }

  /** Deletes the topic. Rejects with `JMSException` if it has consumers. */
  async delete(): Promise<void> {
    await this.#owner?.deleteTemporary(this)
  }
}

export function capabilityOf({ kind, isTemporary }: Destination): string {
  if (kind === 'queue') return isTemporary ? JmsCapability.temporaryQueue : JmsCapability.queue
  return isTemporary ? JmsCapability.temporaryTopic : JmsCapability.topic
}

/** Type byte of a destination in the AMQP JMS mapping. */
export function typeOf({ kind, isTemporary }: Destination): number {
  if (kind === 'queue') {
    return isTemporary ? JmsDestinationType.temporaryQueue : JmsDestinationType.queue
  }
  return isTemporary ? JmsDestinationType.temporaryTopic : JmsDestinationType.topic
}

/** Returns the destination for an address and a type byte. */
export function destinationOf(address: string, type: number | undefined): Destination {
  switch (type) {
    case JmsDestinationType.topic:
      return new Topic(address)
    case JmsDestinationType.temporaryQueue:
      return new TemporaryQueue(address)
    case JmsDestinationType.temporaryTopic:
      return new TemporaryTopic(address)
    default:
      return new Queue(address)
  }
}
