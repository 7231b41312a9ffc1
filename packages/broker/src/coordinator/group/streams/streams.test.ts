// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { FakeTopics } from '../testing/shard-bench.ts'
import { assignTasks, type TaskMember } from './sticky-task-assignor.ts'
import { newStreamsMember, type StreamsMember, StreamsMemberState } from './streams-member.ts'
import { reconcileStreams, TaskOwners } from './streams-reconcile.ts'
import { NO_TARGET, type TargetTasks, type Tasks } from './tasks.ts'
import { configureTopology, StatusCode, type Subtopology, type Topology } from './topology.ts'

const member = (memberId: string, processId: string, target = NO_TARGET): TaskMember => ({
  memberId,
  processId,
  target,
})
const count = (tasks: Tasks): number =>
  [...tasks.values()].reduce((sum, partitions) => sum + partitions.size, 0)

describe('the sticky task assignor', () => {
  const sources = [
    { subtopologyId: '0', taskCount: 6, isStateful: true },
    { subtopologyId: '1', taskCount: 3, isStateful: false },
  ]

  it('assigns every task once, with a fair share for each member', () => {
    const members = ['a', 'b', 'c', 'd'].map((id) => member(id, id))
    const targets = [...assignTasks(members, sources, 0).values()]
    assert.deepEqual(targets.map(({ active }) => count(active)).sort(), [2, 2, 2, 3])
    const all = targets.flatMap(({ active }) =>
      [...active].flatMap(([id, partitions]) => [...partitions].map((each) => `${id}_${each}`)),
    )
    assert.equal(new Set(all).size, 9)
  })

  it('moves no tasks when a member joins, except for its fair share', () => {
    const before = assignTasks([member('a', 'a'), member('b', 'b')], sources, 0)
    const members = ['a', 'b', 'c'].map((id) => member(id, id, before.get(id)))
    const after = assignTasks(members, sources, 0)
    for (const id of ['a', 'b']) {
      for (const [subtopology, partitions] of after.get(id)?.active ?? []) {
        const had = before.get(id)?.active.get(subtopology)
        for (const partition of partitions)
          assert.ok(had?.has(partition), `${subtopology}_${partition}`)
      }
    }
    assert.equal(count(after.get('c')?.active ?? new Map()), 3)
  })

  it('places standby tasks on other processes than the active task, as many as there are processes for', () => {
    const members = [member('a1', 'a'), member('a2', 'a'), member('b1', 'b')]
    const targets = assignTasks(members, sources, 2)
    const processOf = new Map(members.map(({ memberId, processId }) => [memberId, processId]))
    for (let partition = 0; partition < 6; partition++) {
      const owners = [...targets].filter(([, { active }]) => active.get('0')?.has(partition))
      const copies = [...targets].filter(([, { standby }]) => standby.get('0')?.has(partition))
      assert.equal(owners.length, 1)
      assert.equal(copies.length, 1, 'there is only one other process')
      assert.notEqual(processOf.get(copies[0]?.[0] ?? ''), processOf.get(owners[0]?.[0] ?? ''))
    }
    for (const { standby } of targets.values())
      assert.ok(!standby.has('1'), 'a stateless task has no standby')
  })

  it('assigns the task of a member that left to the member with a standby', () => {
    const had: TargetTasks = { ...NO_TARGET, standby: new Map([['0', new Set([0, 1])]]) }
    const targets = assignTasks(
      [member('a', 'a'), member('b', 'b', had)],
      [{ subtopologyId: '0', taskCount: 4, isStateful: true }],
      0,
    )
    assert.deepEqual(targets.get('b')?.active.get('0'), new Set([0, 1]))
  })
})

