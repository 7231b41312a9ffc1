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

/** Application properties that name a message for duplicate detection; the first is Artemis's, so that its users need change nothing. */
export const duplicateIdProperties = ['_AMQ_DUPL_ID', 'JMS_Millrace_DuplicateID'] as const

export interface RecordHeader {
  readonly key: string
  readonly value: Buffer | string
}

/** A message in the form in which it goes into a log. */
export interface NewRecord {
  readonly envelope: Envelope
  /** The message group, so that Kafka keeps a group in one partition. */
  readonly key: string | null
  readonly value: Buffer | null
  readonly headers: readonly RecordHeader[]
  /** The body's sections in pieces, for logs that are kept in memory. */
  readonly body: readonly Buffer[]
}

/** Turns a container id into the number that envelopes carry. */
export function originOf(containerId: string): bigint {
  return createHash('sha256').update(containerId).digest().readBigUInt64BE(0)
}

/** Maps a message as it was sent to a record: docs/reference/jms-records.md has the page on it. Throws `MalformedInputError`. */
export function toRecord(
  message: EncodedMessage,
  { nowMs, origin }: { readonly nowMs: number; readonly origin: bigint },
): NewRecord {
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
  // The last of a name counts, also when a property has the same.
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
 * The record's value and how to make the body of it again: of a text the UTF-8 bytes, of bytes the bytes, of anything else JSON
 * to read, with the body itself in the envelope.
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

/** How many bytes at the end of a body are the text or the binary itself; undefined for other bodies. */
function contentSizeOf(body: Buffer, section: number): number | undefined {
  // The descriptor is three bytes but for peers that write it at length; those bodies are kept whole.
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
