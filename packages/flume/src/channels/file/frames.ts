// SPDX-License-Identifier: Apache-2.0
import { crc32 } from 'node:zlib'
import { MalformedInputError } from '@millrace/base'
import { type BatchOrigin, coveredRanges, type Ranges } from '../../batch-origin.ts'
import type { FanOut } from '../../channel.ts'
import type { Event, Hop, Lineage } from '../../event.ts'
import { AvroReader, AvroWriter } from '../../serialization/avro-event.ts'
import type { Cipher } from './encryption.ts'

// A segment is a sequence of frames: size of the payload (uint32), CRC-32 of the segment's number,
// kind and payload (uint32), kind (uint8), payload. The number makes frames invalid that are left
// from an earlier segment in the same file. Described in docs/reference/flume-file-channel.md.

export const FRAME_HEADER_SIZE = 9

export const FrameKind = { put: 1, prepare: 2, take: 3, commit: 4, rollback: 5 } as const
export type FrameKind = (typeof FrameKind)[keyof typeof FrameKind]
const ENCRYPTED = 0x80

/** Content of a frame. */
export type Frame =
  | (PutFrame & { readonly kind: 'put'; readonly fanOut: FanOut | undefined })
  | { readonly kind: 'take'; readonly ranges: Ranges }
  | { readonly kind: 'commit' | 'rollback'; readonly fanOutId: string }

export interface PutFrame {
  /** Position of the first event. */
  readonly first: number
  readonly count: number
  readonly received: Received | undefined
  /** Decodes the events. */
  events(): Event[]
}

/** Origin of the batch. */
export interface Received {
  readonly id: string
  readonly floor: number
  readonly ranges: Ranges
}

/** Initial value of the checksums of a segment. */
export function checksumSeed(segment: number): number {
  const bytes = Buffer.alloc(8)
  bytes.writeBigUInt64BE(BigInt(segment))
  return crc32(bytes)
}

/** Writes frames one after another into one buffer. */
export class FrameWriter {
  readonly #out = new AvroWriter(256 * 1024)
  readonly #cipher: Cipher | undefined
  #seed = 0

  constructor(cipher: Cipher | undefined) {
    this.#cipher = cipher
  }

  get size(): number {
    return this.#out.length
  }

  /** Clears the buffer, for frames of the segment with this seed. */
  begin(seed: number): void {
    this.#seed = seed
    this.#out.clear()
    // A buffer that grew for large batches is not kept.
    if (this.#out.buffer.length > 8 * 1024 * 1024) this.#out.shrink(256 * 1024)
  }

  /** Bytes written since `begin`; valid until the next one. */
  written(): Buffer {
    return this.#out.written()
  }

  put(
    first: number,
    events: readonly Event[],
    origin: BatchOrigin | undefined,
    fanOut: FanOut | undefined,
  ): void {
    const start = this.#startFrame()
    const out = this.#out
    if (fanOut !== undefined) {
      out.string(fanOut.id)
      out.string(fanOut.coordinatorId)
    }
    out.long(first)
    out.long(events.length)
    out.string(origin?.id ?? '')
    if (origin !== undefined) {
      out.long(origin.floor)
      this.#ranges(coveredRanges(origin))
    }
    this.#lineages(events)
    out.events(events)
    this.#endFrame(start, fanOut === undefined ? FrameKind.put : FrameKind.prepare)
  }

  take(ranges: Ranges): void {
    const start = this.#startFrame()
    this.#ranges(ranges)
    this.#endFrame(start, FrameKind.take)
  }

  decide(fanOutId: string, commits: boolean): void {
    const start = this.#startFrame()
    this.#out.string(fanOutId)
    this.#endFrame(start, commits ? FrameKind.commit : FrameKind.rollback)
  }

  #ranges(ranges: Ranges): void {
    this.#out.long(ranges.length)
    let last = 0
    for (const value of ranges) {
      this.#out.long(value - last)
      last = value
    }
  }

  /** Runs of events with the same lineage: their number, and the hops as JSON. */
  #lineages(events: readonly Event[]): void {
    let from = 0
    for (let i = 1; i <= events.length; i++) {
      const lineage = events[from]?.lineage
      if (i < events.length && events[i]?.lineage === lineage) continue
      this.#out.long(i - from)
      this.#out.string(lineageText(lineage))
      from = i
    }
  }

  #startFrame(): number {
    const start = this.#out.length
    this.#out.reserve(FRAME_HEADER_SIZE)
    this.#out.length += FRAME_HEADER_SIZE
    return start
  }

  #endFrame(start: number, kind: FrameKind): void {
    const out = this.#out
    let marked: number = kind
    if (this.#cipher !== undefined) {
      const secret = this.#cipher.encrypt(
        out.buffer.subarray(start + FRAME_HEADER_SIZE, out.length),
      )
      out.length = start + FRAME_HEADER_SIZE
      out.raw(secret)
      marked |= ENCRYPTED
    }
    const { buffer } = out
    buffer.writeUInt32BE(out.length - start - FRAME_HEADER_SIZE, start)
    buffer[start + 8] = marked
    buffer.writeUInt32BE(crc32(buffer.subarray(start + 8, out.length), this.#seed), start + 4)
  }
}

