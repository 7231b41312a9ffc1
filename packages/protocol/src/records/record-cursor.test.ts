// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { MalformedInputError } from '@millrace/base'
import fc from 'fast-check'
import { buildBatch, readRecords } from './record.ts'
import { RECORD_BATCH_HEADER_SIZE, RecordBatch } from './record-batch.ts'
import { RecordCursor } from './record-cursor.ts'

const bytes = fc.option(fc.uint8Array({ maxLength: 200 }))
const timestamp = fc.oneof(
  fc.bigInt({ min: 0n, max: 2000n }),
  fc.bigInt({ min: -(2n ** 62n), max: 2n ** 62n }),
  fc.constantFrom(2n ** 27n - 1n, 2n ** 27n, 2n ** 48n - 1n, 2n ** 48n, -(2n ** 48n) - 1n, -1n),
)
const records = fc.array(
  fc.record({
    timestamp,
    key: bytes,
    value: bytes,
    headers: fc.array(fc.record({ key: fc.string({ maxLength: 90 }), value: bytes }), {
      maxLength: 3,
    }),
  }),
  { minLength: 1, maxLength: 20 },
)

function cursorOver(payload: Buffer): RecordCursor {
  return new RecordCursor(payload, 0, payload.length)
}

describe('RecordCursor', () => {
  it('finds the same records as readRecords', () => {
    fc.assert(
      fc.property(records, (list) => {
        const batch = new RecordBatch(buildBatch(list))
        const { buffer, size, baseTimestamp } = batch
        const cursor = new RecordCursor(buffer, RECORD_BATCH_HEADER_SIZE, size)
        readRecords(batch).forEach((record, i) => {
          cursor.next()
          const delta = cursor.hasWideTimestamp
            ? cursor.wideTimestampDelta
            : BigInt(cursor.timestampDelta)
          assert.equal(cursor.offsetDelta, i)
          assert.equal(baseTimestamp + delta, record.timestamp)
          assert.equal(cursor.keySize, record.key?.length ?? -1)
          assert.equal(cursor.valueSize, record.value?.length ?? -1)
        })
        assert.equal(cursor.remaining, 0)
        assert.throws(() => cursor.next(), MalformedInputError)
      }),
    )
  })

  it('reads modified bytes as readRecords does: the same records, or an error', () => {
    fc.assert(
      fc.property(
        records,
        fc.array(fc.tuple(fc.nat(), fc.integer({ min: 0, max: 255 })), {
          minLength: 1,
          maxLength: 4,
        }),
        (list, changes) => {
          const batch = new RecordBatch(buildBatch(list))
          const { payload } = batch
          for (const [at, value] of changes) payload[at % payload.length] = value
          let expected: number[] | undefined
          try {
            expected = readRecords(batch).map(({ offset }) => Number(offset))
          } catch (error) {
            assert.ok(error instanceof MalformedInputError)
          }
          const cursor = cursorOver(payload)
          let found: number[] | undefined = []
          try {
            for (let i = 0; i < batch.count; i++) {
              cursor.next()
              found.push(cursor.offsetDelta)
            }
            if (cursor.remaining > 0) found = undefined
          } catch (error) {
            assert.ok(error instanceof MalformedInputError)
            found = undefined
          }
          assert.deepEqual(found, expected)
        },
      ),
      { numRuns: 1000 },
    )
  })

  it('never reads past its end', () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 1, maxLength: 60 }), fc.nat(60), (data, limit) => {
        const end = Math.min(limit, data.length)
        const cursor = new RecordCursor(data, 0, end)
        try {
          for (;;) {
            cursor.next()
            assert.ok(cursor.remaining >= 0)
          }
        } catch (error) {
          assert.ok(error instanceof MalformedInputError)
        }
      }),
      { numRuns: 1000 },
    )
  })
})
