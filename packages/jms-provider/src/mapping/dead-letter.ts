// SPDX-License-Identifier: Apache-2.0
import {
  type AmqpValue,
  EncodedMessage,
  encodeMessage,
  JmsAnnotation,
  jmsIdOf,
  Typed,
} from '@millrace/amqp'
import type { DiscardReason } from '../subscription/subscription-host.ts'
import type { StoredMessage } from './stored-message.ts'
import { type NewRecord, toRecord } from './to-record.ts'

/** Properties that are added to dead letters and expired messages. */
export const DeadLetterProperty = {
  reason: 'JMS_Millrace_DeadLetterReason',
  /** `queue://name`, or `topic://name` with the subscription after a slash. */
  source: 'JMS_Millrace_DeadLetterSource',
  /** Id of the durable subscription that the message comes from. */
  subscription: 'JMS_Millrace_DeadLetterSubscription',
  deliveryCount: 'JMS_Millrace_DeadLetterDeliveryCount',
  detail: 'JMS_Millrace_DeadLetterDetail',
  messageId: 'JMS_Millrace_DeadLetterMessageID',
} as const

/**
 * Creates a dead letter from a message: the body is unchanged, it does not expire, and properties
 * record why it was moved.
 */
export function deadLetter(
  message: StoredMessage,
  told: {
    readonly reason: DiscardReason
    readonly source: string
    /** Durable subscription of a topic. */
    readonly subscription?: string | undefined
    readonly deliveryCount: number
    readonly detail?: string | undefined
    readonly nowMs: number
  },
): NewRecord {
  const head = new EncodedMessage(message.envelope.head)
  const properties = new Map<string, AmqpValue>(head.applicationProperties)
  // Duplicate ids would suppress a second dead letter.
  properties.delete('_AMQ_DUPL_ID')
  properties.delete('JMS_Millrace_DuplicateID')
  properties.set(DeadLetterProperty.reason, told.reason)
  properties.set(DeadLetterProperty.source, told.source)
  if (told.subscription === undefined) properties.delete(DeadLetterProperty.subscription)
  else properties.set(DeadLetterProperty.subscription, told.subscription)
  properties.set(DeadLetterProperty.deliveryCount, new Typed('int', told.deliveryCount))
  if (told.detail !== undefined) properties.set(DeadLetterProperty.detail, told.detail)
  const id = jmsIdOf(head.properties.messageId)
  if (id !== undefined) properties.set(DeadLetterProperty.messageId, id)
  return rewritten(message, { properties, nowMs: told.nowMs, keepsTimes: false })
}

/**
 * Creates the record that returns a dead letter to its source. Its properties still contain the
 * reason why it was moved.
 */
export function retriedRecord(
  letter: StoredMessage,
  options: { readonly nowMs: number; readonly onlyFor: string | undefined },
): NewRecord {
  const { applicationProperties } = new EncodedMessage(letter.envelope.head)
  return rewritten(letter, { ...options, properties: applicationProperties, keepsTimes: false })
}

/**
 * Replaces the application properties of a message. Without `keepsTimes`, expiry and delivery time
 * are removed.
 */
export function rewritten(
  message: StoredMessage,
  options: {
    readonly properties: ReadonlyMap<string, AmqpValue>
    readonly nowMs: number
    readonly keepsTimes: boolean
    /** Id of the only subscription that receives the message. Default: all of them. */
    readonly onlyFor?: string | undefined
  },
): NewRecord {
  const head = new EncodedMessage(message.envelope.head)
  const annotations = new Map(head.messageAnnotations)
  const { expiresAtMs, durable, priority, origin } = message.envelope
  if (!options.keepsTimes) {
    annotations.delete(JmsAnnotation.deliveryTime)
    annotations.delete(JmsAnnotation.deliveryDelay)
  }
  const start = encodeMessage({
    header: {
      durable,
      priority,
      ttl:
        options.keepsTimes && expiresAtMs > 0
          ? Math.max(expiresAtMs - options.nowMs, 1)
          : undefined,
    },
    messageAnnotations: annotations,
    properties: {
      ...head.properties,
      absoluteExpiryTime: options.keepsTimes ? head.properties.absoluteExpiryTime : undefined,
    },
    applicationProperties: options.properties,
  })
  const whole = new EncodedMessage(Buffer.concat([start, ...message.body]))
  return toRecord(whole, { nowMs: options.nowMs, origin, onlyFor: options.onlyFor })
}
