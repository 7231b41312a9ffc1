// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { RecordBatchBuilder, type RecordBytes, sealBatch } from './batch-builder.ts'
import { buildBatch, readRecords } from './record.ts'
import { RecordBatch } from './record-batch.ts'

const bytes = fc.oneof(
  fc.constant(null),
  fc.string({ unit: 'grapheme', maxLength: 60 }),
  fc.uint8Array({ maxLength: 60 }),
)
const records = fc.array(
  fc.record({
    // More than 30 bits apart, which takes another code path.
    timestamp: fc.oneof(fc.integer({ min: 0, max: 2000 }), fc.constantFrom(0, 2 ** 40, 2 ** 42)),
    key: bytes,
    value: bytes,
    headers: fc.array(fc.record({ key: fc.string({ maxLength: 8 }), value: bytes }), {
      maxLength: 3,
    }),
  }),
  { minLength: 1, maxLength: 20 },
)

const asBytes = (value: RecordBytes): Uint8Array | null =>
  typeof value === 'string' ? Buffer.from(value) : value

describe('RecordBatchBuilder', () => {
  it('writes the same bytes as buildBatch', () => {
    fc.assert(
      fc.property(records, fc.integer({ min: 1, max: 400 }), (list, initialSize) => {
        const builder = new RecordBatchBuilder(initialSize)
        for (const { timestamp, key, value, headers } of list) {
          const before = builder.size
          builder.append(timestamp, key, value, headers)
          assert.ok(builder.size - before <= RecordBatchBuilder.maxSizeOf(key, value, headers))
        }
        const batch = builder.finish()
        const producer = { producerId: 7n, producerEpoch: 3, baseSequence: 11 }
        sealBatch(batch, producer)
        const expected = buildBatch(
          list.map(({ timestamp, key, value, headers }) => ({
            timestamp: BigInt(timestamp),
            key: asBytes(key),
            value: asBytes(value),
            headers: headers.map((header) => ({ key: header.key, value: asBytes(header.value) })),
          })),
          producer,
        )
        assert.deepEqual(batch, expected)
      }),
    )
  })

  it('compresses, and can be sealed for another producer afterwards', () => {
    for (const compression of ['gzip', 'snappy', 'lz4', 'zstd'] as const) {
      const builder = new RecordBatchBuilder()
      for (let i = 0; i < 50; i++) builder.append(i, `key-${i}`, 'x'.repeat(100))
      const batch = builder.finish({ compression })
      assert.ok(batch.length < 2000)
      for (const producerId of [1n, 2n]) {
        sealBatch(batch, { producerId, producerEpoch: 0, baseSequence: 0 })
        const read = new RecordBatch(batch)
        assert.equal(read.crc, read.computeCrc())
        assert.equal(read.producerId, producerId)
        assert.equal(readRecords(read).length, 50)
      }
    }
  })
})
