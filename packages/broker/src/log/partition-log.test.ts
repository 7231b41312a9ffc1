// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { batchOf, START_MS, TestLog, type TestRecord } from './testing/test-log.ts'

/** Size of a batch with one record of `size` value bytes without key. */
function sizeOf(size: number): number {
  return batchOf(['x'.repeat(size)]).size
}

const VALUE = 'x'.repeat(40)
const BATCH = sizeOf(40)
/** A log of six batches of one record, two in each segment: base offsets 0, 2 and 4. */
const TWO_EACH = { 'internal.segment.bytes': String(2 * BATCH) }

function sixRecords(config: Readonly<Record<string, string>> = {}): TestLog {
  const test = new TestLog({ ...TWO_EACH, ...config })
  for (let i = 0; i < 6; i++) test.append(VALUE)
  return test
}

function offsetsOf(test: TestLog): number[] {
  return test.records.map((record) => Number.parseInt(record, 10))
}

describe('an append', () => {
  it('assigns consecutive offsets and the leader epoch', () => {
    const test = new TestLog()
    const rows: readonly (readonly [number, number, bigint, bigint])[] = [
      [1, 0, 0n, 0n],
      [3, 0, 1n, 3n],
      [2, 4, 4n, 5n],
    ]
    for (const [count, epoch, baseOffset, lastOffset] of rows) {
      const batch = batchOf(Array.from({ length: count }, () => 'v'))
      const result = test.log.append([batch], epoch)
      assert.deepEqual(result, { baseOffset, lastOffset, logAppendTimeMs: -1n })
      assert.equal(batch.partitionLeaderEpoch, epoch)
    }
    assert.equal(test.log.logEndOffset, 6n)
    assert.deepEqual(test.log.leaderEpochs.entries, [
      { epoch: 0, startOffset: 0n },
      { epoch: 4, startOffset: 4n },
    ])
  })

  it('returns the time of batches that were stamped on arrival', () => {
    const test = new TestLog()
    const batch = batchOf(['v'], { logAppendTime: 77n })
    assert.equal(test.log.append([batch], 0).logAppendTimeMs, 77n)
  })

  it('of several batches is one write', () => {
    const test = new TestLog()
    let writes = 0
    test.disk.faultOf = ({ kind, path }) => {
      if (kind === 'write' && path.endsWith('.log')) writes++
      return undefined
    }
    test.log.append([batchOf(['a', 'b']), batchOf(['c'])], 0)
    assert.deepEqual(test.records, ['0:a', '1:b', '2:c'])
    assert.equal(writes, 1)
  })

  it('is readable and acknowledged when it is durable, not before', async () => {
    const test = new TestLog()
    test.append('a')
    let isAcknowledged = false
    const acknowledged = test.log.acknowledged(1n)?.then(() => {
      isAcknowledged = true
    })
    assert.equal(test.log.highWatermark, 0n)
    await Promise.resolve()
    assert.equal(isAcknowledged, false)
    await acknowledged
    assert.equal(test.log.highWatermark, 1n)
    assert.equal(test.log.flushedOffset, 1n)
    assert.equal(test.log.acknowledged(1n), undefined)
  })

  it('is not acknowledged, and no flush is started, once the log is abandoned', async () => {
    const test = new TestLog()
    test.append('a')
    const acknowledged = test.log.acknowledged(1n)
    test.log.abandon()
    const outcomes = await Promise.allSettled([acknowledged, test.log.flush()])
    assert.deepEqual(
      outcomes.map((outcome) => outcome.status === 'rejected' && outcome.reason.code),
      ['NOT_LEADER_OR_FOLLOWER', 'NOT_LEADER_OR_FOLLOWER'],
    )
  })

  it('is readable at once where flush.messages or an ephemeral log permits it', () => {
    const rows = [
      new TestLog({ 'flush.messages': '10' }),
      new TestLog({ 'flush.ms': '10' }),
      new TestLog({}, { durable: false }),
    ]
    for (const test of rows) {
      test.append('a')
      assert.equal(test.log.highWatermark, 1n)
    }
  })

  it('is flushed after flush.messages records, or flush.ms milliseconds', async () => {
    const rows: readonly (readonly [string, Readonly<Record<string, string>>, number, number])[] = [
      ['two of three records', { 'flush.messages': '3' }, 2, 0],
      ['three of three records', { 'flush.messages': '3' }, 3, 0],
      ['before flush.ms', { 'flush.ms': '50' }, 1, 49],
      ['at flush.ms', { 'flush.ms': '50' }, 1, 50],
    ]
    const flushed: [string, bigint][] = []
    for (const [name, config, count, passedMs] of rows) {
      const test = new TestLog(config)
      for (let i = 0; i < count; i++) test.append('a')
      test.log.flushIfDue(test.nowMs + passedMs)
      await new Promise((resolve) => setImmediate(() => setImmediate(resolve)))
      flushed.push([name, test.log.flushedOffset])
    }
    assert.deepEqual(flushed, [
      ['two of three records', 0n],
      ['three of three records', 3n],
      ['before flush.ms', 0n],
      ['at flush.ms', 1n],
    ])
  })
})

