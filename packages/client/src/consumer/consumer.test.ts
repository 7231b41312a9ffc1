// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import {
  HeartbeatRequest,
  JoinGroupRequest,
  JoinGroupResponse,
  LeaveGroupRequest,
  ListOffsetsRequest,
  OffsetCommitRequest,
  OffsetForLeaderEpochRequest,
  OffsetForLeaderEpochResponse,
} from '@millrace/protocol'
import { FetchScript } from '../testing/fetch-script.ts'
import { codeOf } from '../testing/scripted-cluster.ts'
import type { TopicPartition } from '../topic-partition.ts'
import { Consumer } from './consumer.ts'
import type { ConsumerOptions } from './consumer-options.ts'

/** A consumer, its brokers, and the calls of its listener. */
class Bench extends FetchScript {
  readonly calls: string[] = []
  readonly consumer: Consumer

  constructor(options: Partial<ConsumerOptions> = {}) {
    super()
    this.ends.set('t-0', 20).set('t-1', 20)
    this.consumer = new Consumer({
      ...this.options,
      groupId: 'g',
      groupProtocol: 'classic',
      autoOffsetReset: 'earliest',
      sessionTimeoutMs: 10_000,
      heartbeatIntervalMs: 1000,
      ...options,
    })
  }

  subscribe(): void {
    const note =
      (what: string) =>
      (partitions: readonly TopicPartition[]): void => {
        this.calls.push(`${what} ${partitions.map(({ partition }) => partition).join()}`.trim())
      }
    this.consumer.subscribe(['t'], {
      onPartitionsAssigned: note('assigned'),
      onPartitionsRevoked: note('revoked'),
      onPartitionsLost: note('lost'),
    })
  }

  /** Offsets of the next records, by partition: `0:0-9`. */
  async poll(timeoutMs = 5000): Promise<string> {
    const records = await this.run(this.consumer.poll(timeoutMs))
    return [...Map.groupBy(records, ({ partition }) => partition)]
      .map(([partition, list]) => `${partition}:${list[0]?.offset}-${list.at(-1)?.offset}`)
      .join(' ')
  }

  /** Offsets of the commits, in the order of the requests. */
  get commits(): string[] {
    return this.requests(OffsetCommitRequest).map(({ message }) =>
      message.topics
        .flatMap(({ partitions }) => partitions)
        .map(({ partitionIndex, committedOffset }) => `${partitionIndex}@${committedOffset}`)
        .sort()
        .join(' '),
    )
  }

  close(): Promise<void> {
    return this.run(this.consumer.close())
  }
}

describe('where a consumer begins', () => {
  const cells: readonly (readonly [
    what: string,
    options: Partial<ConsumerOptions>,
    committed: number | undefined,
    first: string,
  ])[] = [
    ['at the committed offset', {}, 13, '13'],
    ['without one at the first record: earliest', {}, undefined, '0'],
    ['without one at the end: latest', { autoOffsetReset: 'latest' }, undefined, '20'],
    ['none: an error', { autoOffsetReset: 'none' }, undefined, 'MILLRACE_NO_OFFSET'],
    ['none, at the committed offset', { autoOffsetReset: 'none' }, 13, '13'],
    ['a committed offset past the end is reset', {}, 99, '0'],
    ['or is an error: none', { autoOffsetReset: 'none' }, 99, 'OFFSET_OUT_OF_RANGE'],
  ]
  for (const [what, options, committed, first] of cells) {
    it(`${what} → ${first}`, async () => {
      const bench = new Bench(options)
      if (committed !== undefined) bench.committed.set('t-0', committed)
      bench.ends.delete('t-1')
      bench.topic('t', [1])
      bench.subscribe()
      const outcome = await bench.run(
        bench.consumer
          .poll(1500)
          .then(() => bench.consumer.poll(1500))
          .then(
            () => bench.consumer.position({ topic: 't', partition: 0 }),
            (error: unknown) => codeOf(error),
          ),
      )
      const begins = bench.fetchOffsets.map((text) => text.split('@')[1]).filter(Boolean)
      if (typeof outcome === 'bigint') assert.ok(begins.includes(first), begins.join())
      else assert.equal(outcome, first)
      await bench.close()
    })
  }
})

