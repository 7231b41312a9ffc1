// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { RecordBatch } from '@millrace/protocol'
import { ProducerBatch } from './producer-batch.ts'
import { splitBatch } from './split-batch.ts'

const codec = { compression: 'none', compressionLevel: undefined } as const

function batchOf(count: number, identity?: ProducerBatch['identity']): ProducerBatch {
  const batch = new ProducerBatch({
    topic: 't',
    partition: 3,
    topicId: 'id',
    createdAt: 77,
    initialSize: 64,
  })
  for (let i = 0; i < count; i++) {
    batch.append(1000 + i, Buffer.from(`key ${i}`), `value ${i}`, [{ key: 'h', value: 'x' }])
  }
  batch.identity = identity
  batch.encode('none', undefined)
  return batch
}

describe('a batch that is split', () => {
  const cells: readonly (readonly [count: number, first: number, second: number])[] = [
    [2, 1, 1],
    [3, 2, 1],
    [10, 5, 5],
    [11, 6, 5],
  ]
  for (const [count, first, second] of cells) {
    it(`of ${count} records has halves of ${first} and ${second}, in order`, () => {
      const halves = splitBatch(batchOf(count), codec)
      assert.equal(halves.middle, first)
      assert.deepEqual([halves.first.recordCount, halves.second.recordCount], [first, second])
      const values = [halves.first, halves.second]
        .flatMap((half) => half.records())
        .map(({ timestamp, key, value, headers }) =>
          [timestamp, key, value, headers[0]?.key, headers[0]?.value].join(),
        )
      const expected = Array.from(
        { length: count },
        (_, i) => `${1000 + i},key ${i},value ${i},h,x`,
      )
      assert.deepEqual(values, expected)
    })
  }

  it('keeps its sequence numbers, across their end too', () => {
    const identity = { producerId: 9n, producerEpoch: 2, isTransactional: true }
    const cells = [
      [0, 0, 2],
      [100, 100, 102],
      [0x7ffffffe, 0x7ffffffe, 0],
      [0x7fffffff, 0x7fffffff, 1],
    ] as const
    for (const [baseSequence, first, second] of cells) {
      const halves = splitBatch(batchOf(4, { ...identity, baseSequence }), codec)
      assert.deepEqual(halves.first.identity, { ...identity, baseSequence: first })
      assert.deepEqual(halves.second.identity, { ...identity, baseSequence: second })
      const sealed = new RecordBatch(halves.second.encode('none', undefined))
      assert.deepEqual(
        [sealed.producerId, sealed.producerEpoch, sealed.baseSequence, sealed.isTransactional],
        [9n, 2, second, true],
      )
    }
  })

  it('has sealed halves without a producer id, too', () => {
    const { first } = splitBatch(batchOf(2), codec)
    const sealed = new RecordBatch(first.encode('none', undefined))
    assert.deepEqual([sealed.producerId, sealed.baseSequence], [-1n, -1])
  })

  it('keeps its topic, its time-out and its place; a retry counts from the split', () => {
    const { first, second } = splitBatch(batchOf(3), codec)
    for (const half of [first, second]) {
      assert.deepEqual(
        [half.result.topic, half.result.partition, half.topicId, half.createdAt],
        ['t', 3, 'id', 77],
      )
      assert.deepEqual([half.attempts, half.isClosed, half.isDone], [1, true, false])
    }
  })

  it('is split again until single records are left', () => {
    const queue = [batchOf(5)]
    const singles: string[] = []
    for (let batch = queue.shift(); batch !== undefined; batch = queue.shift()) {
      if (batch.recordCount === 1) singles.push(String(batch.records()[0]?.value))
      else {
        const { first, second } = splitBatch(batch, codec)
        queue.unshift(first, second)
      }
    }
    assert.deepEqual(singles, ['value 0', 'value 1', 'value 2', 'value 3', 'value 4'])
  })
})
