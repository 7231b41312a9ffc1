// SPDX-License-Identifier: Apache-2.0
import { createRequire } from 'node:module'
import { promisify } from 'node:util'
// A namespace import: older versions of Node lack zstd and must reach the version check.
import * as zlib from 'node:zlib'

export type Codec = 'none' | 'gzip' | 'deflate' | 'zstd' | 'snappy'

/** Suffixes of file names. */
export const CODEC_SUFFIXES = {
  none: '',
  gzip: '.gz',
  deflate: '.deflate',
  zstd: '.zst',
  snappy: '.snappy',
} as const

/** Default block size of Hadoop's SnappyCodec. */
const SNAPPY_BLOCK = 256 * 1024

const compressors: Readonly<Record<Exclude<Codec, 'none'>, (bytes: Buffer) => Promise<Buffer>>> = {
  gzip: promisify<Buffer, Buffer>(zlib.gzip),
  deflate: promisify<Buffer, Buffer>(zlib.deflate),
  zstd: (bytes) => promisify<Buffer, Buffer>(zlib.zstdCompress)(bytes),
  snappy: async (bytes) => snappyBlocks(bytes),
}

/** Compresses a part of a file. Decompressors read consecutive parts as one stream. */
export async function compressed(codec: Codec, bytes: Buffer): Promise<Buffer> {
  return codec === 'none' || bytes.length === 0 ? bytes : compressors[codec](bytes)
}

const require = createRequire(import.meta.url)

/** Snappy in one block. The native module is loaded on first use. */
function snappyBlock(bytes: Buffer): Buffer {
  const { compressSync } = require('snappy') as typeof import('snappy')
  return compressSync(bytes)
}

/**
 * Hadoop's framing: the size of an uncompressed block, then size and bytes of the compressed one.
 */
export function snappyBlocks(bytes: Buffer): Buffer {
  const parts: Buffer[] = []
  for (let at = 0; at < bytes.length; at += SNAPPY_BLOCK) {
    const block = bytes.subarray(at, at + SNAPPY_BLOCK)
    const packed = snappyBlock(block)
    const sizes = Buffer.alloc(8)
    sizes.writeUInt32BE(block.length, 0)
    sizes.writeUInt32BE(packed.length, 4)
    parts.push(sizes, packed)
  }
  return Buffer.concat(parts)
}
