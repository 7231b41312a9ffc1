// SPDX-License-Identifier: Apache-2.0
import { createHash } from 'node:crypto'
import { elementAt, MalformedInputError } from '@millrace/base'
import type { AvroReader, AvroWriter } from '../serialization/avro-event.ts'
import { FRAME_MEMORY_BYTES } from './frame-memory.ts'

// Avro RPC 1.11 over a stateful stream, as far as Flume's AvroSourceProtocol needs it: a handshake
// with the first call of a connection, then calls. Specification: "Protocol Wire Format" and
// "Handshake".

/** The protocol, as this side declares it. */
export const PROTOCOL = JSON.stringify({
  protocol: 'AvroSourceProtocol',
  namespace: 'org.apache.flume.source.avro',
  types: [
    { type: 'enum', name: 'Status', symbols: ['OK', 'FAILED', 'UNKNOWN'] },
    {
      type: 'record',
      name: 'AvroFlumeEvent',
      fields: [
        { name: 'headers', type: { type: 'map', values: 'string' } },
        { name: 'body', type: 'bytes' },
      ],
    },
  ],
  messages: {
    append: { request: [{ name: 'event', type: 'AvroFlumeEvent' }], response: 'Status' },
    appendBatch: {
      request: [{ name: 'events', type: { type: 'array', items: 'AvroFlumeEvent' } }],
      response: 'Status',
    },
  },
})
const OWN_HASH = createHash('md5').update(PROTOCOL).digest()
/** Hash of the protocol as Flume 1.11 declares it, with comments. */
const FLUME_HASH = Buffer.from('86aadae2c45474c0fe93ffd0f2350a65', 'hex')

export const Status = { OK: 0, FAILED: 1, UNKNOWN: 2 } as const

/** Metadata of a call; Flume ignores unknown entries. */
export type Metadata = ReadonlyMap<string, Buffer>

const Match = { BOTH: 0, CLIENT: 1, NONE: 2 } as const

function writeMetadata(out: AvroWriter, metadata: Metadata): void {
  if (metadata.size > 0) {
    out.long(metadata.size)
    for (const [name, value] of metadata) {
      out.string(name)
      out.bytes(value)
    }
  }
  out.long(0)
}

function readMetadata(reader: AvroReader): Map<string, Buffer> {
  const metadata = new Map<string, Buffer>()
  reader.blocks(() => {
    const name = reader.string()
    metadata.set(name, reader.bytes())
  })
  return metadata
}

/** An optional value: the second branch of a union with null. */
function optional<T>(reader: AvroReader, read: () => T): T | undefined {
  return reader.long() === 0 ? undefined : read()
}

/** Handshake of the client; with the protocol, so that the server need not request it. */
export function writeHandshakeRequest(out: AvroWriter): void {
  out.raw(OWN_HASH)
  out.long(1)
  out.string(PROTOCOL)
  out.raw(FLUME_HASH)
  out.long(0)
}

/** Reads the handshake of the server; throws if the server has another protocol. */
export function readHandshakeResponse(reader: AvroReader): void {
  const match = reader.long()
  const protocol = optional(reader, () => reader.string())
  optional(reader, () => reader.raw(16))
  optional(reader, () => readMetadata(reader))
  if (match === Match.NONE) {
    throw new MalformedInputError(
      `the server does not know the protocol; its own is ${protocol?.slice(0, 200) ?? 'not told'}`,
    )
  }
}

/** Result of a client's handshake. */
export interface Handshake {
  /** Whether calls may follow; otherwise the client must send its protocol first. */
  readonly isAccepted: boolean
  write(out: AvroWriter): void
}

export function readHandshakeRequest(reader: AvroReader): Handshake {
  const clientHash = reader.raw(16)
  const clientProtocol = optional(reader, () => reader.string())
  const serverHash = reader.raw(16)
  optional(reader, () => readMetadata(reader))
  const isKnown = [OWN_HASH, FLUME_HASH].some((hash) => hash.equals(clientHash))
  if (!isKnown && clientProtocol !== undefined) checkProtocol(clientProtocol)
  const isAccepted = isKnown || clientProtocol !== undefined
  const knowsUs = [OWN_HASH, FLUME_HASH].some((hash) => hash.equals(serverHash))
  return {
    isAccepted,
    write(out) {
      out.long(!isAccepted ? Match.NONE : knowsUs ? Match.BOTH : Match.CLIENT)
      const tells = !isAccepted || !knowsUs
      out.long(tells ? 1 : 0)
      if (tells) out.string(PROTOCOL)
      out.long(tells ? 1 : 0)
      if (tells) out.raw(OWN_HASH)
      out.long(0)
    },
  }
}

/** A client may declare the protocol differently if its messages are the same. */
function checkProtocol(text: string): void {
  let declared: { readonly messages?: Readonly<Record<string, unknown>> }
  try {
    declared = JSON.parse(text) as typeof declared
  } catch {
    throw new MalformedInputError('the protocol of the client is not JSON')
  }
  if (declared.messages?.append === undefined && declared.messages?.appendBatch === undefined) {
    throw new MalformedInputError(
      `the client speaks another protocol: its messages are ${Object.keys(declared.messages ?? {}).join(', ') || 'none'}`,
    )
  }
}

