// SPDX-License-Identifier: Apache-2.0

export type DestinationKind = 'queue' | 'topic'

/** A destination, as the state topic knows it. */
export interface DestinationRecord {
  readonly kind: DestinationKind
  readonly name: string
  /** The Kafka topic behind it. */
  readonly topic: string
  /** Id of that topic. A topic with another id is a new one of the same name. Absent in records of earlier versions. */
  readonly topicId?: string
  /** Whether the provider created the topic with this id, so that it may delete consumed messages from it. */
  readonly isOwn?: boolean
  /** The provider is about to create the topic; a record with its id follows. */
  readonly isCreating?: boolean
  /** Messages with ids for duplicate detection were seen, so that a restart has to look for them. */
  readonly hasDuplicateIds?: boolean
}

/** A durable subscription, as the state topic knows it. */
export interface SubscriptionRecord {
  readonly id: string
  readonly topic: string
  /** Empty for a shared subscription of clients without an id. */
  readonly clientId: string
  readonly name: string
  readonly isShared: boolean
  readonly selector: string | null
  /** Messages of connections with this container id are not for it. */
  readonly noLocalOf: string | null
  /** Where each partition stood when it was made. */
  readonly floors: Readonly<Record<string, number>>
  /** Id of the Kafka topic that the floors belong to. Absent in records of earlier versions. */
  readonly topicId?: string
}

/** Who owns the destinations. The highest epoch wins; what was written in an older one after that is ignored. */
export interface OwnerRecord {
  readonly epoch: number
  /** Where it serves AMQP. */
  readonly address: string
  /** What other providers say to be believed about the clients they pass on. */
  readonly relayKey?: string
}

/** A key of the state topic, taken apart. */
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

/** Undefined for a key of a later version. */
export function decodeKey(text: string): StateKey | undefined {
  if (text === 'owner') return { kind: 'owner' }
  const destination = /^destination\/(queue|topic)\/(.*)$/s.exec(text)
  if (destination !== null) {
    const destinationKind = destination[1] as DestinationKind
    return { kind: 'destination', destinationKind, name: destination[2] as string }
  }
  const subscription = /^subscription\/(.*)$/s.exec(text)
  if (subscription !== null) return { kind: 'subscription', id: subscription[1] as string }
  const floor = /^floor\/(\d+)\/(.*)$/s.exec(text)
  if (floor !== null) {
    return { kind: 'floor', partition: Number(floor[1]), id: floor[2] as string }
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

/** A change to write: null deletes. */
export interface StateChange {
  readonly key: StateKey
  readonly value: Buffer | string | null
  /** Of floors and chunks: id of the Kafka topic that they belong to. */
  readonly topicId?: string | undefined
}
