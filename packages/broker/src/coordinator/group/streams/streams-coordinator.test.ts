// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { ProtocolError } from '@millrace/protocol'
import { ShardBench } from '../testing/shard-bench.ts'
import type { StreamsHeartbeat, StreamsHeartbeatReply } from './streams-requests.ts'
import type { TargetTasks } from './tasks.ts'
import { StatusCode, type Topology } from './topology.ts'

const subtopology = {
  subtopologyId: '0',
  sourceTopics: ['in'],
  sourceTopicRegex: [],
  stateChangelogTopics: [],
  repartitionSinkTopics: [],
  repartitionSourceTopics: [],
  copartitionGroups: [],
}
const topology = { epoch: 0, subtopologies: [subtopology] } as unknown as Topology
const owning = (...partitions: readonly number[]): TargetTasks => ({
  active: new Map(partitions.length > 0 ? [['0', new Set(partitions)]] : []),
  standby: new Map(),
  warmup: new Map(),
})
const nothing = owning()

/** An application with one subtopology that reads the four partitions of topic `in`. */
class Bench extends ShardBench {
  constructor(overrides: ConstructorParameters<typeof ShardBench>[0] = {}) {
    super(overrides)
    this.topics.set('in', 4)
  }

  get group() {
    return this.shard.streams.find('app')
  }

  heartbeat(request: Partial<StreamsHeartbeat>): StreamsHeartbeatReply {
    return this.step((fx) =>
      this.shard.streams.heartbeat(
        fx,
        {
          groupId: 'app',
          memberId: 'a',
          memberEpoch: 0,
          endpointInformationEpoch: 0,
          rackId: null,
          clientId: 'client',
          clientHost: '/127.0.0.1',
          rebalanceTimeoutMs: -1,
          topology: null,
          owned: undefined,
          processId: null,
          userEndpoint: null,
          clientTags: null,
          shutdownApplication: false,
          ...request,
        },
        this.nowMs,
      ),
    )
  }

  /** Epoch of the reply, assigned partitions and status codes; or the error. */
  send(request: Partial<StreamsHeartbeat>): string {
    try {
      const { memberEpoch, assignment, status } = this.heartbeat(request)
      const tasks = [...(assignment?.active.get('0')?.keys() ?? [])].sort((x, y) => x - y)
      const codes = status.map(({ statusCode }) => statusNames.get(statusCode) ?? statusCode)
      return [memberEpoch, assignment && `[${tasks.join(' ')}]`, ...codes]
        .filter((x) => x !== undefined)
        .join(' ')
    } catch (error) {
      assert.ok(error instanceof ProtocolError, String(error))
      return error.code
    }
  }

  join(memberId = 'a', more: Partial<StreamsHeartbeat> = {}): string {
    return this.send({
      memberId,
      topology,
      processId: `process-${memberId}`,
      rebalanceTimeoutMs: 30_000,
      owned: nothing,
      ...more,
    })
  }
}

const statusNames = new Map<number, string>(
  Object.entries(StatusCode).map(([name, code]) => [code, name]),
)

describe('StreamsGroupHeartbeat (KIP-1071)', () => {
  it('gives the first member all tasks of its topology', () => {
    const bench = new Bench()
    assert.equal(bench.join(), '2 [0 1 2 3]')
    assert.equal(bench.group?.state, 'Stable')
  })

  it('moves tasks to a second member once the first gave them up', () => {
    const bench = new Bench()
    bench.join('a')
    assert.equal(bench.join('b'), '3 []')
    const revoking = bench.send({ memberEpoch: 2, owned: owning(0, 1, 2, 3) })
    const [, kept = ''] = /\[(.*)\]/.exec(revoking) ?? []
    assert.match(revoking, /^2 \[\d \d\]$/, 'two to keep, in the old epoch')
    assert.equal(bench.send({ memberId: 'b', memberEpoch: 3 }), '3')
    assert.equal(bench.send({ memberEpoch: 2, owned: owning(...kept.split(' ').map(Number)) }), '3')
    assert.match(bench.send({ memberId: 'b', memberEpoch: 3 }), /^3 \[\d \d\]$/)
    assert.equal(bench.group?.state, 'Stable')
  })

  const cells: readonly (readonly [
    what: string,
    request: Partial<StreamsHeartbeat>,
    reply: RegExp,
  ])[] = [
    ['a member in its epoch', { memberEpoch: 2 }, /^2$/],
    ['ahead of its epoch', { memberEpoch: 3 }, /^FENCED_MEMBER_EPOCH$/],
    ['behind, without a report', { memberEpoch: 1 }, /^FENCED_MEMBER_EPOCH$/],
    ['joining again', { memberEpoch: 0, topology, owned: nothing }, /^2 \[0 1 2 3\]$/],
    ['an unknown member', { memberId: 'x', memberEpoch: 2 }, /^UNKNOWN_MEMBER_ID$/],
    ['leaving', { memberEpoch: -1 }, /^-1$/],
    ['an unknown member that leaves', { memberId: 'x', memberEpoch: -1 }, /^UNKNOWN_MEMBER_ID$/],
    ['another group', { groupId: 'other', memberEpoch: 2 }, /^GROUP_ID_NOT_FOUND$/],
    ['leaving another group', { groupId: 'other', memberEpoch: -1 }, /^GROUP_ID_NOT_FOUND$/],
    ['a task that does not exist', { memberEpoch: 2, owned: owning(4) }, /^INVALID_REQUEST$/],
    [
      'a subtopology that does not exist',
      { memberEpoch: 2, owned: { ...nothing, active: new Map([['9', new Set([0])]]) } },
      /^INVALID_REQUEST$/,
    ],
    [
      'another topology',
      {
        memberEpoch: 2,
        topology: {
          ...topology,
          subtopologies: [{ ...subtopology, sourceTopics: ['else'] }],
        } as Topology,
      },
      /^INVALID_REQUEST$/,
    ],
    [
      'a topology of an earlier epoch is stale',
      {
        memberId: 'b',
        topology: { ...topology, epoch: -1 } as Topology,
        processId: 'p',
        owned: nothing,
      },
      /^3 \[\] staleTopology$/,
    ],
  ]
  for (const [what, request, reply] of cells) {
    it(`${what}: ${reply}`, () => {
      const bench = new Bench()
      bench.join()
      const records = bench.log.length
      const got = bench.send(request)
      assert.match(got, reply)
      if (/^[A-Z]/.test(got)) assert.equal(bench.log.length, records, 'an error writes nothing')
    })
  }

  it('needs a topology from the first member', () => {
    assert.equal(new Bench().join('a', { topology: null }), 'UNKNOWN_SERVER_ERROR')
  })

  it('has room for a number of members', () => {
    const bench = new Bench({ streams: { maxSize: 1 } })
    bench.join('a')
    assert.equal(bench.join('b'), 'GROUP_MAX_SIZE_REACHED')
    assert.equal(bench.send({ memberEpoch: 2 }), '2')
  })
})

