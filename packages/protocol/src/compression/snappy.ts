// SPDX-License-Identifier: Apache-2.0
import { createRequire } from 'node:module'
import { ByteReader, MalformedInputError } from '@millrace/base'
import { Scratch } from './scratch.ts'

// Loaded on first use: a broker without snappy does not load the native module.
const require = createRequire(import.meta.url)
let native: typeof import('snappy') | undefined

/*
 * Kafka's Java clients use the framing of snappy-java's stream: a magic, two versions, then blocks
 * preceded by their size. librdkafka and others send one raw block. Both are read; the framed form
 * is written.
 */
const MAGIC = Buffer.from([0x82, 0x53, 0x4e, 0x41, 0x50, 0x50, 0x59, 0x00])
const HEADER = Buffer.concat([MAGIC, Buffer.from([0, 0, 0, 1, 0, 0, 0, 1])])
const NEXT_STREAM = MAGIC.readInt32BE(0)
const BLOCK_SIZE = 32 * 1024
/** Maximum compression ratio of a block: a copy of 64 bytes takes three bytes. */
const MAX_RATIO = 24
/** Up to this many bytes are copied four at a time, without a call. */
const SHORT = 64

const scratch = new Scratch()

/** Releases the memory of a failed decompression. */
export function release(): void {
  scratch.release()
}

export function compress(data: Buffer): Buffer {
  native ??= require('snappy') as typeof import('snappy')
  const parts: Buffer[] = [HEADER]
  for (let at = 0; at < data.length; at += BLOCK_SIZE) {
    const block = native.compressSync(data.subarray(at, at + BLOCK_SIZE))
    const size = Buffer.allocUnsafe(4)
    size.writeInt32BE(block.length)
    parts.push(size, block)
  }
  return Buffer.concat(parts)
}

/** Decompresses up to `limit` bytes. The next call overwrites the result. */
export function decompress(data: Buffer, limit: number): Buffer {
  const isFramed = data.length >= HEADER.length && data.subarray(0, MAGIC.length).equals(MAGIC)
  const view = new DataView(data.buffer, data.byteOffset, data.length)
  if (!isFramed) {
    return scratch.take(decodeBlock(data, { view, at: 0, end: data.length, size: 0, limit }))
  }
  const reader = new ByteReader(data, HEADER.length)
  let size = 0
  while (reader.remaining > 0) {
    const blockSize = reader.int32()
    // Concatenated streams, which snappy-java's reader accepts.
    if (blockSize === NEXT_STREAM && reader.remaining >= HEADER.length - 4) {
      reader.skip(HEADER.length - 4)
      continue
    }
    const at = reader.offset
    reader.skip(blockSize)
    size = decodeBlock(data, { view, at, end: reader.offset, size, limit })
  }
  return scratch.take(size)
}

/**
 * Appends the contents of a block to the scratch memory, of which `size` bytes are used; returns
 * its new size.
 */
function decodeBlock(
  data: Buffer,
  block: {
    readonly view: DataView
    readonly at: number
    readonly end: number
    readonly size: number
    readonly limit: number
  },
): number {
  const { view, end, limit, size: start } = block
  const reader = new ByteReader(data, block.at, end)
  const declared = reader.uvarint()
  let at = reader.offset
  let size = start
  const target = size + declared
  if (declared > (end - block.at) * MAX_RATIO) {
    throw new MalformedInputError(`snappy block of ${end - block.at} bytes claims ${declared}`)
  }
  scratch.reserve(target, size, limit)
  const { buffer: out, view: outView } = scratch
  while (at < end) {
    const tag = data[at++] as number
    const kind = tag & 3
    if (kind === 0) {
      let length = (tag >> 2) + 1
      if (length > 60) {
        const extra = length - 60
        if (at + extra > end) throw brokenBlock()
        length = data.readUIntLE(at, extra) + 1
        at += extra
      }
      if (at + length > end || size + length > target) throw brokenBlock()
      // A word may be read and written past the literals: the input continues, and the output has
      // slack.
      if (length <= SHORT && at + length + 4 <= end) {
        for (let i = 0; i < length; i += 4) {
          outView.setInt32(size + i, view.getInt32(at + i, true), true)
        }
      } else data.copy(out, size, at, at + length)
      at += length
      size += length
      continue
    }
    const operandSize = kind === 3 ? 4 : kind
    if (at + operandSize > end) throw brokenBlock()
    const length = kind === 1 ? ((tag >> 2) & 7) + 4 : (tag >> 2) + 1
    const distance =
      kind === 1
        ? ((tag >> 5) << 8) | (data[at] as number)
        : kind === 2
          ? view.getUint16(at, true)
          : view.getUint32(at, true)
    at += operandSize
    const from = size - distance
    if (distance === 0 || from < start || size + length > target) throw brokenBlock()
    if (distance >= 4) {
      for (let i = 0; i < length; i += 4) {
        outView.setInt32(size + i, outView.getInt32(from + i, true), true)
      }
    } else for (let i = 0; i < length; i++) out[size + i] = out[from + i] as number
    size += length
  }
  if (size !== target) throw brokenBlock()
  return size
}

function brokenBlock(): MalformedInputError {
  return new MalformedInputError('snappy block is corrupt')
}
