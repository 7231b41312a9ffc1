// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import {
  ErrorCode,
  type ErrorName,
  FetchRequest,
  FetchResponse,
  MetadataRequest,
} from '@millrace/protocol'
import type { Cluster } from '../metadata/cluster.ts'
import { bytes } from '../serde/serde.ts'
import { FetchScript, numberedBatch } from '../testing/fetch-script.ts'
import { codeOf } from '../testing/scripted-cluster.ts'
import { Fetcher, type FetchOptions } from './fetcher.ts'
import { PartitionState } from './partition-state.ts'

const deserializers = { key: bytes(), value: bytes() }
const decode = { checkCrcs: true, isReadCommitted: false, deserializersOf: () => deserializers }

/** A fetcher of the partitions of topic `t`, and brokers that hold them. */
class Bench extends FetchScript {
  readonly states: PartitionState[]
  readonly cluster_: Cluster
  readonly fetcher: Fetcher
  readonly outOfRange: string[] = []
  wakes = 0

  constructor(leaders: number[] = [1], options: Partial<FetchOptions> = {}) {
    super(Math.max(...leaders))
    this.topic('t', leaders)
    this.cluster_ = this.cluster()
    this.cluster_.track(['t'])
    this.states = leaders.map((_, partition) => {
      const state = new PartitionState('t', partition)
      state.seek({ offset: 0n, leaderEpoch: -1 })
      return state
    })
    this.fetcher = new Fetcher({
      cluster: this.cluster_,
      fetch: {
        fetchMinBytes: 1,
        fetchMaxBytes: 52_428_800,
        fetchMaxWaitMs: 500,
        maxPartitionFetchBytes: 1_048_576,
        maxPrefetchBytes: 10_000_000,
        isReadCommitted: false,
        clientRack: '',
        ...options,
      },
      assigned: () => this.states,
      onOffsetOutOfRange: (state) => this.outOfRange.push(`${state.topic}-${state.partition}`),
      wake: () => this.wakes++,
    })
  }

  get state(): PartitionState {
    const [state] = this.states
    assert.ok(state)
    return state
  }

  async start(ms = 10): Promise<void> {
    await this.run(this.cluster_.refresh())
    this.fetcher.fetch()
    await this.pass(ms)
  }

  end(): void {
    this.fetcher.close()
    this.cluster_.close()
  }
}

describe('the fetcher', () => {
  it('reads ahead until more than maxPartitionFetchBytes are buffered', async () => {
    const size = numberedBatch(10, 10).length
    const bench = new Bench([1], { maxPartitionFetchBytes: 2 * size })
    bench.ends.set('t-0', 1000)
    await bench.start()
    assert.deepEqual(bench.fetchOffsets, ['1: 0@0', '1: 0@10', '1: 0@20'])
    assert.ok(bench.state.bufferedBytes > 2 * size)
    bench.state.take(10, decode)
    bench.state.take(10, decode)
    bench.fetcher.fetch()
    await bench.pass(10)
    assert.equal(bench.fetchOffsets.length, 5)
    bench.end()
  })

  it('has one fetch in flight to each broker', async () => {
    const bench = new Bench([1, 2, 1])
    await bench.start()
    for (let i = 0; i < 5; i++) bench.fetcher.fetch()
    await bench.pass(100)
    assert.deepEqual(bench.fetchOffsets.sort(), ['1: 0@0 2@0', '2: 1@0'])
    bench.end()
  })

  it('reads a partition that was just positioned aside, while a fetch is held', async () => {
    const bench = new Bench([1, 1])
    const [, second] = bench.states
    second?.requestReset('latest')
    await bench.start()
    assert.deepEqual(bench.fetchOffsets, ['1: 0@0'])
    bench.ends.set('t-1', 10)
    second?.seek({ offset: 0n, leaderEpoch: -1 })
    bench.fetcher.fetch()
    await bench.pass(10)
    assert.deepEqual(bench.fetchOffsets, ['1: 0@0', '1: 1@0'])
    const aside = bench.requests(FetchRequest)[1]?.message
    assert.deepEqual([aside?.maxWaitMs, aside?.sessionEpoch], [0, -1])
    assert.equal(second?.take(100, decode).length, 10)
    bench.end()
  })

  it('limits the wait of a fetch while another partition of the broker is full', async () => {
    const size = numberedBatch(0, 10).length
    const bench = new Bench([1, 1], { maxPartitionFetchBytes: size })
    bench.ends.set('t-0', 1000)
    await bench.start()
    const waits = bench.requests(FetchRequest).map(({ message }) => message.maxWaitMs)
    assert.equal(waits[0], 500)
    assert.equal(waits.at(-1), 20)
    bench.end()
  })

  const passive: readonly (readonly [string, (state: PartitionState, now: number) => void])[] = [
    [
      'that is paused and has records',
      (state) => {
        state.isPaused = true
      },
    ],
    ['without a position', (state) => state.requestReset('latest')],
    [
      'with an error to report',
      (state) => {
        state.error = new Error('x')
      },
    ],
    [
      'whose position is being validated',
      (state) => {
        state.isValidating = true
      },
    ],
    [
      'that failed a moment ago',
      (state, now) => {
        state.retryAt = now + 100
      },
    ],
  ]
  for (const [what, change] of passive) {
    it(`does not fetch a partition ${what}`, async () => {
      const bench = new Bench([1])
      bench.ends.set('t-0', 10)
      await bench.start()
      const before = bench.fetchOffsets.length
      assert.ok(bench.state.hasData)
      change(bench.state, bench.nowMs + 1)
      bench.fetcher.fetch()
      await bench.pass(1)
      // A held fetch may still be in flight; no other follows.
      assert.ok(bench.fetchOffsets.length <= before + 1)
      bench.end()
    })
  }

  it('fetches a paused partition once, so that it resumes at once', async () => {
    const bench = new Bench([1])
    bench.ends.set('t-0', 1000)
    bench.state.isPaused = true
    await bench.start()
    assert.deepEqual(bench.fetchOffsets, ['1: 0@0'])
    bench.end()
  })

  it('stops at maxPrefetchBytes over all partitions', async () => {
    const size = numberedBatch(0, 10).length
    const bench = new Bench([1, 1, 1], { maxPrefetchBytes: 3 * size })
    for (const partition of [0, 1, 2]) bench.ends.set(`t-${partition}`, 1000)
    await bench.start()
    const buffered = bench.states.reduce((sum, { bufferedBytes }) => sum + bufferedBytes, 0)
    assert.equal(buffered, 3 * size)
    assert.equal(bench.fetchOffsets.length, 1)
    bench.end()
  })

  it('ignores a reply for a partition that moved meanwhile', async () => {
    const bench = new Bench([1])
    bench.ends.set('t-0', 1000)
    bench.queue(
      FetchRequest,
      FetchResponse,
      (request) =>
        new Promise((resolve) => bench.timer(100, () => resolve(bench.fetchReply(request)))),
    )
    await bench.start()
    bench.state.seek({ offset: 500n, leaderEpoch: -1 })
    await bench.pass(200)
    assert.equal(bench.state.take(1, decode)[0]?.offset, 500n)
    bench.end()
  })
})

