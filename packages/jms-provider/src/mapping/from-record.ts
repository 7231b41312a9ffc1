// SPDX-License-Identifier: Apache-2.0
import { isUtf8 } from 'node:buffer'
import {
  type AmqpValue,
  amqpIdOf,
  timestamp as amqpTimestamp,
  byte,
  EncodedMessage,
  encodeMessage,
  JmsAnnotation,
  JmsDestinationType,
  JmsMessageType,
  type MessageBody,
  Section,
  Typed,
} from '@millrace/amqp'
import { elementAt, MalformedInputError } from '@millrace/base'
import { decodeEnvelope, ENVELOPE_HEADER, type Envelope } from './envelope.ts'
import { rawNumber } from './raw-json.ts'
import { DEFAULT_PRIORITY, StoredMessage } from './stored-message.ts'

/** The fields of a record that the mapping reads. */
export interface StoredRecord {
  readonly topic: string
  readonly partition: number
  readonly offset: bigint
  readonly timestamp: number
  readonly keyBytes: Buffer | null
  readonly valueBytes: Buffer | null
  readonly headers: readonly { readonly key: string; readonly value: Buffer | null }[]
  header(name: string): Buffer | null | undefined
}

const noBytes = Buffer.alloc(0)

/** Converts a record of any writer to a message. */
export function fromRecord(record: StoredRecord): StoredMessage {
  const position = {
    partition: record.partition,
    offset: Number(record.offset),
    timestamp: record.timestamp,
  }
  const own = record.header(ENVELOPE_HEADER)
  if (own !== undefined && own !== null) {
    try {
      const envelope = decodeEnvelope(own)
      const body = envelope.isWhole
        ? [envelope.bytes, envelope.footer]
        : [envelope.bytes, record.valueBytes ?? noBytes, envelope.footer]
      return new StoredMessage(position, envelope, body)
    } catch (error) {
      // Another program wrote a header of the same name.
      if (!(error instanceof MalformedInputError)) throw error
    }
  }
  return fromForeign(record, position)
}

/** Creates the message for a record of a plain Kafka program. */
function fromForeign(
  record: StoredRecord,
  position: { readonly partition: number; readonly offset: number; readonly timestamp: number },
): StoredMessage {
  const known = new Map<string, string>()
  const properties = new Map<string, AmqpValue>()
  const annotations = new Map<string, AmqpValue>()
  for (const { key, value } of record.headers) {
    const text = value !== null && isUtf8(value) ? value.toString('utf8') : undefined
    if (text === undefined) annotations.set(`x-opt-kafka-header-${key}`, value)
    else if (foreignHeaders.has(key)) known.set(key, text)
    else properties.set(key, text)
  }
  const key = record.keyBytes
  if (key !== null && isUtf8(key)) properties.set('JMS_Kafka_Key', key.toString('utf8'))
  else if (key !== null) annotations.set('x-opt-kafka-key', key)
  const { body, type } = foreignBody(record.valueBytes, known.get('JMSMessageType'))
  annotations.set(JmsAnnotation.messageType, byte(type))
  const replyTo = replyToOf(known.get('JMSReplyTo'))
  if (replyTo !== undefined) annotations.set(JmsAnnotation.replyTo, byte(replyTo.type))
  const messageId = known.get('JMSMessageID')
  const groupId = known.get('JMSXGroupID')
  const correlationId = known.get('JMSCorrelationID')
  const expiresAtMs = wholeNumber(known.get('JMSExpiration'))
  const deliverAtMs = wholeNumber(known.get('JMSDeliveryTime'))
  if (deliverAtMs > 0) annotations.set(JmsAnnotation.deliveryTime, amqpTimestamp(deliverAtMs))
  const encoded = new EncodedMessage(
    encodeMessage({
      messageAnnotations: annotations,
      properties: {
        messageId: amqpIdOf(messageId ?? `ID:${record.topic}-${record.partition}-${record.offset}`),
        subject: known.get('JMSType'),
        replyTo: replyTo?.address,
        correlationId: correlationId === undefined ? undefined : amqpIdOf(correlationId),
        absoluteExpiryTime: expiresAtMs > 0 ? expiresAtMs : undefined,
        creationTime: record.timestamp >= 0 ? record.timestamp : undefined,
        groupId,
      },
      applicationProperties: properties,
      body,
    }),
  )
  const envelope: Envelope = {
    durable: known.get('JMSDeliveryMode') !== 'NON_PERSISTENT',
    priority: priorityOf(known.get('JMSPriority')),
    expiresAtMs,
    deliverAtMs,
    origin: 0n,
    hasGroup: groupId !== undefined,
    hasDuplicateId: properties.has('_AMQ_DUPL_ID') || properties.has('JMS_Millrace_DuplicateID'),
    head: encoded.lasting,
    propertiesSize: encoded.slice(Section.applicationProperties).length,
  }
  return new StoredMessage(position, envelope, [encoded.bodyBytes])
}

