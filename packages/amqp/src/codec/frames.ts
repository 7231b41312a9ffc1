// SPDX-License-Identifier: Apache-2.0
import { ByteReader } from '@millrace/base'
import { AmqpError, Condition } from '../amqp-error.ts'
// Imported for their side effect: they register the composite types that frames and messages use.
import '../definitions/messaging.ts'
import '../definitions/performatives.ts'
import { ByteQueue } from './byte-queue.ts'
import { type AnyComposite, decodeComposite, encodeComposite } from './composite.ts'
import { Encoder } from './encoder.ts'

/** Protocol headers of AMQP and of its SASL layer, eight bytes each (part 2, section 2.2). */
export const amqpHeader = Buffer.from([0x41, 0x4d, 0x51, 0x50, 0, 1, 0, 0])
export const saslHeader = Buffer.from([0x41, 0x4d, 0x51, 0x50, 3, 1, 0, 0])
export const HEADER_SIZE = 8

/** Every peer must accept frames of this size (section 2.3). */
export const MIN_MAX_FRAME_SIZE = 512

export const FrameType = { amqp: 0, sasl: 1 } as const

/** One frame. An empty frame, which serves as a heartbeat, has no body. */
export interface Frame {
  readonly type: number
  readonly channel: number
  readonly body: AnyComposite | undefined
  /** Bytes after the performative: the message data of a transfer. */
  readonly payload: Buffer
  /** Size of the complete frame, in bytes. */
  readonly size: number
}

/** Splits a byte stream into protocol headers and frames. */
export class FrameReader {
  readonly #bytes = new ByteQueue()
  /** Larger frames are rejected. */
  maxFrameSize = MIN_MAX_FRAME_SIZE

  push(chunk: Buffer): void {
    this.#bytes.push(chunk)
  }

  /** Number of bytes that do not form a complete frame yet. */
  get size(): number {
    return this.#bytes.size
  }

  /** Releases memory that an incomplete frame does not need. */
  compact(): void {
    this.#bytes.compact()
  }

  /** Discards the remaining bytes. */
  clear(): void {
    this.#bytes.takeAll()
  }

  /** Returns the next eight bytes, or undefined until they have arrived. */
  header(): Buffer | undefined {
    return this.#bytes.size < HEADER_SIZE ? undefined : this.#bytes.take(HEADER_SIZE)
  }

  /**
   * Returns the next frame, or undefined until it has arrived completely. Throws `AmqpError` or
   * `MalformedInputError`.
   */
  frame(): Frame | undefined {
    if (this.#bytes.size < HEADER_SIZE) return undefined
    const size = this.#bytes.peek(HEADER_SIZE).readUInt32BE(0)
    if (size < HEADER_SIZE) {
      throw new AmqpError(
        Condition.framingError,
        `frame size ${size} is smaller than the frame header`,
      )
    }
    if (size > this.maxFrameSize) {
      throw new AmqpError(
        Condition.framingError,
        `frame size ${size} exceeds max-frame-size ${this.maxFrameSize}`,
      )
    }
    return this.#bytes.size < size ? undefined : decodeFrame(this.#bytes.take(size))
  }
}

function decodeFrame(bytes: Buffer): Frame {
  const dataOffset = (bytes[4] as number) * 4
  const type = bytes[5] as number
  const channel = bytes.readUInt16BE(6)
  if (dataOffset < HEADER_SIZE || dataOffset > bytes.length) {
    throw new AmqpError(Condition.framingError, `invalid data offset ${dataOffset} in a frame`)
  }
  if (dataOffset === bytes.length) {
    return { type, channel, body: undefined, payload: noBytes, size: bytes.length }
  }
  const reader = new ByteReader(bytes, dataOffset)
  const body = decodeComposite(reader)
  return { type, channel, body, payload: bytes.subarray(reader.offset), size: bytes.length }
}

const noBytes = Buffer.alloc(0)
export const heartbeat = Buffer.from([0, 0, 0, 8, 2, 0, 0, 0])

/** Encodes a frame without its payload. The frame size includes `payloadSize`. */
export function encodeFrame(
  type: number,
  channel: number,
  body: AnyComposite,
  payloadSize = 0,
): Buffer {
  const encoder = new Encoder(128)
  encoder.raw(heartbeat)
  encodeComposite(encoder, body)
  const frame = encoder.finish()
  frame.writeUInt32BE(frame.length + payloadSize, 0)
  frame[5] = type
  frame.writeUInt16BE(channel, 6)
  return frame
}
