// SPDX-License-Identifier: Apache-2.0
import { MalformedInputError } from '@millrace/base'

/** Record header with the parts of a JMS message that have no field in a Kafka record. */
export const ENVELOPE_HEADER = 'amqp'
const VERSION = 1
const FIXED_SIZE = 40
const noBytes = Buffer.alloc(0)

const Flag = { durable: 1, group: 2, wholeBody: 4, duplicateId: 8, onlyFor: 16 } as const

/** Metadata of a message, in a form that the index reads without decoding AMQP. */
export interface Envelope {
  readonly durable: boolean
  /** 0 to 9. */
  readonly priority: number
  /** Milliseconds since 1970, 0 for never. */
  readonly expiresAtMs: number
  /** Earliest delivery time, milliseconds since 1970; 0 for immediately. */
  readonly deliverAtMs: number
  /** Hash of the sending connection's container id, for noLocal. */
  readonly origin: bigint
  /** Whether the message belongs to a message group. */
  readonly hasGroup: boolean
  /** Whether the message has an id for duplicate detection. */
  readonly hasDuplicateId: boolean
  /** Message annotations, properties and application properties, encoded. */
  readonly head: Buffer
  /** Size of the application properties section at the end of `head`, in bytes. */
  readonly propertiesSize: number
  /** Id of the only subscription of a topic that receives the message. Default: all of them. */
  readonly onlyFor?: string | undefined
}

/** The part of an envelope that the index needs, read without decoding the rest. */
export interface EnvelopeSummary {
  readonly durable: boolean
  readonly priority: number
  readonly expiresAtMs: number
  readonly deliverAtMs: number
  /** Application properties section; empty if absent. */
  readonly properties: Buffer
}

/**
 * Reads a summary. Returns undefined for an envelope that needs decoding: of another version, in a
 * group, or with a duplicate id.
 */
export function summarizeEnvelope(buffer: Buffer): EnvelopeSummary | undefined {
  const flags = buffer[1] as number
  const isPlain = buffer[0] === VERSION && (flags & (Flag.group | Flag.duplicateId)) === 0
  if (buffer.length < FIXED_SIZE || !isPlain) return undefined
  const headEnd = FIXED_SIZE + buffer.readUInt32BE(28)
  const propertiesStart = headEnd - buffer.readUInt32BE(36)
  if (headEnd > buffer.length || propertiesStart < FIXED_SIZE) return undefined
  return {
    durable: (flags & Flag.durable) !== 0,
    priority: Math.min(buffer[2] as number, 9),
    expiresAtMs: time(buffer, 12),
    deliverAtMs: time(buffer, 20),
    properties: buffer.subarray(propertiesStart, headEnd),
  }
}

/** Reads a 64-bit time without `bigint`, for speed. */
function time(buffer: Buffer, at: number): number {
  return buffer.readUInt32BE(at) * 0x1_0000_0000 + buffer.readUInt32BE(at + 4)
}

/** Encoding of the body in the record. */
export interface EnvelopeBody {
  /** True if `bytes` is the complete body and the record's value is only a rendering of it. */
  readonly isWhole: boolean
  /** The complete body sections, or the bytes before the value in them. */
  readonly bytes: Buffer
  readonly footer: Buffer
}

export function encodeEnvelope(envelope: Envelope, body: EnvelopeBody): Buffer {
  const { head } = envelope
  const { bytes, isWhole } = body
  const footer = Buffer.concat([body.footer, tailOf(envelope.onlyFor)])
  const buffer = Buffer.allocUnsafe(FIXED_SIZE + head.length + bytes.length + footer.length)
  buffer[0] = VERSION
  buffer[1] =
    (envelope.durable ? Flag.durable : 0) |
    (envelope.hasGroup ? Flag.group : 0) |
    (isWhole ? Flag.wholeBody : 0) |
    (envelope.hasDuplicateId ? Flag.duplicateId : 0) |
    (envelope.onlyFor === undefined ? 0 : Flag.onlyFor)
  buffer[2] = envelope.priority
  buffer[3] = 0
  buffer.writeBigUInt64BE(envelope.origin, 4)
  buffer.writeBigInt64BE(BigInt(envelope.expiresAtMs), 12)
  buffer.writeBigInt64BE(BigInt(envelope.deliverAtMs), 20)
  buffer.writeUInt32BE(head.length, 28)
  buffer.writeUInt32BE(bytes.length, 32)
  buffer.writeUInt32BE(envelope.propertiesSize, 36)
  buffer.set(head, FIXED_SIZE)
  buffer.set(bytes, FIXED_SIZE + head.length)
  buffer.set(footer, FIXED_SIZE + head.length + bytes.length)
  return buffer
}

/** The subscription id and its size in bytes (16 bits), after the footer. */
function tailOf(onlyFor: string | undefined): Buffer {
  if (onlyFor === undefined) return noBytes
  const id = Buffer.from(onlyFor)
  const tail = Buffer.alloc(id.length + 2)
  tail.set(id)
  tail.writeUInt16BE(id.length, id.length)
  return tail
}

/** Decodes an envelope. Throws `MalformedInputError` for malformed bytes. */
export function decodeEnvelope(buffer: Buffer): Envelope & EnvelopeBody {
  if (buffer.length < FIXED_SIZE || buffer[0] !== VERSION) {
    throw new MalformedInputError(
      `header ${ENVELOPE_HEADER} is not an envelope of version ${VERSION}`,
    )
  }
  const flags = buffer[1] as number
  const headEnd = FIXED_SIZE + buffer.readUInt32BE(28)
  const bodyEnd = headEnd + buffer.readUInt32BE(32)
  const propertiesSize = buffer.readUInt32BE(36)
  const end = (flags & Flag.onlyFor) === 0 ? buffer.length : startOfTail(buffer)
  if (bodyEnd > end || FIXED_SIZE + propertiesSize > headEnd) {
    throw new MalformedInputError('truncated envelope')
  }
  return {
    durable: (flags & Flag.durable) !== 0,
    hasGroup: (flags & Flag.group) !== 0,
    hasDuplicateId: (flags & Flag.duplicateId) !== 0,
    priority: Math.min(buffer[2] as number, 9),
    origin: buffer.readBigUInt64BE(4),
    expiresAtMs: time(buffer, 12),
    deliverAtMs: time(buffer, 20),
    head: buffer.subarray(FIXED_SIZE, headEnd),
    propertiesSize,
    isWhole: (flags & Flag.wholeBody) !== 0,
    bytes: buffer.subarray(headEnd, bodyEnd),
    footer: buffer.subarray(bodyEnd, end),
    ...(end < buffer.length ? { onlyFor: buffer.toString('utf8', end, buffer.length - 2) } : {}),
  }
}

function startOfTail(buffer: Buffer): number {
  return buffer.length - 2 - buffer.readUInt16BE(buffer.length - 2)
}
