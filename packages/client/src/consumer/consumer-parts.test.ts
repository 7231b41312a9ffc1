// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { MillraceError } from '@millrace/base'
import { buildBatch, RecordBatch } from '@millrace/protocol'
import fc from 'fast-check'
import { bytes } from '../serde/serde.ts'
import { parseDuration, resolveConsumerOptions } from './consumer-options.ts'
import { decodeRecords } from './consumer-record.ts'
import { FetchSession } from './fetch-session.ts'
import { FetchedData } from './fetched-data.ts'
import { PartitionState } from './partition-state.ts'

const deserializers = { key: bytes(), value: bytes() }
const nullable = fc.oneof(fc.constant(null), fc.uint8Array({ maxLength: 40 }))

describe('decodeRecords', () => {
  it('decodes the records of a batch from an offset', () => {
    fc.assert(
      fc.property(
        fc.array(
          fc.record({
            timestamp: fc.bigInt({ min: 0n, max: 4_000_000_000_000n }),
            key: nullable,
            value: nullable,
            headers: fc.array(fc.record({ key: fc.string(), value: nullable }), { maxLength: 3 }),
          }),
          { minLength: 1, maxLength: 10 },
        ),
        fc.nat(9),
        fc.constantFrom('none' as const, 'gzip' as const, 'lz4' as const),
        (records, skip, compression) => {
          const batch = new RecordBatch(buildBatch(records, { baseOffset: 100n, compression }))
          const from = 100n + BigInt(Math.min(skip, records.length - 1))
          const read = decodeRecords(batch, { topic: 't', partition: 1, from, deserializers })
          const expected = records.slice(Number(from - 100n))
          assert.deepEqual(
            read.map((each) => [
              each.offset,
              BigInt(each.timestamp),
              each.key,
              each.value,
              each.headers,
            ]),
            expected.map((each, i) => [
              from + BigInt(i),
              each.timestamp,
              each.key && Buffer.from(each.key),
              each.value && Buffer.from(each.value),
              each.headers.map(({ key, value }) => ({ key, value: value && Buffer.from(value) })),
            ]),
          )
        },
      ),
    )
  })

  it('rejects bytes that are not records, and never reads past them', () => {
    const batch = buildBatch(
      Array.from({ length: 5 }, (_, i) => ({
        timestamp: 1n,
        key: Buffer.from('key'),
        value: Buffer.from(`value ${i}`),
        headers: [{ key: 'h', value: null }],
      })),
    )
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.integer({ min: 61, max: batch.length - 1 }), fc.nat(255)), {
          minLength: 1,
          maxLength: 4,
        }),
        (changes) => {
          const broken = Buffer.from(batch)
          for (const [at, byte] of changes) broken[at] = byte
          try {
            const options = { topic: 't', partition: 0, from: 0n, deserializers }
            for (const record of decodeRecords(new RecordBatch(broken), options)) {
              const headers = record.headers.map(({ value }) => value)
              for (const part of [record.key, record.value, ...headers] as (Buffer | null)[]) {
                assert.ok(part === null || part.length < broken.length)
              }
            }
          } catch (error) {
            assert.ok(error instanceof MillraceError, String(error))
          }
        },
      ),
      { numRuns: 2000 },
    )
  })
})

describe('a partition state', () => {
  const decode = { checkCrcs: true, isReadCommitted: false, deserializersOf: () => deserializers }
  function fetched(from: number, counts: readonly number[]): FetchedData {
    let next = from
    const batches = counts.map((count) => {
      const records = Array.from({ length: count }, () => ({
        timestamp: 1n,
        key: null,
        value: Buffer.from(`${next++}`),
      }))
      return buildBatch(records, { baseOffset: BigInt(next - count), partitionLeaderEpoch: 4 })
    })
    return new FetchedData(Buffer.concat(batches), [])
  }
  const offsets = (records: readonly { readonly offset: bigint }[]): number[] =>
    records.map(({ offset }) => Number(offset))

  it('returns at most as many records as requested, and keeps its position', () => {
    const state = new PartitionState('t', 0)
    state.seek({ offset: 2n, leaderEpoch: -1 })
    state.add(fetched(0, [5, 3]))
    assert.equal(state.fetchOffset, 8n)
    assert.deepEqual(offsets(state.take(2, decode)), [2, 3])
    state.consumedAll()
    assert.deepEqual(state.position, { offset: 4n, leaderEpoch: 4 })
    assert.deepEqual(offsets(state.take(100, decode)), [4])
    assert.deepEqual(offsets(state.take(100, decode)), [5, 6, 7])
    state.consumedAll()
    assert.equal(state.position?.offset, 8n)
    assert.equal(state.hasData, false)
    assert.equal(state.bufferedBytes, 0)
  })

  it('discards prefetched records when it is moved or revoked', () => {
    const state = new PartitionState('t', 0)
    state.seek({ offset: 0n, leaderEpoch: -1 })
    state.add(fetched(0, [5]))
    state.take(2, decode)
    state.seek({ offset: 4n, leaderEpoch: -1 })
    assert.equal(state.hasData, false)
    state.add(fetched(0, [5]))
    assert.deepEqual(offsets(state.take(9, decode)), [4])
    state.revoke()
    state.consumedAll()
    assert.equal(state.position?.offset, 4n)
    assert.equal(state.fetchOffset, undefined)
  })

  it('counts records committed explicitly as handled', () => {
    const state = new PartitionState('t', 0)
    state.seek({ offset: 0n, leaderEpoch: -1 })
    state.follow({
      delivered: () => ({ offset: 5n, leaderEpoch: 0 }),
      handled: () => ({ offset: 4n, leaderEpoch: 0 }),
    })
    assert.equal(state.handled?.offset, 4n)
    state.confirm({ offset: 5n, leaderEpoch: 0 })
    assert.equal(state.handled?.offset, 5n)
  })

  it('omits aborted transactions and markers with read_committed', () => {
    const record = (value: string) => [{ timestamp: 1n, key: null, value: Buffer.from(value) }]
    const marker = (commit: boolean, offset: bigint) =>
      buildBatch(
        [{ timestamp: 1n, key: Buffer.from([0, 0, 0, commit ? 1 : 0]), value: Buffer.alloc(6) }],
        {
          baseOffset: offset,
          producerId: 7n,
          producerEpoch: 0,
          isControl: true,
          isTransactional: true,
        },
      )
    const data = (offset: bigint, value: string, producerId = 7n) =>
      buildBatch(record(value), {
        baseOffset: offset,
        producerId,
        producerEpoch: 0,
        baseSequence: 0,
        isTransactional: true,
      })
    const buffer = Buffer.concat([
      data(0n, 'aborted'),
      data(1n, 'other', 8n),
      marker(false, 2n),
      data(3n, 'committed'),
      marker(true, 4n),
    ])
    const read = (isReadCommitted: boolean): string[] => {
      const state = new PartitionState('t', 0)
      state.seek({ offset: 0n, leaderEpoch: -1 })
      state.add(
        new FetchedData(buffer, isReadCommitted ? [{ producerId: 7n, firstOffset: 0n }] : []),
      )
      const values = state
        .take(100, { ...decode, isReadCommitted })
        .map(({ value }) => String(value))
      state.consumedAll()
      assert.equal(state.position?.offset, 5n)
      return values
    }
    assert.deepEqual(read(true), ['other', 'committed'])
    assert.deepEqual(read(false), ['aborted', 'other', 'committed'])
  })
})

