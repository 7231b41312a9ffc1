// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { DiskFault, DiskOperation } from '@millrace/testkit'
import { readEpochCheckpoint } from './checkpoint-files.ts'
import { batchOf, TestLog } from './testing/test-log.ts'

const FAULTS: readonly DiskFault[] = ['EIO', 'ENOSPC', 'short', 'late']
const VALUE = 'x'.repeat(40)

/** Outcomes of the steps of a scenario. Records are `offset:value`; each value is unique. */
class Outcome {
  /** Records in the log. */
  readonly kept: string[] = []
  /** Values whose append failed, or that were removed again. */
  readonly refused = new Set<string>()
  /** Records whose waiters were notified that they are not durable. */
  readonly unacknowledged = new Set<string>()
  /** Records that were flushed. */
  readonly durable = new Set<string>()
}

const offsetOf = (record: string): bigint => BigInt(record.split(':')[0] ?? '')
const textOf = (record: string): string => record.slice(record.indexOf(':') + 1)

/** A failed flush removes what was not durable. */
function reconcile(test: TestLog, { kept, refused, durable }: Outcome): void {
  if (test.log.failure !== undefined) return
  for (let last = kept.at(-1); last !== undefined; last = kept.at(-1)) {
    if (offsetOf(last) < test.log.logEndOffset) return
    assert.ok(!durable.has(last), `${last} was durable`)
    refused.add(textOf(last))
    kept.pop()
  }
}

function assertStorageError(error: unknown): void {
  assert.equal((error as { readonly code: string }).code, 'KAFKA_STORAGE_ERROR', String(error))
  assert.doesNotMatch((error as Error).message, /\n/)
}

/** Appends a record in its own leader epoch. A failure changes nothing. */
function append(test: TestLog, value: string, outcome: Outcome): void {
  const { kept, refused, unacknowledged } = outcome
  // A flush may have failed since the last step.
  reconcile(test, outcome)
  const { log } = test
  const offset = log.logEndOffset
  const epochs = log.leaderEpochs.entries
  try {
    log.append([batchOf([value])], Number.parseInt(value, 10))
    const record = `${offset}:${value}`
    kept.push(record)
    assert.equal(log.logEndOffset, offset + 1n)
    log.acknowledged(offset + 1n)?.catch((error: { readonly code: string }) => {
      if (error.code === 'KAFKA_STORAGE_ERROR') unacknowledged.add(record)
    })
  } catch (error) {
    assertStorageError(error)
    refused.add(value)
    if (log.failure !== undefined) return
    assert.equal(log.logEndOffset, offset)
    // An epoch may have been assigned to the next offset, in the file first.
    const before = log.leaderEpochs.entries.filter(({ startOffset }) => startOffset < offset)
    assert.deepEqual(
      before,
      epochs.filter(({ startOffset }) => startOffset < offset),
    )
    const stored = readEpochCheckpoint(test.disk, test.path('leader-epoch-checkpoint'))
    for (const { epoch } of log.leaderEpochs.entries) {
      assert.ok(
        stored.some((entry) => entry.epoch === epoch),
        `epoch ${epoch} is not stored`,
      )
    }
  }
}

/** Every kind of step: appends with rolls and epochs, flushes, a truncation, retention, a close. */
async function work(test: TestLog, outcome: Outcome): Promise<void> {
  const { kept, refused, durable } = outcome
  const step = async (run: () => void | Promise<void>): Promise<boolean> => {
    try {
      await run()
      return true
    } catch (error) {
      assertStorageError(error)
      return false
    } finally {
      reconcile(test, outcome)
    }
  }
  for (let i = 0; i < 9; i++) {
    append(test, `${i} ${VALUE}`, outcome)
    if (i % 3 === 2) {
      const isFlushed = await step(() => test.log.flush())
      if (isFlushed) for (const record of kept) durable.add(record)
    }
    reconcile(test, outcome)
    const last = kept.at(-1)
    if (i === 4 && last !== undefined) {
      const end = offsetOf(last)
      assert.ok(end < test.log.logEndOffset || test.log.failure !== undefined)
      durable.delete(last)
      if (await step(() => test.log.truncate(end))) {
        if (kept.at(-1) === last) kept.pop()
        refused.add(textOf(last))
      }
    }
  }
  await step(() => void test.log.enforceRetention(test.nowMs))
  await step(() => test.log.close())
  reconcile(test, outcome)
}

