// SPDX-License-Identifier: Apache-2.0
import { createRequire } from 'node:module'
import { MalformedInputError } from '@millrace/base'
import { Scratch } from './scratch.ts'
import { xxhash32 } from './xxhash32.ts'

// Loaded on first use: a broker without lz4 does not load the native module.
const require = createRequire(import.meta.url)
let native: typeof import('lz4-napi') | undefined

/**
 * Encodes one LZ4 frame with independent blocks, the only kind that Kafka's Java reader accepts.
 */
export function compress(data: Buffer): Buffer {
  native ??= require('lz4-napi') as typeof import('lz4-napi')
  return native.compressFrameSync(data)
}

/*
 * Frames are decompressed here instead of by the native module, which cannot write into existing
 * memory, stop at a limit or report where a frame ends, and is four times slower.
 */
const MAGIC = 0x184d2204
/** A dictionary id, which Kafka does not use, and a reserved bit that must be zero. */
const RESERVED_FLAGS = 0x03
const HAS_CONTENT_CHECKSUM = 0x04
const HAS_CONTENT_SIZE = 0x08
const HAS_BLOCK_CHECKSUM = 0x10
const IS_INDEPENDENT = 0x20
const IS_STORED = 0x80000000
/** Up to this many bytes are copied four at a time, without a call. */
const SHORT = 64

const scratch = new Scratch()

/** Releases the memory of a failed decompression. */
export function release(): void {
  scratch.release()
}

export interface DecodedFrame {
  /** The next call overwrites the bytes. */
  readonly decompressed: Buffer
  /** Size of the frame, bytes. */
  readonly consumed: number
  /** Whether blocks are independent. Kafka's Java reader rejects all other frames. */
  readonly isIndependent: boolean
}

/** Decompresses the first frame of `data`, up to `limit` bytes. */
export function decompress(data: Buffer, limit: number): DecodedFrame {
  if (data.length < 7 || data.readUInt32LE(0) !== MAGIC) {
    throw new MalformedInputError('lz4 data does not start with a frame')
  }
  const flags = data[4] as number
  const descriptor = data[5] as number
  const blockSizeId = descriptor >> 4
  const hasReserved = (flags & RESERVED_FLAGS) !== 0 || (descriptor & 0x0f) !== 0
  if (flags >> 6 !== 1 || blockSizeId < 4 || blockSizeId > 7 || hasReserved) {
    throw new MalformedInputError(`lz4 frame has flags ${flags} and block descriptor ${descriptor}`)
  }
  const isIndependent = (flags & IS_INDEPENDENT) !== 0
  const maxBlock = 1 << (8 + 2 * blockSizeId)
  let at = (flags & HAS_CONTENT_SIZE) === 0 ? 6 : 14
  if (at >= data.length || data[at] !== ((xxhash32(data.subarray(4, at)) >> 8) & 0xff)) {
    throw new MalformedInputError('header of the lz4 frame fails its checksum')
  }
  at++
  const view = new DataView(data.buffer, data.byteOffset, data.length)
  let size = 0
  for (;;) {
    const word = uint32At(data, at)
    at += 4
    if (word === 0) break
    const end = at + (word & 0x7fffffff)
    if (end > data.length) throw new MalformedInputError('lz4 frame ends within a block')
    if ((flags & HAS_BLOCK_CHECKSUM) !== 0) {
      if (uint32At(data, end) !== xxhash32(data.subarray(at, end))) {
        throw new MalformedInputError('block of the lz4 frame fails its checksum')
      }
    }
    if (word >= IS_STORED) {
      scratch.reserve(size + end - at, size, limit)
      data.copy(scratch.buffer, size, at, end)
      size += end - at
    } else {
      const start = isIndependent ? size : 0
      size = decodeBlock(data, { view, at, end, size, start, maxSize: size + maxBlock, limit })
    }
    at = (flags & HAS_BLOCK_CHECKSUM) === 0 ? end : end + 4
  }
  const decompressed = scratch.take(size)
  if ((flags & HAS_CONTENT_CHECKSUM) !== 0) {
    if (uint32At(data, at) !== xxhash32(decompressed)) {
      throw new MalformedInputError('contents of the lz4 frame fail their checksum')
    }
    at += 4
  }
  return { decompressed, consumed: at, isIndependent }
}

function uint32At(data: Buffer, at: number): number {
  if (at + 4 > data.length) throw new MalformedInputError('lz4 frame has no end')
  return data.readUInt32LE(at)
}

interface Block {
  readonly view: DataView
  readonly at: number
  readonly end: number
  /** Number of bytes in the scratch memory so far. */
  readonly size: number
  /** Start of the bytes that matches may refer to. */
  readonly start: number
  readonly maxSize: number
  readonly limit: number
}

/** Appends the contents of a block to the scratch memory; returns its new size. */
function decodeBlock(data: Buffer, block: Block): number {
  const { view, end, start, maxSize, limit } = block
  let { at, size } = block
  scratch.reserve(Math.min(size + (end - at) * 4, maxSize, limit), size, limit)
  let { buffer: out, view: outView, room } = scratch
  while (at < end) {
    const token = data[at++] as number
    let literals = token >> 4
    if (literals === 15) {
      for (let more = 255; more === 255; literals += more) {
        if (at >= end) throw brokenBlock()
        more = data[at++] as number
      }
    }
    if (at + literals > end) throw brokenBlock()
    if (size + literals > room) {
      grow(size + literals, size, block)
      ;({ buffer: out, view: outView, room } = scratch)
    }
    // A word may be read and written past the literals: the input continues, and the output has
    // slack.
    if (literals <= SHORT && at + literals + 4 <= end) {
      for (let i = 0; i < literals; i += 4) {
        outView.setInt32(size + i, view.getInt32(at + i, true), true)
      }
    } else data.copy(out, size, at, at + literals)
    at += literals
    size += literals
    // The last sequence of a block has no match.
    if (at === end) return size
    if (at + 2 > end) throw brokenBlock()
    const distance = view.getUint16(at, true)
    at += 2
    let match = (token & 15) + 4
    if (match === 19) {
      for (let more = 255; more === 255; match += more) {
        if (at >= end) throw brokenBlock()
        more = data[at++] as number
      }
    }
    const from = size - distance
    if (distance === 0 || from < start) throw brokenBlock()
    if (size + match > room) {
      grow(size + match, size, block)
      ;({ buffer: out, view: outView, room } = scratch)
    }
    if (distance >= 4 && match <= SHORT) {
      for (let i = 0; i < match; i += 4) {
        outView.setInt32(size + i, outView.getInt32(from + i, true), true)
      }
    } else if (distance >= match) out.copyWithin(size, from, from + match)
    else for (let i = 0; i < match; i++) out[size + i] = out[from + i] as number
    size += match
  }
  throw brokenBlock()
}

function grow(size: number, used: number, { maxSize, limit }: Block): void {
  if (size > maxSize) throw brokenBlock()
  scratch.reserve(size, used, limit)
}

function brokenBlock(): MalformedInputError {
  return new MalformedInputError('block of the lz4 frame is corrupt')
}
