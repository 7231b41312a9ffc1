// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { AcknowledgeType, requireOwner, withTypes } from './acknowledgement.ts'
import { endOfBatch, partsOf, throttledCount } from './acquisition.ts'
import { DeliveryState, type Range } from './in-flight.ts'

/** Batches of a log as texts: `0-4 10-19`. */
const batchesOf = (text: string) =>
  text
    .split(' ')
    .filter(Boolean)
    .map((range) => {
      const [first = 0, last = 0] = range.split('-').map(Number)
      return { first, last, isAborted: false }
    })

describe('the delivery count from which records are delivered in parts', () => {
  const rows: readonly (readonly [limit: number, count: number])[] = [
    [1, 2],
    [2, 2],
    [4, 2],
    [5, 3],
    [10, 5],
  ]
  for (const [limit, count] of rows) {
    it(`is ${count} of ${limit}`, () => assert.equal(throttledCount(limit), count))
  }
})

describe('the end of the log batch with an offset', () => {
  const rows: readonly (readonly [batches: string, offset: number, end: number])[] = [
    ['0-4 5-9', 0, 4],
    ['0-4 5-9', 4, 4],
    ['0-4 5-9', 5, 9],
    // Compaction removed the records between two batches.
    ['0-4 10-19', 7, 7],
    ['0-4 10-19', 25, 25],
    ['10-19', 3, 3],
    ['', 3, 3],
  ]
  for (const [batches, offset, end] of rows) {
    it(`${offset} in ${batches || 'nothing'} is ${end}`, () => {
      assert.equal(endOfBatch(batchesOf(batches), offset), end)
    })
  }
})

describe('acquired records', () => {
  /** Batches of the log, records per part, the range that is acquired, and its parts. */
  const rows: readonly (readonly [
    batches: string,
    batchSize: number,
    range: readonly [number, number],
    parts: string,
  ])[] = [
    ['0-4 5-9 10-14', 100, [0, 14], '0-14'],
    ['0-4 5-9 10-14', 15, [0, 14], '0-14'],
    // Only at boundaries of the log, and no part but the last is smaller than the size.
    ['0-4 5-9 10-14', 5, [0, 14], '0-4 5-9 10-14'],
    ['0-4 5-9 10-14', 6, [0, 14], '0-9 10-14'],
    ['0-4 5-9 10-14', 1, [0, 14], '0-4 5-9 10-14'],
    ['0-4 5-9 10-14', 5, [2, 12], '2-9 10-12'],
    ['0-4 5-5', 5, [0, 5], '0-4 5-5'],
    ['0-99', 10, [0, 99], '0-99'],
    // The gap belongs to the part before it.
    ['0-4 20-24', 5, [0, 24], '0-19 20-24'],
    ['0-4 5-9 10-14', 5, [0, 9], '0-4 5-9'],
  ]
  for (const [batches, batchSize, [first, last], parts] of rows) {
    it(`from ${first} to ${last} of ${batches}, about ${batchSize} at a time, are ${parts}`, () => {
      const read = {
        fetchOffset: first,
        batches: batchesOf(batches),
        maxRecords: 1000,
        batchSize,
        isStrict: false,
      }
      const found = partsOf(read, first, last)
      assert.equal(found.map((part) => `${part.first}-${part.last}`).join(' '), parts)
    })
  }
})

describe('acknowledged records', () => {
  const { accept, release, reject, gap } = AcknowledgeType

  /** A range, the first offset and the types of the request, and the parts of one type. */
  const rows: readonly (readonly [
    range: readonly [number, number],
    firstOffset: number,
    types: readonly number[],
    parts: readonly (readonly [first: number, last: number, type: number])[],
  ])[] = [
    // One type is for all records.
    [[3, 9], 3, [accept], [[3, 9, accept]]],
    [[3, 5], 3, [accept, accept, accept], [[3, 5, accept]]],
    [
      [3, 6],
      3,
      [accept, release, release, reject],
      [
        [3, 3, accept],
        [4, 5, release],
        [6, 6, reject],
      ],
    ],
    // The range may be a part of the request.
    [
      [5, 6],
      3,
      [accept, accept, gap, release],
      [
        [5, 5, gap],
        [6, 6, release],
      ],
    ],
  ]
  for (const [[first, last], firstOffset, types, parts] of rows) {
    it(`${first}-${last} with the types ${types} from ${firstOffset}`, () => {
      const found = withTypes(
        { first, last },
        { firstOffset: BigInt(firstOffset), lastOffset: 0n, acknowledgeTypes: types },
      )
      assert.deepEqual(
        found.map(({ range, type }) => [range.first, range.last, type]),
        parts,
      )
    })
  }

  const range = (state: DeliveryState, memberId: string): Range => ({
    first: 0,
    last: 0,
    state,
    memberId,
    deliveryCount: 1,
    dueMs: 0,
  })
  const owners: readonly (readonly [
    state: keyof typeof DeliveryState,
    memberId: string,
    what: 'batch' | 'offset',
    message: RegExp | undefined,
  ])[] = [
    ['Acquired', 'm', 'batch', undefined],
    ['Acquired', 'n', 'batch', /^Member is not the owner of batch record$/],
    ['Acquired', 'n', 'offset', /^Member is not the owner of offset$/],
    ['Available', '', 'batch', /The batch is not in the acquired state\.$/],
    ['Acknowledged', '', 'offset', /The offset is not acquired\.$/],
    ['Archived', 'm', 'offset', /The offset is not acquired\.$/],
  ]
  for (const [state, memberId, what, message] of owners) {
    it(`that are ${state} by ${memberId || 'none'}, as a ${what}`, () => {
      const check = (): void => requireOwner(range(DeliveryState[state], memberId), 'm', what)
      if (message === undefined) check()
      else assert.throws(check, { code: 'INVALID_RECORD_STATE', message })
    })
  }
})
