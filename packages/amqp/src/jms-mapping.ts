// SPDX-License-Identifier: Apache-2.0
import { elementAt } from '@millrace/base'
import { type AmqpValue, Typed, ulong } from './codec/types.ts'

/** Message annotations of the AMQP JMS mapping (OASIS working draft 10). */
export const JmsAnnotation = {
  /** One byte: a `JmsMessageType`. */
  messageType: 'x-opt-jms-msg-type',
  /** One byte each: the `JmsDestinationType` of the destination and of the reply-to. */
  destination: 'x-opt-jms-dest',
  replyTo: 'x-opt-jms-reply-to',
  /** Earliest delivery time, milliseconds since 1970; older clients send the delay instead. */
  deliveryTime: 'x-opt-delivery-time',
  deliveryDelay: 'x-opt-delivery-delay',
} as const

/** Values of the message type annotation. */
export const JmsMessageType = {
  message: 0,
  object: 1,
  map: 2,
  bytes: 3,
  stream: 4,
  text: 5,
} as const

/** Values of the destination type annotations. */
export const JmsDestinationType = {
  queue: 0,
  topic: 1,
  temporaryQueue: 2,
  temporaryTopic: 3,
} as const

/** Capabilities of termini that identify the kind of destination. */
export const JmsCapability = {
  queue: 'queue',
  topic: 'topic',
  temporaryQueue: 'temporary-queue',
  temporaryTopic: 'temporary-topic',
  shared: 'shared',
  global: 'global',
} as const

/** Capabilities of connections. */
export const ConnectionCapability = {
  soleConnection: 'sole-connection-for-container',
  delayedDelivery: 'DELAYED_DELIVERY',
  anonymousRelay: 'ANONYMOUS-RELAY',
  sharedSubscriptions: 'SHARED-SUBS',
} as const

/** Names and descriptors of the filters of a source. */
export const JmsFilter = {
  selector: {
    name: 'jms-selector',
    code: 0x0000468c00000004n,
    symbol: 'apache.org:selector-filter:string',
  },
  noLocal: {
    name: 'no-local',
    code: 0x0000468c00000003n,
    symbol: 'apache.org:no-local-filter:list',
  },
} as const

const ID = 'ID:'

/**
 * Converts an AMQP message id to its JMS form (mapping, section 3.2.1.1): text that starts with
 * `ID:` and encodes the type.
 */
export function jmsIdOf(id: AmqpValue | undefined): string | undefined {
  if (id === undefined || id === null) return undefined
  if (typeof id === 'string') {
    if (!id.startsWith(ID)) return `${ID}AMQP_NO_PREFIX:${id}`
    return /^ID:AMQP_(STRING|UUID|ULONG|BINARY|NO_PREFIX):/.test(id) ? `${ID}AMQP_STRING:${id}` : id
  }
  if (id instanceof Uint8Array)
    return `${ID}AMQP_BINARY:${(id as Buffer).toString('hex').toUpperCase()}`
  if (id instanceof Typed && id.type === 'uuid') return `${ID}AMQP_UUID:${id.value}`
  if (id instanceof Typed && id.type === 'ulong') return `${ID}AMQP_ULONG:${id.value}`
  return undefined
}

/** Converts a JMS message id that `jmsIdOf` created back to the AMQP id. */
export function amqpIdOf(id: string): AmqpValue {
  const match = /^ID:AMQP_(STRING|UUID|ULONG|BINARY|NO_PREFIX):(.*)$/s.exec(id)
  if (match === null) return id
  const text = elementAt(match, 2)
  switch (match[1]) {
    case 'UUID':
      return /^[\da-f]{8}(-[\da-f]{4}){3}-[\da-f]{12}$/i.test(text) ? new Typed('uuid', text) : id
    case 'ULONG':
      return /^\d{1,20}$/.test(text) ? ulong(BigInt(text)) : id
    case 'BINARY':
      return /^([\da-f]{2})*$/i.test(text) ? Buffer.from(text, 'hex') : id
    default:
      return text
  }
}

/**
 * Converts an AMQP correlation id to its JMS form. A string is returned unchanged; other types are
 * converted like message ids.
 */
export function jmsCorrelationIdOf(id: AmqpValue | undefined): string | undefined {
  return typeof id === 'string' ? id : jmsIdOf(id)
}