describe('the listener of a consumer', () => {
  it('is called once for an assignment, before its first record', async () => {
    const bench = new Bench()
    bench.subscribe()
    assert.notEqual(await bench.poll(), '')
    assert.deepEqual(bench.calls, ['assigned 0,1'])
    await bench.poll()
    assert.deepEqual(bench.calls, ['assigned 0,1'])
    await bench.close()
    assert.deepEqual(bench.calls, ['assigned 0,1', 'revoked 0,1'])
  })

  it('is notified of all partitions in an eager rebalance, and again of those that are reassigned', async () => {
    const bench = new Bench()
    bench.subscribe()
    await bench.poll()
    bench.leaderId = 'other'
    bench.assigned = [{ topic: 't', partition: 1 }]
    bench.heartbeat = 'REBALANCE_IN_PROGRESS'
    await bench.pass(1100)
    bench.heartbeat = 'NONE'
    await bench.poll()
    await bench.poll()
    assert.deepEqual(bench.calls, ['assigned 0,1', 'revoked 0,1', 'assigned 1'])
    await bench.close()
  })

  it('is notified of lost partitions when the session expired: no commit is possible', async () => {
    const bench = new Bench()
    bench.subscribe()
    await bench.poll()
    const { length } = bench.commits
    bench.heartbeat = 'UNKNOWN_MEMBER_ID'
    await bench.pass(1100)
    bench.heartbeat = 'NONE'
    await bench.poll()
    assert.deepEqual(bench.calls.slice(0, 3), ['assigned 0,1', 'lost 0,1', 'assigned 0,1'])
    assert.equal(bench.commits.length, length)
    await bench.close()
  })

  it('may fail: the poll rejects with its error', async () => {
    const bench = new Bench()
    bench.consumer.subscribe(['t'], {
      onPartitionsAssigned() {
        throw new RangeError('of the listener')
      },
    })
    assert.match((await bench.failure(bench.consumer.poll(3000))).message, /of the listener/)
    await bench.close()
  })
})

describe('commits of a consumer', () => {
  it('cover what earlier polls returned, not the last one', async () => {
    const bench = new Bench({ autoCommitIntervalMs: 0, maxPollRecords: 10 })
    bench.topic('t', [1])
    bench.subscribe()
    assert.equal(await bench.poll(), '0:0-9')
    assert.deepEqual(
      bench.commits.filter((text) => text !== '0@0'),
      ['0@10'],
      'the next commit is due with the next poll',
    )
    await bench.close()
  })

  it('happen before partitions are revoked, with the records of all polls', async () => {
    const bench = new Bench({ maxPollRecords: 100 })
    bench.subscribe()
    await bench.poll()
    bench.heartbeat = 'REBALANCE_IN_PROGRESS'
    await bench.pass(1100)
    bench.heartbeat = 'NONE'
    await bench.poll()
    assert.equal(bench.commits.length, 1)
    await bench.close()
  })

  it('are none without enableAutoCommit', async () => {
    const bench = new Bench({ enableAutoCommit: false })
    bench.subscribe()
    await bench.poll()
    await bench.pass(10_000)
    await bench.close()
    assert.deepEqual(bench.commits, [])
  })

  it('by hand are of the positions, or of records', async () => {
    const bench = new Bench({ enableAutoCommit: false, maxPollRecords: 10 })
    bench.topic('t', [1])
    bench.subscribe()
    const records = await bench.run(bench.consumer.poll(5000))
    await bench.run(bench.consumer.commit())
    const fourth = records[3]
    assert.ok(fourth)
    await bench.run(bench.consumer.commit(fourth))
    await bench.run(bench.consumer.commit([{ topic: 't', partition: 0, offset: 2n }]))
    assert.deepEqual(bench.commits, ['0@10', '0@4', '0@2'])
    await bench.close()
  })

  it('at close cover what was handled; then the member leaves', async () => {
    const bench = new Bench({ maxPollRecords: 10 })
    bench.topic('t', [1])
    bench.subscribe()
    await bench.poll()
    await bench.close()
    assert.deepEqual(bench.commits, ['0@10'])
    const order = bench.received.map(({ api }) => api)
    assert.ok(order.lastIndexOf('OffsetCommit') < order.lastIndexOf('LeaveGroup'))
    assert.equal(bench.requests(LeaveGroupRequest).length, 1)
  })
})

