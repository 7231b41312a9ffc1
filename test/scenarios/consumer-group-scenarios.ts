// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict'
import { it } from 'node:test'
import { Admin, Consumer, type ConsumerOptions, Producer } from '@millrace/client'
import type { ClusterUnderTest } from './cluster-under-test.ts'
import { GroupMember } from './group-member.ts'

/**
 * Brokers announce a rebalance to members in their next heartbeat, on Apache Kafka within five
 * seconds.
 */
async function soon(condition: () => boolean): Promise<void> {
  const deadline = performance.now() + 40_000
  while (!condition()) {
    if (performance.now() > deadline) throw new Error(`still not true: ${condition}`)
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
}

/** Groups of the consumer protocol (KIP-848), in which the broker assigns partitions. */
export function consumerGroupScenarios(cluster: () => ClusterUnderTest): void {
  const options = (more: Partial<ConsumerOptions>): ConsumerOptions => ({
    ...cluster().client,
    autoOffsetReset: 'earliest',
    groupProtocol: 'consumer',
    ...more,
  })

  async function produce(topic: string, count: number, partitions: number): Promise<void> {
    await using producer = new Producer({ ...cluster().client })
    await producer.send(
      Array.from({ length: count }, (_, i) => ({
        topic,
        value: `${i}`,
        partition: i % partitions,
      })),
    )
  }

  it('reads immediately, and is described', async () => {
    const topic = await cluster().createTopic('k848', { partitions: 3 })
    await produce(topic, 9, 3)
    const groupId = cluster().unique('k848')
    await using consumer = new Consumer(options({ groupId, topics: [topic], clientId: 'modern' }))
    let count = 0
    while (count < 9) count += (await consumer.poll(1000)).length
    await consumer.commit()
    await using admin = new Admin(cluster().client)
    const described = (await admin.describeConsumerGroups([groupId])).get(groupId)
    assert.equal(described?.type, 'consumer')
    assert.equal(described?.state, 'Stable')
    assert.equal(described?.assignor, 'uniform')
    assert.equal(described?.members[0]?.clientId, 'modern')
    assert.equal(described?.members[0]?.assignment.length, 3)
    const listed = await admin.listGroups({ types: ['consumer'] })
    assert.ok(listed.some((group) => group.groupId === groupId))
  })

  for (const assignor of ['uniform', 'range']) {
    it(`shares by ${assignor}, reads each record once, and reassigns the partitions of a member that leaves`, async () => {
      const topic = await cluster().createTopic('share848', { partitions: 6 })
      const groupId = cluster().unique('share848')
      await produce(topic, 60, 6)
      const member = (): GroupMember =>
        new GroupMember(options({ groupId, groupRemoteAssignor: assignor }), [topic])
      const first = member()
      await soon(() => first.seen.length === 60)
      const second = member()
      await soon(() => first.partitions.length === 3 && second.partitions.length === 3)
      await produce(topic, 60, 6)
      await soon(() => first.seen.length + second.seen.length === 120)
      await second.stop()
      await soon(() => first.partitions.length === 6)
      await produce(topic, 60, 6)
      await soon(() => first.seen.length + second.seen.length >= 180)
      await first.stop()
      assert.equal(first.seen.length + second.seen.length, 180)
      assert.ok(!first.events.some((event) => event.startsWith('lost')), `${first.events}`)
    })
  }

  it('keeps the partitions of a static member that restarts', async () => {
    const topic = await cluster().createTopic('static848', { partitions: 4 })
    const groupId = cluster().unique('static848')
    const member = (groupInstanceId: string): GroupMember =>
      new GroupMember(options({ groupId, groupInstanceId }), [topic])
    const [first, second] = [member('a'), member('b')]
    await soon(() => first.partitions.length === 2 && second.partitions.length === 2)
    const had = first.partitions
    await first.stop()
    const again = member('a')
    await soon(() => again.partitions.length === 2)
    assert.deepEqual(again.partitions, had)
    assert.deepEqual(
      second.events.filter((event) => !event.startsWith('assigned')).slice(-1),
      second.events.filter((event) => event.startsWith('revoked')).slice(-1),
    )
    const rival = new Consumer(options({ groupId, groupInstanceId: 'a', topics: [topic] }))
    await assert.rejects(
      (async () => {
        for (;;) await rival.poll(500)
      })(),
      { code: 'UNRELEASED_INSTANCE_ID' },
    )
    await rival.close()
    await again.stop()
    await second.stop()
  })

  it('migrates a classic group to the consumer protocol when a member of it joins, and back', async () => {
    const topic = await cluster().createTopic('moves', { partitions: 4 })
    const groupId = cluster().unique('moves')
    await produce(topic, 40, 4)
    const classic = new GroupMember(
      {
        ...options({ groupId }),
        groupProtocol: 'classic',
        heartbeatIntervalMs: 200,
        sessionTimeoutMs: 6000,
      },
      [topic],
    )
    await soon(() => classic.seen.length === 40)
    const modern = new GroupMember(options({ groupId }), [topic])
    await soon(() => classic.partitions.length === 2 && modern.partitions.length === 2)
    await using admin = new Admin(cluster().client)
    const during = (await admin.describeConsumerGroups([groupId])).get(groupId)
    assert.equal(during?.type, 'consumer')
    await produce(topic, 40, 4)
    await soon(() => classic.seen.length + modern.seen.length === 80)
    await modern.stop()
    await soon(() => classic.partitions.length === 4)
    const after = (await admin.describeConsumerGroups([groupId])).get(groupId)
    assert.equal(after?.type, 'classic')
    await produce(topic, 40, 4)
    await soon(() => classic.seen.length + modern.seen.length >= 120)
    await classic.stop()
    assert.equal(classic.seen.length + modern.seen.length, 120)
  })
}
