// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict'
import { it } from 'node:test'
import { Admin, Consumer, PartialFailureError, Producer } from '@millrace/client'
import { eventually } from '../e2e/until.ts'
import type { ClusterUnderTest } from './cluster-under-test.ts'

export function adminScenarios(cluster: () => ClusterUnderTest): void {
  const open = (): Admin => new Admin(cluster().client)

  it('creates, lists, describes, extends and deletes topics', async () => {
    await using admin = open()
    const name = cluster().unique('topics')
    const { replicationFactor } = cluster()
    const created = await admin.createTopics([
      { name, numPartitions: 2, replicationFactor, configs: { 'retention.ms': '1000' } },
    ])
    assert.equal(created.get(name)?.numPartitions, 2)
    const topicId = created.get(name)?.topicId ?? ''
    await eventually(async () => {
      const listed = await admin.listTopics()
      assert.equal(listed.find((each) => each.name === name)?.topicId, topicId)
    })
    await admin.createPartitions({ [name]: 4 })
    await eventually(async () => {
      const description = (await admin.describeTopics([name])).get(name)
      assert.equal(description?.id, topicId)
      assert.deepEqual(
        description?.partitions.map(({ partition }) => partition),
        [0, 1, 2, 3],
      )
      assert.equal(description?.partitions[0]?.replicas.length, replicationFactor)
      const byId = await admin.describeTopics({ topicIds: [topicId] })
      assert.equal(byId.get(name)?.partitions.length, 4)
    })
    await assert.rejects(admin.createPartitions({ [name]: 3 }), { code: 'INVALID_PARTITIONS' })
    await assert.rejects(admin.createTopics([{ name, replicationFactor }]), {
      code: 'TOPIC_ALREADY_EXISTS',
    })
    await admin.deleteTopics([name])
    await eventually(() =>
      assert.rejects(admin.describeTopics([name]), { code: 'UNKNOWN_TOPIC_OR_PARTITION' }),
    )
    await admin.createTopics([{ name: `${name}-dry`, replicationFactor }], { validateOnly: true })
    assert.ok(!(await admin.listTopics()).some((each) => each.name === `${name}-dry`))
  })

  it('reports what succeeded when something failed', async () => {
    await using admin = open()
    const { replicationFactor } = cluster()
    const good = cluster().unique('good')
    await assert.rejects(
      admin.createTopics([
        { name: good, replicationFactor },
        { name: 'bad/name', replicationFactor },
      ]),
      (error: PartialFailureError) => {
        assert.ok(error instanceof PartialFailureError)
        assert.equal(error.code, 'INVALID_TOPIC_EXCEPTION')
        assert.deepEqual([...error.results.keys()], [good])
        assert.deepEqual([...error.errors.keys()], ['bad/name'])
        return true
      },
    )
    await admin.deleteTopics([good])
  })

  it('describes and changes configurations', async () => {
    await using admin = open()
    const name = await cluster().createTopic('configs')
    const entry = async (key: string) => {
      const configs = (await admin.describeConfigs([{ type: 'topic', name }])).get(`topic/${name}`)
      return configs?.find((each) => each.name === key)
    }
    await eventually(async () => assert.equal((await entry('segment.ms'))?.isDefault, true))
    await admin.incrementalAlterConfigs([
      {
        type: 'topic',
        name,
        changes: [
          { name: 'segment.ms', value: '5000' },
          { name: 'cleanup.policy', value: 'compact', operation: 'append' },
        ],
      },
    ])
    await eventually(async () => {
      const changed = await entry('segment.ms')
      assert.deepEqual([changed?.value, changed?.source], ['5000', 'DYNAMIC_TOPIC_CONFIG'])
      assert.equal((await entry('cleanup.policy'))?.value, 'delete,compact')
    })
    await admin.incrementalAlterConfigs([
      { type: 'topic', name, changes: [{ name: 'segment.ms' }] },
    ])
    await eventually(async () => assert.equal((await entry('segment.ms'))?.isDefault, true))
    await assert.rejects(
      admin.incrementalAlterConfigs([
        { type: 'topic', name, changes: [{ name: 'segment.ms', value: 'soon' }] },
      ]),
      { code: 'INVALID_CONFIG' },
    )
    const [node] = (await admin.describeCluster()).nodes
    const broker = await admin.describeConfigs([{ type: 'broker', name: String(node?.id) }])
    assert.ok((broker.get(`broker/${node?.id}`)?.length ?? 0) > 100)
  })

  it('describes the cluster, its features and directories', async () => {
    await using admin = open()
    const { nodes, clusterId } = await admin.describeCluster()
    assert.ok(nodes.length >= 1)
    assert.equal(clusterId.length, 22)
    const { finalized, supported } = await admin.describeFeatures()
    assert.ok((finalized.get('metadata.version') ?? 0) > 0)
    assert.ok((supported.get('metadata.version')?.maxVersion ?? 0) > 0)
    const topic = await cluster().createTopic('dirs')
    const id = nodes[0]?.id ?? 0
    await eventually(async () => {
      const leader = (await admin.describeTopics([topic])).get(topic)?.partitions[0]?.leader ?? id
      const dirs = (await admin.describeLogDirs([leader])).get(leader)
      assert.ok(dirs?.some(({ replicas }) => replicas.some((each) => each.topic === topic)))
    })
    const [replica] = await admin.describeReplicaLogDirs([{ topic, partition: 0, broker: id }])
    assert.equal(replica?.futurePath, null)
  })

  it('lists offsets of all kinds, and deletes records', async () => {
    await using admin = open()
    const topic = await cluster().createTopic('offsets')
    await using producer = new Producer({ ...cluster().client })
    for (const timestamp of [3000, 1000, 2000]) {
      await producer.send({ topic, value: 'x', timestamp })
    }
    const offset = async (spec: Parameters<Admin['listOffsets']>[0][number]['spec']) =>
      (await admin.listOffsets([{ topic, partition: 0, spec }]))[0]?.offset
    assert.equal(await offset('earliest'), 0n)
    assert.equal(await offset('latest'), 3n)
    assert.equal(await offset('maxTimestamp'), 0n)
    assert.equal(await offset({ timestamp: 1500 }), 0n)
    assert.equal(await offset({ timestamp: 9000 }), -1n)
    assert.deepEqual(await admin.deleteRecords([{ topic, partition: 0, offset: 2n }]), [2n])
    assert.equal(await offset('earliest'), 2n)
    await assert.rejects(admin.deleteRecords([{ topic, partition: 0, offset: 9n }]), {
      code: 'OFFSET_OUT_OF_RANGE',
    })
  })

  it('lists, describes, resets and deletes groups', async () => {
    await using admin = open()
    const topic = await cluster().createTopic('groups', { partitions: 2 })
    const groupId = cluster().unique('groups')
    const consumer = new Consumer({
      ...cluster().client,
      groupId,
      topics: [topic],
      autoOffsetReset: 'earliest',
      clientId: 'described',
    })
    while (consumer.assignment.length < 2) await consumer.poll(100)
    const description = (await admin.describeConsumerGroups([groupId])).get(groupId)
    assert.equal(description?.state, 'Stable')
    assert.equal(description?.assignor, 'uniform')
    assert.equal(description?.members[0]?.clientId, 'described')
    assert.deepEqual(description?.members[0]?.assignment, [
      { topic, partition: 0 },
      { topic, partition: 1 },
    ])
    assert.deepEqual(description?.members[0]?.subscribedTopics, [topic])
    const listed = await admin.listConsumerGroups()
    assert.equal(listed.find((each) => each.groupId === groupId)?.state, 'Stable')
    await assert.rejects(admin.deleteConsumerGroups([groupId]), { code: 'NON_EMPTY_GROUP' })
    await assert.rejects(
      admin.alterConsumerGroupOffsets(groupId, [{ topic, partition: 0, offset: 5n }]),
      { code: 'UNKNOWN_MEMBER_ID' },
    )
    await consumer.close()
    await admin.alterConsumerGroupOffsets(groupId, [
      { topic, partition: 0, offset: 5n, metadata: 'set' },
      { topic, partition: 1, offset: 6n },
    ])
    const offsets = (await admin.listConsumerGroupOffsets([groupId])).get(groupId)
    assert.deepEqual(
      offsets?.map(({ partition, offset, metadata }) => [partition, offset, metadata]),
      [
        [0, 5n, 'set'],
        [1, 6n, ''],
      ],
    )
    await admin.deleteConsumerGroupOffsets(groupId, [{ topic, partition: 0 }])
    assert.equal((await admin.listConsumerGroupOffsets([groupId])).get(groupId)?.length, 1)
    await admin.deleteConsumerGroups([groupId])
    await assert.rejects(admin.deleteConsumerGroups([groupId]), { code: 'GROUP_ID_NOT_FOUND' })
  })

  it('describes producers and reassignments, and elects leaders', async () => {
    await using admin = open()
    const topic = await cluster().createTopic('producers')
    await using producer = new Producer({ ...cluster().client })
    await producer.send({ topic, value: 'x' })
    const producers = await admin.describeProducers([{ topic, partition: 0 }])
    assert.equal(producers.get(`${topic}-0`)?.length, 1)
    assert.equal(producers.get(`${topic}-0`)?.[0]?.lastSequence, 0)
    assert.deepEqual(await admin.listPartitionReassignments(), [])
    await admin.electLeaders('preferred', [{ topic, partition: 0 }])
    await eventually(async () => {
      const resources = await admin.listConfigResources(['topic'])
      assert.ok(resources.some(({ name }) => name === topic))
    })
    assert.equal(admin.metrics().get('electLeaders'), 1)
  })
}
