// SPDX-License-Identifier: Apache-2.0
import {
  type AmqpValue,
  amqpIdOf,
  byte,
  EncodedMessage,
  encodeMessage,
  JmsAnnotation,
  JmsMessageType,
  jmsCorrelationIdOf,
  jmsIdOf,
  numberOf,
  Typed,
} from '@millrace/amqp'
import { type Destination, destinationOf, typeOf } from '../destination.ts'
import { BytesMessage } from './bytes-message.ts'
import { MapMessage } from './map-message.ts'
import { DEFAULT_PRIORITY, DeliveryMode, Message } from './message.ts'
import { JAVA_SERIALIZED, ObjectMessage } from './object-message.ts'
import { StreamMessage } from './stream-message.ts'
import { TextMessage } from './text-message.ts'
import { fromAmqp, toAmqp } from './values.ts'

/**
 * Prefixes of queue and topic addresses (`queue-prefix` and `topic-prefix` in the provider's open).
 */
export interface AddressPrefixes {
  readonly queue: string
  readonly topic: string
}

export function addressOf(destination: Destination, prefixes: AddressPrefixes): string {
  if (destination.isTemporary) return destination.address
  return `${prefixes[destination.kind]}${destination.address}`
}

function withoutPrefix(address: string, prefixes: AddressPrefixes): string {
  for (const prefix of [prefixes.queue, prefixes.topic]) {
    if (prefix !== '' && address.startsWith(prefix)) return address.slice(prefix.length)
  }
  return address
}

/**
 * Encodes a message whose headers are set, per the AMQP JMS mapping (OASIS working draft 10,
 * section 3).
 */
export function encodeJmsMessage(
  message: Message,
  prefixes: AddressPrefixes,
  nowMs: number,
): Buffer {
  const { headers } = message
  const annotations = new Map<string, AmqpValue>()
  annotations.set(JmsAnnotation.messageType, byte(message.mappedType))
  if (headers.destination !== null) {
    annotations.set(JmsAnnotation.destination, byte(typeOf(headers.destination)))
  }
  if (headers.replyTo !== null) {
    annotations.set(JmsAnnotation.replyTo, byte(typeOf(headers.replyTo)))
  }
  if (headers.deliveryTime > 0) {
    annotations.set(JmsAnnotation.deliveryTime, new Typed('long', BigInt(headers.deliveryTime)))
  }
  const { correlationId } = headers
  const properties = new Map<string, AmqpValue>()
  for (const [name, value] of message.plainProperties) properties.set(name, toAmqp(value))
  return encodeMessage({
    header: {
      durable: headers.deliveryMode === DeliveryMode.PERSISTENT,
      priority: headers.priority === DEFAULT_PRIORITY ? undefined : headers.priority,
      ttl: ttlOf(message, nowMs),
    },
    messageAnnotations: annotations,
    properties: {
      messageId: headers.messageId === null ? undefined : amqpIdOf(headers.messageId),
      userId: headers.userId === null ? undefined : Buffer.from(headers.userId),
      to: headers.destination === null ? undefined : addressOf(headers.destination, prefixes),
      subject: headers.type ?? undefined,
      replyTo: headers.replyTo === null ? undefined : addressOf(headers.replyTo, prefixes),
      correlationId:
        correlationId === null
          ? undefined
          : typeof correlationId === 'string'
            ? amqpIdOf(correlationId)
            : correlationId,
      contentType: contentTypeOf(message),
      absoluteExpiryTime: headers.expiration > 0 ? headers.expiration : undefined,
      creationTime: headers.timestamp > 0 ? headers.timestamp : undefined,
      groupId: headers.groupId ?? undefined,
      groupSequence: headers.groupSequence === null ? undefined : headers.groupSequence >>> 0,
    },
    applicationProperties: properties,
    body: message.encodeBody(),
  })
}

function ttlOf({ headers }: Message, nowMs: number): number | undefined {
  if (headers.expiration === 0) return undefined
  const ttl = headers.expiration - (headers.timestamp || nowMs)
  return ttl > 0 && ttl <= 0xffffffff ? ttl : undefined
}

