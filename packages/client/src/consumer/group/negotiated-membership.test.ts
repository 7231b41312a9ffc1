// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import {
  ConsumerGroupHeartbeatRequest,
  ConsumerGroupHeartbeatResponse,
  ErrorCode,
  type ErrorName,
  FindCoordinatorRequest,
  FindCoordinatorResponse,
} from '@millrace/protocol'
import { ClassicGroupScript } from '../../testing/classic-group-script.ts'
import { ClassicMembership } from './classic-membership.ts'
import { ConsumerMembership } from './consumer-membership.ts'
import { GroupLink } from './membership.ts'
import { NegotiatedMembership } from './negotiated-membership.ts'
import { rangeAssignor } from './range-assignor.ts'

const subscription = { topics: ['t'], owned: [], previous: [] }

class Bench extends ClassicGroupScript {
  readonly member: NegotiatedMembership

  constructor(answer: ErrorName = 'NONE') {
    super()
    this.answer(ConsumerGroupHeartbeatRequest, ConsumerGroupHeartbeatResponse, {
      errorCode: ErrorCode[answer],
      errorMessage: null,
      memberId: null,
      memberEpoch: 1,
      heartbeatIntervalMs: 5000,
      assignment: null,
    })
    const link = new GroupLink(this.cluster(), 'g')
    const common = {
      groupInstanceId: undefined,
      maxPollIntervalMs: 60_000,
      rackId: '',
    }
    this.member = new NegotiatedMembership(link, {
      modern: new ConsumerMembership(link, { ...common, remoteAssignor: undefined }, () => {}),
      classic: () =>
        new ClassicMembership(
          link,
          {
            ...common,
            groupId: 'g',
            sessionTimeoutMs: 10_000,
            heartbeatIntervalMs: 1000,
            assignors: [rangeAssignor],
          },
          () => {},
        ),
    })
  }

  async join(): Promise<string> {
    const outcome = await this.run(
      this.member.join(subscription).then(
        () => '',
        (error: { code: string }) => ` ${error.code}`,
      ),
    )
    return `${this.trace}${outcome}`
  }
}

describe('the protocol of a group', () => {
  const cells: readonly (readonly [
    level: number,
    maxVersion: number,
    answer: ErrorName,
    requests: string,
    why: string,
  ])[] = [
    [1, 1, 'NONE', 'ConsumerGroupHeartbeat', 'the cluster has the consumer protocol'],
    [0, 1, 'NONE', 'JoinGroup SyncGroup', 'group.version 0: classic groups only'],
    [1, 0, 'NONE', 'JoinGroup SyncGroup', 'version 0 loses the member id with a reply'],
    [
      1,
      1,
      'GROUP_ID_NOT_FOUND',
      'ConsumerGroupHeartbeat JoinGroup SyncGroup',
      'a classic group that stays classic',
    ],
    [
      1,
      1,
      'UNSUPPORTED_VERSION',
      'ConsumerGroupHeartbeat JoinGroup SyncGroup',
      'the protocol is off in the broker',
    ],
    [
      1,
      1,
      'GROUP_AUTHORIZATION_FAILED',
      'ConsumerGroupHeartbeat GROUP_AUTHORIZATION_FAILED',
      'no protocol changes that',
    ],
  ]
  for (const [level, maxVersion, answer, requests, why] of cells) {
    it(`group.version ${level}, heartbeat v${maxVersion}, ${answer}: ${why}`, async () => {
      const bench = new Bench(answer)
      bench.features.set('group.version', level)
      bench.maxVersions.set('ConsumerGroupHeartbeat', maxVersion)
      assert.equal(await bench.join(), requests)
      bench.member.close()
    })
  }

  it('is chosen once', async () => {
    const bench = new Bench()
    bench.features.set('group.version', 0)
    await bench.join()
    bench.features.set('group.version', 1)
    bench.member.requestJoin()
    assert.equal(await bench.join(), 'JoinGroup SyncGroup JoinGroup SyncGroup')
    bench.member.close()
  })

  it('is found after errors that pass', async () => {
    const bench = new Bench()
    const none = { nodeId: -1, host: '', port: -1, errorCode: 15, errorMessage: null }
    bench.queue(
      FindCoordinatorRequest,
      FindCoordinatorResponse,
      { coordinators: [{ key: 'g', ...none }] },
      'close',
    )
    assert.equal(await bench.join(), 'ConsumerGroupHeartbeat')
    bench.member.close()
  })

  it('keeps the progress of the application when it falls back', async () => {
    const bench = new Bench('GROUP_ID_NOT_FOUND')
    const progress = (): number => 42
    bench.member.lastProgressMs = progress
    await bench.join()
    assert.equal(bench.member.lastProgressMs, progress)
    assert.equal(bench.member.isCooperative, false, 'of the classic protocol')
    assert.equal(bench.member.generation.memberId, 'member-1')
    bench.member.close()
  })
})