describe('an error of one partition in a fetch', () => {
  /** Next step for the partition. */
  const cells: readonly (readonly [ErrorName, 'reported' | 'retried' | 'reset', string])[] = [
    ['TOPIC_AUTHORIZATION_FAILED', 'reported', 'no retry changes it'],
    ['CORRUPT_MESSAGE', 'reported', 'the log is damaged'],
    ['OFFSET_OUT_OF_RANGE', 'reset', 'the position does not exist any more'],
    ['NOT_LEADER_OR_FOLLOWER', 'retried', 'another broker leads'],
    ['FENCED_LEADER_EPOCH', 'retried', 'metadata is old'],
    ['UNKNOWN_LEADER_EPOCH', 'retried', 'the broker lags behind'],
    ['UNKNOWN_TOPIC_OR_PARTITION', 'retried', 'the broker may not know it yet'],
    ['UNKNOWN_TOPIC_ID', 'retried', 'metadata is old'],
    ['KAFKA_STORAGE_ERROR', 'retried', 'the log directory is offline'],
    ['OFFSET_NOT_AVAILABLE', 'retried', 'the new leader is not ready'],
  ]
  for (const [error, outcome, why] of cells) {
    it(`${error}: ${outcome}, ${why}`, async () => {
      const bench = new Bench([1])
      bench.ends.set('t-0', 10)
      bench.fetchSteps('t-0', error)
      await bench.start(500)
      assert.equal(codeOf(bench.state.error), outcome === 'reported' ? error : undefined)
      assert.equal(bench.outOfRange.length, outcome === 'reset' ? bench.outOfRange.length : 0)
      if (outcome === 'reset') assert.equal(bench.outOfRange[0], 't-0')
      assert.equal(bench.state.hasData, outcome !== 'reported')
      assert.ok(bench.wakes > 0)
      bench.end()
    })
  }

  it('is retried after the backoff, with new metadata', async () => {
    const bench = new Bench([1, 2])
    bench.ends.set('t-0', 10)
    bench.fetchSteps('t-0', 'NOT_LEADER_OR_FOLLOWER')
    await bench.pass(1000)
    await bench.run(bench.cluster_.refresh())
    await bench.pass(200)
    bench.topic('t', [2, 2])
    bench.fetcher.fetch()
    await bench.pass(800)
    const ofPartition0 = bench.fetchOffsets.filter((text) => text.includes(' 0@'))
    assert.equal(ofPartition0[0], '1: 0@0')
    assert.match(ofPartition0[1] ?? '', /^2: .*0@0/)
    bench.end()
  })

  it('that names the new leader is retried there at once (KIP-951)', async () => {
    const bench = new Bench([1, 2])
    bench.ends.set('t-0', 10)
    bench.queue(FetchRequest, FetchResponse, (request) => ({
      ...bench.fetchReply(request),
      responses: bench.fetchReply(request).responses.map((topic) => ({
        ...topic,
        partitions: topic.partitions.map((partition) => ({
          ...partition,
          errorCode: ErrorCode.NOT_LEADER_OR_FOLLOWER,
          records: null,
          currentLeader: { leaderId: 2, leaderEpoch: 1 },
        })),
      })),
      nodeEndpoints: [{ nodeId: 2, host: '127.0.0.1', port: 9002, rack: null }],
    }))
    bench.states.pop()
    await bench.start(50)
    assert.deepEqual(bench.fetchOffsets.slice(0, 2), ['1: 0@0', '2: 0@0'])
    assert.equal(bench.requests(MetadataRequest).length, 1)
    bench.end()
  })

  it('OFFSET_OUT_OF_RANGE waits until the buffered records are used up', async () => {
    const bench = new Bench([1])
    bench.ends.set('t-0', 20)
    bench.fetchSteps('t-0', {}, 'OFFSET_OUT_OF_RANGE')
    await bench.start(20)
    assert.deepEqual(bench.outOfRange, [])
    assert.ok(bench.state.retryAt > bench.nowMs)
    bench.end()
  })

  it('bytes that are not a whole batch are a corrupt message', async () => {
    const bench = new Bench([1])
    bench.ends.set('t-0', 10)
    bench.fetchSteps('t-0', { records: numberedBatch(0, 10).subarray(0, 40) })
    await bench.start()
    assert.equal(codeOf(bench.state.error), 'CORRUPT_MESSAGE')
    assert.match(
      bench.state.error?.message ?? '',
      /t-0 at offset 0: 40 bytes are not a whole batch/,
    )
    bench.end()
  })
})