describe('a step of a streams member towards its target', () => {
  const active = (partitions: readonly number[], epoch: number) => ({
    active: new Map([['0', new Map(partitions.map((each) => [each, epoch]))]]),
    standby: new Map(),
    warmup: new Map(),
  })
  const target = (partitions: readonly number[]): TargetTasks => ({
    ...NO_TARGET,
    active: new Map([['0', new Set(partitions)]]),
  })
  const one: StreamsMember = {
    ...newStreamsMember('one'),
    processId: 'p',
    memberEpoch: 2,
    assigned: active([0, 1], 2),
  }

  it('revokes before its epoch increases, then is assigned what others have released', () => {
    const two: StreamsMember = { ...newStreamsMember('two'), processId: 'q', memberEpoch: 2 }
    const goal = { targetEpoch: 3, target: target([0]), owned: undefined }
    const revoking = reconcileStreams(one, { ...goal, owners: new TaskOwners([one, two]) })
    assert.equal(revoking.state, StreamsMemberState.UnrevokedTasks)
    assert.equal(revoking.memberEpoch, 2)
    const waiting = reconcileStreams(two, {
      targetEpoch: 3,
      target: target([1]),
      owned: NO_TARGET,
      owners: new TaskOwners([revoking, two]),
    })
    assert.equal(waiting.state, StreamsMemberState.UnreleasedTasks)
    const owned = target([0])
    const done = reconcileStreams(revoking, {
      ...goal,
      owned,
      owners: new TaskOwners([revoking, waiting]),
    })
    assert.deepEqual([done.state, done.memberEpoch], [StreamsMemberState.Stable, 3])
    const served = reconcileStreams(waiting, {
      targetEpoch: 3,
      target: target([1]),
      owned: NO_TARGET,
      owners: new TaskOwners([done, waiting]),
    })
    assert.equal(served.state, StreamsMemberState.Stable)
    assert.deepEqual(served.assigned.active.get('0'), new Map([[1, 3]]))
  })
})

describe('a topology resolved against the existing topics', () => {
  const subtopology = (more: Partial<Subtopology>): Subtopology => ({
    subtopologyId: '0',
    sourceTopics: [],
    sourceTopicRegex: [],
    stateChangelogTopics: [],
    repartitionSinkTopics: [],
    repartitionSourceTopics: [],
    copartitionGroups: [],
    ...more,
  })
  const topologyOf = (...subtopologies: Subtopology[]): Topology =>
    ({ version: 0, epoch: 0, subtopologies }) as Topology
  const info = (name: string, partitions = 0) => ({
    name,
    partitions,
    replicationFactor: 0,
    topicConfigs: [],
  })
  const topics = new FakeTopics()
  topics.set('in', 4)
  topics.set('other', 3)

  it('returns the internal topics to create, with their partition counts', () => {
    const configured = configureTopology(
      topologyOf(
        subtopology({ sourceTopics: ['in'], repartitionSinkTopics: ['re'] }),
        subtopology({
          subtopologyId: '1',
          repartitionSourceTopics: [info('re')],
          stateChangelogTopics: [info('log')],
        }),
      ),
      topics,
    )
    assert.equal(configured.problem?.statusCode, StatusCode.missingInternalTopics)
    assert.deepEqual(
      configured.topicsToCreate.map(({ name, numPartitions }) => [name, numPartitions]),
      [
        ['re', 4],
        ['log', 4],
      ],
    )
    assert.equal(configured.subtopologies?.get('1')?.taskCount, 4)
  })

  it('reports missing topics and incompatible partition counts', () => {
    const missing = configureTopology(topologyOf(subtopology({ sourceTopics: ['gone'] })), topics)
    assert.deepEqual(missing.problem, {
      statusCode: StatusCode.missingSourceTopics,
      statusDetail: 'Source topics gone are missing.',
    })
    const joined = subtopology({
      sourceTopics: ['in', 'other'],
      copartitionGroups: [
        { sourceTopics: [0, 1], sourceTopicRegex: [], repartitionSourceTopics: [] },
      ],
    })
    const unequal = configureTopology(topologyOf(joined), topics)
    assert.equal(unequal.problem?.statusCode, StatusCode.incorrectlyPartitionedTopics)
    assert.match(unequal.problem?.statusDetail ?? '', /\[\{in=4, other=3\}\]/)
    const circle = subtopology({
      repartitionSourceTopics: [info('re')],
      repartitionSinkTopics: ['re'],
    })
    assert.throws(() => configureTopology(topologyOf(circle), topics), {
      code: 'STREAMS_INVALID_TOPOLOGY',
    })
  })
})