describe('a fetch session', () => {
  const place = (partition: number, fetchOffset: bigint, topicId = 'id') => ({
    topic: 't',
    topicId,
    partition,
    fetchOffset,
    currentLeaderEpoch: 0,
    partitionMaxBytes: 1,
  })
  const names = (list: readonly { readonly partition: number }[]): number[] =>
    list.map(({ partition }) => partition)

  it('names every partition once, then only changes', () => {
    const session = new FetchSession()
    const first = session.build([place(0, 0n), place(1, 0n)])
    assert.deepEqual([first.sessionId, first.sessionEpoch, names(first.changed)], [0, 0, [0, 1]])
    assert.ok(session.answered({ errorCode: 0, sessionId: 5 }))
    const second = session.build([place(0, 3n), place(1, 0n)])
    assert.deepEqual([second.sessionId, second.sessionEpoch, names(second.changed)], [5, 1, [0]])
    session.answered({ errorCode: 0, sessionId: 5 })
    const third = session.build([place(1, 0n), place(2, 0n)])
    assert.deepEqual([names(third.changed), names(third.forgotten)], [[2], [0]])
    session.answered({ errorCode: 0, sessionId: 5 })
    const anew = session.build([place(1, 0n, 'other'), place(2, 0n)])
    assert.deepEqual([names(anew.changed), names(anew.forgotten)], [[1], [1]])
    assert.equal(session.find({ name: '', id: 'other' }, 1)?.partition, 1)
    assert.equal(session.end()?.sessionEpoch, -1)
    assert.equal(session.end(), undefined)
  })

  it('starts a new session when the broker has lost it, or the connection was lost', () => {
    const session = new FetchSession()
    session.build([place(0, 0n)])
    session.answered({ errorCode: 0, sessionId: 5 })
    session.build([place(0, 1n)])
    assert.equal(session.answered({ errorCode: 70, sessionId: 0 }), false)
    assert.equal(session.build([place(0, 1n)]).sessionEpoch, 0)
    session.answered({ errorCode: 0, sessionId: 6 })
    session.lost()
    const again = session.build([place(0, 1n)])
    assert.deepEqual([again.sessionId, again.sessionEpoch, names(again.changed)], [6, 0, [0]])
  })
})

describe('options of a consumer', () => {
  it('understand ISO durations', () => {
    const cases = {
      PT1H: 3_600_000,
      P1DT2H3M4S: 93_784_000,
      'PT0.5S': 500,
      P: undefined,
      PT: undefined,
      '1h': undefined,
    }
    for (const [text, expected] of Object.entries(cases))
      assert.equal(parseDuration(text), expected, text)
  })

  it('are rejected with an error that names the option, the value and the expected values', () => {
    const cases: readonly (readonly [object, RegExp])[] = [
      [
        { autoOffsetReset: 'by_duration:soon' },
        /invalid autoOffsetReset "by_duration:soon": expected earliest/,
      ],
      [{ partitionAssignmentStrategy: ['rang'] }, /"rang": expected range, roundrobin/],
      [{ partitionAssignmentStrategy: [] }, /one or more assignors/],
      [{ heartbeatIntervalMs: 50_000 }, /less than sessionTimeoutMs 45000/],
      [{ isolationLevel: 'committed' }, /"read_uncommitted", "read_committed"/],
      [{ groupID: 'g' }, /unknown option groupID; did you mean groupId/],
    ]
    for (const [options, message] of cases) {
      assert.throws(() => resolveConsumerOptions({ bootstrapServers: 'h:1', ...options }), message)
    }
  })
})