/**
 * The frame at `offset`, or undefined if there is no complete and intact frame of the segment with
 * that seed.
 */
export function frameAt(
  buffer: Buffer,
  offset: number,
  seed: number,
): { readonly kind: number; readonly payload: Buffer; readonly end: number } | undefined {
  if (offset + FRAME_HEADER_SIZE > buffer.length) return undefined
  const size = buffer.readUInt32BE(offset)
  const end = offset + FRAME_HEADER_SIZE + size
  if (end > buffer.length) return undefined
  const checked = buffer.subarray(offset + 8, end)
  if (crc32(checked, seed) !== buffer.readUInt32BE(offset + 4)) return undefined
  return { kind: checked[0] as number, payload: checked.subarray(1), end }
}

/** Decodes a frame; the events of a put lazily. */
export function decodeFrame(
  { kind: marked, payload: given }: { readonly kind: number; readonly payload: Buffer },
  cipher: Cipher | undefined,
): Frame {
  const isEncrypted = (marked & ENCRYPTED) !== 0
  if (isEncrypted && cipher === undefined) {
    throw new MalformedInputError(
      'the channel is encrypted: its encryption.keyProvider and keys are needed to read it',
    )
  }
  const kind = marked & ~ENCRYPTED
  const payload = isEncrypted ? (cipher as Cipher).decrypt(given) : given
  const reader = new AvroReader(payload)
  switch (kind) {
    case FrameKind.put:
      return decodePut(reader, undefined)
    case FrameKind.prepare:
      return decodePut(reader, { id: reader.string(), coordinatorId: reader.string() })
    case FrameKind.take:
      return { kind: 'take', ranges: readRanges(reader) }
    case FrameKind.commit:
      return { kind: 'commit', fanOutId: reader.string() }
    case FrameKind.rollback:
      return { kind: 'rollback', fanOutId: reader.string() }
    default:
      throw new MalformedInputError(`frame of unknown kind ${kind}`)
  }
}

function decodePut(reader: AvroReader, fanOut: FanOut | undefined): Frame {
  const first = reader.long()
  const count = reader.long()
  const id = reader.string()
  const received = id === '' ? undefined : { id, floor: reader.long(), ranges: readRanges(reader) }
  return {
    kind: 'put',
    fanOut,
    first,
    count,
    received,
    events: () => decodeEvents(reader, count),
  }
}

function decodeEvents(reader: AvroReader, count: number): Event[] {
  const runs: { readonly count: number; readonly lineage: Lineage | undefined }[] = []
  for (let seen = 0; seen < count; ) {
    const length = reader.long()
    runs.push({ count: length, lineage: readLineage(reader.string()) })
    seen += Math.max(length, 1)
  }
  const events: Event[] = []
  for (const run of runs) {
    for (let i = 0; i < run.count; i++) {
      const event = reader.event()
      event.lineage = run.lineage
      events.push(event)
    }
  }
  return events
}

function readRanges(reader: AvroReader): number[] {
  const length = reader.long()
  const ranges: number[] = []
  let last = 0
  for (let i = 0; i < length; i++) {
    last += reader.long()
    ranges.push(last)
  }
  return ranges
}

const texts = new WeakMap<Lineage, string>()

/** Hops of an event as JSON, the last one first; empty if there are none. */
export function lineageText(lineage: Lineage | undefined): string {
  if (lineage === undefined) return ''
  const known = texts.get(lineage)
  if (known !== undefined) return known
  const hops: Hop[] = []
  for (let at: Lineage | undefined = lineage; at !== undefined; at = at.previous) hops.push(at.hop)
  const text = JSON.stringify(
    hops.map(({ agent, source, host, atMs }) => [agent, source, host, atMs]),
  )
  texts.set(lineage, text)
  return text
}

/** Parses the text of `lineageText`; an invalid one counts as no lineage. */
export function readLineage(text: string): Lineage | undefined {
  if (text === '') return undefined
  try {
    const hops = JSON.parse(text) as readonly (readonly [string, string, string, number])[]
    let lineage: Lineage | undefined
    for (const [agent, source, host, atMs] of [...hops].reverse()) {
      lineage = { hop: { agent, source, host, atMs }, previous: lineage }
    }
    if (lineage !== undefined) texts.set(lineage, text)
    return lineage
  } catch {
    return undefined
  }
}