describe('positions of a consumer', () => {
  it('move with seek, to the ends and to a time', async () => {
    const bench = new Bench({ maxPollRecords: 100 })
    bench.consumer.assign([{ topic: 't', partition: 0 }])
    const seeks: readonly (readonly [() => void, string])[] = [
      [() => bench.consumer.seek({ topic: 't', partition: 0 }, 15n), '0:15-19'],
      [() => bench.consumer.seekToBeginning(), '0:0-9'],
      [() => bench.consumer.seekToTimestamp(17), '0:17-19'],
      [() => bench.consumer.seekToEnd(), ''],
      [() => bench.consumer.seekToTimestamp(5000), ''],
    ]
    for (const [seek, records] of seeks) {
      seek()
      assert.equal(await bench.poll(700), records)
    }
    await bench.close()
  })

  it('refuse offsets that cannot be, and partitions that are not assigned', () => {
    const bench = new Bench()
    bench.consumer.assign([{ topic: 't', partition: 0 }])
    const place = { topic: 't', partition: 0 }
    assert.throws(() => bench.consumer.seek(place, -1n), { code: 'MILLRACE_INVALID_OFFSET' })
    assert.throws(() => bench.consumer.seek({ ...place, partition: 1 }, 0n), {
      code: 'MILLRACE_NOT_ASSIGNED',
    })
  })

  it('keep their position while paused; other partitions continue', async () => {
    const bench = new Bench({ maxPollRecords: 100 })
    bench.consumer.assign([0, 1].map((partition) => ({ topic: 't', partition })))
    bench.consumer.pause([{ topic: 't', partition: 0 }])
    assert.match(await bench.poll(), /^1:0/)
    assert.match(await bench.poll(), /^1:10/)
    bench.consumer.resume()
    assert.match(await bench.poll(), /^0:0/)
    await bench.close()
  })

  it('have a lag once the end is known', async () => {
    const bench = new Bench({ maxPollRecords: 5 })
    const place = { topic: 't', partition: 0 }
    bench.consumer.assign([place])
    assert.equal(bench.consumer.lag(place), undefined)
    await bench.poll()
    assert.equal(bench.consumer.lag(place), 15n)
    await bench.close()
  })

  for (const [reset, outcome] of [
    ['earliest', '12'],
    ['none', 'MILLRACE_LOG_TRUNCATED'],
  ] as const) {
    it(`after a truncation: ${reset} → ${outcome} (KIP-320)`, async () => {
      const bench = new Bench({ autoOffsetReset: reset, maxPollRecords: 100 })
      bench.answer(OffsetForLeaderEpochRequest, OffsetForLeaderEpochResponse, (request) => ({
        topics: request.topics.map(({ topic, partitions }) => ({
          topic,
          partitions: partitions.map(({ partition }) => ({
            partition,
            errorCode: 0,
            leaderEpoch: 0,
            endOffset: 12n,
          })),
        })),
      }))
      const place = { topic: 't', partition: 0 }
      bench.consumer.assign([place])
      // The record before the position had leader epoch 0; the leader is at epoch 1 now.
      bench.consumer.seek(place, { offset: 15n, leaderEpoch: 0 })
      const topic = bench.topics.get('t')
      assert.ok(topic)
      topic.leaderEpoch = 1
      const got = await bench.run(
        bench.consumer.poll(1000).then(
          (records) => String(records[0]?.offset),
          (error: unknown) => codeOf(error),
        ),
      )
      assert.equal(got, outcome)
      await bench.close()
    })
  }
})