describe('a roll', () => {
  type Row = readonly [string, Readonly<Record<string, string>>, readonly TestRecord[], number[]]
  const at = (timestamp: number): TestRecord => ({ value: VALUE, timestamp })
  const rows: readonly Row[] = [
    [
      'none while batches fit',
      { 'internal.segment.bytes': String(2 * BATCH) },
      [VALUE, VALUE],
      [0],
    ],
    ['when the next batch does not fit', TWO_EACH, [VALUE, VALUE, VALUE], [0, 2]],
    [
      'when it does not fit by one byte',
      { 'internal.segment.bytes': String(2 * BATCH - 1) },
      [VALUE, VALUE],
      [0, 1],
    ],
    ['none for the first batch, however large', { 'internal.segment.bytes': '100' }, [VALUE], [0]],
    ['none at segment.ms', { 'segment.ms': '100' }, [at(1000), at(1100)], [0]],
    [
      'beyond segment.ms of the first timestamp',
      { 'segment.ms': '100' },
      [at(1000), at(1101)],
      [0, 1],
    ],
    [
      'by the first batch of the segment, not the last',
      { 'segment.ms': '100' },
      [at(1000), at(1090), at(1180)],
      [0, 2],
    ],
    [
      'when the offset index is full',
      { 'segment.index.bytes': '16', 'index.interval.bytes': '0' },
      [VALUE, VALUE, VALUE, VALUE],
      [0, 3],
    ],
  ]
  for (const [name, config, records, expected] of rows) {
    it(name, () => {
      const test = new TestLog(config)
      for (const record of records) test.append(record)
      assert.deepEqual(test.segments, expected)
    })
  }

  it('stores indexes and a producer snapshot, and an empty segment is not rolled', () => {
    const test = new TestLog()
    test.log.roll()
    assert.deepEqual(test.segments, [0])
    test.append('a')
    test.log.roll()
    test.log.roll()
    assert.deepEqual(test.segments, [0, 1])
    assert.deepEqual(test.files('.snapshot'), [1])
    assert.deepEqual(test.files('.timeindex'), [0])
  })
})

