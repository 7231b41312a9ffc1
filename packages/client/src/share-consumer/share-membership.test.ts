// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import {
  ErrorCode,
  type ErrorName,
  ShareGroupHeartbeatRequest,
  ShareGroupHeartbeatResponse,
} from '@millrace/protocol'
import { GroupLink } from '../consumer/group/membership.ts'
import { ScriptedCluster } from '../testing/scripted-cluster.ts'
import { ShareMembership } from './share-membership.ts'

const INTERVAL_MS = 5000
const TOPIC_ID = 't'.padEnd(21, 'x').concat('A')

class Bench extends ScriptedCluster {
  readonly member: ShareMembership
  epoch = 1
  /** Partitions that the next heartbeat assigns; null for no change. */
  assignment: readonly number[] | null = null
  changes = 0

  constructor(rackId = '') {
    super()
    this.topic('t', [1, 1])
    this.answer(ShareGroupHeartbeatRequest, ShareGroupHeartbeatResponse, () => {
      const { assignment } = this
      this.assignment = null
      return {
        errorCode: 0,
        errorMessage: null,
        memberId: 'm',
        memberEpoch: this.epoch,
        heartbeatIntervalMs: INTERVAL_MS,
        assignment:
          assignment === null
            ? null
            : { topicPartitions: [{ topicId: TOPIC_ID, partitions: assignment }] },
      }
    })
    this.member = new ShareMembership(new GroupLink(this.cluster(), 'g'), { rackId }, () => {
      this.changes++
    })
  }

  refuse(...errors: readonly ErrorName[]): void {
    for (const error of errors) {
      this.queue(ShareGroupHeartbeatRequest, ShareGroupHeartbeatResponse, {
        errorCode: ErrorCode[error],
        errorMessage: null,
        memberId: null,
        memberEpoch: 0,
        heartbeatIntervalMs: 0,
        assignment: null,
      })
    }
  }

  /** Joins with an assignment. */
  async settle(): Promise<void> {
    this.assignment = [0]
    this.member.subscribe(['t'])
    await this.pass(50)
  }

  get beats() {
    return this.requests(ShareGroupHeartbeatRequest).map(({ message }) => message)
  }
}

