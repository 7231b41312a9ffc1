// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { MalformedInputError } from '@millrace/base'
import fc from 'fast-check'
import { CompressionType, decompress } from '../compression/compression.ts'
import { buildBatch, readRecords } from './record.ts'
import { RecordBatch, recordBatches } from './record-batch.ts'

const nullableBytes = fc.option(fc.uint8Array({ maxLength: 300 }).map((data) => Buffer.from(data)))
const record = fc.record(
  {
    timestamp: fc.bigInt({ min: -1n, max: 2n ** 60n }),
    key: nullableBytes,
    value: nullableBytes,
    headers: fc.array(
      fc.record(
        { key: fc.string({ unit: 'grapheme' }), value: nullableBytes },
        { noNullPrototype: true },
      ),
      { maxLength: 3 },
    ),
  },
  { noNullPrototype: true },
)
const codecs = Object.keys(CompressionType) as CompressionType[]

describe('record batches', () => {
  it('contain the records they were built from, with every codec', () => {
    fc.assert(
      fc.property(
        fc.array(record, { minLength: 1, maxLength: 20 }),
        fc.constantFrom(...codecs),
        (records, compression) => {
          const batch = new RecordBatch(buildBatch(records, { compression, baseOffset: 7n }))
          assert.equal(batch.computeCrc(), batch.crc)
          assert.equal(batch.count, records.length)
          const read = readRecords(batch)
          assert.deepEqual(
            read.map(({ timestamp, key, value, headers }) => ({ timestamp, key, value, headers })),
            records,
          )
          assert.deepEqual(
            read.map(({ offset }) => offset),
            records.map((_, i) => 7n + BigInt(i)),
          )
        },
      ),
      { numRuns: 200 },
    )
  })

  it('omit a truncated last batch', () => {
    const one = buildBatch([{ timestamp: 1n, key: null, value: Buffer.from('v') }])
    const log = Buffer.concat([one, one.subarray(0, -1)])
    assert.equal([...recordBatches(log)].length, 1)
  })

  it('keep offsets and sequence numbers of a batch emptied by compaction', () => {
    const batch = new RecordBatch(
      buildBatch([], {
        baseOffset: 40n,
        lastOffset: 44n,
        producerId: 9n,
        producerEpoch: 2,
        baseSequence: 5,
      }),
    )
    assert.equal(batch.count, 0)
    assert.equal(batch.lastOffset, 44n)
    assert.equal(batch.lastSequence, 9)
    assert.deepEqual(readRecords(batch), [])
  })

  it('wrap sequence numbers after 2^31 - 1', () => {
    const records = [1n, 2n, 3n].map((timestamp) => ({ timestamp, key: null, value: null }))
    const batch = new RecordBatch(
      buildBatch(records, { producerId: 1n, producerEpoch: 0, baseSequence: 0x7fffffff }),
    )
    assert.equal(batch.lastSequence, 1)
  })

  it('reject corrupt contents with MalformedInputError', () => {
    fc.assert(
      fc.property(
        fc.constantFrom(...codecs),
        fc.nat(),
        fc.integer({ min: 1, max: 255 }),
        (compression, at, change) => {
          const records = Array.from({ length: 5 }, (_, i) => ({
            timestamp: BigInt(i),
            key: Buffer.from(`key ${i}`),
            value: Buffer.alloc(50, i),
          }))
          const data = buildBatch(records, { compression })
          const position = 61 + (at % (data.length - 61))
          data[position] = (data[position] as number) ^ change
          try {
            readRecords(new RecordBatch(data))
          } catch (error) {
            assert.ok(error instanceof MalformedInputError, String(error))
          }
        },
      ),
      { numRuns: 500 },
    )
  })
})

describe('snappy', () => {
  it('reads the raw block of librdkafka and the framing of Java', () => {
    const raw = Buffer.from('0c2c68656c6c6f20736e61707079', 'hex')
    assert.equal(decompress('snappy', raw).toString(), 'hello snappy')
  })
})