describe('recovery after an unclean shutdown', () => {
  /** Changes bytes of a segment's file. */
  function patch(test: TestLog, base: number, change: (bytes: Buffer) => Buffer): void {
    const path = test.path(`${String(base).padStart(20, '0')}.log`)
    test.disk.writeFile(path, change(test.disk.readFile(path)))
  }
  const set =
    (at: number, value: number) =>
    (bytes: Buffer): Buffer => {
      bytes[at] = value
      return bytes
    }
  /** Replaces a header field of the batch at `at` and computes its checksum again. */
  const resealed =
    (at: number, field: number, value: Buffer) =>
    (bytes: Buffer): Buffer => {
      value.copy(bytes, at + field)
      const batch = batchOf([VALUE])
      bytes.copy(batch.bytes, 0, at, at + BATCH)
      bytes.writeUInt32BE(batch.computeCrc(), at + 17)
      return bytes
    }
  const int32 = (value: number): Buffer => {
    const bytes = Buffer.alloc(4)
    bytes.writeInt32BE(value)
    return bytes
  }
  const BASE_OFFSET_LOW = 4
  const MAGIC = 16
  const LAST_OFFSET_DELTA = 23
  const COUNT = 57

  type Row = readonly [string, number, (bytes: Buffer) => Buffer, number[], number[]]
  const rows: readonly Row[] = [
    ['keeps intact segments', 4, (bytes) => bytes, [0, 1, 2, 3, 4, 5], [0, 2, 4]],
    [
      'drops a torn batch at the end',
      4,
      (bytes) => bytes.subarray(0, -1),
      [0, 1, 2, 3, 4],
      [0, 2, 4],
    ],
    [
      'drops a torn header',
      4,
      (bytes) => bytes.subarray(0, BATCH + 30),
      [0, 1, 2, 3, 4],
      [0, 2, 4],
    ],
    [
      'drops zeros after the last batch',
      4,
      (bytes) => Buffer.concat([bytes, Buffer.alloc(200)]),
      [0, 1, 2, 3, 4, 5],
      [0, 2, 4],
    ],
    ['drops everything after a corrupt batch', 2, set(BATCH + BATCH - 3, 1), [0, 1, 2], [0, 2]],
    ['drops a segment whose first batch is corrupt', 2, set(BATCH - 3, 1), [0, 1], [0, 2]],
    ['drops an unknown format', 2, set(BATCH + MAGIC, 1), [0, 1, 2], [0, 2]],
    ['drops an offset that goes back', 2, set(BATCH + BASE_OFFSET_LOW + 3, 1), [0, 1, 2], [0, 2]],
    [
      'drops a batch with a negative offset delta',
      2,
      resealed(BATCH, LAST_OFFSET_DELTA, int32(-1)),
      [0, 1, 2],
      [0, 2],
    ],
    [
      'drops a batch with a negative count',
      2,
      resealed(BATCH, COUNT, int32(-1)),
      [0, 1, 2],
      [0, 2],
    ],
  ]
  for (const [name, base, change, offsets, segments] of rows) {
    it(name, () => {
      const test = sixRecords()
      patch(test, base, change)
      const log = test.reopen()
      assert.deepEqual(offsetsOf(test), offsets)
      assert.deepEqual(test.segments, segments)
      const end = BigInt(offsets.length)
      assert.deepEqual([log.logEndOffset, log.highWatermark, log.flushedOffset], [end, end, end])
      test.append('next')
      assert.equal(test.records.at(-1), `${end}:next`)
    })
  }

  it('trusts segments below the recovery point, and all of them after a clean shutdown', () => {
    const rows: readonly (readonly [
      string,
      { recoveryPoint?: bigint; wasClean?: boolean },
      bigint,
    ])[] = [
      ['recovery point in the corrupt segment', { recoveryPoint: 1n }, 1n],
      ['recovery point after it', { recoveryPoint: 2n }, 6n],
      ['clean', { wasClean: true }, 6n],
    ]
    for (const [name, options, end] of rows) {
      const test = sixRecords()
      patch(test, 0, set(BATCH + BATCH - 3, 1))
      assert.equal(test.reopen(options).logEndOffset, end, name)
    }
  })

  it('syncs the segments that it checked, except empty ones', () => {
    const rows: readonly (readonly [string, TestLog, { recoveryPoint?: bigint }, number[]])[] = [
      ['a new log', new TestLog(), {}, []],
      ['every segment', sixRecords(), {}, [0, 2, 4]],
      ['from the recovery point', sixRecords(), { recoveryPoint: 3n }, [2, 4]],
    ]
    for (const [name, test, options, expected] of rows) {
      const synced: number[] = []
      test.reopen(options, ({ kind, path }) => {
        if (kind === 'sync' && path.endsWith('.log')) synced.push(Number(path.slice(-24, -4)))
        return undefined
      })
      assert.deepEqual(synced, expected, name)
    }
  })

  it('removes the empty file of a failed roll among the offsets of the segment before', () => {
    const test = sixRecords()
    test.disk.writeFile(test.path('00000000000000000003.log'), '')
    test.reopen()
    assert.deepEqual(test.segments, [0, 2, 4])
    assert.equal(test.log.logEndOffset, 6n)
  })

  it('rebuilds indexes, leader epochs and producer state', () => {
    const test = new TestLog({ 'index.interval.bytes': '0' })
    for (let i = 0; i < 4; i++) {
      const options = { producerId: 7n, producerEpoch: 0, baseSequence: i, isTransactional: true }
      test.log.append([batchOf([VALUE], options)], i)
    }
    const epochs = test.log.leaderEpochs.entries
    const snapshot = test.log.producers.snapshot()
    for (const { name } of test.disk.list(test.directory)) {
      if (!name.endsWith('.log')) test.disk.remove(test.path(name))
    }
    const log = test.reopen()
    assert.deepEqual(log.leaderEpochs.entries, epochs)
    assert.deepEqual(log.producers.snapshot(), snapshot)
    assert.equal(log.lastStableOffset, 0n)
    assert.equal(log.activeSegment.offsetIndex.count, 3)
  })

  it('uses the newest intact producer snapshot, and none of what was dropped', () => {
    const test = sixRecords()
    assert.deepEqual(test.files('.snapshot'), [2, 4])
    test.disk.writeFile(test.path('00000000000000000004.snapshot'), 'corrupt')
    test.reopen({ wasClean: true })
    assert.deepEqual(test.files('.snapshot'), [2])
    test.reopen({ recoveryPoint: 0n })
    assert.deepEqual(test.files('.snapshot'), [])
  })

  it('starts an empty log where the log start is beyond the end', () => {
    const test = sixRecords()
    const log = test.reopen({ logStartOffset: 9n })
    assert.deepEqual([log.logStartOffset, log.logEndOffset], [9n, 9n])
    assert.deepEqual(test.files('.log'), [])
    test.append('x')
    assert.deepEqual(test.records, ['9:x'])
  })

  it('raises the log start to the first segment', () => {
    const test = sixRecords()
    test.disk.remove(test.path('00000000000000000000.log'))
    assert.equal(test.reopen().logStartOffset, 2n)
  })

  it('completes or undoes a compaction', () => {
    const name = (base: number, suffix: string): string =>
      `${String(base).padStart(20, '0')}${suffix}`
    const rows: readonly (readonly [string, string, number[]])[] = [
      ['.log.cleaned is dropped', '.log.cleaned', [0, 1, 2, 3, 4, 5]],
      ['.log.swap replaces the segments it covers', '.log.swap', [1, 3, 4, 5]],
    ]
    for (const [title, suffix, offsets] of rows) {
      const test = sixRecords()
      const kept = [1, 3].map((offset) => {
        const batch = batchOf([VALUE])
        batch.baseOffset = BigInt(offset)
        return batch.bytes
      })
      test.disk.writeFile(test.path(name(0, suffix)), Buffer.concat(kept))
      test.reopen()
      assert.deepEqual(offsetsOf(test), offsets, title)
      const left = test.disk.list(test.directory).filter((entry) => /cleaned|swap/.test(entry.name))
      assert.deepEqual(left, [], title)
    }
  })
})

