// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { ErrorCode, type FetchRequest, type MessageOf, ZERO_UUID } from '@millrace/protocol'
import { seededRandom } from '@millrace/testkit'
import { type FetchedPartition, FetchSessions } from './fetch-sessions.ts'

const ID = 'topic'.padEnd(21, 'x').concat('A')

function requestOf(
  sessionId: number,
  sessionEpoch: number,
  named: string,
): MessageOf<typeof FetchRequest> {
  const words = named.split(' ').filter(Boolean)
  return {
    clusterId: null,
    replicaId: -1,
    replicaState: { replicaId: -1, replicaEpoch: -1n },
    maxWaitMs: 0,
    minBytes: 0,
    maxBytes: 1,
    isolationLevel: 0,
    sessionId,
    sessionEpoch,
    topics: [
      {
        topic: '',
        topicId: ID,
        partitions: words
          .filter((word) => !word.startsWith('-'))
          .map((word) => {
            const [partition, offset = '0'] = word.split('@')
            return {
              partition: Number(partition),
              currentLeaderEpoch: -1,
              fetchOffset: BigInt(offset),
              lastFetchedEpoch: -1,
              logStartOffset: -1n,
              partitionMaxBytes: 1,
              replicaDirectoryId: ID,
              highWatermark: -1n,
            }
          }),
      },
    ],
    forgottenTopicsData: [
      {
        topic: '',
        topicId: ID,
        partitions: words
          .filter((word) => word.startsWith('-'))
          .map((word) => Number(word.slice(1))),
      },
    ],
    rackId: '',
  } as MessageOf<typeof FetchRequest>
}

/** What a partition's log returned. */
interface Result {
  readonly size?: number
  readonly error?: number
  readonly highWatermark?: bigint
  /** Null for a version without it. */
  readonly logStart?: bigint | null
  readonly isDiverging?: boolean
}

class Bench {
  readonly sessions: FetchSessions
  nowMs = 0

  constructor(maxSessions = 10) {
    this.sessions = new FetchSessions({ random: seededRandom(3), maxSessions })
  }

  /** The session id of the reply, what is read, and which partitions the reply has. */
  fetch(
    sessionId: number,
    epoch: number,
    named = '',
    results: Readonly<Record<number, Result>> = {},
    version = 17,
  ) {
    const plan = this.sessions.plan(requestOf(sessionId, epoch, named), {
      version,
      nowMs: this.nowMs,
    })
    const fetched = plan.items.map((item): FetchedPartition => {
      const {
        size = 0,
        error = 0,
        highWatermark = 10n,
        logStart = 0n,
      } = results[item.partition] ?? {}
      return {
        item,
        records: Buffer.alloc(size),
        isDiverging: results[item.partition]?.isDiverging ?? false,
        response: {
          partitionIndex: item.partition,
          errorCode: error,
          highWatermark,
          logStartOffset: logStart ?? undefined,
          records: null,
          abortedTransactions: null,
        } as FetchedPartition['response'],
      }
    })
    const reply = plan.finish(fetched, version)
    return {
      id: plan.sessionId,
      error: plan.error,
      reads: plan.items
        .map(({ partition, fetchOffset }) => `${partition}@${fetchOffset}`)
        .join(' '),
      replies: reply
        .flatMap(({ partitions }) => partitions.map(({ partitionIndex }) => partitionIndex))
        .join(' '),
    }
  }

  open(named: string, results: Readonly<Record<number, Result>> = {}): number {
    return this.fetch(0, 0, named, results).id
  }
}

