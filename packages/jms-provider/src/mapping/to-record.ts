// SPDX-License-Identifier: Apache-2.0
import { createHash } from 'node:crypto'
import {
  type AmqpValue,
  type EncodedMessage,
  JmsAnnotation,
  JmsDestinationType,
  jmsCorrelationIdOf,
  jmsIdOf,
  numberOf,
  Section,
  Typed,
} from '@millrace/amqp'
import { ENVELOPE_HEADER, type Envelope, type EnvelopeBody, encodeEnvelope } from './envelope.ts'
import { rawNumber } from './raw-json.ts'
import { DEFAULT_PRIORITY } from './stored-message.ts'

/**
 * Application properties that hold an id for duplicate detection. The first one is the name that
 * Artemis uses.
 */
export const duplicateIdProperties = ['_AMQ_DUPL_ID', 'JMS_Millrace_DuplicateID'] as const

export interface RecordHeader {
  readonly key: string
  readonly value: Buffer | string
}

/** A message in the form in which it is written to a log. */
export interface NewRecord {
  readonly envelope: Envelope
  /** Message group; as the key, it keeps a group in one partition. */
  readonly key: string | null
  readonly value: Buffer | null
  readonly headers: readonly RecordHeader[]
  /** Body sections in buffers, for logs in memory. */
  readonly body: readonly Buffer[]
}

/** Hashes a container id to the origin that envelopes carry. */
export function originOf(containerId: string): bigint {
  return createHash('sha256').update(containerId).digest().readBigUInt64BE(0)
}

/**
 * Converts a sent message to a record; docs/reference/jms-records.md documents the mapping. Throws
 * `MalformedInputError`.
 */
export function toRecord(
  message: EncodedMessage,
  options: {
    readonly nowMs: number
    readonly origin: bigint
    /** Id of the only subscription that receives the message. Default: all of them. */
    readonly onlyFor?: string | undefined
  },
): NewRecord {
  const { nowMs, origin, onlyFor } = options
  const { header, properties, messageAnnotations, applicationProperties } = message
  const envelope: Envelope = {
    durable: header.durable === true,
    priority: Math.min(header.priority ?? DEFAULT_PRIORITY, 9),
    expiresAtMs: expiryOf(header.ttl, properties.absoluteExpiryTime, nowMs),
    deliverAtMs: deliveryTimeOf(messageAnnotations, nowMs),
    origin,
    hasGroup: properties.groupId !== undefined,
    hasDuplicateId: duplicateIdProperties.some((name) => applicationProperties.has(name)),
    head: message.lasting,
    propertiesSize: message.slice(Section.applicationProperties).length,
    ...(onlyFor === undefined ? {} : { onlyFor }),
  }
  const { value, body } = splitBody(message)
  const headers: RecordHeader[] = []
  const add = (key: string, text: string | undefined): void => {
    if (text !== undefined) headers.push({ key, value: text })
  }
  add('JMSMessageID', jmsIdOf(properties.messageId))
  add('JMSCorrelationID', jmsCorrelationIdOf(properties.correlationId))
  add('JMSType', properties.subject)
  add('JMSReplyTo', replyToText(properties.replyTo, messageAnnotations))
  if (envelope.priority !== DEFAULT_PRIORITY) add('JMSPriority', String(envelope.priority))
  if (!envelope.durable) add('JMSDeliveryMode', 'NON_PERSISTENT')
  if (envelope.expiresAtMs > 0) add('JMSExpiration', String(envelope.expiresAtMs))
  if (envelope.deliverAtMs > 0) add('JMSDeliveryTime', String(envelope.deliverAtMs))
  add('JMSXGroupID', properties.groupId)
  for (const [name, property] of applicationProperties) add(name, propertyText(property))
  add('JMSSubscription', onlyFor)
  // The last header of a name wins, even if a property has the same name.
  headers.push({ key: ENVELOPE_HEADER, value: encodeEnvelope(envelope, body) })
  return {
    envelope,
    key: properties.groupId ?? null,
    value,
    headers,
    body: [message.bodyBytes, message.footerBytes],
  }
}