describe('truncation', () => {
  const rows: readonly (readonly [bigint, number[], number[], number[]])[] = [
    [6n, [0, 1, 2, 3, 4, 5], [0, 2, 4], [2, 4]],
    [7n, [0, 1, 2, 3, 4, 5], [0, 2, 4], [2, 4]],
    [5n, [0, 1, 2, 3, 4], [0, 2, 4], [2, 4]],
    [4n, [0, 1, 2, 3], [0, 2], [2, 4]],
    [3n, [0, 1, 2], [0, 2], [2]],
    [0n, [], [0], []],
  ]
  for (const [endOffset, offsets, segments, snapshots] of rows) {
    it(`to ${endOffset}`, async () => {
      const test = sixRecords()
      await test.log.flush()
      test.log.truncate(endOffset)
      assert.deepEqual(offsetsOf(test), offsets)
      assert.deepEqual(test.segments, segments)
      assert.deepEqual(test.files('.snapshot'), snapshots)
      const end = BigInt(offsets.length)
      assert.deepEqual([test.log.highWatermark, test.log.flushedOffset], [end, end])
      test.append('next')
      assert.equal(test.records.at(-1), `${end}:next`)
    })
  }

  it('forgets leader epochs, producers and transactions of what is removed', () => {
    const test = new TestLog()
    const options = { producerId: 7n, producerEpoch: 0, isTransactional: true }
    test.log.append([batchOf(['a'], { producerId: 7n, producerEpoch: 0, baseSequence: 0 })], 0)
    test.log.append([batchOf(['b'], { ...options, baseSequence: 1 })], 1)
    test.log.append([batchOf(['c'], { ...options, baseSequence: 2 })], 2)
    test.log.truncate(1n)
    assert.deepEqual(test.log.leaderEpochs.entries, [{ epoch: 0, startOffset: 0n }])
    assert.equal(test.log.producers.firstUnstableOffset, undefined)
    assert.equal(test.log.producers.producers.get(7n)?.batches.at(-1)?.lastSequence, 0)
  })
})

