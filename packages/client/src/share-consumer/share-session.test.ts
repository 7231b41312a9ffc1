// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import {
  ErrorCode,
  type ErrorName,
  ShareAcknowledgeRequest,
  ShareAcknowledgeResponse,
  ShareFetchRequest,
  ShareFetchResponse,
} from '@millrace/protocol'
import { codeOf, type Reply, ScriptedCluster } from '../testing/scripted-cluster.ts'
import { PartitionAcknowledgements } from './acknowledgements.ts'
import { resolveShareConsumerOptions } from './share-consumer-options.ts'
import { type SharePlace, ShareSession } from './share-session.ts'

const TOPIC_ID = 't'.padEnd(21, 'x').concat('A')
const place = (partition: number): SharePlace => ({ topic: 't', topicId: TOPIC_ID, partition })

class Bench extends ScriptedCluster {
  readonly session: ShareSession

  constructor() {
    super()
    this.topic('t', [1, 1, 1])
    this.answer(ShareFetchRequest, ShareFetchResponse, () => this.fetchReply())
    this.answer(ShareAcknowledgeRequest, ShareAcknowledgeResponse, () => this.acknowledgeReply())
    const cluster = this.cluster()
    this.session = new ShareSession({
      nodeId: 1,
      cluster,
      options: resolveShareConsumerOptions({ ...this.options, groupId: 'g' }),
      memberId: 'm',
    })
    this.#ready = cluster.refresh()
  }
  readonly #ready: Promise<void>

  fetchReply(error: ErrorName = 'NONE'): Reply<typeof ShareFetchResponse> {
    return {
      errorCode: ErrorCode[error],
      errorMessage: null,
      acquisitionLockTimeoutMs: 30_000,
      responses: [],
      nodeEndpoints: [],
    }
  }

  acknowledgeReply(
    error: ErrorName = 'NONE',
    partitions: readonly (readonly [partition: number, error: ErrorName])[] = [],
  ): Reply<typeof ShareAcknowledgeResponse> {
    return {
      errorCode: ErrorCode[error],
      errorMessage: null,
      acquisitionLockTimeoutMs: 30_000,
      responses: [
        {
          topicId: TOPIC_ID,
          partitions: partitions.map(([partitionIndex, code]) => ({
            partitionIndex,
            errorCode: ErrorCode[code],
            errorMessage: null,
            currentLeader: { leaderId: -1, leaderEpoch: -1 },
          })),
        },
      ],
      nodeEndpoints: [],
    }
  }