function expiryOf(ttl: number | undefined, absolute: number | undefined, nowMs: number): number {
  if (ttl !== undefined && ttl > 0) return nowMs + ttl
  return absolute !== undefined && absolute > 0 ? absolute : 0
}

function deliveryTimeOf(annotations: ReadonlyMap<string, AmqpValue>, nowMs: number): number {
  const time = numberOf(annotations.get(JmsAnnotation.deliveryTime))
  if (time !== undefined) return time > nowMs ? time : 0
  const delay = numberOf(annotations.get(JmsAnnotation.deliveryDelay))
  return delay !== undefined && delay > 0 ? nowMs + delay : 0
}

export function replyToText(
  replyTo: string | undefined,
  annotations: ReadonlyMap<string, AmqpValue>,
): string | undefined {
  if (replyTo === undefined) return undefined
  const type = numberOf(annotations.get(JmsAnnotation.replyTo))
  const isTopic = type === JmsDestinationType.topic || type === JmsDestinationType.temporaryTopic
  return `${isTopic ? 'topic' : 'queue'}://${replyTo}`
}

/**
 * Splits a body into the record's value and what is needed to restore it. The value of a text body
 * is its UTF-8 bytes, that of a binary body its bytes. Any other body is written as readable JSON,
 * and the envelope contains the complete body.
 */
function splitBody(message: EncodedMessage): {
  readonly value: Buffer | null
  readonly body: EnvelopeBody
} {
  const { bodyBytes, bodySection, footerBytes: footer } = message
  const contentSize =
    message.bodyCount === 1 && (bodySection === Section.data || bodySection === Section.value)
      ? contentSizeOf(bodyBytes, bodySection)
      : undefined
  if (contentSize !== undefined) {
    const at = bodyBytes.length - contentSize
    const body = { isWhole: false, bytes: bodyBytes.subarray(0, at), footer }
    return { value: bodyBytes.subarray(at), body }
  }
  const body = { isWhole: true, bytes: bodyBytes, footer }
  return { value: rendered(message), body }
}

/** Size of the text or binary at the end of a body, in bytes; undefined for other bodies. */
function contentSizeOf(body: Buffer, section: number): number | undefined {
  // A descriptor in its short form takes three bytes; bodies with another form are stored whole.
  if (body[1] !== 0x53) return undefined
  const code = body[3]
  const isText = section === Section.value
  if (code === (isText ? 0xa1 : 0xa0)) return body.length - 5
  if (code === (isText ? 0xb1 : 0xb0)) return body.length - 8
  return undefined
}

function rendered(message: EncodedMessage): Buffer | null {
  const { body } = message
  switch (body.kind) {
    case 'none':
      return null
    case 'data':
      return body.data
    case 'sequence':
      return Buffer.from(JSON.stringify(body.items.map(toJson)))
    default:
      return body.value === null ? null : Buffer.from(JSON.stringify(toJson(body.value)))
  }
}

function toJson(value: AmqpValue): unknown {
  if (value instanceof Typed) {
    if (typeof value.value === 'bigint') return rawNumber(value.value)
    if (typeof value.value === 'number' && !Number.isFinite(value.value)) return String(value.value)
    return value.value instanceof Uint8Array ? value.value.toString('base64') : value.value
  }
  if (typeof value === 'bigint') return rawNumber(value)
  if (value instanceof Uint8Array) return (value as Buffer).toString('base64')
  if (Array.isArray(value)) return value.map((each) => toJson(each as AmqpValue))
  if (value instanceof Map) {
    return Object.fromEntries([...value].map(([key, each]) => [keyText(key), toJson(each)]))
  }
  return value ?? null
}

function keyText(key: AmqpValue): string {
  const json = toJson(key)
  return typeof json === 'string' ? json : JSON.stringify(json)
}

function propertyText(value: AmqpValue): string {
  if (typeof value === 'string') return value
  const json = toJson(value)
  return typeof json === 'string' ? json : JSON.stringify(json)
}