export function writeCallStart(out: AvroWriter, metadata: Metadata, message: string): void {
  writeMetadata(out, metadata)
  out.string(message)
}

export function readCallStart(reader: AvroReader): {
  readonly metadata: Metadata
  readonly message: string
} {
  return { metadata: readMetadata(reader), message: reader.string() }
}

export function writeStatus(out: AvroWriter, metadata: Metadata, status: number): void {
  writeMetadata(out, metadata)
  out.byte(0)
  out.long(status)
}

/** An undeclared error: a text. */
export function writeSystemError(out: AvroWriter, message: string): void {
  writeMetadata(out, new Map())
  out.byte(1)
  out.long(0)
  out.string(message)
}

export function readStatus(reader: AvroReader): {
  readonly metadata: Metadata
  readonly status: number
} {
  const metadata = readMetadata(reader)
  const isError = reader.byte() !== 0
  if (isError) {
    reader.long()
    throw new MalformedInputError(`the server says: ${reader.string()}`)
  }
  return { metadata, status: reader.long() }
}

/**
 * Longest message. Flume is limited by its heap only; here incomplete messages share this memory.
 */
const MAX_MESSAGE_SIZE = FRAME_MEMORY_BYTES

/** Cuts a stream into messages: serial, number of buffers, and each with its size. */
export class AvroFramer {
  #chunks: Buffer[] = []
  #size = 0
  readonly #onMessage: (serial: number, payload: Buffer) => void
  #serial = 0
  /** Number of missing buffers of the message; undefined between messages. */
  #left: number | undefined
  #pieces: Buffer[] = []
  #pieceBytes = 0
  #pieceSize: number | undefined

  constructor(onMessage: (serial: number, payload: Buffer) => void) {
    this.#onMessage = onMessage
  }

  /** Bytes of an incomplete message. */
  get bufferedBytes(): number {
    return this.#size + this.#pieceBytes
  }

  push(chunk: Buffer): void {
    this.#chunks.push(chunk)
    this.#size += chunk.length
    while (this.#step()) {
      // Until more bytes are needed.
    }
  }

  #step(): boolean {
    if (this.#left === undefined) {
      if (this.#size < 8) return false
      const header = this.#take(8)
      this.#serial = header.readInt32BE(0)
      this.#left = header.readInt32BE(4)
      if (this.#left < 0 || this.#left > 1_000_000) {
        throw new MalformedInputError(`not an Avro message: it claims ${this.#left} buffers`)
      }
    }
    if (this.#left === 0) {
      const payload =
        this.#pieces.length === 1 ? elementAt(this.#pieces, 0) : Buffer.concat(this.#pieces)
      this.#pieces = []
      this.#pieceBytes = 0
      this.#left = undefined
      this.#onMessage(this.#serial, payload)
      return true
    }
    if (this.#pieceSize === undefined) {
      if (this.#size < 4) return false
      this.#pieceSize = this.#take(4).readInt32BE(0)
      const total = this.#pieceBytes + this.#pieceSize
      if (this.#pieceSize < 0 || total > MAX_MESSAGE_SIZE) {
        throw new MalformedInputError(
          `not an Avro message, or too long: its size is ${total} bytes, more than ${MAX_MESSAGE_SIZE}`,
        )
      }
    }
    if (this.#size < this.#pieceSize) return false
    this.#pieces.push(this.#take(this.#pieceSize))
    this.#pieceBytes += this.#pieceSize
    this.#pieceSize = undefined
    this.#left--
    return true
  }

  #take(size: number): Buffer {
    this.#size -= size
    const first = this.#chunks[0]
    if (first !== undefined && first.length >= size) {
      if (first.length === size) this.#chunks.shift()
      else this.#chunks[0] = first.subarray(size)
      return first.subarray(0, size)
    }
    const whole = Buffer.allocUnsafeSlow(size)
    let at = 0
    let used = 0
    while (at < size) {
      const chunk = elementAt(this.#chunks, used)
      const part = Math.min(chunk.length, size - at)
      chunk.copy(whole, at, 0, part)
      at += part
      if (part === chunk.length) used++
      else this.#chunks[used] = chunk.subarray(part)
    }
    this.#chunks.splice(0, used)
    return whole
  }
}

/** Space for serial, number of buffers and size in front of a message. */
export const FRAME_HEADER_SIZE = 12

/** Fills in the frame header of a message that was written after `FRAME_HEADER_SIZE` bytes. */
export function finishFrame(out: AvroWriter, serial: number): Buffer {
  out.buffer.writeInt32BE(serial, 0)
  out.buffer.writeInt32BE(1, 4)
  out.buffer.writeInt32BE(out.length - FRAME_HEADER_SIZE, 8)
  return out.written()
}

export function startFrame(out: AvroWriter): void {
  out.clear()
  out.reserve(FRAME_HEADER_SIZE)
  out.length = FRAME_HEADER_SIZE
}
