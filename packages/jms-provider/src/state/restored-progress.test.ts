// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { CHUNK, PartitionIndex } from '../subscription/partition-index.ts'
import { restorePartition, voidProgress } from './restored-progress.ts'
import { StateImage } from './state-image.ts'
import { encodeKey } from './state-record.ts'

const ID = 'queue/orders'
const entry = { priority: 4, expiresAtMs: 0, deliverAtMs: 0, group: undefined }

/** Encoded chunks of an index that has consumed some of the first `end` messages. */
function chunksOf(end: number, consumed: readonly number[]): Map<number, Buffer> {
  const index = new PartitionIndex(0, 0)
  for (let offset = 0; offset < end; offset++) index.add(offset, entry, 0)
  for (const offset of consumed) index.finish(offset)
  const chunks = new Map<number, Buffer>()
  for (const change of index.takeChanges()) {
    if (change.kind === 'chunk' && change.value !== null) chunks.set(change.number, change.value)
  }
  return chunks
}

function imageOf(
  records: readonly { floor?: number; chunks?: Map<number, Buffer>; topicId?: string }[],
): StateImage {
  const image = new StateImage()
  for (const { floor, chunks, topicId } of records) {
    const context = { epoch: 1, topicId }
    if (floor !== undefined) {
      const key = encodeKey({ kind: 'floor', partition: 0, id: ID })
      image.apply(key, Buffer.from(String(floor)), context)
    }
    for (const [number, value] of chunks ?? []) {
      image.apply(encodeKey({ kind: 'chunk', partition: 0, number, id: ID }), value, context)
    }
  }
  return image
}

function restore(
  image: StateImage,
  options: { topicId?: string; acceptsUnmarked?: boolean; beginning?: number; end: number },
) {
  return restorePartition(image.progressOf(ID).get(0), {
    id: ID,
    partition: 0,
    topicId: options.topicId ?? 'A',
    acceptsUnmarked: options.acceptsUnmarked ?? false,
    bounds: { beginning: options.beginning ?? 0, end: options.end },
    initialFloor: 0,
  })
}

/** Messages of a log that an index with restored progress still has. */
function waiting(restored: ReturnType<typeof restore>, end: number): number[] {
  const index = new PartitionIndex(0, restored.floor)
  for (const [number, value] of restored.chunks) index.restore(number, value)
  const found: number[] = []
  for (let offset = restored.floor; offset < end; offset++) {
    if (index.add(offset, entry, 0)) found.push(offset)
  }
  return found
}

const range = (from: number, to: number): number[] =>
  Array.from({ length: to - from }, (_, i) => from + i)

describe('progress in the state topic', () => {
  it('is valid for the topic that it belongs to', () => {
    const image = imageOf([{ floor: 3, chunks: chunksOf(10, [0, 1, 2, 5]), topicId: 'A' }])
    const restored = restore(image, { end: 10 })
    assert.deepEqual(waiting(restored, 10), [3, 4, 6, 7, 8, 9])
    assert.deepEqual(restored.corrections, [])
  })

  it('is invalid for another topic of the same name', () => {
    const image = imageOf([{ floor: 3, chunks: chunksOf(10, [0, 1, 2, 5]), topicId: 'A' }])
    const restored = restore(image, { topicId: 'B', end: 10 })
    assert.deepEqual(waiting(restored, 10), range(0, 10))
    assert.deepEqual(restored.corrections, voidProgress(ID, image.progressOf(ID)))
  })

  it('may belong to a deleted topic in part', () => {
    const image = imageOf([
      { floor: 1000, chunks: chunksOf(1100, [1050]), topicId: 'A' },
      { floor: 2, topicId: 'B' },
    ])
    const restored = restore(image, { topicId: 'B', end: 1100 })
    assert.deepEqual(waiting(restored, 1100), range(2, 1100))
    const stale = { kind: 'chunk', partition: 0, number: 1, id: ID }
    assert.deepEqual(restored.corrections, [{ key: stale, value: null }])
  })

  it('without a topic id is valid if the destination had no other topic', () => {
    const image = imageOf([{ floor: 3, chunks: chunksOf(10, [5]) }])
    const taken = restore(image, { acceptsUnmarked: true, end: 10 })
    assert.deepEqual(waiting(taken, 10), [3, 4, 6, 7, 8, 9])
    assert.deepEqual(waiting(restore(image, { end: 10 }), 10), range(0, 10))
  })

  it('is invalid beyond the end of a log that lost its tail', () => {
    const consumed = [...range(0, 1500), 1600, 1999, 2050]
    const chunks = chunksOf(2100, consumed)
    for (const end of [0, 1, 900, CHUNK, 1499, 1500, 1601, 2000, 2048, 2060, 2100]) {
      const image = imageOf([{ floor: 1500, chunks, topicId: 'A' }])
      const restored = restore(image, { end })
      const expected = range(0, end).filter((offset) => !consumed.includes(offset))
      // Offsets after the end are new.
      assert.deepEqual(waiting(restored, end + 600), [...expected, ...range(end, end + 600)])
      // The corrections are in the state topic by then: the next restore, with a longer log, has
      // the same result.
      const next = imageOf([{ floor: 1500, chunks, topicId: 'A' }])
      for (const { key, value, topicId } of restored.corrections) {
        const bytes = value === null ? null : Buffer.from(value)
        next.apply(encodeKey(key), bytes, { epoch: 1, topicId })
      }
      const again = restore(next, { end: end + 600 })
      assert.deepEqual(waiting(again, end + 600), [...expected, ...range(end, end + 600)])
    }
  })

  it('starts at the beginning of the log if records were deleted', () => {
    const image = imageOf([{ floor: 3, topicId: 'A' }])
    assert.equal(restore(image, { beginning: 7, end: 10 }).floor, 7)
  })
})
