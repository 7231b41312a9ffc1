// SPDX-License-Identifier: Apache-2.0
import { randomBytes } from 'node:crypto'
import { deflateRawSync } from 'node:zlib'
import { choice, integer, type ValuesOf } from '../config/keys.ts'
import { AvroWriter } from './avro-event.ts'

/** Keys of serializers that write Avro containers. */
export const avroFileKeys = {
  syncIntervalBytes: integer(2_048_000, { min: 32 }),
  compressionCodec: choice(['null', 'deflate'], 'null'),
}

/**
 * An Avro container: a header with the schema, then blocks that end with the file's sync marker.
 */
export class AvroBlocks {
  readonly #schema: string
  readonly #codec: 'null' | 'deflate'
  readonly #blockSize: number
  readonly #sync = randomBytes(16)

  constructor(schema: string, config: ValuesOf<typeof avroFileKeys>) {
    this.#schema = schema
    this.#codec = config.compressionCodec
    this.#blockSize = config.syncIntervalBytes
  }

  /** The header. */
  begin(): Uint8Array {
    const out = new AvroWriter(512)
    out.raw(Buffer.from('Obj\x01', 'latin1'))
    out.long(2)
    out.string('avro.schema')
    out.bytes(Buffer.from(this.#schema))
    out.string('avro.codec')
    out.bytes(Buffer.from(this.#codec))
    out.long(0)
    out.raw(this.#sync)
    return out.written()
  }

  /** Blocks of values, each of which `append` writes. */
  write<T>(values: readonly T[], append: (out: AvroWriter, value: T) => void): Uint8Array[] {
    const pieces: Uint8Array[] = []
    const block = new AvroWriter(4096)
    let count = 0
    const flush = (): void => {
      if (count === 0) return
      const plain = Buffer.from(block.written())
      const data = this.#codec === 'deflate' ? deflateRawSync(plain) : plain
      const head = new AvroWriter(32)
      head.long(count)
      head.long(data.length)
      pieces.push(head.written(), data, this.#sync)
      block.clear()
      count = 0
    }
    for (const value of values) {
      append(block, value)
      count++
      if (block.length >= this.#blockSize) flush()
    }
    flush()
    return pieces
  }
}