function open(): TestLog {
  const segmentBytes = String(2 * 120)
  return new TestLog({ 'internal.segment.bytes': segmentBytes, 'retention.bytes': '700' })
}

async function run(at: number, fault: DiskFault): Promise<DiskOperation | undefined> {
  const test = open()
  let count = 0
  let failed: DiskOperation | undefined
  test.disk.faultOf = (operation) => {
    if (count++ !== at) return undefined
    failed = operation
    return fault
  }
  const outcome = new Outcome()
  await work(test, outcome)
  const name = `${at} ${fault} ${failed?.kind} ${failed?.path}`
  const isOffline = test.log.failure !== undefined
  assert.equal(test.failures.length, isOffline ? 1 : 0, name)
  if (isOffline) {
    assert.throws(() => test.append('x'), { code: 'KAFKA_STORAGE_ERROR' }, name)
    assert.throws(() => test.log.read({ offset: 0n, maxBytes: 1, atLeastOne: true, endOffset: 9n }))
  }
  const { logStartOffset } = test.log
  const log = test.reopen()
  const found = test.records
  const isStored = (record: string): boolean => offsetOf(record) >= log.logStartOffset
  assert.equal(new Set(found.map(offsetOf)).size, found.length, name)
  // A step that failed half way and took the log offline may have kept what it refused.
  const expected = isOffline ? [...outcome.durable] : outcome.kept
  for (const record of expected.filter(isStored)) assert.ok(found.includes(record), name)
  if (!isOffline) {
    for (const record of found) {
      assert.ok(!outcome.refused.has(textOf(record)), `${name} ${record}`)
      assert.ok(!outcome.unacknowledged.has(record), `${name} ${record}`)
    }
    assert.ok(log.logStartOffset <= logStartOffset, name)
  }
  return failed
}

describe('a log with one failing call to the disk', () => {
  for (const fault of FAULTS) {
    it(`${fault}: keeps what was appended, and nothing that was refused`, async () => {
      // Every call fails with EIO; `DISK_FAULTS=all` has them fail in all ways.
      const step = fault === 'EIO' || process.env.DISK_FAULTS === 'all' ? 1 : 3
      let at = 0
      while ((await run(at, fault)) !== undefined) at += step
      assert.ok(at > 100, `${at} calls`)
    })
  }
})

const KINDS: readonly DiskOperation['kind'][] = [
  'open',
  'create',
  'read',
  'write',
  'size',
  'truncate',
  'sync',
  'stat',
  'list',
  'makeDirectory',
  'rename',
  'remove',
  'syncDirectory',
]
/** The disk works again after so many failures, so that endless retries end. */
const MAX_FAILURES = 100

describe('a log whose disk fails every call of some kinds from now on', () => {
  /** Appends with and without flushes; the disk fails from the step `from` on. */
  async function failuresOf(
    failing: ReadonlySet<DiskOperation['kind']>,
    from: number,
  ): Promise<number> {
    const test = open()
    let failures = 0
    for (let i = 0; i < 8; i++) {
      if (i === from) {
        test.disk.faultOf = ({ kind }) =>
          failing.has(kind) && failures++ < MAX_FAILURES ? 'EIO' : undefined
      }
      try {
        test.log.append([batchOf([`${i} ${VALUE}`])], i)
        if (i % 3 === 1) await test.log.flush()
      } catch (error) {
        assertStorageError(error)
      }
      if (i % 3 === 2) await new Promise((resolve) => setImmediate(resolve))
    }
    return failures
  }
  for (const one of KINDS) {
    it(`${one}, with another or with all others: it does not retry forever`, async () => {
      const others = KINDS.slice(KINDS.indexOf(one))
      const sets = [...others.map((other) => new Set([one, other])), new Set(KINDS)]
      for (const [failing, from] of sets.flatMap((set) =>
        [0, 1, 2, 3, 4, 5].map((i) => [set, i] as const),
      )) {
        const failures = await failuresOf(failing, from)
        assert.ok(failures < MAX_FAILURES, `${[...failing]} from ${from}: ${failures} failures`)
      }
    })
  }
})