/** Record headers that map to JMS headers; all others become string properties. */
const foreignHeaders = new Set([
  'JMSMessageID',
  'JMSCorrelationID',
  'JMSType',
  'JMSReplyTo',
  'JMSPriority',
  'JMSDeliveryMode',
  'JMSExpiration',
  'JMSDeliveryTime',
  'JMSXGroupID',
  'JMSMessageType',
])

function wholeNumber(text: string | undefined): number {
  return text !== undefined && /^\d{1,15}$/.test(text) ? Number(text) : 0
}

/** An invalid priority is replaced by the default. */
function priorityOf(text: string | undefined): number {
  return text !== undefined && /^\d$/.test(text) ? Number(text) : DEFAULT_PRIORITY
}

function replyToOf(
  text: string | undefined,
): { readonly address: string; readonly type: number } | undefined {
  if (text === undefined) return undefined
  const match = /^(queue|topic):\/\/(.*)$/s.exec(text)
  if (match === null) return { address: text, type: JmsDestinationType.queue }
  const type = match[1] === 'topic' ? JmsDestinationType.topic : JmsDestinationType.queue
  return { address: elementAt(match, 2), type }
}

/**
 * Text if the value is valid UTF-8, otherwise bytes; the header `JMSMessageType` overrides this.
 */
function foreignBody(
  value: Buffer | null,
  wanted: string | undefined,
): { readonly body: MessageBody; readonly type: number } {
  if (value === null) return { body: { kind: 'value', value: null }, type: JmsMessageType.message }
  if (wanted === 'map' || wanted === 'stream') {
    const body = bodyOfJson(value, wanted)
    if (body !== undefined) return body
  }
  if (wanted !== 'bytes' && isUtf8(value)) {
    return { body: { kind: 'value', value: value.toString('utf8') }, type: JmsMessageType.text }
  }
  return { body: { kind: 'data', data: value }, type: JmsMessageType.bytes }
}

function bodyOfJson(
  value: Buffer,
  wanted: 'map' | 'stream',
): { readonly body: MessageBody; readonly type: number } | undefined {
  let json: unknown
  try {
    json = parseJson(value.toString('utf8'))
  } catch {
    return undefined
  }
  if (wanted === 'stream') {
    if (!Array.isArray(json)) return undefined
    return { body: { kind: 'sequence', items: json.map(jsonValue) }, type: JmsMessageType.stream }
  }
  if (typeof json !== 'object' || json === null || Array.isArray(json)) return undefined
  const map = new Map<AmqpValue, AmqpValue>()
  for (const [key, each] of Object.entries(json)) map.set(key, jsonValue(each))
  return { body: { kind: 'value', value: map }, type: JmsMessageType.map }
}

const MIN_INT = -(2n ** 31n)
const MAX_INT = 2n ** 31n - 1n
const MIN_LONG = -(2n ** 63n)
const MAX_LONG = 2n ** 63n - 1n

/**
 * Integers within 32 bits stay numbers, within 64 bits they become `bigint`. All other numbers
 * become doubles.
 */
function parseJson(text: string): unknown {
  return JSON.parse(text, (_key, value: unknown, context?: { readonly source?: string }) => {
    if (typeof value !== 'number') return value
    const source = context?.source ?? String(value)
    if (!/^-?\d+$/.test(source)) return new Typed('double', value)
    const whole = BigInt(source)
    if (whole >= MIN_INT && whole <= MAX_INT) return value
    return whole >= MIN_LONG && whole <= MAX_LONG ? whole : new Typed('double', value)
  })
}

/**
 * Converts a JSON value to a value that map and stream messages can hold; other values become JSON
 * text.
 */
function jsonValue(value: unknown): AmqpValue {
  if (value === null || value instanceof Typed) return value
  switch (typeof value) {
    case 'string':
    case 'boolean':
    case 'number':
    case 'bigint':
      return value
    default:
      return JSON.stringify(value, (_key, each: unknown) =>
        each instanceof Typed ? each.value : typeof each === 'bigint' ? rawNumber(each) : each,
      )
  }
}
