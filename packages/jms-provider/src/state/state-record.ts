// SPDX-License-Identifier: Apache-2.0
import { elementAt } from '@millrace/base'

export type DestinationKind = 'queue' | 'topic'

/** A destination, as recorded in the state topic. */
export interface DestinationRecord {
  readonly kind: DestinationKind
  readonly name: string
  /** Name of its Kafka topic. */
  readonly topic: string
  /**
   * Id of the topic. A topic with another id is a new one of the same name. Absent in records of
   * earlier versions.
   */
  readonly topicId?: string
  /**
   * Whether the provider created the topic with this id and may therefore delete consumed messages
   * from it.
   */
  readonly isOwn?: boolean
  /** The provider is about to create the topic; a record with its id follows. */
  readonly isCreating?: boolean
  /** Messages with duplicate ids have been received, so a restart has to look for them. */
  readonly hasDuplicateIds?: boolean
}

/** A durable subscription, as recorded in the state topic. */
export interface SubscriptionRecord {
  readonly id: string
  readonly topic: string
  /** Empty for a shared subscription of clients without an id. */
  readonly clientId: string
  readonly name: string
  readonly isShared: boolean
  readonly selector: string | null
  /** Messages from connections with this container id are excluded (noLocal). */
  readonly noLocalOf: string | null
  /** End offset of each partition when the subscription was created. */
  readonly floors: Readonly<Record<string, number>>
  /** Id of the Kafka topic that the floors belong to. Absent in records of earlier versions. */
  readonly topicId?: string
}

/**
 * The owner of the destinations. The highest epoch wins; later records with a lower epoch are
 * ignored.
 */
export interface OwnerRecord {
  readonly epoch: number
  /** Address at which it serves AMQP. */
  readonly address: string
  /** Key with which other providers authenticate the clients that they relay. */
  readonly relayKey?: string
}

/** A parsed key of the state topic. */
export type StateKey =
  | { readonly kind: 'owner' }
  | {
      readonly kind: 'destination'
      readonly destinationKind: DestinationKind
      readonly name: string
    }
  | { readonly kind: 'subscription'; readonly id: string }
  | { readonly kind: 'floor'; readonly partition: number; readonly id: string }
  | {
      readonly kind: 'chunk'
      readonly partition: number
      readonly number: number
      readonly id: string
    }

export function encodeKey(key: StateKey): string {
  switch (key.kind) {
    case 'owner':
      return 'owner'
    case 'destination':
      return `destination/${key.destinationKind}/${key.name}`
    case 'subscription':
      return `subscription/${key.id}`
    case 'floor':
      return `floor/${key.partition}/${key.id}`
    default:
      return `chunk/${key.partition}/${key.number}/${key.id}`
  }
}

/** Parses a key. Returns undefined for a key of a later version. */
export function decodeKey(text: string): StateKey | undefined {
  if (text === 'owner') return { kind: 'owner' }
  const destination = /^destination\/(queue|topic)\/(.*)$/s.exec(text)
  if (destination !== null) {
    const destinationKind = destination[1] as DestinationKind
    return { kind: 'destination', destinationKind, name: elementAt(destination, 2) }
  }
  const subscription = /^subscription\/(.*)$/s.exec(text)
  if (subscription !== null) return { kind: 'subscription', id: elementAt(subscription, 1) }
  const floor = /^floor\/(\d+)\/(.*)$/s.exec(text)
  if (floor !== null) {
    return { kind: 'floor', partition: Number(floor[1]), id: elementAt(floor, 2) }
  }
  const chunk = /^chunk\/(\d+)\/(\d+)\/(.*)$/s.exec(text)
  if (chunk === null) return undefined
  const [, partition, number, id] = chunk
  return {
    kind: 'chunk',
    partition: Number(partition),
    number: Number(number),
    id: id as string,
  }
}

/** A change to write; a null value deletes the key. */
export interface StateChange {
  readonly key: StateKey
  readonly value: Buffer | string | null
  /** For floors and chunks: id of the Kafka topic that they belong to. */
  readonly topicId?: string | undefined
}
