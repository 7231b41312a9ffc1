// SPDX-License-Identifier: Apache-2.0

/** How a destination is treated. Times are milliseconds. */
export interface DestinationPolicy {
  /** Whether it is made when somebody first asks for it. */
  readonly autoCreate: boolean
  /** Deliveries of a message before it is a dead letter; 0 for any number. */
  readonly maxDeliveryAttempts: number
  /** Queue for dead letters; undefined drops them. */
  readonly deadLetterQueue: string | undefined
  /** Queue for expired messages; undefined drops them. */
  readonly expiryQueue: string | undefined
  /** Wait before a message that failed is delivered again, multiplied each time up to the maximum. */
  readonly redeliveryDelayMs: number
  /** Factor by which the wait grows with each failed delivery. */
  readonly redeliveryMultiplier: number
  /** Longest wait before a failed message is delivered again. */
  readonly redeliveryMaxDelayMs: number
  /** A message with the duplicate id of another within this time is dropped; 0 for no detection. */
  readonly duplicateWindowMs: number
  /** Waiting messages at which producers are held; 0 for no limit. */
  readonly maxMessages: number
  /** Only the first consumer of a queue gets messages, until it leaves. */
  readonly exclusive: boolean
  /** Partitions of its Kafka topic when it is made; more than one gives up order. */
  readonly partitions: number
  /** From which logs consumed messages are deleted: of topics that the provider created, all, or none. */
  readonly trim: 'created' | 'always' | 'never'
  /** How long consumed messages stay in the log for Kafka programs. */
  readonly consumedRetentionMs: number
}

/** Settings of destinations for which nothing is configured. */
export const defaultPolicy: DestinationPolicy = {
  autoCreate: true,
  maxDeliveryAttempts: 10,
  deadLetterQueue: 'DLQ',
  expiryQueue: 'ExpiryQueue',
  redeliveryDelayMs: 0,
  redeliveryMultiplier: 1,
  redeliveryMaxDelayMs: 300_000,
  duplicateWindowMs: 600_000,
  maxMessages: 0,
  exclusive: false,
  partitions: 1,
  trim: 'created',
  consumedRetentionMs: 300_000,
}
