// SPDX-License-Identifier: Apache-2.0
// As a namespace: an older Node lacks zstd and must reach the check of its version.
import * as zlib from 'node:zlib'
import { MalformedInputError } from '@millrace/base'
import * as lz4 from './lz4.ts'
import * as snappy from './snappy.ts'

/** Codecs by the number in a batch's attributes. */
export const CompressionType = { none: 0, gzip: 1, snappy: 2, lz4: 3, zstd: 4 } as const
/** Codecs of record batches, by their numbers in a batch's attributes. */
export type CompressionType = keyof typeof CompressionType

const byId: readonly CompressionType[] = ['none', 'gzip', 'snappy', 'lz4', 'zstd']

/** Undefined for numbers that no codec has. */
export function compressionOfId(id: number): CompressionType | undefined {
  return byId[id]
}

/** Kafka 4.4's `max.decompressed.message.bytes`, cut to what a Buffer can sensibly hold. */
const MAX_DECOMPRESSED_BYTES = 0x7fffffff - 8

/** Levels: gzip 1 to 9, lz4 is always fast mode, zstd -131072 to 22; snappy has none. */
export function compress(type: CompressionType, data: Buffer, level?: number): Buffer {
  switch (type) {
    case 'none':
      return data
    case 'gzip':
      return zlib.gzipSync(data, level === undefined ? {} : { level })
    case 'snappy':
      return snappy.compress(data)
    case 'lz4':
      return lz4.compress(data)
    case 'zstd':
      return zlib.zstdCompressSync(
        data,
        level === undefined ? {} : { params: { [zlib.constants.ZSTD_c_compressionLevel]: level } },
      )
  }
}

/** Throws `MalformedInputError` when the data is not what the codec wrote. */
export function decompress(type: CompressionType, data: Buffer): Buffer {
  try {
    switch (type) {
      case 'none':
        return data
      case 'gzip':
        return zlib.gunzipSync(data, { maxOutputLength: MAX_DECOMPRESSED_BYTES })
      case 'snappy':
        return snappy.decompress(data)
      case 'lz4':
        return lz4.decompress(data)
      case 'zstd':
        return zlib.zstdDecompressSync(data, { maxOutputLength: MAX_DECOMPRESSED_BYTES })
    }
  } catch (error) {
    if (error instanceof MalformedInputError) throw error
    throw new MalformedInputError(
      `${type} data cannot be decompressed: ${(error as Error).message}`,
    )
  }
}
