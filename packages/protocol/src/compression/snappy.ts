// SPDX-License-Identifier: Apache-2.0
import { createRequire } from 'node:module'
import { ByteReader, MalformedInputError } from '@millrace/base'

// Loaded on first use: a broker that never sees snappy does not pay for the native module.
const require = createRequire(import.meta.url)
let native: typeof import('snappy') | undefined

function snappy(): typeof import('snappy') {
  native ??= require('snappy') as typeof import('snappy')
  return native
}

/*
 * Kafka's Java clients frame snappy as snappy-java's stream does: a magic, two versions, then blocks with a size in
 * front. librdkafka, among others, sends one raw block. Both are read; the framed form is written.
 */
const MAGIC = Buffer.from([0x82, 0x53, 0x4e, 0x41, 0x50, 0x50, 0x59, 0x00])
const HEADER = Buffer.concat([MAGIC, Buffer.from([0, 0, 0, 1, 0, 0, 0, 1])])
const BLOCK_SIZE = 32 * 1024

export function compress(data: Buffer): Buffer {
  const parts: Buffer[] = [HEADER]
  for (let at = 0; at < data.length; at += BLOCK_SIZE) {
    const block = snappy().compressSync(data.subarray(at, at + BLOCK_SIZE))
    const size = Buffer.allocUnsafe(4)
    size.writeInt32BE(block.length)
    parts.push(size, block)
  }
  return Buffer.concat(parts)
}

export function decompress(data: Buffer): Buffer {
  if (data.length < HEADER.length || !data.subarray(0, MAGIC.length).equals(MAGIC)) {
    return snappy().uncompressSync(data) as Buffer
  }
  const reader = new ByteReader(data, HEADER.length)
  const parts: Buffer[] = []
  while (reader.remaining > 0) {
    const size = reader.int32()
    if (size < 0) throw new MalformedInputError(`snappy block has size ${size}`)
    parts.push(snappy().uncompressSync(reader.bytes(size)) as Buffer)
  }
  return Buffer.concat(parts)
}