describe('a member of a share group (KIP-932)', () => {
  it('joins with its id, subscription and rack; later heartbeats omit them', async () => {
    const bench = new Bench('r')
    await bench.settle()
    await bench.pass(INTERVAL_MS)
    assert.deepEqual(
      bench.beats.map(({ memberEpoch, subscribedTopicNames, rackId }) => [
        memberEpoch,
        subscribedTopicNames,
        rackId,
      ]),
      [
        [0, ['t'], 'r'],
        [1, null, null],
      ],
    )
    assert.deepEqual(bench.member.assignment, [{ topicId: TOPIC_ID, partitions: [0] }])
    assert.deepEqual([bench.member.epoch, bench.changes], [1, 1])
    bench.member.close()
  })

  it('sends a changed subscription at once', async () => {
    const bench = new Bench()
    await bench.settle()
    bench.member.subscribe(['t', 'u'])
    await bench.pass(10)
    assert.deepEqual(bench.beats.at(-1)?.subscribedTopicNames, ['t', 'u'])
    bench.member.close()
  })

  it('asks soon, then less often, until it has partitions', async () => {
    const bench = new Bench()
    bench.member.subscribe(['t'])
    await bench.pass(1600)
    const count = bench.beats.length
    assert.equal(count, 7, 'the first one and six sooner than the interval')
    await bench.pass(INTERVAL_MS + 100)
    assert.equal(bench.beats.length, count + 1, 'then at the interval')
    bench.member.close()
  })

  it('asks at the interval once it has partitions', async () => {
    const bench = new Bench()
    await bench.settle()
    await bench.pass(INTERVAL_MS - 100)
    assert.equal(bench.beats.length, 1)
    await bench.pass(200)
    assert.equal(bench.beats.length, 2)
    bench.member.close()
  })

  const cells: readonly (readonly [ErrorName, 'joins again' | 'retries' | 'ends'])[] = [
    ['FENCED_MEMBER_EPOCH', 'joins again'],
    ['UNKNOWN_MEMBER_ID', 'joins again'],
    ['NOT_COORDINATOR', 'retries'],
    ['COORDINATOR_NOT_AVAILABLE', 'retries'],
    ['COORDINATOR_LOAD_IN_PROGRESS', 'retries'],
    ['GROUP_AUTHORIZATION_FAILED', 'ends'],
    ['GROUP_ID_NOT_FOUND', 'ends'],
    ['GROUP_MAX_SIZE_REACHED', 'ends'],
    ['UNSUPPORTED_VERSION', 'ends'],
  ]
  for (const [error, then] of cells) {
    it(`${error}: ${then}`, async () => {
      const bench = new Bench()
      await bench.settle()
      bench.refuse(error)
      await bench.pass(INTERVAL_MS + 200)
      const epochs = bench.beats.slice(1).map(({ memberEpoch }) => memberEpoch)
      switch (then) {
        case 'joins again':
          assert.deepEqual(epochs.slice(0, 2), [1, 0])
          assert.deepEqual(bench.beats[2]?.subscribedTopicNames, ['t'])
          assert.equal(bench.changes, 2, 'its partitions are gone')
          break
        case 'retries':
          assert.deepEqual(epochs, [1, 1])
          assert.equal(bench.member.assignment.length, 1, 'its partitions stay')
          break
        default:
          assert.deepEqual(epochs, [1])
          assert.equal((bench.member.fatal as { code?: string }).code, error)
          await bench.pass(10 * INTERVAL_MS)
          assert.equal(bench.beats.length, 2)
      }
      bench.member.close()
    })
  }

  it('waits longer after each failure, at most two seconds', async () => {
    const bench = new Bench()
    await bench.settle()
    bench.refuse(...Array<ErrorName>(8).fill('COORDINATOR_LOAD_IN_PROGRESS'))
    await bench.pass(20_000)
    const times = bench.requests(ShareGroupHeartbeatRequest).map(({ atMs }) => atMs)
    const waits = times.slice(2, 10).map((at, i) => Math.round(at - (times[i + 1] ?? 0)))
    assert.deepEqual(waits, [100, 200, 400, 800, 1600, 2000, 2000, 2000])
    bench.member.close()
  })

  it('leaves with epoch -1 if it joined, and forgets its partitions', async () => {
    const bench = new Bench()
    await bench.run(bench.member.leave())
    assert.equal(bench.beats.length, 0)
    await bench.settle()
    await bench.run(bench.member.leave())
    assert.equal(bench.beats.at(-1)?.memberEpoch, -1)
    assert.deepEqual([bench.member.epoch, bench.member.assignment], [0, []])
    await bench.pass(5 * INTERVAL_MS)
    assert.equal(bench.beats.length, 2)
  })

  it('ignores the reply to a heartbeat that was in flight when it left', async () => {
    const bench = new Bench()
    await bench.settle()
    bench.queue(
      ShareGroupHeartbeatRequest,
      ShareGroupHeartbeatResponse,
      () =>
        new Promise((resolve) =>
          bench.timer(100, () =>
            resolve({
              errorCode: 0,
              errorMessage: null,
              memberId: 'm',
              memberEpoch: 9,
              heartbeatIntervalMs: INTERVAL_MS,
              assignment: { topicPartitions: [{ topicId: TOPIC_ID, partitions: [1] }] },
            }),
          ),
        ),
    )
    await bench.pass(INTERVAL_MS)
    await bench.run(bench.member.leave())
    await bench.pass(200)
    assert.deepEqual([bench.member.epoch, bench.member.assignment], [0, []])
  })
})
