// SPDX-License-Identifier: Apache-2.0
import { randomBytes } from 'node:crypto'
// A namespace import: older versions of Node lack zstd and must reach the version check.
import * as zlib from 'node:zlib'
import type { Event } from '../../event.ts'
import type { EventSerializer } from '../../serialization/serializers.ts'
import { snappyBlocks } from '../bucketing/codecs.ts'

/** Codecs inside a sequence file, by Hadoop's class. */
const CLASSES = {
  gzip: ['org.apache.hadoop.io.compress.GzipCodec', zlib.gzipSync],
  deflate: ['org.apache.hadoop.io.compress.DefaultCodec', zlib.deflateSync],
  zstd: [
    'org.apache.hadoop.io.compress.ZStandardCodec',
    (bytes: Buffer) => zlib.zstdCompressSync(bytes),
  ],
  snappy: ['org.apache.hadoop.io.compress.SnappyCodec', snappyBlocks],
} as const

export type SequenceFileCodec = keyof typeof CLASSES

export interface SequenceFileOptions {
  /** Values are Text, not BytesWritable. */
  readonly isText: boolean
  /** Blocks are compressed. */
  readonly codec: SequenceFileCodec | undefined
  /** The key of an event without the header `timestamp`. */
  now(): number
}

/** A Hadoop sequence file, version 6: the event's time as the key, its body as the value. */
export class SequenceFile implements EventSerializer {
  readonly #sync = randomBytes(16)
  readonly #options: SequenceFileOptions

  constructor(options: SequenceFileOptions) {
    this.#options = options
  }

  begin(): Uint8Array {
    const { isText, codec } = this.#options
    const isCompressed = codec === undefined ? 0 : 1
    return Buffer.concat([
      Buffer.from('SEQ\x06', 'latin1'),
      className('org.apache.hadoop.io.LongWritable'),
      className(`org.apache.hadoop.io.${isText ? 'Text' : 'BytesWritable'}`),
      // Flags: compressed, and by block.
      Buffer.of(isCompressed, isCompressed),
      codec === undefined ? Buffer.alloc(0) : className(CLASSES[codec][0]),
      // No metadata.
      Buffer.alloc(4),
      this.#sync,
    ])
  }

  write(events: readonly Event[]): Uint8Array[] {
    const { codec } = this.#options
    if (codec !== undefined) return [this.#block(events, CLASSES[codec][1])]
    const pieces: Uint8Array[] = []
    for (const event of events) {
      const { body } = event
      const size = this.#bodySize(body)
      pieces.push(int32(8 + size.length + body.length), int32(8), this.#key(event), size, body)
    }
    // Readers may start after any batch.
    pieces.push(int32(-1), this.#sync)
    return pieces
  }

  /** A block: sizes of the keys, keys, sizes of the values, values, each compressed separately. */
  #block(events: readonly Event[], compress: (bytes: Buffer) => Buffer): Buffer {
    const values = events.map(({ body }) => [this.#bodySize(body), body])
    const buffers = [
      Buffer.concat(events.map(() => vint(8))),
      Buffer.concat(events.map((event) => this.#key(event))),
      Buffer.concat(values.map(([size, body]) => vint((size?.length ?? 0) + (body?.length ?? 0)))),
      Buffer.concat(values.flat()),
    ].map((bytes) => compress(bytes))
    const sized = buffers.flatMap((bytes) => [vint(bytes.length), bytes])
    return Buffer.concat([int32(-1), this.#sync, vint(events.length), ...sized])
  }

  #bodySize(body: Buffer): Buffer {
    return this.#options.isText ? vint(body.length) : int32(body.length)
  }

  #key({ headers }: Event): Buffer {
    const now = this.#options.now()
    const given = Number(headers.timestamp ?? now)
    const key = Buffer.alloc(8)
    key.writeBigInt64BE(BigInt(Number.isSafeInteger(given) ? given : now))
    return key
  }
}

function className(name: string): Buffer {
  return Buffer.concat([vint(name.length), Buffer.from(name)])
}

function int32(value: number): Buffer {
  const bytes = Buffer.alloc(4)
  bytes.writeInt32BE(value)
  return bytes
}

/** Hadoop's WritableUtils.writeVInt, for sizes. */
function vint(value: number): Buffer {
  if (value <= 127) return Buffer.of(value)
  const digits: number[] = []
  for (let rest = value; rest > 0; rest = Math.floor(rest / 256)) digits.unshift(rest & 0xff)
  return Buffer.of(-(112 + digits.length) & 0xff, ...digits)
}