describe('retention', () => {
  const old = START_MS - 1000
  type Row = readonly [string, Readonly<Record<string, string>>, number, number[]]
  const rows: readonly Row[] = [
    ['unlimited keeps all', { 'retention.ms': '-1' }, 1_000_000, [0, 2, 4]],
    ['keeps what is as old as retention.ms', { 'retention.ms': '1000' }, 0, [0, 2, 4]],
    ['deletes what is older, the active segment rolled first', { 'retention.ms': '1000' }, 1, [6]],
    [
      'by size keeps the last segments',
      { 'retention.ms': '-1', 'retention.bytes': String(4 * BATCH) },
      0,
      [2, 4],
    ],
    [
      'by size keeps a segment that is partly above the limit',
      { 'retention.ms': '-1', 'retention.bytes': String(4 * BATCH + 1) },
      0,
      [0, 2, 4],
    ],
    ['by size keeps the active segment', { 'retention.ms': '-1', 'retention.bytes': '0' }, 0, [4]],
    [
      'does not apply to a topic that is only compacted',
      { 'cleanup.policy': 'compact', 'retention.ms': '1' },
      1_000_000,
      [0, 2, 4],
    ],
  ]
  for (const [name, config, passedMs, segments] of rows) {
    it(name, async () => {
      const test = new TestLog({ ...TWO_EACH, 'segment.ms': '10000000', ...config })
      for (let i = 0; i < 6; i++) test.append({ value: VALUE, timestamp: old })
      await test.log.flush()
      test.log.enforceRetention(test.nowMs + passedMs)
      assert.deepEqual(test.segments, segments)
      assert.equal(test.log.logStartOffset, BigInt(segments[0] ?? -1))
      assert.equal(test.log.logEndOffset, 6n)
    })
  }

  it('deletes segments below the log start, whatever the policy', async () => {
    const test = sixRecords({ 'cleanup.policy': 'compact' })
    await test.log.flush()
    test.log.advanceLogStart(3n)
    assert.equal(test.log.enforceRetention(test.nowMs), 1)
    assert.deepEqual(test.segments, [2, 4])
    assert.equal(test.log.logStartOffset, 3n)
  })

  it('deletes nothing that is not readable yet', () => {
    const test = sixRecords({ 'retention.bytes': '0' })
    assert.equal(test.log.enforceRetention(test.nowMs), 0)
    assert.deepEqual(test.segments, [0, 2, 4])
  })
})

describe('a search', () => {
  const test = new TestLog({ ...TWO_EACH, 'index.interval.bytes': '0' })
  for (const timestamp of [100, 300, 200, 400, 400, 350]) test.append({ value: VALUE, timestamp })
  test.log.advanceLogStart(1n)

  it('by timestamp finds the first record that is not older', async () => {
    await test.log.flush()
    const rows: readonly (readonly [bigint, bigint, bigint | undefined])[] = [
      [0n, 6n, 1n],
      [101n, 6n, 1n],
      [300n, 6n, 1n],
      [301n, 6n, 3n],
      [400n, 6n, 3n],
      [401n, 6n, undefined],
      [301n, 3n, undefined],
    ]
    for (const [timestamp, endOffset, offset] of rows) {
      assert.equal(
        test.log.offsetForTimestamp(timestamp, endOffset)?.offset,
        offset,
        `${timestamp}`,
      )
    }
    assert.equal(test.log.offsetOfMaxTimestamp()?.offset, 3n)
  })

  it('by offset returns whole batches within the limits', () => {
    const rows: readonly (readonly [bigint, number, boolean, bigint, number])[] = [
      [0n, 10_000, false, 6n, 2],
      [2n, BATCH, false, 6n, 1],
      [2n, 2 * BATCH - 1, false, 6n, 1],
      [2n, BATCH - 1, false, 6n, 0],
      [2n, BATCH - 1, true, 6n, 1],
      [2n, 10_000, false, 3n, 1],
      [3n, 10_000, true, 3n, 0],
    ]
    for (const [offset, maxBytes, atLeastOne, endOffset, count] of rows) {
      const data = test.log.read({ offset, maxBytes, atLeastOne, endOffset })
      assert.equal(data.length, count * BATCH, `${offset} ${maxBytes} ${endOffset}`)
    }
  })
})
