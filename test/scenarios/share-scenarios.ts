// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict'
import { it } from 'node:test'
import {
  type AcknowledgedPartition,
  Admin,
  type ConsumerRecord,
  Producer,
  ShareConsumer,
  type ShareConsumerOptions,
} from '@millrace/client'
import { eventually, until } from '../e2e/until.ts'
import type { ClusterUnderTest } from './cluster-under-test.ts'
import { readAll } from './read-all.ts'

const text = (record: ConsumerRecord): string => String(record.value)
const numbers = (count: number): string[] => Array.from({ length: count }, (_, i) => `${i}`)

/** Share groups (KIP-932). */
export function shareScenarios(cluster: () => ClusterUnderTest): void {
  /** Creates a group that starts at the beginning, with additional settings. */
  async function group(
    name: string,
    settings: Readonly<Record<string, string>> = {},
  ): Promise<string> {
    const groupId = cluster().unique(name)
    await using admin = new Admin(cluster().client)
    const configs = { 'share.auto.offset.reset': 'earliest', ...settings }
    await admin.incrementalAlterConfigs([
      {
        type: 'group',
        name: groupId,
        changes: Object.entries(configs).map(([key, value]) => ({ name: key, value })),
      },
    ])
    return groupId
  }

  const consumer = (
    groupId: string,
    topic: string,
    options: Partial<Omit<ShareConsumerOptions, 'serdes'>> = {},
  ): ShareConsumer =>
    new ShareConsumer({ ...cluster().client, groupId, topics: [topic], ...options })

  async function produce(topic: string, values: readonly string[], partitions = 1): Promise<void> {
    await using producer = new Producer({ ...cluster().client })
    await producer.send(values.map((value, i) => ({ topic, value, partition: i % partitions })))
  }

  async function take(from: ShareConsumer, count: number): Promise<ConsumerRecord[]> {
    const records: ConsumerRecord[] = []
    const deadline = Date.now() + 20_000
    while (records.length < count) {
      if (Date.now() > deadline) throw new Error(`${records.length} of ${count} records`)
      records.push(...(await from.poll(500)))
    }
    return records
  }

  /** Whether a group has completed a topic. */
  async function isDone(groupId: string, topic: string): Promise<boolean> {
    await using admin = new Admin(cluster().client)
    const offsets = await admin.listShareGroupOffsets([groupId]).then(
      (groups) => groups.get(groupId) ?? [],
      () => [],
    )
    const own = offsets.filter((each) => each.topic === topic)
    return own.length > 0 && own.every(({ startOffset, lag }) => startOffset >= 0n && lag === 0n)
  }

  it('delivers every record to one member, which accepts it with the next poll', async () => {
    const topic = await cluster().createTopic('queue', { partitions: 2 })
    const groupId = await group('queue')
    await produce(topic, numbers(20), 2)
    {
      await using reader = consumer(groupId, topic)
      const records = await take(reader, 20)
      assert.deepEqual(records.map(text).sort(), numbers(20).sort())
      assert.ok(records.every(({ deliveryCount }) => deliveryCount === 1))
      assert.deepEqual(await reader.poll(0), [])
      const outcomes = await reader.commit()
      assert.ok(outcomes.every(({ error }) => error === undefined))
    }
    await until(() => isDone(groupId, topic))
    await using again = consumer(groupId, topic)
    assert.deepEqual(await again.poll(700), [])
  })

  it('shares one partition among members, and delivers no record to two of them', async () => {
    const topic = await cluster().createTopic('shared')
    const groupId = await group('shared')
    const members = Array.from({ length: 3 }, () => consumer(groupId, topic, { maxPollRecords: 5 }))
    const seen: string[] = []
    const stop = new AbortController()
    const runs = members.map((member) =>
      member.run({
        signal: stop.signal,
        eachRecord: async (record) => {
          seen.push(text(record))
          await new Promise((resolve) => setTimeout(resolve, 2))
        },
      }),
    )
    await using producer = new Producer(cluster().client)
    for (let i = 0; i < 30; i++) {
      await producer.send(numbers(10).map((n) => ({ topic, value: `${i}-${n}` })))
    }
    await until(() => seen.length >= 300)
    stop.abort()
    await Promise.all(runs)
    await Promise.all(members.map((member) => member.close()))
    assert.equal(seen.length, 300)
    assert.equal(new Set(seen).size, 300)
    await until(() => isDone(groupId, topic))
  })

  it('reads a partition added to its topic from the first record, also with latest', async () => {
    const topic = await cluster().createTopic('queue')
    const groupId = await group('grown', { 'share.auto.offset.reset': 'latest' })
    await using reader = consumer(groupId, topic)
    await until(async () => {
      await produce(topic, ['before'])
      return (await reader.poll(300)).length > 0
    }, 60_000)
    await using admin = new Admin(cluster().client)
    await admin.createPartitions({ [topic]: { totalCount: 2 } })
    await using producer = new Producer({ ...cluster().client })
    await producer.send(numbers(3).map((value) => ({ topic, value, partition: 1 })))
    const found = new Set<string>()
    await until(async () => {
      const records = await reader.poll(300)
      for (const record of records) if (record.partition === 1) found.add(text(record))
      return found.size === 3
    }, 60_000)
  })

  it('skips no record while partitions move between members', async () => {
    const topic = await cluster().createTopic('moving', { partitions: 4 })
    const groupId = await group('moving')
    const count = 40_000
    {
      await using producer = new Producer(cluster().client)
      const value = Buffer.alloc(20, 'x')
      await producer.send(
        Array.from({ length: count }, (_, i) => ({ topic, partition: i % 4, value })),
      )
    }
    const members = Array.from({ length: 4 }, () => consumer(groupId, topic))
    let seen = 0
    const deadline = Date.now() + 20_000
    await Promise.all(
      members.map(async (member) => {
        while (seen < count) {
          assert.ok(Date.now() < deadline, `${seen} of ${count} records`)
          const { length } = await member.poll(200)
          seen += length
        }
        await member.commit()
      }),
    )
    await Promise.all(members.map((member) => member.close()))
    assert.equal(seen, count)
  })

  it('applies explicit acknowledgements: accepted, released and rejected', async () => {
    const topic = await cluster().createTopic('explicit')
    const groupId = await group('explicit')
    await produce(topic, numbers(6))
    await using reader = consumer(groupId, topic, { acknowledgementMode: 'explicit' })
    const first = await take(reader, 6)
    await assert.rejects(reader.poll(0), /6 records of the last poll are not acknowledged/)
    for (const record of first) {
      const n = Number(text(record))
      reader.acknowledge(record, n < 2 ? 'accept' : n < 4 ? 'release' : 'reject')
    }
    const [zero] = first
    assert.throws(() => reader.acknowledge(zero as ConsumerRecord), /already acknowledged/)
    const outcomes: AcknowledgedPartition[] = await reader.commit()
    assert.deepEqual(
      outcomes.map(({ offsets, error }) => [offsets, error]),
      [[[0n, 1n, 2n, 3n, 4n, 5n], undefined]],
    )
    const second = await take(reader, 2)
    assert.deepEqual(second.map(text), ['2', '3'])
    assert.deepEqual(
      second.map(({ deliveryCount }) => deliveryCount),
      [2, 2],
    )
    for (const record of second) reader.acknowledge(record)
    await reader.commit()
    await until(() => isDone(groupId, topic))
  })

  it('archives a record after its delivery count limit', async () => {
    const topic = await cluster().createTopic('limit')
    const groupId = await group('limit', { 'share.delivery.count.limit': '3' })
    await produce(topic, ['poison', 'fine'])
    await using reader = consumer(groupId, topic, { acknowledgementMode: 'explicit' })
    const seen: string[] = []
    const deadline = Date.now() + 20_000
    while (!(await isDone(groupId, topic))) {
      assert.ok(Date.now() < deadline, `${seen}`)
      for (const record of await reader.poll(300)) {
        seen.push(`${text(record)}${record.deliveryCount}`)
        reader.acknowledge(record, text(record) === 'poison' ? 'release' : 'accept')
      }
      await reader.commit()
    }
    assert.deepEqual(
      seen.filter((each) => each.startsWith('poison')),
      ['poison1', 'poison2', 'poison3'],
    )
  })

  it('delivers a record to another member when its lock expires, unless it is renewed', async () => {
    const topic = await cluster().createTopic('locks')
    const groupId = await group('locks', { 'share.record.lock.duration.ms': '15000' })
    await produce(topic, ['held'])
    const slow = consumer(groupId, topic, { acknowledgementMode: 'explicit' })
    const [record] = await take(slow, 1)
    assert.ok(slow.acquisitionLockTimeoutMs >= 1000)
    slow.acknowledge(record as ConsumerRecord, 'renew')
    const [renewed] = await slow.commit()
    assert.equal(renewed?.error, undefined)
    // Still acquired.
    slow.acknowledge(record as ConsumerRecord, 'release')
    await slow.commit()
    await using other = consumer(groupId, topic, { acknowledgementMode: 'explicit' })
    let got: ConsumerRecord[] = []
    await slow.close()
    await until(async () => {
      got = await other.poll(200)
      return got.length > 0
    })
    assert.equal(got[0]?.deliveryCount, 2)
    other.acknowledge(got[0] as ConsumerRecord)
    await other.commit()
  })

  it('releases the records of a member that leaves', async () => {
    const topic = await cluster().createTopic('goes')
    const groupId = await group('goes')
    await produce(topic, numbers(4))
    const first = consumer(groupId, topic, { acknowledgementMode: 'explicit' })
    const had = await take(first, 4)
    first.acknowledge(had[0] as ConsumerRecord)
    await first.close()
    await using second = consumer(groupId, topic)
    const again = await take(second, 3)
    assert.deepEqual(again.map(text), ['1', '2', '3'])
    assert.ok(again.every(({ deliveryCount }) => deliveryCount === 2))
  })

  it('is read with for await and with run; records of failed handlers are released or rejected', async () => {
    const topic = await cluster().createTopic('ways')
    const groupId = await group('ways')
    await produce(topic, numbers(10))
    const seen: string[] = []
    {
      await using reader = consumer(groupId, topic)
      for await (const record of reader) {
        if (seen.length === 5) break
        seen.push(text(record))
      }
    }
    assert.deepEqual(seen, numbers(5))
    await using reader = consumer(groupId, topic)
    const handled: string[] = []
    const stop = new AbortController()
    const failures: string[] = []
    await reader.run({
      signal: stop.signal,
      concurrency: 3,
      eachRecord: async (record) => {
        if (text(record) === '7' && failures.length < 1) throw new Error('not now')
        if (text(record) === '8') throw new Error('never')
        handled.push(text(record))
        if (handled.length === 4) stop.abort()
      },
      onError: (error, record) => {
        failures.push(`${text(record)} ${(error as Error).message}`)
        return text(record) === '7' ? 'release' : 'reject'
      },
    })
    assert.deepEqual(handled.sort(), ['5', '6', '7', '9'])
    assert.deepEqual(failures.sort(), ['7 not now', '8 never'])
    await until(() => isDone(groupId, topic))
    await produce(topic, ['bad'])
    await assert.rejects(
      reader.run({
        eachRecord: () => {
          throw new Error('ends the run')
        },
      }),
      /ends the run/,
    )
    assert.deepEqual((await take(reader, 1)).map(text), ['bad'])
  })

  it('never acquires more than requested with record_limit', async () => {
    const topic = await cluster().createTopic('strict')
    const groupId = await group('strict')
    await produce(topic, numbers(20))
    await using reader = consumer(groupId, topic, {
      acquireMode: 'record_limit',
      maxPollRecords: 3,
    })
    const seen: string[] = []
    while (seen.length < 20) {
      const records = await reader.poll(1000)
      assert.ok(records.length <= 3)
      seen.push(...records.map(text))
    }
    assert.deepEqual(seen, numbers(20))
  })

  it('omits aborted records if the group is configured to', async () => {
    const topic = await cluster().createTopic('committed')
    const groupId = await group('committed', { 'share.isolation.level': 'read_committed' })
    await using sender = new Producer({
      ...cluster().client,
      transactionalId: cluster().unique('share-tx'),
    })
    await sender.transaction((tx) => tx.send({ topic, value: 'a' }))
    const failing = sender.transaction(async (tx) => {
      await tx.send({ topic, value: 'no' })
      throw new Error('abort')
    })
    await assert.rejects(failing)
    await sender.transaction((tx) => tx.send({ topic, value: 'b' }))
    await using reader = consumer(groupId, topic)
    assert.deepEqual((await take(reader, 2)).map(text), ['a', 'b'])
    assert.deepEqual(await reader.poll(500), [])
  })

  it('is described, and its offsets are altered and deleted by an admin', async () => {
    const topic = await cluster().createTopic('offsets')
    const groupId = await group('offsets')
    await produce(topic, numbers(10))
    await using admin = new Admin(cluster().client)
    {
      await using reader = consumer(groupId, topic, { clientId: 'described-share' })
      await take(reader, 10)
      const described = (await admin.describeShareGroups([groupId])).get(groupId)
      assert.equal(described?.state, 'Stable')
      assert.equal(described?.members[0]?.clientId, 'described-share')
      assert.deepEqual(described?.members[0]?.assignment, [{ topic, partition: 0 }])
      const listed = await admin.listGroups({ types: ['share'] })
      assert.ok(listed.some((each) => each.groupId === groupId))
      await assert.rejects(
        admin.alterShareGroupOffsets(groupId, [{ topic, partition: 0, offset: 4n }]),
        { code: 'NON_EMPTY_GROUP' },
      )
    }
    await until(() => isDone(groupId, topic))
    await admin.alterShareGroupOffsets(groupId, [{ topic, partition: 0, offset: 4n }])
    const altered = (await admin.listShareGroupOffsets([groupId])).get(groupId)
    assert.deepEqual(
      altered?.map((each) => [each.topic, each.startOffset, each.lag]),
      [[topic, 4n, 6n]],
    )
    {
      await using reader = consumer(groupId, topic)
      assert.deepEqual((await take(reader, 6)).map(text), numbers(10).slice(4))
    }
    await until(() => isDone(groupId, topic))
    await admin.deleteShareGroupOffsets(groupId, [topic])
    {
      await using reader = consumer(groupId, topic)
      assert.equal((await take(reader, 10)).length, 10, 'from the beginning again')
    }
    await eventually(() => admin.deleteShareGroups([groupId]).then(() => undefined))
    const listed = await admin.listGroups({ types: ['share'] })
    assert.ok(!listed.some((each) => each.groupId === groupId))
  })

  it('sends undeliverable records to the dead letter queue (KIP-1191)', async () => {
    const topic = await cluster().createTopic('source')
    const dead = `dlq.${await cluster().unique('dead')}`
    await using admin = new Admin(cluster().client)
    await admin.createTopics([
      {
        name: dead,
        numPartitions: 1,
        replicationFactor: cluster().replicationFactor,
        configs: { 'errors.deadletterqueue.group.enable': 'true' },
      },
    ])
    const groupId = await group('dlq', {
      'errors.deadletterqueue.topic.name': dead,
      'errors.deadletterqueue.copy.record.enable': 'true',
      'share.delivery.count.limit': '2',
    })
    await produce(topic, ['good', 'bad', 'sick'])
    await using reader = consumer(groupId, topic, { acknowledgementMode: 'explicit' })
    const deadline = Date.now() + 20_000
    while (!(await isDone(groupId, topic))) {
      assert.ok(Date.now() < deadline)
      for (const record of await reader.poll(300)) {
        const value = text(record)
        reader.acknowledge(
          record,
          value === 'bad' ? 'reject' : value === 'sick' ? 'release' : 'accept',
        )
      }
      await reader.commit()
    }
    const buried = await readAll(cluster(), dead, 2)
    assert.deepEqual(buried.map(text).sort(), ['bad', 'sick'])
    const headers = (record: ConsumerRecord): Record<string, string> =>
      Object.fromEntries(record.headers.map(({ key, value }) => [key, String(value)]))
    const bad = headers(buried.find((record) => text(record) === 'bad') as ConsumerRecord)
    assert.equal(bad['__dlq.errors.topic'], topic)
    assert.equal(bad['__dlq.errors.partition'], '0')
    assert.equal(bad['__dlq.errors.offset'], '1')
    assert.equal(bad['__dlq.errors.group'], groupId)
    assert.equal(bad['__dlq.errors.message'], 'Offset rejected by client.')
    const sick = headers(buried.find((record) => text(record) === 'sick') as ConsumerRecord)
    assert.equal(sick['__dlq.errors.delivery.count'], '2')
    assert.equal(sick['__dlq.errors.message'], 'Offset delivery count exceeded the threshold.')
  })
}