  /** Fetches partitions and acknowledges offset 5 of others; returns the errors of these. */
  async fetch(partitions: readonly number[], acknowledged: readonly number[] = []) {
    await this.run(this.#ready)
    const list = acknowledged.map((partition) => this.list(partition))
    const result = await this.run(this.session.fetch(partitions.map(place), list, 500))
    return result.outcomes.map(({ error }) => codeOf(error))
  }

  list(partition: number, session = this.session.number) {
    const list = new PartitionAcknowledgements(place(partition), session)
    list.set(5n, 'accept')
    return { place: place(partition), list }
  }

  /** Epoch, partitions (with `*` if acknowledged) and forgotten ones of each fetch. */
  get fetches(): string[] {
    return this.requests(ShareFetchRequest).map(({ message }) => {
      const named = message.topics.flatMap(({ partitions }) =>
        partitions.map(
          ({ partitionIndex, acknowledgementBatches }) =>
            `${partitionIndex}${acknowledgementBatches.length > 0 ? '*' : ''}`,
        ),
      )
      const forgotten = message.forgottenTopicsData.flatMap(({ partitions }) =>
        partitions.map((each) => `-${each}`),
      )
      return `@${message.shareSessionEpoch}: ${[...named, ...forgotten].join(' ')}`.trim()
    })
  }
}

describe('a share session of the client (KIP-932)', () => {
  it('names each partition once, then only what changed', async () => {
    const bench = new Bench()
    await bench.fetch([0, 1])
    await bench.fetch([0, 1])
    await bench.fetch([1, 2])
    await bench.fetch([])
    assert.deepEqual(bench.fetches, ['@0: 0 1', '@1:', '@2: 2 -0', '@3: -1 -2'])
  })

  it('sends acknowledgements with a fetch, and does not fetch those partitions', async () => {
    const bench = new Bench()
    await bench.fetch([0])
    assert.deepEqual(await bench.fetch([0], [0]), [undefined])
    assert.deepEqual(await bench.fetch([0], [1]), [undefined])
    assert.deepEqual(bench.fetches.slice(1), ['@1: 0*', '@2: 1* -1'])
  })

  it('reports the error of each acknowledged partition', async () => {
    const bench = new Bench()
    await bench.fetch([0, 1])
    bench.queue(ShareFetchRequest, ShareFetchResponse, {
      ...bench.fetchReply(),
      responses: [
        {
          topicId: TOPIC_ID,
          partitions: [
            {
              partitionIndex: 1,
              errorCode: 0,
              errorMessage: null,
              acknowledgeErrorCode: ErrorCode.INVALID_RECORD_STATE,
              acknowledgeErrorMessage: null,
              currentLeader: { leaderId: -1, leaderEpoch: -1 },
              records: null,
              acquiredRecords: [],
            },
          ],
        },
      ],
    })
    assert.deepEqual(await bench.fetch([0, 1], [0, 1]), [undefined, 'INVALID_RECORD_STATE'])
  })

  it('starts again after an error, and locks of the session before are lost', async () => {
    for (const failure of [
      'SHARE_SESSION_NOT_FOUND',
      'INVALID_SHARE_SESSION_EPOCH',
      'close',
    ] as const) {
      const bench = new Bench()
      await bench.fetch([0])
      const before = bench.session.number
      bench.queue(
        ShareFetchRequest,
        ShareFetchResponse,
        failure === 'close' ? 'close' : bench.fetchReply(failure),
      )
      await bench.failure(bench.session.fetch([place(0)], [], 500))
      assert.equal(bench.session.isOpen, false)
      assert.equal(bench.session.number, before + 1)
      const outcome = await bench.run(bench.session.fetch([place(0)], [bench.list(0, before)], 500))
      assert.equal(codeOf(outcome.outcomes[0]?.error), 'MILLRACE_LOST_LOCKS')
      assert.equal(bench.fetches.at(-1), '@0: 0', 'nothing is acknowledged in a new session')
    }
  })

  it('sends requests one after another: each needs the epoch that follows the one before', async () => {
    const bench = new Bench()
    await bench.fetch([0])
    bench.queue(
      ShareFetchRequest,
      ShareFetchResponse,
      () => new Promise((resolve) => bench.timer(300, () => resolve(bench.fetchReply()))),
    )
    const fetched = bench.session.fetch([place(0)], [], 500)
    const acknowledged = bench.session.acknowledge([bench.list(0)])
    await bench.pass(200)
    assert.equal(bench.requests(ShareAcknowledgeRequest).length, 0)
    await bench.run(Promise.all([fetched, acknowledged]))
    assert.equal(bench.requests(ShareAcknowledgeRequest)[0]?.message.shareSessionEpoch, 2)
  })

  it('continues after a request that failed before it', async () => {
    const bench = new Bench()
    await bench.fetch([0])
    bench.queue(ShareFetchRequest, ShareFetchResponse, 'close')
    const failed = bench.session.fetch([place(0)], [], 500)
    failed.catch(() => undefined)
    const next = bench.session.fetch([place(0)], [], 500)
    await bench.run(next)
    assert.deepEqual(bench.fetches, ['@0: 0', '@1:', '@0: 0'])
  })
})

describe('acknowledgements without a fetch', () => {
  it('are reported by partition', async () => {
    const bench = new Bench()
    await bench.fetch([0, 1])
    bench.queue(
      ShareAcknowledgeRequest,
      ShareAcknowledgeResponse,
      bench.acknowledgeReply('NONE', [
        [0, 'NONE'],
        [1, 'NOT_LEADER_OR_FOLLOWER'],
      ]),
    )
    const outcomes = await bench.run(bench.session.acknowledge([bench.list(0), bench.list(1)]))
    assert.deepEqual(
      outcomes.map(({ error }) => codeOf(error)),
      [undefined, 'NOT_LEADER_OR_FOLLOWER'],
    )
  })

  it('of a session that ended are not sent', async () => {
    const bench = new Bench()
    await bench.fetch([0])
    const old = bench.list(0)
    bench.session.reset()
    await bench.fetch([0])
    const outcomes = await bench.run(bench.session.acknowledge([old]))
    assert.equal(codeOf(outcomes[0]?.error), 'MILLRACE_LOST_LOCKS')
    assert.equal(bench.requests(ShareAcknowledgeRequest).length, 0)
  })

  it('before the first fetch are not sent', async () => {
    const bench = new Bench()
    const outcomes = await bench.run(bench.session.acknowledge([bench.list(0)]))
    assert.equal(codeOf(outcomes[0]?.error), 'MILLRACE_LOST_LOCKS')
  })

  it('end the session with epoch -1, also when there are none', async () => {
    const bench = new Bench()
    await bench.fetch([0])
    await bench.run(bench.session.acknowledge([], { isFinal: true }))
    const [request] = bench.requests(ShareAcknowledgeRequest)
    assert.deepEqual([request?.message.shareSessionEpoch, request?.message.topics], [-1, []])
    assert.equal(bench.session.isOpen, false)
  })

  it('that renew locks say so', async () => {
    const bench = new Bench()
    await bench.fetch([0])
    const { place: at, list } = bench.list(0)
    list.set(5n, 'renew')
    await bench.run(bench.session.acknowledge([{ place: at, list }], { isRenewal: true }))
    const [request] = bench.requests(ShareAcknowledgeRequest)
    assert.equal(request?.message.isRenewAck, true)
    const batches = request?.message.topics[0]?.partitions[0]?.acknowledgementBatches
    assert.deepEqual(batches?.[0]?.acknowledgeTypes, [4])
  })
})
