// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict'
import { it } from 'node:test'
import {
  Admin,
  Consumer,
  type ConsumerOptions,
  type ConsumerRecord,
  int32,
  json,
  Producer,
  SerdeError,
  string,
  type TopicPartition,
  topic as typedTopic,
} from '@millrace/client'
import { until } from '../e2e/until.ts'
import type { ClusterUnderTest } from './cluster-under-test.ts'

const text = (record: ConsumerRecord): string => String(record.value)
const numbers = (from: number, to: number): string[] =>
  Array.from({ length: to - from }, (_, i) => `${from + i}`)

export function consumerScenarios(cluster: () => ClusterUnderTest): void {
  async function filled(
    name: string,
    { partitions = 1, count = 10, batch = 4 } = {},
  ): Promise<string> {
    const topic = await cluster().createTopic(name, { partitions })
    await fill(topic, { partitions, from: 0, to: count, batch })
    return topic
  }

  async function fill(
    topic: string,
    { partitions = 1, from = 0, to = 10, batch = 4 } = {},
  ): Promise<void> {
    await using producer = new Producer({ ...cluster().client })
    const values = numbers(from, to)
    for (let i = 0; i < values.length; i += batch) {
      await producer.send(
        values.slice(i, i + batch).map((value) => ({
          topic,
          value,
          key: `key-${Number(value) % 5}`,
          partition: Number(value) % partitions,
          timestamp: 1_700_000_000_000 + Number(value) * 1000,
        })),
      )
    }
  }

  const consumer = (options: Partial<ConsumerOptions> = {}): Consumer =>
    new Consumer({ ...cluster().client, autoOffsetReset: 'earliest', ...options })

  const at = (topic: string, partition = 0): TopicPartition => ({ topic, partition })

  async function take(from: Consumer, count: number): Promise<ConsumerRecord[]> {
    const records: ConsumerRecord[] = []
    const deadline = Date.now() + 15_000
    while (records.length < count && Date.now() < deadline) records.push(...(await from.poll(500)))
    return records
  }

  it('polls at most maxPollRecords in order, and an empty list after the time-out', async () => {
    const topic = await filled('poll', { count: 25, batch: 25 })
    await using reader = consumer({ maxPollRecords: 10 })
    reader.assign([at(topic)])
    const sizes: number[] = []
    const seen: string[] = []
    while (seen.length < 25) {
      const records = await reader.poll(1000)
      sizes.push(records.length)
      seen.push(...records.map(text))
      if (seen.length > 0) assert.equal(await reader.position(at(topic)), BigInt(seen.length))
    }
    assert.deepEqual(seen, numbers(0, 25))
    assert.deepEqual(
      sizes.filter((size) => size > 0),
      [10, 10, 5],
    )
    const began = performance.now()
    assert.deepEqual(await reader.poll(150), [])
    assert.ok(performance.now() - began >= 145)
    assert.equal(reader.lag(at(topic)), 0n)
  })

  it('seeks to offsets, ends and times, and looks up offsets', async () => {
    const topic = await filled('seek', { count: 20 })
    await using reader = consumer()
    reader.assign([at(topic)])
    assert.deepEqual(await reader.beginningOffsets([at(topic)]), [0n])
    assert.deepEqual(await reader.endOffsets([at(topic)]), [20n])
    const found = await reader.offsetsForTimes([
      { ...at(topic), timestamp: 1_700_000_004_500 },
      { ...at(topic), timestamp: 1_900_000_000_000 },
    ])
    assert.equal(found[0]?.offset, 5n)
    assert.equal(found[0]?.timestamp, 1_700_000_005_000)
    assert.equal(found[1], null)
    reader.seek(at(topic), 17n)
    assert.deepEqual((await take(reader, 3)).map(text), ['17', '18', '19'])
    reader.seekToBeginning()
    assert.equal((await take(reader, 1)).map(text)[0], '0')
    reader.seekToEnd([at(topic)])
    assert.equal(await reader.position(at(topic)), 20n)
    reader.seekToTimestamp(1_700_000_010_000)
    assert.equal((await take(reader, 1)).map(text)[0], '10')
    assert.throws(() => reader.seek(at(topic), -1n), { code: 'MILLRACE_INVALID_OFFSET' })
    assert.throws(() => reader.seek(at('other'), 1n), { code: 'MILLRACE_NOT_ASSIGNED' })
  })

  it('returns no records of a paused partition, and resumes at its position', async () => {
    const topic = await filled('pause', { partitions: 2, count: 20 })
    await using reader = consumer()
    reader.assign([at(topic, 0), at(topic, 1)])
    reader.pause([at(topic, 0)])
    assert.deepEqual(reader.paused, [at(topic, 0)])
    const odd = await take(reader, 10)
    assert.deepEqual(
      odd.map(text),
      numbers(0, 20).filter((each) => Number(each) % 2 === 1),
    )
    assert.deepEqual(await reader.poll(100), [])
    reader.resume()
    assert.deepEqual(
      (await take(reader, 10)).map(text),
      numbers(0, 20).filter((each) => Number(each) % 2 === 0),
    )
  })

  it('commits returned records, and the group resumes there', async () => {
    const topic = await filled('commit', { count: 10 })
    const groupId = cluster().unique('commit')
    {
      await using reader = consumer({ groupId, enableAutoCommit: false, maxPollRecords: 4 })
      reader.assign([at(topic)])
      await take(reader, 4)
      assert.deepEqual(await reader.committed([at(topic)]), [null])
      await reader.commit()
      const [committed] = await reader.committed([at(topic)])
      assert.equal(committed?.offset, 4n)
      await reader.commit([{ ...at(topic), offset: 6n, metadata: 'note', leaderEpoch: 0 }])
      assert.equal((await reader.committed([at(topic)]))[0]?.metadata, 'note')
    }
    await using again = consumer({ groupId })
    again.assign([at(topic)])
    const records = await take(again, 4)
    assert.deepEqual(records.map(text), ['6', '7', '8', '9'])
    await again.commit(records[1] as ConsumerRecord)
    assert.equal((await again.committed([at(topic)]))[0]?.offset, 8n)
  })

  it('starts at the offset that its reset policy defines', async () => {
    const topic = await cluster().createTopic('reset')
    await using producer = new Producer({ ...cluster().client })
    const hourAgo = Date.now() - 3_600_000
    await producer.send({ topic, value: 'old', timestamp: hourAgo })
    await producer.send({ topic, value: 'new' })
    const first = async (autoOffsetReset: ConsumerOptions['autoOffsetReset']) => {
      await using reader = consumer({ autoOffsetReset: autoOffsetReset ?? 'latest' })
      reader.assign([at(topic)])
      return await reader.position(at(topic))
    }
    assert.equal(await first('earliest'), 0n)
    assert.equal(await first('latest'), 2n)
    assert.equal(await first('by_duration:PT30M'), 1n)
    assert.equal(await first('by_duration:P1DT1H'), 0n)
    await assert.rejects(first('none'), { code: 'MILLRACE_NO_OFFSET' })
    assert.throws(() => consumer({ autoOffsetReset: 'sometimes' as never }), {
      code: 'MILLRACE_INVALID_OPTION',
    })
    // An offset that no longer exists counts as none.
    await using admin = new Admin(cluster().client)
    await admin.deleteRecords([{ ...at(topic), offset: 1n }])
    await using reader = consumer({ autoOffsetReset: 'earliest' })
    reader.assign([at(topic)])
    reader.seek(at(topic), 0n)
    assert.deepEqual((await take(reader, 1)).map(text), ['new'])
    await using strict = consumer({ autoOffsetReset: 'none' })
    strict.assign([at(topic)])
    strict.seek(at(topic), 0n)
    await assert.rejects(strict.poll(5000), { code: 'OFFSET_OUT_OF_RANGE' })
    strict.seek(at(topic), 1n)
    assert.deepEqual((await take(strict, 1)).map(text), ['new'])
  })

  it('iterates; requesting the next record marks the previous one as handled, the last one needs commit', async () => {
    const topic = await filled('iterate', { count: 30, batch: 7 })
    const groupId = cluster().unique('iterate')
    const seen: string[] = []
    {
      await using reader = consumer({ groupId, topics: [topic] })
      for await (const record of reader) {
        seen.push(text(record))
        if (seen.length === 10) break
      }
    }
    // Whether the tenth was handled is unknown.
    {
      await using reader = consumer({ groupId, topics: [topic] })
      for await (const record of reader) {
        seen.push(text(record))
        if (seen.length === 15) break
      }
      await reader.commit()
      // The same consumer continues after the record at which the loop ended.
      for await (const record of reader) {
        seen.push(text(record))
        if (seen.length === 17) break
      }
      await reader.commit()
    }
    assert.deepEqual(seen, [...numbers(0, 10), ...numbers(9, 16)])
    await using reader = consumer({ groupId, topics: [topic] })
    const [next] = await take(reader, 1)
    assert.equal(next && text(next), '16')
  })

  it('continues at the position to which a handler seeks, in every way to read', async () => {
    const topic = await filled('moved', { count: 20, batch: 20 })
    const options = { topics: [topic], enableAutoCommit: false }
    /** Seeks back to the beginning at record 5, once. */
    const visit = (reader: Consumer, record: ConsumerRecord, seen: string[]): boolean => {
      seen.push(text(record))
      if (seen.length === 6) reader.seek(at(topic), 2n)
      return seen.length === 24
    }
    const expected = [...numbers(0, 6), ...numbers(2, 20)]
    {
      const seen: string[] = []
      await using reader = consumer({ ...options, groupId: cluster().unique('moved') })
      for await (const record of reader) if (visit(reader, record, seen)) break
      assert.deepEqual(seen, expected)
    }
    {
      const seen: string[] = []
      const reader = consumer({ ...options, groupId: cluster().unique('moved') })
      for await (const stream of reader.partitions()) {
        for await (const record of stream) {
          if (visit(reader, record, seen)) void reader.close()
        }
      }
      assert.deepEqual(seen, expected)
    }
    for (const isAsync of [false, true]) {
      const seen: string[] = []
      const end = new AbortController()
      await using reader = consumer({ ...options, groupId: cluster().unique('moved') })
      await reader.run({
        signal: end.signal,
        eachRecord: (record) => {
          if (visit(reader, record, seen)) end.abort()
          return isAsync ? Promise.resolve() : undefined
        },
      })
      assert.deepEqual(seen, expected)
    }
  })

  it('ends an iteration when it is closed, and does not commit the record of a failed handler', async () => {
    const topic = await filled('ending', { count: 3 })
    const groupId = cluster().unique('ending')
    const reader = consumer({ groupId, topics: [topic] })
    let count = 0
    const iterating = (async () => {
      for await (const _record of reader) count++
    })()
    await until(() => count === 3)
    await reader.close()
    await iterating
    const failing = consumer({ groupId: cluster().unique('ending'), topics: [topic] })
    await assert.rejects(async () => {
      for await (const record of failing) if (text(record) === '1') throw new Error('boom')
    }, /boom/)
    await failing.close()
  })

  it('reads each partition at its own pace', async () => {
    const topic = await filled('streams', { partitions: 3, count: 30 })
    await using reader = consumer({ groupId: cluster().unique('streams'), topics: [topic] })
    const seen: string[][] = [[], [], []]
    const streams: Promise<void>[] = []
    for await (const stream of reader.partitions()) {
      streams.push(
        (async () => {
          for await (const record of stream) {
            seen[stream.partition]?.push(text(record))
            // One slow partition must not block the others.
            if (stream.partition === 0) await new Promise((resolve) => setTimeout(resolve, 5))
            if (seen.flat().length === 30) void reader.close()
          }
        })(),
      )
    }
    await Promise.all(streams)
    for (const partition of [0, 1, 2]) {
      assert.deepEqual(
        seen[partition],
        numbers(0, 30).filter((each) => Number(each) % 3 === partition),
      )
    }
  })

  it('runs handlers concurrently, in order within each partition', async () => {
    const topic = await filled('run', { partitions: 4, count: 80 })
    await using reader = consumer({ groupId: cluster().unique('run'), topics: [topic] })
    const end = new AbortController()
    const seen: string[][] = [[], [], [], []]
    let atWork = 0
    let most = 0
    await reader.run({
      concurrency: 3,
      signal: end.signal,
      eachRecord: async (record) => {
        atWork++
        most = Math.max(most, atWork)
        await new Promise((resolve) => setTimeout(resolve, 1))
        seen[record.partition]?.push(text(record))
        atWork--
        if (seen.flat().length === 80) end.abort()
      },
    })
    for (const partition of [0, 1, 2, 3]) {
      assert.deepEqual(
        seen[partition],
        numbers(0, 80).filter((each) => Number(each) % 4 === partition),
      )
    }
    assert.ok(most > 1 && most <= 3, `${most} concurrently`)
  })

  // confluent-kafka-javascript#247: a slow topic blocks a fast one.
  it('continues one topic while a handler of another is slow', async () => {
    const slow = await filled('slow', { count: 4, batch: 1 })
    const fast = await filled('fast', { count: 200, batch: 10 })
    await using reader = consumer({ groupId: cluster().unique('pace'), topics: [slow, fast] })
    const end = new AbortController()
    let fastCount = 0
    let slowCount = 0
    await reader.run({
      concurrency: 2,
      signal: end.signal,
      eachRecord: async ({ topic: name }) => {
        if (name === fast) {
          fastCount++
          return
        }
        slowCount++
        await until(() => fastCount === 200)
        if (slowCount === 4) end.abort()
      },
    })
    assert.deepEqual([slowCount, fastCount], [4, 200])
  })

  for (const ordering of ['key', 'none'] as const) {
    it(`runs handlers of one partition concurrently with ordering ${ordering}`, async () => {
      const topic = await filled(`ordering`, { count: 60, batch: 20 })
      const groupId = cluster().unique('ordering')
      const end = new AbortController()
      const byKey = new Map<string, number[]>()
      let count = 0
      let atWork = 0
      let most = 0
      {
        await using reader = consumer({ groupId, topics: [topic] })
        await reader.run({
          concurrency: 5,
          ordering,
          signal: end.signal,
          eachRecord: async (record) => {
            atWork++
            most = Math.max(most, atWork)
            await new Promise((resolve) => setTimeout(resolve, Number(text(record)) % 3))
            atWork--
            const key = String(record.key)
            byKey.set(key, [...(byKey.get(key) ?? []), Number(text(record))])
            if (++count === 60) end.abort()
          },
        })
      }
      assert.ok(most > 1 && most <= 5, `${most} concurrently`)
      assert.deepEqual(
        [...byKey.values()].flat().sort((a, b) => a - b),
        numbers(0, 60).map(Number),
      )
      if (ordering === 'key') {
        for (const values of byKey.values()) {
          assert.deepEqual(
            values,
            values.toSorted((a, b) => a - b),
          )
        }
      }
      await using reader = consumer({ groupId })
      assert.equal((await reader.committed([at(topic)]))[0]?.offset, 60n)
    })
  }

  it('passes batches as large as the fetch, and rewinds to a failed record', async () => {
    const topic = await filled('batches', { count: 1000, batch: 100 })
    const groupId = cluster().unique('batches')
    await using reader = consumer({ groupId, topics: [topic] })
    const end = new AbortController()
    const sizes: number[] = []
    let next = 0
    await reader.run({
      signal: end.signal,
      eachBatch: (records, { partition, topic: name }) => {
        assert.equal(partition, 0)
        assert.equal(name, topic)
        sizes.push(records.length)
        for (const record of records) assert.equal(text(record), `${next++}`)
        if (next === 1000) end.abort()
      },
    })
    // confluent-kafka-javascript caps batches at 32 (#286).
    assert.ok(Math.max(...sizes) >= 100, `batches of ${sizes}`)
    const failing = new Consumer({
      ...cluster().client,
      groupId: cluster().unique('failing'),
      topics: [topic],
      autoOffsetReset: 'earliest',
    })
    await assert.rejects(
      failing.run({
        eachRecord: async (record) => {
          if (text(record) === '7') throw new Error('boom at 7')
        },
      }),
      /boom at 7/,
    )
    assert.equal(await failing.position(at(topic)), 7n)
    await assert.rejects(
      failing.run({
        eachBatch: async (records) => {
          throw new Error(`boom at ${text(records[0] as ConsumerRecord)}`)
        },
      }),
      /boom at 7/,
    )
    assert.equal(await failing.position(at(topic)), 7n)
    await failing.close()
  })

  it('returns typed records for typed topics, and undecodable records as bytes', async () => {
    const name = await cluster().createTopic('typed')
    const orders = typedTopic(name, { key: int32(), value: json<{ readonly amount: number }>() })
    await using producer = new Producer({ ...cluster().client })
    await producer.send(orders, { key: 7, value: { amount: 3 } })
    await producer.send({ topic: name, value: '{broken' })
    await producer.send(orders, [
      { key: 8, value: null },
      { key: null, value: { amount: 5 } },
    ])
    await using reader = new Consumer({
      ...cluster().client,
      groupId: cluster().unique('typed'),
      autoOffsetReset: 'earliest',
      topics: [orders],
    })
    const amounts: (number | null | undefined | string)[] = []
    for await (const record of reader) {
      try {
        const key: number | null = record.key
        const amount: number | undefined = record.value?.amount
        amounts.push(key, amount)
      } catch (error) {
        assert.ok(error instanceof SerdeError)
        amounts.push(String(record.valueBytes))
      }
      if (record.offset === 3n) break
    }
    assert.deepEqual(amounts, [7, 3, '{broken', 8, undefined, null, 5])
    await using strings = new Consumer({
      ...cluster().client,
      deserializers: { key: string(), value: string() },
      autoOffsetReset: 'earliest',
    })
    strings.assign([at(name)])
    const [first] = await strings.poll(5000)
    assert.equal(first?.value, '{"amount":3}')
  })

  it('rejects mixing ways to read, and reads only assigned partitions', async () => {
    const topic = await filled('exclusive', { count: 1 })
    await using reader = consumer({ groupId: cluster().unique('exclusive') })
    await assert.rejects(reader.poll(0), { code: 'MILLRACE_INVALID_STATE' })
    reader.assign([at(topic)])
    assert.throws(() => reader.subscribe([topic]), { code: 'MILLRACE_INVALID_STATE' })
    await take(reader, 1)
    const polling = reader.poll(300)
    await assert.rejects(reader.poll(0), { code: 'MILLRACE_CONCURRENT_READ' })
    await polling
    const controller = new AbortController()
    setTimeout(() => controller.abort(), 30)
    await assert.rejects(reader.poll(10_000, { signal: controller.signal }), { code: 'ABORT_ERR' })
    await using alone = consumer()
    assert.throws(() => alone.subscribe([topic]), { code: 'MILLRACE_NO_GROUP' })
    await assert.rejects(alone.commit(), { code: 'MILLRACE_NO_GROUP' })
    const closed = consumer()
    await closed.close()
    assert.throws(() => closed.assign([at(topic)]), { code: 'MILLRACE_CLOSED' })
  })

  it('reports a topic that does not exist', async () => {
    await using reader = consumer({ allowAutoCreateTopics: false, defaultApiTimeoutMs: 400 })
    const topic = cluster().unique('nowhere')
    await assert.rejects(reader.endOffsets([at(topic)]), { code: 'MILLRACE_TIMEOUT' })
    await assert.rejects(reader.partitionsFor(topic), { code: 'UNKNOWN_TOPIC_OR_PARTITION' })
  })

  it('limits the memory of prefetched records', async () => {
    const topic = await cluster().createTopic('bounded')
    await using producer = new Producer({ ...cluster().client })
    const value = Buffer.alloc(10_000)
    for (let i = 0; i < 20; i++) {
      await producer.send(Array.from({ length: 10 }, () => ({ topic, value })))
    }
    await using reader = consumer({
      maxPartitionFetchBytes: 100_000,
      maxPrefetchBytes: 150_000,
      maxPollRecords: 1,
    })
    reader.assign([at(topic)])
    let count = 0
    while (count < 200) {
      const records = await reader.poll(5000)
      assert.ok(records.length <= 1)
      count += records.length
    }
    assert.equal(count, 200)
  })
}
