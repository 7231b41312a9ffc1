// SPDX-License-Identifier: Apache-2.0
import { ByteReader } from '@millrace/base'
import { AmqpError, Condition } from '../amqp-error.ts'
// Imported for their side effect: they register the composite types that frames and messages use.
import '../definitions/messaging.ts'
import '../definitions/performatives.ts'
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
}

/** Splits a byte stream into protocol headers and frames. */
export class FrameReader {
  readonly #chunks: Buffer[] = []
  #size = 0
  /** Larger frames are rejected. */
  maxFrameSize = MIN_MAX_FRAME_SIZE

  push(chunk: Buffer): void {
    this.#chunks.push(chunk)
    this.#size += chunk.length
  }

  /** Returns the next eight bytes, or undefined until they have arrived. */
  header(): Buffer | undefined {
    return this.#size < HEADER_SIZE ? undefined : this.#take(HEADER_SIZE)
  }

  /**
   * Returns the next frame, or undefined until it has arrived completely. Throws `AmqpError` or
   * `MalformedInputError`.
   */
  frame(): Frame | undefined {
    if (this.#size < HEADER_SIZE) return undefined
    const head = this.#peek(HEADER_SIZE)
    const size = head.readUInt32BE(0)
    if (size < HEADER_SIZE) {
      throw new AmqpError(Condition.framingError, `a frame of ${size} bytes, less than its header`)
    }
    if (size > this.maxFrameSize) {
      throw new AmqpError(
        Condition.framingError,
        `a frame of ${size} bytes, more than the ${this.maxFrameSize} that were agreed`,
      )
    }
    if (this.#size < size) return undefined
    return decodeFrame(this.#take(size))
  }

  /** Returns at least `size` bytes in one buffer, without consuming them. */
  #peek(size: number): Buffer {
    const [first] = this.#chunks
    if (first !== undefined && first.length >= size) return first
    const joined = Buffer.concat(this.#chunks)
    this.#chunks.splice(0, this.#chunks.length, joined)
    return joined
  }

  #take(size: number): Buffer {
    const first = this.#peek(size)
    this.#size -= size
    if (first.length === size) {
      this.#chunks.shift()
      return first
    }
    this.#chunks[0] = first.subarray(size)
    return first.subarray(0, size)
  }
}

function decodeFrame(bytes: Buffer): Frame {
  const dataOffset = (bytes[4] as number) * 4
  const type = bytes[5] as number
  const channel = bytes.readUInt16BE(6)
  if (dataOffset < HEADER_SIZE || dataOffset > bytes.length) {
    throw new AmqpError(Condition.framingError, `a frame with its data at ${dataOffset}`)
  }
  if (dataOffset === bytes.length) return { type, channel, body: undefined, payload: noBytes }
  const reader = new ByteReader(bytes, dataOffset)
  const body = decodeComposite(reader)
  return { type, channel, body, payload: bytes.subarray(reader.offset) }
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
