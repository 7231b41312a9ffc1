// SPDX-License-Identifier: Apache-2.0
import {
  type AmqpValue,
  EncodedMessage,
  Encoder,
  HeaderSection,
  jmsCorrelationIdOf,
  jmsIdOf,
  type PropertiesSection,
  Typed,
} from '@millrace/amqp'
import type { Selectable, SelectorValue } from '../selector/selector.ts'
import type { Envelope } from './envelope.ts'

/** Default JMS priority, for messages without one. */
export const DEFAULT_PRIORITY = 4

/** A message as stored in a log. */
export class StoredMessage implements Selectable {
  readonly partition: number
  readonly offset: number
  /** Timestamp of the record, milliseconds since 1970. */
  readonly timestamp: number
  readonly envelope: Envelope
  /** Body sections, in buffers whose concatenation is what was sent. */
  readonly body: readonly Buffer[]
  #properties: PropertiesSection | undefined
  #applicationProperties: ReadonlyMap<string, AmqpValue> | undefined

  constructor(
    position: { readonly partition: number; readonly offset: number; readonly timestamp: number },
    envelope: Envelope,
    body: readonly Buffer[],
  ) {
    this.partition = position.partition
    this.offset = position.offset
    this.timestamp = position.timestamp
    this.envelope = envelope
    this.body = body
  }

  /** Approximate size in memory, in bytes. */
  get size(): number {
    let size = this.envelope.head.length + 64
    for (const piece of this.body) size += piece.length
    return size
  }

  get properties(): PropertiesSection {
    this.#properties ??= new EncodedMessage(this.envelope.head).properties
    return this.#properties
  }

  get applicationProperties(): ReadonlyMap<string, AmqpValue> {
    this.#applicationProperties ??= new EncodedMessage(this.envelope.head).applicationProperties
    return this.#applicationProperties
  }

  /**
   * Encoded application properties section; undefined if its descriptor is not in the short form.
   */
  get propertySection(): Buffer | undefined {
    const { head, propertiesSize } = this.envelope
    const section = head.subarray(head.length - propertiesSize)
    return propertiesSize === 0 || section[1] === 0x53 ? section : undefined
  }

  get groupId(): string | undefined {
    return this.envelope.hasGroup ? this.properties.groupId : undefined
  }

  /**
   * Buffers of the message for a receiver: a new header section, then the stored sections
   * unchanged.
   */
  pieces(deliveryCount: number, nowMs: number): Buffer[] {
    const { durable, priority, expiresAtMs, head } = this.envelope
    const ttl = expiresAtMs === 0 ? undefined : Math.max(expiresAtMs - nowMs, 0)
    return [headerOf(durable, priority, ttl, deliveryCount), head, ...this.body]
  }

  valueOf(name: string): SelectorValue {
    if (name.startsWith('JMS')) {
      const read = headers[name]
      if (read !== undefined) return read(this)
    }
    return selectorValue(this.applicationProperties.get(name))
  }
}

const headers: Readonly<Record<string, (message: StoredMessage) => SelectorValue>> = {
  JMSPriority: ({ envelope }) => BigInt(envelope.priority),
  JMSDeliveryMode: ({ envelope }) => (envelope.durable ? 'PERSISTENT' : 'NON_PERSISTENT'),
  JMSExpiration: ({ envelope }) => BigInt(envelope.expiresAtMs),
  JMSDeliveryTime: (message) =>
    BigInt(message.envelope.deliverAtMs || (message.properties.creationTime ?? 0)),
  JMSMessageID: ({ properties }) => jmsIdOf(properties.messageId),
  JMSCorrelationID: ({ properties }) => jmsCorrelationIdOf(properties.correlationId),
  JMSType: ({ properties }) => properties.subject,
  JMSTimestamp: ({ properties }) => BigInt(properties.creationTime ?? 0),
  JMSXGroupID: ({ properties }) => properties.groupId,
  JMSXGroupSeq: ({ properties }) =>
    properties.groupSequence === undefined ? undefined : BigInt(properties.groupSequence),
  JMSXUserID: ({ properties }) => properties.userId?.toString('utf8'),
  // Not selectable: only the index knows the delivery count, which changes while the message waits.
  JMSRedelivered: () => undefined,
}

/** Converts a property to the value that selectors see. */
export function selectorValue(value: AmqpValue | undefined): SelectorValue {
  if (typeof value === 'string' || typeof value === 'boolean') return value
  if (!(value instanceof Typed)) return undefined
  switch (value.type) {
    case 'byte':
    case 'short':
    case 'int':
    case 'long':
    case 'ubyte':
    case 'ushort':
    case 'uint':
    case 'ulong':
    case 'timestamp':
      return BigInt(value.value as number | bigint)
    case 'float':
    case 'double':
      return value.value as number
    case 'symbol':
    case 'char':
      return value.value as string
    default:
      return undefined
  }
}

const plainHeaders = new Map<number, Buffer>()

/**
 * Encodes a header section. Common ones, without time to live and for a first delivery, are cached.
 */
function headerOf(
  durable: boolean,
  priority: number,
  ttl: number | undefined,
  deliveryCount: number,
): Buffer {
  if (ttl !== undefined || deliveryCount > 0) {
    return encodeHeader({ durable, priority, ttl, deliveryCount })
  }
  const key = priority * 2 + (durable ? 1 : 0)
  let header = plainHeaders.get(key)
  if (header === undefined) {
    header = encodeHeader({ durable, priority })
    plainHeaders.set(key, header)
  }
  return header
}

function encodeHeader(header: HeaderSection): Buffer {
  const encoder = new Encoder(32)
  HeaderSection.encode(encoder, header)
  return encoder.finish()
}
