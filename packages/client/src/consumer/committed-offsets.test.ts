// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import {
  ErrorCode,
  type ErrorName,
  OffsetCommitRequest,
  OffsetCommitResponse,
  OffsetFetchRequest,
  OffsetFetchResponse,
} from '@millrace/protocol'
import { FetchScript } from '../testing/fetch-script.ts'
import { codeOf, type Reply } from '../testing/scripted-cluster.ts'
import { CommittedOffsets } from './committed-offsets.ts'
import { type Generation, GroupLink, type Membership } from './group/membership.ts'

const t0 = { topic: 't', partition: 0 }
const offset = { ...t0, offset: 5n }

class Bench extends FetchScript {
  generation: Generation = { generationId: 3, memberId: 'm', groupInstanceId: null }
  joins = 0
  losses = 0
  readonly offsets: CommittedOffsets

  constructor() {
    super()
    const bench = this
    const membership: Membership = {
      get generation() {
        return bench.generation
      },
      get isMember() {
        return bench.generation.generationId >= 0
      },
      isCooperative: false,
      needsJoin: false,
      isLost: false,
      fatal: undefined,
      lastProgressMs: () => 0,
      join: () => Promise.reject(new Error('not in this test')),
      assignmentApplied() {},
      requestJoin: () => {
        this.joins++
      },
      lose: () => {
        this.losses++
      },
      leave: async () => {},
      close() {},
    }
    this.offsets = new CommittedOffsets({
      link: new GroupLink(this.cluster(), 'g'),
      membership,
      requireStable: true,
    })
  }

  commitReply(error: ErrorName): Reply<typeof OffsetCommitResponse> {
    return {
      topics: [{ name: 't', partitions: [{ partitionIndex: 0, errorCode: ErrorCode[error] }] }],
    }
  }

  refuse(error: ErrorName, times = 1): void {
    for (let i = 0; i < times; i++) {
      this.queue(OffsetCommitRequest, OffsetCommitResponse, this.commitReply(error))
    }
  }

  commit(timeoutMs = 5000): Promise<string> {
    return this.run(
      this.offsets.commit([offset], timeoutMs).then(
        () => 'ok',
        (error: unknown) => codeOf(error) ?? String(error),
      ),
    )
  }
}

describe('a commit', () => {
  it('names the member and its generation; outside of the group it names none', async () => {
    const bench = new Bench()
    await bench.commit()
    bench.generation = { generationId: -1, memberId: 'm', groupInstanceId: 'i' }
    await bench.commit()
    assert.deepEqual(
      bench
        .requests(OffsetCommitRequest)
        .map(({ message }) => [
          message.memberId,
          message.generationIdOrMemberEpoch,
          message.groupInstanceId,
        ]),
      [
        ['m', 3, null],
        ['', -1, null],
      ],
    )
  })

  it('of nothing sends nothing', async () => {
    const bench = new Bench()
    await bench.run(bench.offsets.commit([], 5000))
    assert.equal(bench.trace, '')
  })

  it('uses topic names: a commit by id is lost with a topic that is created again', async () => {
    const bench = new Bench()
    await bench.commit()
    const [request] = bench.requests(OffsetCommitRequest)
    assert.deepEqual([request?.version, request?.message.topics[0]?.name], [9, 't'])
  })

  /** Outcome, requests sent, requests to join, and losses of the membership. */
  const cells: readonly (readonly [ErrorName, string, number, number, number])[] = [
    ['NOT_COORDINATOR', 'ok', 2, 0, 0],
    ['COORDINATOR_NOT_AVAILABLE', 'ok', 2, 0, 0],
    ['COORDINATOR_LOAD_IN_PROGRESS', 'ok', 2, 0, 0],
    ['STALE_MEMBER_EPOCH', 'ok', 2, 0, 0],
    ['REBALANCE_IN_PROGRESS', 'REBALANCE_IN_PROGRESS', 1, 1, 0],
    ['ILLEGAL_GENERATION', 'ILLEGAL_GENERATION', 1, 0, 1],
    ['UNKNOWN_MEMBER_ID', 'UNKNOWN_MEMBER_ID', 1, 0, 1],
    ['FENCED_INSTANCE_ID', 'FENCED_INSTANCE_ID', 1, 0, 0],
    ['GROUP_AUTHORIZATION_FAILED', 'GROUP_AUTHORIZATION_FAILED', 1, 0, 0],
    ['OFFSET_METADATA_TOO_LARGE', 'OFFSET_METADATA_TOO_LARGE', 1, 0, 0],
  ]
  for (const [error, outcome, requests, joins, losses] of cells) {
    it(`${error} → ${outcome} after ${requests} requests`, async () => {
      const bench = new Bench()
      bench.refuse(error)
      assert.equal(await bench.commit(), outcome)
      assert.deepEqual(
        [bench.requests(OffsetCommitRequest).length, bench.joins, bench.losses],
        [requests, joins, losses],
      )
    })
  }

  it('STALE_MEMBER_EPOCH of a member that left is final', async () => {
    const bench = new Bench()
    bench.generation = { ...bench.generation, generationId: -1 }
    bench.refuse('STALE_MEMBER_EPOCH')
    assert.equal(await bench.commit(), 'STALE_MEMBER_EPOCH')
  })

  it('reads the member epoch again for each attempt', async () => {
    const bench = new Bench()
    bench.queue(OffsetCommitRequest, OffsetCommitResponse, () => {
      bench.generation = { ...bench.generation, generationId: 4 }
      return bench.commitReply('STALE_MEMBER_EPOCH')
    })
    assert.equal(await bench.commit(), 'ok')
    assert.equal(bench.requests(OffsetCommitRequest)[1]?.message.generationIdOrMemberEpoch, 4)
  })

  it('is retried for its time-out', async () => {
    const bench = new Bench()
    bench.refuse('COORDINATOR_LOAD_IN_PROGRESS', 100)
    assert.equal(await bench.commit(3000), 'COORDINATOR_LOAD_IN_PROGRESS')
    assert.ok(bench.nowMs >= 3000 && bench.nowMs < 4500, `${bench.nowMs}`)
  })

  it('for a topic that was deleted ends after a few attempts', async () => {
    const bench = new Bench()
    bench.refuse('UNKNOWN_TOPIC_OR_PARTITION', 100)
    assert.equal(await bench.commit(600_000), 'UNKNOWN_TOPIC_OR_PARTITION')
    assert.equal(bench.requests(OffsetCommitRequest).length, 5)
  })

  it('after a lost connection finds the coordinator again', async () => {
    const bench = new Bench()
    bench.queue(OffsetCommitRequest, OffsetCommitResponse, 'close')
    assert.equal(await bench.commit(), 'ok')
    assert.equal(bench.received.filter(({ api }) => api === 'FindCoordinator').length, 2)
  })
})