function contentTypeOf(message: Message): string | undefined {
  if (message instanceof BytesMessage) return 'application/octet-stream'
  return message instanceof ObjectMessage && message.isSerialized ? JAVA_SERIALIZED : undefined
}

/** Decodes a message received from a destination. Throws `MalformedInputError`. */
export function decodeJmsMessage(
  payload: Buffer,
  {
    from,
    prefixes,
    nowMs,
  }: { readonly from: Destination; readonly prefixes: AddressPrefixes; readonly nowMs: number },
): Message {
  const encoded = new EncodedMessage(payload)
  const { header, properties, messageAnnotations } = encoded
  const message = newMessage(encoded, numberOf(messageAnnotations.get(JmsAnnotation.messageType)))
  const { headers } = message
  headers.deliveryMode =
    header.durable === true ? DeliveryMode.PERSISTENT : DeliveryMode.NON_PERSISTENT
  headers.priority = Math.min(header.priority ?? DEFAULT_PRIORITY, 9)
  headers.deliveryCount = (header.deliveryCount ?? 0) + 1
  headers.messageId = jmsIdOf(properties.messageId) ?? null
  headers.timestamp = properties.creationTime ?? 0
  headers.expiration = properties.absoluteExpiryTime ?? (header.ttl ? nowMs + header.ttl : 0)
  headers.deliveryTime = numberOf(messageAnnotations.get(JmsAnnotation.deliveryTime)) ?? 0
  headers.type = properties.subject ?? null
  const { correlationId } = properties
  headers.correlationId =
    correlationId instanceof Uint8Array
      ? (correlationId as Buffer)
      : (jmsCorrelationIdOf(correlationId) ?? null)
  headers.groupId = properties.groupId ?? null
  headers.groupSequence =
    properties.groupSequence === undefined ? null : properties.groupSequence | 0
  headers.userId = properties.userId?.toString('utf8') ?? null
  const { to, replyTo } = properties
  const type = numberOf(messageAnnotations.get(JmsAnnotation.destination))
  headers.destination =
    to === undefined || to === ''
      ? from
      : destinationOf(withoutPrefix(to, prefixes), type ?? typeOf(from))
  if (replyTo !== undefined && replyTo !== '') {
    const replyType = numberOf(messageAnnotations.get(JmsAnnotation.replyTo))
    headers.replyTo = destinationOf(
      withoutPrefix(replyTo, prefixes),
      replyType ?? typeOf(headers.destination),
    )
  }
  for (const [name, value] of encoded.applicationProperties) {
    message.setPlainProperty(name, fromAmqp(value))
  }
  message.decodeBody(encoded.body)
  return message
}

/**
 * Creates a message of the class that its sender declared, or, if it declared none, of the class
 * that fits the body.
 */
function newMessage(encoded: EncodedMessage, type: number | undefined): Message {
  switch (type) {
    case JmsMessageType.message:
      return new Message()
    case JmsMessageType.object:
      return new ObjectMessage()
    case JmsMessageType.map:
      return new MapMessage()
    case JmsMessageType.bytes:
      return new BytesMessage()
    case JmsMessageType.stream:
      return new StreamMessage()
    case JmsMessageType.text:
      return new TextMessage()
    default:
      return guessMessage(encoded)
  }
}

function guessMessage(encoded: EncodedMessage): Message {
  const { body, properties } = encoded
  switch (body.kind) {
    case 'none':
      return new Message()
    case 'sequence':
      return new StreamMessage()
    case 'data': {
      const { contentType = '' } = properties
      if (contentType === JAVA_SERIALIZED) return new ObjectMessage()
      return /^text\/|[/+](json|xml)\b/.test(contentType) ? new TextMessage() : new BytesMessage()
    }
    default: {
      const { value } = body
      if (value === null || typeof value === 'string') return new TextMessage()
      if (value instanceof Uint8Array) return new BytesMessage()
      if (value instanceof Map && [...value.keys()].every((key) => typeof key === 'string')) {
        return new MapMessage()
      }
      return Array.isArray(value) ? new StreamMessage() : new ObjectMessage()
    }
  }
}
