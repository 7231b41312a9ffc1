// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict'
import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import { it } from 'node:test'
import {
  Admin,
  type AssignorName,
  Consumer,
  type ConsumerOptions,
  Producer,
  type TopicPartition,
} from '@millrace/client'
import { until } from '../e2e/until.ts'
import type { ClusterUnderTest } from './cluster-under-test.ts'
import { GroupMember as Member } from './group-member.ts'

const assignors: readonly AssignorName[] = ['range', 'roundrobin', 'sticky', 'cooperative-sticky']
const places = (partitions: readonly TopicPartition[]): string[] =>
  partitions.map(({ topic, partition }) => `${topic}-${partition}`).sort()

export function groupScenarios(cluster: () => ClusterUnderTest): void {
  const options = (more: Partial<ConsumerOptions>): ConsumerOptions => ({
    ...cluster().client,
    autoOffsetReset: 'earliest',
    heartbeatIntervalMs: 100,
    sessionTimeoutMs: 6000,
    ...more,
  })

  async function produce(
    topic: string,
    from: number,
    to: number,
    partitions: number,
  ): Promise<void> {
    await using producer = new Producer({ ...cluster().client })
    await producer.send(
      Array.from({ length: to - from }, (_, i) => ({
        topic,
        value: `${from + i}`,
        partition: (from + i) % partitions,
      })),
    )
  }

  for (const assignor of assignors) {
    it(`shares partitions by ${assignor}, and reassigns those of a member that leaves`, async () => {
      const topic = await cluster().createTopic('share', { partitions: 6 })
      const groupId = cluster().unique('share')
      const member = (): Member =>
        new Member(options({ groupId, partitionAssignmentStrategy: [assignor] }), [topic])
      await produce(topic, 0, 60, 6)
      const first = member()
      await until(() => first.partitions.length === 6 && first.seen.length === 60)
      const second = member()
      await until(() => first.partitions.length === 3 && second.partitions.length === 3)
      assert.deepEqual([...first.partitions, ...second.partitions].sort(), [0, 1, 2, 3, 4, 5])
      await produce(topic, 60, 120, 6)
      await until(() => first.seen.length + second.seen.length >= 120)
      await second.stop()
      await until(() => first.partitions.length === 6)
      await produce(topic, 120, 180, 6)
      await until(() => first.seen.length + second.seen.length >= 180)
      await first.stop()
      // Both committed before they revoked partitions, so no record was read twice.
      const values = [...first.seen, ...second.seen].map(({ value }) => Number(String(value)))
      assert.deepEqual(
        values.sort((a, b) => a - b),
        Array.from({ length: 180 }, (_, i) => i),
      )
      if (assignor === 'cooperative-sticky') {
        assert.ok(
          first.events.every(
            (event) =>
              !event.startsWith('revoked') ||
              event.length < 'revoked 0,1,2,3'.length ||
              event === first.events.at(-1),
          ),
          `revoked more than needed: ${first.events}`,
        )
      }
    })
  }

  it('calls its listener before partitions are revoked, which may commit', async () => {
    const topic = await cluster().createTopic('listener', { partitions: 2 })
    const groupId = cluster().unique('listener')
    const committed: string[] = []
    const consumer = new Consumer(options({ groupId, enableAutoCommit: false }))
    consumer.subscribe([topic], {
      onPartitionsRevoked: async (partitions) => {
        await consumer.commit()
        committed.push(...places(partitions))
      },
    })
    await produce(topic, 0, 10, 2)
    let count = 0
    while (count < 10) count += (await consumer.poll(500)).length
    await consumer.close()
    assert.deepEqual(committed, [`${topic}-0`, `${topic}-1`])
    await using admin = new Admin(cluster().client)
    const offsets = (await admin.listConsumerGroupOffsets([groupId])).get(groupId)
    assert.deepEqual(
      offsets?.map(({ offset }) => offset),
      [5n, 5n],
    )
  })

  it('follows a pattern, and finds topics that are created later', async () => {
    const prefix = cluster().unique('pattern')
    await using admin = new Admin(cluster().client)
    const { replicationFactor } = cluster()
    const create = (name: string) =>
      admin.createTopics([{ name, numPartitions: 1, replicationFactor }])
    await create(`${prefix}.a`)
    await create(`other-${prefix}`)
    const member = new Member(
      options({ groupId: cluster().unique('pattern'), metadataMaxAgeMs: 300 }),
      new RegExp(`^${prefix}\\.`),
    )
    await until(() => member.consumer.assignment.length === 1)
    await create(`${prefix}.b`)
    await until(() => member.consumer.assignment.length === 2)
    assert.deepEqual(places(member.consumer.assignment), [`${prefix}.a-0`, `${prefix}.b-0`])
    assert.deepEqual(member.consumer.subscription, [`${prefix}.a`, `${prefix}.b`])
    await member.stop()
  })

  it('assigns partitions that are added to a topic', async () => {
    const topic = await cluster().createTopic('added', { partitions: 1 })
    const member = new Member(
      options({ groupId: cluster().unique('added'), metadataMaxAgeMs: 300 }),
      [topic],
    )
    await until(() => member.partitions.length === 1)
    await using admin = new Admin(cluster().client)
    await admin.createPartitions({ [topic]: 3 })
    await until(() => member.partitions.length === 3)
    await member.stop()
  })

  it('lets a static member restart without a rebalance', async () => {
    const topic = await cluster().createTopic('static', { partitions: 4 })
    const groupId = cluster().unique('static')
    const start = (groupInstanceId: string): Member =>
      new Member(options({ groupId, groupInstanceId }), [topic])
    const one = start('one')
    let two = start('two')
    await until(() => one.partitions.length === 2 && two.partitions.length === 2)
    const before = two.partitions
    const { length } = one.events
    await two.stop()
    two = start('two')
    await until(() => two.partitions.length === 2)
    assert.deepEqual(two.partitions, before)
    assert.equal(one.events.length, length, `${one.events}`)
    // A second member with the same instance id fences the first.
    const usurper = start('two')
    await until(() => usurper.partitions.length === 2)
    await assert.rejects(two.polling, { code: 'FENCED_INSTANCE_ID' })
    await two.consumer.close()
    await usurper.stop()
    await one.stop()
    await using admin = new Admin(cluster().client)
    await admin.removeMembersFromConsumerGroup(groupId, { groupInstanceIds: ['one', 'two'] })
    const description = (await admin.describeConsumerGroups([groupId])).get(groupId)
    assert.equal(description?.state, 'Empty')
  })

  it('heartbeats while a handler is slow, and leaves the group after maxPollIntervalMs', async () => {
    const topic = await cluster().createTopic('slow', { partitions: 1 })
    const groupId = cluster().unique('slow')
    await produce(topic, 0, 3, 1)
    const slow = new Consumer(
      options({ groupId, maxPollIntervalMs: 1000, topics: [topic], sessionTimeoutMs: 6000 }),
    )
    const events: string[] = []
    slow.subscribe([topic], {
      onPartitionsLost: () => void events.push('lost'),
      onPartitionsRevoked: () => void events.push('revoked'),
    })
    const end = new AbortController()
    const handled: string[] = []
    const running = slow.run({
      signal: end.signal,
      eachRecord: async ({ value }) => {
        handled.push(String(value))
        // Half of the limit is allowed, three times the limit is not.
        await new Promise((resolve) => setTimeout(resolve, handled.length === 2 ? 3000 : 500))
      },
    })
    await until(() => handled.length === 2)
    const other = new Member(options({ groupId }), [topic])
    // The first record may be handled and committed. The second is not, so the other member gets
    // it.
    await until(() => other.seen.some(({ value }) => String(value) === '1'))
    await until(() => events.includes('lost'))
    end.abort()
    await running
    await slow.close()
    await other.stop()
  })

  it('heartbeats although its handlers never yield the event loop', async () => {
    const topic = await cluster().createTopic('busy', { partitions: 1 })
    await produce(topic, 0, 800, 1)
    let beats = 0
    const onRequest = (message: unknown): void => {
      if ((message as { readonly api: string }).api === 'Heartbeat') beats++
    }
    const work = (): void => {
      for (const end = performance.now() + 2; performance.now() < end; );
    }
    for (const way of ['run', 'for await'] as const) {
      await using consumer = new Consumer(
        options({ groupId: cluster().unique('busy'), topics: [topic], heartbeatIntervalMs: 20 }),
      )
      let count = 0
      beats = 0
      // A slow machine gets its heartbeats over more records.
      const isDone = (): boolean => ++count === 800 || beats >= 10
      subscribe('millrace:client:request', onRequest)
      if (way === 'run') {
        const end = new AbortController()
        await consumer.run({
          signal: end.signal,
          eachRecord: () => {
            work()
            if (isDone()) end.abort()
          },
        })
      } else {
        for await (const _record of consumer) {
          work()
          if (isDone()) break
        }
      }
      unsubscribe('millrace:client:request', onRequest)
      assert.ok(beats >= 10, `${beats} heartbeats in ${way}`)
    }
  })

  it('detects that the group has continued without it, and does not overwrite commits', async () => {
    const topic = await cluster().createTopic('kicked', { partitions: 1 })
    const groupId = cluster().unique('kicked')
    await produce(topic, 0, 5, 1)
    const consumer = new Consumer(
      options({ groupId, enableAutoCommit: false, heartbeatIntervalMs: 5000 }),
    )
    consumer.subscribe([topic])
    let count = 0
    while (count < 5) count += (await consumer.poll(500)).length
    await using admin = new Admin(cluster().client)
    await admin.removeMembersFromConsumerGroup(groupId)
    await assert.rejects(consumer.commit(), { code: 'UNKNOWN_MEMBER_ID', retriable: false })
    // It rejoins, and starts at the committed offset.
    count = 0
    while (count < 5) count += (await consumer.poll(500)).length
    await consumer.close()
  })

  it('commits automatically, and after a crash only handled records', async () => {
    const topic = await cluster().createTopic('auto', { partitions: 1 })
    const groupId = cluster().unique('auto')
    await produce(topic, 0, 10, 1)
    const consumer = new Consumer(options({ groupId, autoCommitIntervalMs: 50, maxPollRecords: 5 }))
    consumer.subscribe([topic])
    let count = 0
    while (count < 5) count += (await consumer.poll(500)).length
    await new Promise((resolve) => setTimeout(resolve, 60))
    count += (await consumer.poll(500)).length
    await using admin = new Admin(cluster().client)
    await until(async () => {
      const offsets = (await admin.listConsumerGroupOffsets([groupId])).get(groupId) ?? []
      return (offsets[0]?.offset ?? 0n) >= 5n
    })
    await consumer.close()
  })

  it('unsubscribes and subscribes to other topics', async () => {
    const first = await cluster().createTopic('first')
    const second = await cluster().createTopic('second')
    const consumer = new Consumer(options({ groupId: cluster().unique('switch') }))
    await produce(first, 0, 2, 1)
    await produce(second, 10, 12, 1)
    const read = async (): Promise<string[]> => {
      const seen: string[] = []
      while (seen.length < 2)
        seen.push(...(await consumer.poll(500)).map(({ value }) => String(value)))
      return seen
    }
    consumer.subscribe([first])
    assert.deepEqual(await read(), ['0', '1'])
    await consumer.unsubscribe()
    assert.deepEqual(consumer.assignment, [])
    consumer.subscribe([second])
    assert.deepEqual(await read(), ['10', '11'])
    // Without leaving the group first.
    consumer.subscribe([first, second])
    await until(async () => {
      await consumer.poll(50)
      return consumer.assignment.length === 2
    })
    await consumer.close()
  })
}
