// SPDX-License-Identifier: Apache-2.0
// Imported as a namespace: an older Node lacks zstd and must reach the check of its version.
import * as zlib from 'node:zlib'
import { MalformedInputError, systemErrorCode } from '@millrace/base'
import { DecompressedTooLargeError } from './decompressed-too-large-error.ts'
import { Inflater } from './inflater.ts'
import * as lz4 from './lz4.ts'
import * as snappy from './snappy.ts'

/** Codecs by their number in the attributes of a batch. */
export const CompressionType = { none: 0, gzip: 1, snappy: 2, lz4: 3, zstd: 4 } as const
/** Codecs of record batches, by their number in the attributes of a batch. */
export type CompressionType = keyof typeof CompressionType

const byId: readonly CompressionType[] = ['none', 'gzip', 'snappy', 'lz4', 'zstd']

/** Undefined for an unknown number. */
export function compressionOfId(id: number): CompressionType | undefined {
  return byId[id]
}

/** Kafka 4.4's `max.decompressed.message.bytes`, limited to a practical size of a Buffer. */
const MAX_DECOMPRESSED_BYTES = 0x7fffffff - 8

const inflaters = { gzip: new Inflater('gzip'), zstd: new Inflater('zstd') }

/** Levels: gzip 1 to 9, lz4 always in fast mode, zstd -131072 to 22; snappy has none. */
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

/**
 * Decompresses data. Throws `MalformedInputError` for data that the codec did not write, and
 * `DecompressedTooLargeError`, before allocating that much memory, if it decompresses to more than
 * `maxBytes`.
 */
export function decompress(
  type: CompressionType,
  data: Buffer,
  maxBytes = MAX_DECOMPRESSED_BYTES,
): Buffer {
  try {
    switch (type) {
      case 'none':
        return data
      case 'gzip':
        return zlib.gunzipSync(data, { maxOutputLength: Math.max(1, maxBytes) })
      case 'snappy':
        return copyOf(snappy.decompress(data, maxBytes))
      case 'lz4':
        return copyOf(lz4.decompress(data, maxBytes).decompressed)
      case 'zstd':
        return zlib.zstdDecompressSync(data, { maxOutputLength: Math.max(1, maxBytes) })
    }
  } catch (error) {
    throw asMalformed(type, error, maxBytes)
  }
}

function copyOf(bytes: Buffer): Buffer {
  const copy = Buffer.allocUnsafeSlow(bytes.length)
  bytes.copy(copy)
  return copy
}

/**
 * Like `decompress`, for a temporary view: the next call may overwrite the bytes. Also throws
 * `MalformedInputError` for trailing bytes, and for lz4 frames that Java clients cannot read.
 */
export function decompressExactly(type: CompressionType, data: Buffer, maxBytes: number): Buffer {
  let consumed = data.length
  let decompressed: Buffer
  try {
    switch (type) {
      case 'none':
        return data
      case 'snappy':
        return snappy.decompress(data, maxBytes)
      case 'lz4': {
        const frame = lz4.decompress(data, maxBytes)
        if (!frame.isIndependent) throw new MalformedInputError('lz4 blocks depend on each other')
        ;({ decompressed, consumed } = frame)
        break
      }
      case 'gzip':
      case 'zstd':
        ;({ decompressed, consumed } = inflaters[type].inflate(data, maxBytes))
        break
    }
  } catch (error) {
    throw asMalformed(type, error, maxBytes)
  }
  if (consumed === data.length) return decompressed
  throw new MalformedInputError(`${data.length - consumed} trailing bytes after the ${type} data`)
}

function asMalformed(type: CompressionType, error: unknown, maxBytes: number): unknown {
  lz4.release()
  snappy.release()
  if (
    error instanceof DecompressedTooLargeError ||
    systemErrorCode(error) === 'ERR_BUFFER_TOO_LARGE'
  ) {
    return new DecompressedTooLargeError(`${type} data decompresses to more than ${maxBytes} bytes`)
  }
  if (error instanceof MalformedInputError) return error
  return new MalformedInputError(`${type} data cannot be decompressed: ${(error as Error).message}`)
}
