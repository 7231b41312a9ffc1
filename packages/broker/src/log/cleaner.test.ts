// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { type BatchOptions, readRecords } from '@millrace/protocol'
import { cleanLog, dirtiness } from './cleaner.ts'
import { batchOf, START_MS, TestLog, type TestRecord } from './testing/test-log.ts'

const MINUTE = 60_000
const CONFIG = {
  'cleanup.policy': 'compact',
  'delete.retention.ms': String(10 * MINUTE),
  'min.cleanable.dirty.ratio': '0.5',
}

const at = (key: string, value: string | null, timestamp = START_MS): TestRecord => ({
  key,
  value,
  timestamp,
})

/** A log with these batches in its first segment, and an empty active segment. */
async function logOf(
  batches: readonly (readonly TestRecord[])[],
  config: Readonly<Record<string, string>> = {},
): Promise<TestLog> {
  const test = new TestLog({ ...CONFIG, ...config })
  for (const records of batches) test.log.append([batchOf(records)], 0)
  await seal(test)
  return test
}

async function seal(test: TestLog): Promise<void> {
  test.log.roll()
  await test.log.flush()
}

async function clean(test: TestLog, memoryBytes = 1_000_000): Promise<void> {
  await cleanLog(test.log, { world: test.world, memoryBytes, isCancelled: () => false })
}

describe('compaction', () => {
  type Row = readonly [string, readonly (readonly TestRecord[])[], readonly string[]]
  const rows: readonly Row[] = [
    ['keeps the newest record of a key', [[at('a', '1')], [at('a', '2')]], ['1:2']],
    ['keeps other keys', [[at('a', '1'), at('b', '2')], [at('a', '3')]], ['1:2', '2:3']],
    ['keeps the last of a key in one batch', [[at('a', '1'), at('a', '2')]], ['1:2']],
    ['goes by offset, not by time', [[at('a', '1', START_MS + 9)], [at('a', '2')]], ['1:2']],
    ['drops records without a key', [['plain'], [at('a', '1')]], ['1:1']],
    ['keeps a tombstone at first', [[at('a', '1')], [at('a', null)]], ['1:null']],
    ['drops a tombstone that a value follows', [[at('a', null)], [at('a', '2')]], ['1:2']],
  ]
  for (const [name, batches, expected] of rows) {
    it(name, async () => {
      const test = await logOf(batches)
      const end = test.log.logEndOffset
      await clean(test)
      assert.deepEqual(test.records, expected)
      assert.equal(test.log.logEndOffset, end)
      assert.equal(test.log.cleanedUpTo, end)
      test.reopen()
      assert.deepEqual(test.records, expected)
    })
  }

  it('leaves the active segment alone', async () => {
    const test = await logOf([[at('a', '1')]])
    test.append(at('a', '2'), at('a', '3'))
    await test.log.flush()
    await clean(test)
    assert.deepEqual(test.records, ['0:1', '1:2', '2:3'])
  })

  it('drops tombstones delete.retention.ms after they were first seen clean', async () => {
    const rows: readonly (readonly [number, readonly string[]])[] = [
      [10 * MINUTE - 1, ['0:null', '1:x']],
      [10 * MINUTE, ['1:x']],
    ]
    for (const [passedMs, expected] of rows) {
      const test = await logOf([[at('a', null)]])
      await clean(test)
      test.nowMs += passedMs
      test.append(at('b', 'x'))
      await seal(test)
      await clean(test)
      assert.deepEqual(test.records, expected, `${passedMs}`)
    }
  })

  it('merges small neighbours, up to segment.bytes', async () => {
    const size = batchOf([at('a', '1')]).size
    const test = new TestLog({ ...CONFIG, 'internal.segment.bytes': String(2 * size) })
    for (const key of ['a', 'b', 'c', 'd', 'e', 'f']) {
      test.append(at(key, '1'))
      await seal(test)
    }
    await clean(test)
    assert.deepEqual(test.segments, [0, 2, 4, 6])
    assert.equal(test.records.length, 6)
  })

  it('stops at the segment whose keys no longer fit into memory', async () => {
    const test = await logOf([[at('a', '1')], [at('a', '2')]])
    test.append(at('a', '3'))
    await seal(test)
    await clean(test, 1)
    assert.equal(test.log.cleanedUpTo, 2n)
    assert.deepEqual(test.records, ['1:2', '2:3'])
    await clean(test)
    assert.deepEqual(test.records, ['2:3'])
  })

  it('keeps what min.compaction.lag.ms protects', async () => {
    const test = await logOf([[at('a', '1')]], { 'min.compaction.lag.ms': '1000' })
    test.append(at('a', '2', START_MS + 500))
    await seal(test)
    for (const [passedMs, expected] of [
      [1000, ['0:1', '1:2']],
      [1500, ['1:2']],
    ] as const) {
      test.nowMs = START_MS + passedMs
      await clean(test)
      assert.deepEqual(test.records, expected, `${passedMs}`)
    }
  })
})

