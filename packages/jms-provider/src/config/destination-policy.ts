// SPDX-License-Identifier: Apache-2.0

/** Settings of a destination. Times are in milliseconds. */
export interface DestinationPolicy {
  /** Whether the destination is created on first use. Default true. */
  readonly autoCreate: boolean
  /**
   * Delivery attempts before a message is moved to the dead letter queue; 0 for no limit. Default
   * 10.
   */
  readonly maxDeliveryAttempts: number
  /** Dead letter queue; undefined drops dead letters. Default `DLQ`. */
  readonly deadLetterQueue: string | undefined
  /** Queue for expired messages; undefined drops them. Default `ExpiryQueue`. */
  readonly expiryQueue: string | undefined
  /**
   * Delay before a failed message is redelivered, multiplied after each failure up to the maximum.
   * Default 0.
   */
  readonly redeliveryDelayMs: number
  /** Factor by which the redelivery delay grows with each failed delivery. Default 1. */
  readonly redeliveryMultiplier: number
  /** Longest redelivery delay. Default 300000. */
  readonly redeliveryMaxDelayMs: number
  /**
   * A message is dropped if another one with the same duplicate id arrived within this time; 0
   * disables detection. Default 600000.
   */
  readonly duplicateWindowMs: number
  /**
   * Whether unsettled messages count as failed deliveries when the connection of their consumer is
   * lost. `unless-transacted` excludes transacted sessions, in which clients such as Qpid JMS
   * settle each message that the program receives. Default `always`.
   */
  readonly countPrefetchedOnLoss: 'always' | 'unless-transacted' | 'never'
  /** When deliveries are counted in the state topic. Default `after`. */
  readonly deliveryCountPersistence: 'after' | 'before' | 'none'
  /** Number of waiting messages at which producers are blocked; 0 for no limit. Default 0. */
  readonly maxMessages: number
  /**
   * Whether only the first consumer of a queue receives messages, until it closes. Default false.
   */
  readonly exclusive: boolean
  /**
   * Partitions of the Kafka topic when it is created. With more than one, messages are not ordered.
   * Default 1.
   */
  readonly partitions: number
  /**
   * Kafka topics from which consumed messages are deleted: those that the provider created, all, or
   * none. Default `created`.
   */
  readonly trim: 'created' | 'always' | 'never'
  /** Time that consumed messages stay in the Kafka topic, for Kafka programs. Default 300000. */
  readonly consumedRetentionMs: number
}

/** Settings of destinations without configuration. */
export const defaultPolicy: DestinationPolicy = {
  autoCreate: true,
  maxDeliveryAttempts: 10,
  deadLetterQueue: 'DLQ',
  expiryQueue: 'ExpiryQueue',
  redeliveryDelayMs: 0,
  redeliveryMultiplier: 1,
  redeliveryMaxDelayMs: 300_000,
  duplicateWindowMs: 600_000,
  countPrefetchedOnLoss: 'always',
  deliveryCountPersistence: 'after',
  maxMessages: 0,
  exclusive: false,
  partitions: 1,
  trim: 'created',
  consumedRetentionMs: 300_000,
}