describe('a topology whose topics are missing', () => {
  it('has no tasks until they exist', () => {
    const bench = new Bench()
    bench.topics.delete('in')
    assert.equal(bench.join(), '2 [] missingSourceTopics')
    assert.equal(bench.group?.state, 'NotReady')
    bench.topics.set('in', 2)
    assert.equal(bench.send({ memberEpoch: 2 }), '3 [0 1]')
    assert.equal(bench.group?.state, 'Stable')
  })

  it('gets new tasks with new partitions', () => {
    const bench = new Bench()
    bench.join()
    bench.topics.set('in', 5)
    assert.equal(bench.send({ memberEpoch: 2 }), '3 [0 1 2 3 4]')
  })
})

describe('members of a streams group that go', () => {
  it('free their tasks when they leave', () => {
    const bench = new Bench()
    bench.join('a')
    bench.join('b')
    bench.send({ memberEpoch: -1 })
    assert.match(bench.send({ memberId: 'b', memberEpoch: 3 }), /^4 \[0 1 2 3\]$/)
  })

  it('are put out after their session', () => {
    const bench = new Bench()
    bench.join('a')
    bench.pass(45_000)
    assert.equal(bench.group?.isEmpty, true)
  })

  it('are put out if they keep tasks for longer than their time to rebalance', () => {
    const bench = new Bench()
    bench.join('a')
    bench.join('b')
    for (let i = 0; i < 6; i++) {
      bench.send({ memberEpoch: 2, owned: owning(0, 1, 2, 3) })
      bench.send({ memberId: 'b', memberEpoch: 3 })
      bench.pass(5000)
    }
    assert.deepEqual([...(bench.group?.members.keys() ?? [])], ['b'])
  })

  it('may shut down the whole application: all members are notified', () => {
    const bench = new Bench()
    bench.join('a')
    bench.join('b')
    bench.send({ memberEpoch: -1, shutdownApplication: true })
    assert.match(bench.send({ memberId: 'b', memberEpoch: 3 }), /shutdownApplication$/)
    bench.send({ memberId: 'b', memberEpoch: -1 })
    assert.doesNotMatch(bench.join('c'), /shutdownApplication/, 'it starts again')
  })
})

describe('a streams group after a restart', () => {
  it('is the same; sessions continue', () => {
    const bench = new Bench()
    bench.join('a')
    bench.restart()
    assert.equal(bench.send({ memberEpoch: 2 }), '2')
    assert.equal(bench.group?.state, 'Stable')
    bench.pass(45_000)
    assert.equal(bench.group?.isEmpty, true)
  })
})

describe('the endpoints of a streams group', () => {
  it('are sent when they changed', () => {
    const bench = new Bench()
    const userEndpoint = { host: 'h', port: 80 }
    const first = bench.heartbeat({ topology, processId: 'p', owned: nothing, userEndpoint })
    assert.deepEqual(first.partitionsByEndpoint?.[0]?.userEndpoint, userEndpoint)
    assert.deepEqual(first.partitionsByEndpoint?.[0]?.activePartitions, [
      { topic: 'in', partitions: [0, 1, 2, 3] },
    ])
    const { endpointInformationEpoch } = first
    const second = bench.heartbeat({ memberEpoch: 2, endpointInformationEpoch })
    assert.equal(second.partitionsByEndpoint, undefined)
  })
})
