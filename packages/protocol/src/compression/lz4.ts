// SPDX-License-Identifier: Apache-2.0
import { createRequire } from 'node:module'

// Loaded on first use: a broker that never sees lz4 does not pay for the native module.
const require = createRequire(import.meta.url)
let native: typeof import('lz4-napi') | undefined

function lz4(): typeof import('lz4-napi') {
  native ??= require('lz4-napi') as typeof import('lz4-napi')
  return native
}

/** One LZ4 frame with independent blocks, the only kind Kafka's Java reader takes. */
export function compress(data: Buffer): Buffer {
  return lz4().compressFrameSync(data)
}

export function decompress(data: Buffer): Buffer {
  return lz4().decompressFrameSync(data)
}
