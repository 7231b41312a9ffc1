// SPDX-License-Identifier: Apache-2.0
import { ByteReader } from '@millrace/base'
import { AmqpError, Condition } from '../amqp-error.ts'
// What frames and messages are made of has to be known before the first one comes.
import '../definitions/messaging.ts'
import '../definitions/performatives.ts'
import { type AnyComposite, decodeComposite, encodeComposite } from './composite.ts'
import { Encoder } from './encoder.ts'

/** The eight bytes that start AMQP, and those that start its SASL layer (part 2, section 2.2). */
export const amqpHeader = Buffer.from([0x41, 0x4d, 0x51, 0x50, 0, 1, 0, 0])
export const saslHeader = Buffer.from([0x41, 0x4d, 0x51, 0x50, 3, 1, 0, 0])
export const HEADER_SIZE = 8

/** Every peer must take frames of this size (section 2.3). */
export const MIN_MAX_FRAME_SIZE = 512

export const FrameType = { amqp: 0, sasl: 1 } as const

/** One frame; an empty one, a heartbeat, has no body. */
export interface Frame {
  readonly type: number
  readonly channel: number
  readonly body: AnyComposite | undefined
  /** What follows the performative: the message of a transfer. */
  readonly payload: Buffer
}

/** Cuts a stream of bytes into protocol headers and frames. */
export class FrameReader {
  readonly #chunks: Buffer[] = []
  #size = 0
  /** Frames larger than this are refused. */
  maxFrameSize = MIN_MAX_FRAME_SIZE

  push(chunk: Buffer): void {
    this.#chunks.push(chunk)
    this.#size += chunk.length
  }

  /** The next eight bytes, or undefined as long as they are not there. */
  header(): Buffer | undefined {
    return this.#size < HEADER_SIZE ? undefined : this.#take(HEADER_SIZE)
  }

  /** The next frame, or undefined until all its bytes are there. Throws `AmqpError`, `MalformedInputError`. */
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

  /** At least `size` bytes in one piece, left where they are. */
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

/** A frame without its payload; `payloadSize` is counted in its size. */
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
