// SPDX-License-Identifier: Apache-2.0
import type { Clock, Logger } from '@millrace/base'
import type { DestinationPolicy } from '../config/destination-policy.ts'
import type { StoredMessage } from '../mapping/stored-message.ts'
import type { Selector } from '../selector/selector.ts'
import type { PartitionIndex } from './partition-index.ts'
import type { Subscription } from './subscription.ts'

/** A consumer or browser of a subscription. */
export interface SubscriptionConsumer {
  readonly selector: Selector | undefined
  /** A browser reads messages without acquiring them. */
  readonly isBrowser: boolean
  /** Receives all messages of the queue while it is the first exclusive consumer. */
  readonly isExclusive: boolean
  /**
   * Whether a message can be sent to it now: it has credit, and its connection is not congested.
   */
  readonly canReceive: boolean
  /** Whether `onDrained` must be called when no message is left for the consumer. */
  readonly isDraining: boolean
  /** Number of messages that can be delivered to it now. */
  readonly room: number
  take(acquired: Acquired): void
  onDrained(): void
  /** Closes the consumer with an AMQP error: the destination no longer exists. */
  end(condition: string, description: string): void
}

/** A message that a consumer has acquired. */
export class Acquired {
  readonly subscription: Subscription
  readonly index: PartitionIndex
  readonly offset: number
  /** Undefined once the message is sent, so that unsettled messages do not stay in memory. */
  message: StoredMessage | undefined
  /** Number of failed deliveries before this one. */
  readonly deliveryCount: number
  readonly consumer: SubscriptionConsumer | undefined
  /** True once the message is accepted, returned or moved. */
  isDone = false

  constructor(
    subscription: Subscription,
    index: PartitionIndex,
    message: StoredMessage,
    consumer: SubscriptionConsumer | undefined,
  ) {
    this.subscription = subscription
    this.index = index
    this.offset = message.offset
    this.message = message
    this.deliveryCount = index.deliveryCountOf(message.offset)
    this.consumer = consumer
  }
}

/** Reason why a message was removed from a subscription without being consumed. */
export type DiscardReason = 'expired' | 'max-delivery-attempts' | 'rejected'

/** The parts of a destination that a subscription uses. */
export interface SubscriptionHost {
  readonly clock: Clock
  readonly logger: Logger
  readonly policy: DestinationPolicy
  /** The message, if it is in memory. */
  messageAt(partition: number, offset: number): StoredMessage | undefined
  /** Loads messages from an offset into memory and calls `onLoaded` of all subscriptions. */
  load(partition: number, offset: number): Promise<void>
  /** The subscription has changes to write to the state topic. */
  onChanged(subscription: Subscription): void
  /**
   * Resolves when the changes so far are in the state topic; rejects if they can no longer be
   * written.
   */
  flushed(): Promise<void>
  /** The subscription no longer needs the message. */
  onFinished(partition: number, offset: number): void
  /** Moves acquired messages to `deadLetterQueue` or `expiryQueue`. */
  discard(acquired: readonly Acquired[], reason: DiscardReason, detail?: string): void
  /**
   * Undefined if all sent messages are indexed; else resolves when those sent so far are indexed.
   */
  caughtUp(): Promise<void> | undefined
}