describe('a fetch that fails as a whole', () => {
  it('is retried after the backoff', async () => {
    const bench = new Bench([1])
    bench.ends.set('t-0', 10)
    bench.queue(FetchRequest, FetchResponse, 'close')
    await bench.start(20)
    assert.equal(bench.fetchOffsets.length, 1)
    await bench.pass(200)
    assert.equal(bench.state.hasData, true)
    bench.end()
  })

  it('with an error of the session is repeated completely', async () => {
    for (const error of ['FETCH_SESSION_ID_NOT_FOUND', 'INVALID_FETCH_SESSION_EPOCH'] as const) {
      const bench = new Bench([1])
      bench.ends.set('t-0', 10)
      bench.queue(FetchRequest, FetchResponse, {
        errorCode: ErrorCode[error],
        sessionId: 0,
        responses: [],
      })
      await bench.start(20)
      assert.deepEqual(bench.fetchOffsets.slice(0, 2), ['1: 0@0', '1: 0@0'])
      assert.equal(bench.state.hasData, true)
      bench.end()
    }
  })

  it('closes its session when the fetcher is closed', async () => {
    const bench = new Bench([1])
    bench.answer(FetchRequest, FetchResponse, async (request) => ({
      ...(await bench.heldReply(request)),
      sessionId: 77,
    }))
    await bench.start(700)
    bench.fetcher.close()
    await bench.pass(500)
    const last = bench.requests(FetchRequest).at(-1)?.message
    assert.deepEqual([last?.sessionId, last?.sessionEpoch], [77, -1])
    bench.cluster_.close()
  })
})

describe('a closer replica (KIP-392)', () => {
  it('that the leader names is read from, until metadataMaxAgeMs', async () => {
    const bench = new Bench([1, 2])
    bench.states.pop()
    bench.ends.set('t-0', 10)
    bench.fetchSteps('t-0', { preferredReadReplica: 2, records: Buffer.alloc(0) })
    await bench.start(10)
    assert.deepEqual(bench.fetchOffsets.slice(0, 2), ['1: 0@0', '2: 0@0'])
    const until = bench.state.preferredReplica?.until ?? 0
    assert.ok(until > 299_000 && until <= 301_000)
    bench.end()
  })

  it('that fails is left: the leader is asked again', async () => {
    const bench = new Bench([1, 2])
    bench.states.pop()
    bench.ends.set('t-0', 10)
    bench.fetchSteps(
      't-0',
      { preferredReadReplica: 2, records: Buffer.alloc(0) },
      'OFFSET_OUT_OF_RANGE',
    )
    await bench.start(300)
    assert.deepEqual(bench.fetchOffsets.slice(0, 3), ['1: 0@0', '2: 0@0', '1: 0@0'])
    assert.deepEqual(bench.outOfRange, [], 'the replica lags behind; the offset may exist')
    bench.end()
  })
})