describe('compaction of transactions', () => {
  const producer = { producerId: 7n, producerEpoch: 0, isTransactional: true }

  function send(test: TestLog, baseSequence: number, record: TestRecord, more: BatchOptions = {}) {
    test.log.append([batchOf([record], { ...producer, baseSequence, ...more })], 0)
  }

  function end(test: TestLog, isCommitted: boolean): void {
    test.log.appendMarker(
      { ...producer, coordinatorEpoch: 1, isCommitted, transactionVersion: 1 },
      { leaderEpoch: 0, timestamp: BigInt(START_MS) },
    )
  }

  function offsets(test: TestLog): number[] {
    return [...test.log.batches(0n)].map(({ baseOffset }) => Number(baseOffset))
  }

  it('drops aborted records, and keeps their last batch without records', async () => {
    const test = new TestLog(CONFIG)
    send(test, 0, at('a', '1'))
    send(test, 1, at('a', '2'))
    end(test, false)
    await seal(test)
    await clean(test)
    assert.deepEqual(test.records, [])
    // The last batch has the sequence of the producer, which is still active.
    assert.deepEqual(offsets(test), [1, 2])
  })

  it('does not count an aborted record as the newest of its key', async () => {
    const test = new TestLog(CONFIG)
    send(test, 0, at('a', '1'))
    end(test, true)
    send(test, 1, at('a', '2'))
    end(test, false)
    await seal(test)
    await clean(test)
    assert.deepEqual(test.records, ['0:1'])
  })

  it('does not go beyond an open transaction', async () => {
    const test = new TestLog(CONFIG)
    test.append(at('a', '1'), at('a', '2'))
    send(test, 0, at('a', '3'))
    await seal(test)
    assert.equal(test.log.lastStableOffset, 2n)
    await clean(test)
    assert.deepEqual(test.records, ['1:2', '2:3'])
    assert.equal(test.log.cleanedUpTo, 2n)
  })

  it('drops a marker after its horizon if no data of the transaction is left', async () => {
    const rows: readonly (readonly [string, number, boolean, readonly number[]])[] = [
      ['before the horizon', 10 * MINUTE - 1, true, [1, 2]],
      ['after it', 10 * MINUTE, true, [2]],
      ['with data', 10 * MINUTE, false, [0, 1, 2]],
    ]
    for (const [name, passedMs, isOverwritten, expected] of rows) {
      const test = new TestLog(CONFIG)
      send(test, 0, at('a', '1'))
      end(test, true)
      test.append(at(isOverwritten ? 'a' : 'b', '2'))
      await seal(test)
      // Its batches are not kept for the sequence of an active producer.
      test.log.producers.expire(BigInt(START_MS + 1))
      await clean(test)
      test.nowMs += passedMs
      test.append(at('c', '3'))
      await seal(test)
      await clean(test)
      assert.deepEqual(offsets(test).slice(0, -1), expected, name)
    }
  })
})

describe('dirtiness', () => {
  it('is the dirty part of what can be compacted, if it exceeds the ratio or is overdue', async () => {
    const overdue = { 'max.compaction.lag.ms': '1000' }
    type Row = readonly [
      string,
      Readonly<Record<string, string>>,
      number,
      number,
      number | undefined,
    ]
    const rows: readonly Row[] = [
      ['nothing compacted yet', {}, 0, 0, 1],
      ['all compacted', {}, 2, 0, undefined],
      ['half, at the ratio', {}, 1, 0, undefined],
      ['half, above the ratio', { 'min.cleanable.dirty.ratio': '0.49' }, 1, 0, 0.5],
      ['below the ratio, but overdue', overdue, 1, 1001, 0.5],
      ['below the ratio, not overdue yet', overdue, 1, 1000, undefined],
    ]
    for (const [name, config, cleaned, passedMs, expected] of rows) {
      const test = await logOf([[at('a', '1')]], config)
      test.append(at('a', '1'))
      await seal(test)
      test.append(at('a', '1'))
      test.log.cleanedUpTo = BigInt(cleaned)
      assert.equal(dirtiness(test.log, START_MS + passedMs), expected, name)
    }
  })

  it('is undefined for a log with an active segment only', () => {
    const test = new TestLog(CONFIG)
    test.append(at('a', '1'))
    assert.equal(dirtiness(test.log, START_MS), undefined)
  })
})

describe('a compacted batch', () => {
  it('without records stays if it is the last of an active producer', async () => {
    for (const isActive of [true, false]) {
      const test = new TestLog(CONFIG)
      const producer = { producerId: 7n, producerEpoch: 0, baseSequence: 5 }
      test.log.append([batchOf([at('a', '1')], producer)], 0)
      test.append(at('a', '2'))
      await seal(test)
      if (!isActive) test.log.producers.expire(BigInt(START_MS + 1))
      await clean(test)
      assert.deepEqual(test.records, ['1:2'])
      assert.equal([...test.log.batches(0n)].length, isActive ? 2 : 1)
      const known = test.reopen().producers.producers.get(7n)?.batches.at(-1)?.lastSequence
      assert.equal(known, isActive ? 5 : undefined)
    }
  })

  it('keeps offsets, timestamps and producer of what is left', async () => {
    const test = new TestLog(CONFIG)
    const producer = { producerId: 7n, producerEpoch: 3, baseSequence: 5 }
    const records = [at('a', '1', START_MS), at('b', '2', START_MS + 1), at('a', '3', START_MS + 2)]
    test.log.append([batchOf(records, producer)], 4)
    await seal(test)
    await clean(test)
    const [batch] = test.log.batches(0n)
    assert.ok(batch)
    const { producerId, producerEpoch, baseSequence, baseOffset, lastOffset } = batch
    assert.deepEqual([producerId, producerEpoch, baseSequence], [7n, 3, 5])
    assert.deepEqual([baseOffset, lastOffset, batch.partitionLeaderEpoch], [0n, 2n, 4])
    assert.deepEqual(
      readRecords(batch).map(({ offset, timestamp }) => [Number(offset), Number(timestamp)]),
      [
        [1, START_MS + 1],
        [2, START_MS + 2],
      ],
    )
  })
})