describe('calls in a state that forbids them', () => {
  const cells: readonly (readonly [string, (consumer: Consumer) => unknown, string])[] = [
    ['poll without a subscription', (consumer) => consumer.poll(), 'MILLRACE_INVALID_STATE'],
    [
      'subscribe after assign',
      (consumer) => {
        consumer.assign([{ topic: 't', partition: 0 }])
        consumer.subscribe(['t'])
      },
      'MILLRACE_INVALID_STATE',
    ],
    [
      'assign after subscribe',
      (consumer) => {
        consumer.subscribe(['t'])
        consumer.assign([{ topic: 't', partition: 0 }])
      },
      'MILLRACE_INVALID_STATE',
    ],
    ['subscribe to no name', (consumer) => consumer.subscribe(['']), 'MILLRACE_INVALID_TOPIC'],
    [
      'two polls at once',
      (consumer) => {
        consumer.assign([{ topic: 't', partition: 0 }])
        consumer.poll(100).catch(() => undefined)
        return consumer.poll(100)
      },
      'MILLRACE_CONCURRENT_READ',
    ],
  ]
  for (const [what, call, code] of cells) {
    it(`${what}: ${code}`, async () => {
      const bench = new Bench()
      const work = (async () => call(bench.consumer))()
      assert.equal((await bench.failure(work)).code, code)
      await bench.close()
    })
  }

  it('without a group: subscribe and commit', async () => {
    const { consumer } = new Bench({ groupId: undefined } as never)
    assert.throws(() => consumer.subscribe(['t']), { code: 'MILLRACE_NO_GROUP' })
    await assert.rejects(consumer.commit(), { code: 'MILLRACE_NO_GROUP' })
  })

  it('after close: MILLRACE_CLOSED', async () => {
    const bench = new Bench()
    await bench.close()
    assert.equal(codeOf(await bench.failure(bench.consumer.poll())), 'MILLRACE_CLOSED')
    assert.throws(() => bench.consumer.subscribe(['t']), { code: 'MILLRACE_CLOSED' })
  })
})

describe('membership of a consumer', () => {
  it('joins again when a watched topic gets partitions', async () => {
    const bench = new Bench({ metadataMaxAgeMs: 2000 })
    bench.subscribe()
    await bench.poll()
    const joins = bench.requests(JoinGroupRequest).length
    bench.topic('t', [1, 1, 1])
    await bench.pass(2500)
    await bench.poll()
    assert.equal(bench.requests(JoinGroupRequest).length, joins + 1)
    await bench.close()
  })

  it('joins again when a topic appears that its pattern matches', async () => {
    const bench = new Bench({ metadataMaxAgeMs: 2000 })
    bench.consumer.subscribe(/^t/)
    await bench.poll()
    bench.topic('tt', [1])
    bench.ends.set('tt-0', 3)
    await bench.pass(2500)
    for (let i = 0; i < 3; i++) await bench.poll()
    assert.deepEqual(bench.consumer.subscription, ['t', 'tt'])
    assert.ok(bench.consumer.assignment.some(({ topic }) => topic === 'tt'))
    await bench.close()
  })

  it('ends with an error that no retry resolves, once; heartbeats end, too', async () => {
    const bench = new Bench()
    bench.queue(JoinGroupRequest, JoinGroupResponse, {
      ...bench.joinError('GROUP_AUTHORIZATION_FAILED'),
    })
    bench.subscribe()
    const error = await bench.failure(bench.consumer.poll(5000))
    assert.equal(error.code, 'GROUP_AUTHORIZATION_FAILED')
    assert.equal(bench.requests(HeartbeatRequest).length, 0)
    await bench.close()
  })

  it('looks up only what is not committed', async () => {
    const bench = new Bench()
    bench.committed.set('t-0', 3).set('t-1', 4)
    bench.subscribe()
    assert.notEqual(await bench.poll(), '')
    assert.equal(bench.requests(ListOffsetsRequest).length, 0)
    await bench.close()
  })
})