describe('committed offsets', () => {
  it('are those that exist, and stable ones', async () => {
    const bench = new Bench()
    bench.committed.set('t-0', 7)
    const found = await bench.run(bench.offsets.fetch([t0, { topic: 't', partition: 1 }], 5000))
    assert.deepEqual([...found.keys()], ['t-0'])
    assert.equal(found.get('t-0')?.offset, 7n)
    assert.equal(bench.requests(OffsetFetchRequest)[0]?.message.requireStable, true)
  })

  it('that a transaction holds are awaited', async () => {
    const bench = new Bench()
    bench.committed.set('t-0', 7)
    bench.queue(OffsetFetchRequest, OffsetFetchResponse, {
      groups: [
        {
          groupId: 'g',
          errorCode: 0,
          topics: [
            {
              name: 't',
              partitions: [
                {
                  partitionIndex: 0,
                  committedOffset: -1n,
                  committedLeaderEpoch: -1,
                  metadata: null,
                  errorCode: ErrorCode.UNSTABLE_OFFSET_COMMIT,
                },
              ],
            },
          ],
        },
      ],
    })
    const found = await bench.run(bench.offsets.fetch([t0], 5000))
    assert.equal(found.get('t-0')?.offset, 7n)
    assert.equal(bench.requests(OffsetFetchRequest).length, 2)
  })

  it('of a group that may not be read are an error', async () => {
    const bench = new Bench()
    bench.queue(OffsetFetchRequest, OffsetFetchResponse, {
      groups: [{ groupId: 'g', errorCode: ErrorCode.GROUP_AUTHORIZATION_FAILED, topics: [] }],
    })
    const error = await bench.failure(bench.offsets.fetch([t0], 5000))
    assert.equal(error.message, 'OffsetFetch of group g: GROUP_AUTHORIZATION_FAILED')
  })

  it('are read from old brokers, too', async () => {
    const bench = new Bench()
    bench.maxVersions.set('OffsetFetch', 5)
    bench.answer(OffsetFetchRequest, OffsetFetchResponse, (request) => ({
      errorCode: 0,
      topics: (request.topics ?? []).map(({ name, partitionIndexes }) => ({
        name,
        partitions: partitionIndexes.map((partitionIndex) => ({
          partitionIndex,
          committedOffset: 9n,
          committedLeaderEpoch: -1,
          metadata: null,
          errorCode: 0,
        })),
      })),
    }))
    const found = await bench.run(bench.offsets.fetch([t0], 5000))
    assert.equal(found.get('t-0')?.offset, 9n)
  })
})