describe('a fetch session of the broker (KIP-227)', () => {
  it('is opened by a full fetch; the first reply names all partitions', () => {
    const { id, reads, replies } = new Bench().fetch(0, 0, '0@5 1')
    assert.ok(id > 0)
    assert.deepEqual([reads, replies], ['0@5 1@0', '0 1'])
  })

  it('reads all partitions of the session, with their last requested offsets', () => {
    const bench = new Bench()
    const id = bench.open('0 1')
    assert.equal(bench.fetch(id, 1).reads, '0@0 1@0')
    assert.equal(bench.fetch(id, 2, '1@7').reads, '0@0 1@7')
    assert.equal(bench.fetch(id, 3, '2 -0').reads, '1@7 2@0')
    assert.equal(bench.fetch(id, 4, '-9').reads, '1@7 2@0')
  })

  const changes: readonly (readonly [what: string, result: Result, isTold: boolean])[] = [
    ['nothing', {}, false],
    ['records', { size: 1 }, true],
    ['an error', { error: ErrorCode.NOT_LEADER_OR_FOLLOWER }, true],
    ['a new high watermark', { highWatermark: 11n }, true],
    ['a new log start', { logStart: 3n }, true],
    ['a diverging epoch', { isDiverging: true }, true],
  ]
  for (const [what, result, isTold] of changes) {
    it(`replies about a partition with ${what}: ${isTold}`, () => {
      const bench = new Bench()
      const id = bench.open('0 1')
      assert.equal(bench.fetch(id, 1, '', { 0: result }).replies, isTold ? '0' : '')
    })
  }

  it('sends another reply after an error, so that the client learns that the error is over', () => {
    const bench = new Bench()
    const id = bench.open('0')
    bench.fetch(id, 1, '', { 0: { error: 6 } })
    assert.equal(bench.fetch(id, 2).replies, '0')
    assert.equal(bench.fetch(id, 3).replies, '')
  })

  it('moves partitions with records behind the others, for a full reply does not starve them', () => {
    const bench = new Bench()
    const id = bench.open('0 1 2', { 0: { size: 1 } })
    assert.equal(bench.fetch(id, 1, '', { 1: { size: 1 } }).reads, '1@0 2@0 0@0')
    assert.equal(bench.fetch(id, 2).reads, '2@0 0@0 1@0')
  })

  const errors: readonly (readonly [
    what: string,
    run: (bench: Bench) => unknown,
    error: string,
  ])[] = [
    ['an unknown id', (bench) => bench.fetch(77, 1).error, 'FETCH_SESSION_ID_NOT_FOUND'],
    [
      'a repeated epoch',
      (bench) => {
        const id = bench.open('0')
        bench.fetch(id, 1)
        return bench.fetch(id, 1).error
      },
      'INVALID_FETCH_SESSION_EPOCH',
    ],
    [
      'an epoch too far',
      (bench) => bench.fetch(bench.open('0'), 2).error,
      'INVALID_FETCH_SESSION_EPOCH',
    ],
    [
      'names in a session with ids',
      (bench) => bench.fetch(bench.open('0'), 1, '', {}, 12).error,
      'FETCH_SESSION_TOPIC_ID_ERROR',
    ],
  ]
  for (const [what, run, error] of errors) {
    it(`refuses ${what}: ${error}`, () => assert.equal(run(new Bench()), error))
  }

  // Version 13 has topic ids in place of names.
  for (const [opened, next, error] of [
    [12, 12, undefined],
    [13, 13, undefined],
    [13, 17, undefined],
    [12, 13, 'FETCH_SESSION_TOPIC_ID_ERROR'],
    [13, 12, 'FETCH_SESSION_TOPIC_ID_ERROR'],
  ] as const) {
    it(`opened in version ${opened} and continued in ${next}: ${error ?? 'continues'}`, () => {
      const bench = new Bench()
      const { id } = bench.fetch(0, 0, '0', {}, opened)
      assert.equal(bench.fetch(id, 1, '', {}, next).error, error)
    })
  }

  it('ends with the final epoch, and with a full fetch that names it', () => {
    for (const epoch of [-1, 0]) {
      const bench = new Bench()
      const id = bench.open('0')
      bench.fetch(id, epoch, epoch === 0 ? '0' : '')
      assert.equal(bench.fetch(id, 1).error, 'FETCH_SESSION_ID_NOT_FOUND')
      assert.equal(bench.sessions.size, epoch === 0 ? 1 : 0)
    }
  })

  it('is not opened for nothing', () => {
    const bench = new Bench()
    assert.equal(bench.fetch(0, 0, '').id, 0)
    assert.equal(bench.sessions.size, 0)
  })

  it('uses the last entry of a partition that is named twice', () => {
    assert.equal(new Bench().fetch(0, 0, '0@5 1 0@9').reads, '0@9 1@0')
    assert.equal(new Bench().fetch(0, 0, '0@5 0@9').reads, '0@9')
  })

  it('knows partitions of old clients by the names of their topics', () => {
    const [topic] = requestOf(0, 0, '0').topics
    assert.ok(topic)
    const topics = ['a', 'b'].map((name) => ({ ...topic, topic: name, topicId: ZERO_UUID }))
    const { sessions } = new Bench()
    const plan = sessions.plan({ ...requestOf(0, 0, ''), topics }, { version: 12, nowMs: 0 })
    assert.deepEqual(
      plan.items.map((item) => item.topic),
      ['a', 'b'],
    )
  })

  it('replies about a partition without a log start as about others', () => {
    const bench = new Bench()
    const { id } = bench.fetch(0, 0, '0', { 0: { logStart: null } })
    assert.equal(bench.fetch(id, 1, '', { 0: { logStart: null } }).replies, '')
    assert.equal(bench.fetch(id, 2, '', { 0: { logStart: 1n } }).replies, '0')
  })

  it('replies about a partition that was removed while it was read', () => {
    const bench = new Bench()
    const id = bench.open('0')
    const plan = bench.sessions.plan(requestOf(id, 1, ''), { version: 17, nowMs: 0 })
    bench.fetch(id, 2, '-0')
    const [item] = plan.items
    assert.ok(item)
    const response = {
      partitionIndex: 0,
      errorCode: 0,
      highWatermark: 10n,
      logStartOffset: 0n,
    } as FetchedPartition['response']
    const read = { item, records: Buffer.alloc(0), isDiverging: false, response }
    assert.equal(plan.finish([read], 17).length, 1)
  })

  it('has a positive id that no other has', () => {
    const drawn = [0, 0, 0x7ffffffd]
    const limits: number[] = []
    const random = {
      integer: (limit: number) => {
        limits.push(limit)
        return drawn.shift() ?? 0
      },
      bytes: () => Buffer.alloc(0),
    }
    const sessions = new FetchSessions({ random, maxSessions: 9 })
    const open = (): number =>
      sessions.plan(requestOf(0, 0, '0'), { version: 17, nowMs: 0 }).sessionId
    assert.deepEqual([open(), open()], [1, 0x7ffffffe])
    assert.deepEqual(new Set(limits), new Set([0x7ffffffe]))
  })
})

describe('room for fetch sessions', () => {
  it('is made by ending one that is idle for two minutes', () => {
    const bench = new Bench(2)
    const first = bench.open('0')
    const second = bench.open('0')
    bench.nowMs = 60_000
    assert.equal(bench.fetch(first, 1).error, undefined)
    bench.nowMs = 120_000
    assert.equal(bench.open('0'), 0, 'not idle long enough: no session')
    bench.nowMs = 120_001
    const third = bench.open('0')
    assert.ok(third > 0)
    assert.equal(bench.fetch(second, 1).error, 'FETCH_SESSION_ID_NOT_FOUND')
    assert.equal(bench.fetch(first, 2).error, undefined)
    assert.equal(bench.sessions.size, 2)
  })
})
