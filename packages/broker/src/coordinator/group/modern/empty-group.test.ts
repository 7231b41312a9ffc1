// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { ShardBench } from '../testing/shard-bench.ts'

type Beat = (bench: ShardBench, memberId: string, memberEpoch: 0 | -1) => void

const client = { groupId: 'g', rackId: null, clientId: '', clientHost: '' }

const kinds: Readonly<Record<string, Beat>> = {
  consumer: (bench, memberId, memberEpoch) =>
    bench.step((fx) =>
      bench.shard.consumers.heartbeat(
        fx,
        {
          ...client,
          memberId,
          memberEpoch,
          instanceId: null,
          rebalanceTimeoutMs: 1000,
          subscribedTopicNames: ['t'],
          subscribedTopicRegex: null,
          serverAssignor: null,
          owned: [],
        },
        bench.nowMs,
      ),
    ),
  share: (bench, memberId, memberEpoch) =>
    bench.step((fx) => {
      const request = { ...client, memberId, memberEpoch, subscribedTopicNames: ['t'] }
      bench.shard.shares.heartbeat(fx, request, bench.nowMs)
    }),
  streams: (bench, memberId, memberEpoch) =>
    bench.step((fx) =>
      bench.shard.streams.heartbeat(
        fx,
        {
          ...client,
          memberId,
          memberEpoch,
          endpointInformationEpoch: 0,
          rebalanceTimeoutMs: 1000,
          topology: {
            epoch: 0,
            subtopologies: [
              {
                subtopologyId: '0',
                sourceTopics: ['t'],
                sourceTopicRegex: [],
                stateChangelogTopics: [],
                repartitionSinkTopics: [],
                repartitionSourceTopics: [],
                copartitionGroups: [],
              },
            ],
          },
          owned: { active: new Map(), standby: new Map(), warmup: new Map() },
          processId: 'p',
          userEndpoint: null,
          clientTags: [],
          shutdownApplication: false,
        },
        bench.nowMs,
      ),
    ),
}

/** How the last member goes. */
const ends: Readonly<Record<string, (bench: ShardBench, beat: Beat) => void>> = {
  leaves: (bench, beat) => beat(bench, 'b', -1),
  expires: (bench) => bench.pass(45_001),
}

describe('a group without members', () => {
  for (const [kind, beat] of Object.entries(kinds)) {
    for (const [how, end] of Object.entries(ends)) {
      it(`has the assignment of its epoch, and none to delay the next: ${kind}, ${how}`, () => {
        const bench = new ShardBench()
        bench.topics.set('t', 2)
        const described = () => {
          const coordinators = ['consumers', 'shares', 'streams'] as const
          const found = coordinators.map((each) => bench.shard[each].find('g')).find(Boolean)
          assert.ok(found)
          const { members, groupEpoch, assignmentEpoch, assignmentTimestampMs } = found
          return { count: members.size, groupEpoch, assignmentEpoch, assignmentTimestampMs }
        }
        beat(bench, 'a', 0)
        beat(bench, 'b', 0)
        beat(bench, 'a', -1)
        const one = described()
        assert.deepEqual([one.count, one.assignmentEpoch], [1, one.groupEpoch - 1])
        end(bench, beat)
        const empty = {
          count: 0,
          groupEpoch: one.groupEpoch + 1,
          assignmentEpoch: one.groupEpoch + 1,
          assignmentTimestampMs: 0,
        }
        assert.deepEqual(described(), empty)
        bench.restart()
        assert.deepEqual(described(), empty, 'the same after a restart')
      })
    }
  }
})
