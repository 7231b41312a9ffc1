// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict'
import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import { it } from 'node:test'
import {
  Admin,
  Consumer,
  type ConsumerRecord,
  type MillraceError,
  Producer,
  type ProducerOptions,
  partitionForKey,
} from '@millrace/client'
import { until } from '../e2e/until.ts'
import type { ClusterUnderTest } from './cluster-under-test.ts'
import { readAll } from './read-all.ts'

const codecs = ['none', 'gzip', 'snappy', 'lz4', 'zstd'] as const

/** Counts requests of one API while `work` runs. */
async function countRequests(api: string, work: () => Promise<unknown>): Promise<number> {
  let count = 0
  const onRequest = (message: unknown): void => {
    if ((message as { readonly api: string }).api === api) count++
  }
  subscribe('millrace:client:request', onRequest)
  await work()
  unsubscribe('millrace:client:request', onRequest)
  return count
}

const text = (record: ConsumerRecord): string => String(record.value)

export function producerScenarios(cluster: () => ClusterUnderTest): void {
  const producer = (options: Partial<ProducerOptions> = {}): Producer =>
    new Producer({ ...cluster().client, ...options })

  for (const compression of codecs) {
    it(`round-trips keys, values, headers and timestamps with ${compression}`, async () => {
      const topic = await cluster().createTopic('roundtrip', {
        configs: { 'message.timestamp.after.max.ms': '9223372036854775807' },
      })
      const level = { gzip: 9, zstd: 3 }[compression as string]
      await using sender = producer({
        compression,
        ...(level === undefined ? {} : { compressionLevel: level }),
      })
      const long = 'ä€😀'.repeat(2000)
      await sender.send([
        { topic, key: 'k', value: 'v', timestamp: 1_700_000_000_123 },
        { topic, key: null, value: null, timestamp: 1_600_000_000_000 },
        { topic, key: '', value: '', timestamp: 1_700_000_000_124 },
        {
          topic,
          key: Buffer.from([0, 255]),
          value: long,
          headers: { twice: ['1', '2'], none: null },
          timestamp: 1,
        },
        {
          topic,
          value: Buffer.alloc(3),
          headers: [
            { key: 'a', value: '1' },
            { key: 'b', value: Buffer.from([1]) },
            { key: 'a', value: '3' },
          ],
          timestamp: 9_000_000_000_000,
        },
      ])
      const records = await readAll(cluster(), topic, 5)
      assert.deepEqual(
        records.map(({ key, value, timestamp }) => [
          key?.toString('latin1'),
          value?.toString(),
          timestamp,
        ]),
        [
          ['k', 'v', 1_700_000_000_123],
          [undefined, undefined, 1_600_000_000_000],
          ['', '', 1_700_000_000_124],
          ['\0\xff', long, 1],
          [undefined, '\0\0\0', 9_000_000_000_000],
        ],
      )
      assert.deepEqual(
        records[3]?.headers.map(({ key, value }) => [key, value?.toString()]),
        [
          ['twice', '1'],
          ['twice', '2'],
          ['none', undefined],
        ],
      )
      assert.equal(String(records[4]?.header('a')), '3')
      assert.equal(records[4]?.header('absent'), undefined)
    })
  }

  it('combines concurrent single sends into few requests, in order, and returns the offset of each', async () => {
    const topic = await cluster().createTopic('coalesce', { partitions: 3 })
    await using sender = producer()
    await sender.send({ topic, key: 'warm', value: 'up' })
    const keys = Array.from({ length: 300 }, (_, i) => `key-${i % 7}`)
    let sent: readonly { readonly partition: number; readonly offset: bigint }[] = []
    const requests = await countRequests('Produce', async () => {
      sent = await Promise.all(keys.map((key, i) => sender.send({ topic, key, value: `${i}` })))
    })
    assert.ok(requests <= 10, `${requests} requests`)
    const records = await readAll(cluster(), topic, 301)
    for (const [i, { partition, offset }] of sent.entries()) {
      assert.equal(partition, partitionForKey(Buffer.from(keys[i] as string), 3))
      const record = records.find((each) => each.partition === partition && each.offset === offset)
      assert.equal(record && text(record), `${i}`)
    }
    for (let partition = 0; partition < 3; partition++) {
      const order = records
        .filter((each) => each.partition === partition)
        .map(text)
        .map(Number)
      const numbers = order.filter((each) => !Number.isNaN(each))
      assert.deepEqual(
        numbers,
        numbers.toSorted((a, b) => a - b),
      )
    }
  })

  it('sends with acks 0 and 1, and reports an unknown offset with 0', async () => {
    const topic = await cluster().createTopic('acks')
    await using none = producer({ acks: 0 })
    assert.equal((await none.send({ topic, value: 'zero' })).offset, -1n)
    await using one = producer({ acks: 1 })
    await one.send({ topic, value: 'one' })
    assert.deepEqual((await readAll(cluster(), topic, 2)).map(text).sort(), ['one', 'zero'])
  })

  // @platformatic/kafka 2.12.1 wrote 140 instead of 60 records to 6 partitions, distributed
  //   wrongly.
  it('writes records once to their partitions, right after a topic was created', async () => {
    for (let round = 0; round < 3; round++) {
      const topic = cluster().unique('fresh')
      await using sender = producer()
      await using admin = new Admin(cluster().client)
      const { replicationFactor } = cluster()
      await admin.createTopics([{ name: topic, numPartitions: 6, replicationFactor }])
      await Promise.all(
        Array.from({ length: 60 }, (_, i) =>
          sender.send({ topic, partition: i % 6, value: `${i}` }),
        ),
      )
      const records = await readAll(cluster(), topic, 60)
      const places = records.map((record) => `${record.partition}:${text(record)}`).sort()
      assert.deepEqual(places, Array.from({ length: 60 }, (_, i) => `${i % 6}:${i}`).sort())
    }
  })

  it('finds a partition that was added since the last metadata request', async () => {
    const topic = await cluster().createTopic('grow', { partitions: 1 })
    await using sender = producer({ maxBlockMs: 10_000 })
    await sender.send({ topic, value: 'first' })
    await using admin = new Admin(cluster().client)
    await admin.createPartitions({ [topic]: 3 })
    assert.equal((await sender.send({ topic, partition: 2, value: 'late' })).partition, 2)
  })

  it('writes to no other partition when a topic is created again with fewer partitions', async () => {
    const topic = await cluster().createTopic('anew', { partitions: 6 })
    await using sender = producer({ maxBlockMs: 3_000 })
    await using admin = new Admin(cluster().client)
    await sender.send({ topic, partition: 5, value: 'old' })
    await admin.deleteTopics([topic])
    const { replicationFactor } = cluster()
    await until(() =>
      admin.createTopics([{ name: topic, numPartitions: 2, replicationFactor }]).then(
        () => true,
        () => false,
      ),
    )
    // The broker rejects it, unless the producer has already seen the new topic: then the producer
    // waits for the partition until its time-out.
    await assert.rejects(
      sender.send({ topic, partition: 5, value: 'lost' }),
      ({ code }: MillraceError) =>
        code === 'UNKNOWN_TOPIC_OR_PARTITION' || code === 'MILLRACE_TIMEOUT',
    )
    assert.equal((await sender.send({ topic, partition: 1, value: 'new' })).offset, 0n)
    assert.deepEqual((await readAll(cluster(), topic, 1)).map(text), ['new'])
  })

  it('names the topic and partition that does not exist', async () => {
    const topic = await cluster().createTopic('missing')
    await using sender = producer({ maxBlockMs: 300 })
    await assert.rejects(
      sender.send({ topic, partition: 9, value: 'x' }),
      (error: MillraceError) => {
        assert.equal(error.code, 'MILLRACE_TIMEOUT')
        assert.match(error.message, new RegExp(`topic ${topic} has no partition 9, only 0 to 0`))
        return true
      },
    )
    // Other records are not delayed by it.
    await sender.send({ topic, value: 'y' })
  })

  it('rejects invalid records before any record of the call is sent', async () => {
    const topic = await cluster().createTopic('refused')
    await using sender = producer()
    const good = { topic, value: 'good' }
    const bad: readonly (readonly [object, string, RegExp])[] = [
      [{ topic, value: undefined }, 'MILLRACE_INVALID_RECORD', /no value/],
      [{ topic: '', value: 'x' }, 'MILLRACE_INVALID_RECORD', /needs a topic/],
      [{ topic, value: 'x', partition: -1 }, 'MILLRACE_INVALID_RECORD', /partition -1/],
      [{ topic, value: 'x', timestamp: 1.5 }, 'MILLRACE_INVALID_RECORD', /timestamp 1.5/],
      [{ topic, value: 7 }, 'MILLRACE_SERDE', /value for topic .* is number/],
      [{ topic, value: Buffer.alloc(1_048_577) }, 'MESSAGE_TOO_LARGE', /maxRequestSize 1048576/],
    ]
    for (const [record, code, message] of bad) {
      await assert.rejects(sender.send([good, record as never]), (error: MillraceError) => {
        assert.equal(error.code, code)
        assert.match(error.message, message)
        return true
      })
    }
    await sender.send({ topic, value: 'end' })
    assert.deepEqual((await readAll(cluster(), topic, 1)).map(text), ['end'])
    const invalid = new Producer({ ...cluster().client })
    await invalid.close()
    await assert.rejects(invalid.send(good), { code: 'MILLRACE_CLOSED' })
    await assert.rejects(producer().send({ topic: 'not/a/topic', value: 'x' }), {
      code: 'INVALID_TOPIC_EXCEPTION',
    })
  })

  it('splits a batch that is too large for the topic, and preserves order', async () => {
    const topic = await cluster().createTopic('split', {
      configs: { 'max.message.bytes': '5000' },
    })
    await using sender = producer()
    const values = Array.from({ length: 200 }, (_, i) => `${i}`.padEnd(100, '.'))
    const sent = await sender.send(values.map((value) => ({ topic, value })))
    assert.deepEqual(
      sent.map(({ offset }) => offset),
      values.map((_, i) => BigInt(i)),
    )
    await sender.send({ topic, value: 'after' })
    assert.deepEqual((await readAll(cluster(), topic, 201)).map(text), [...values, 'after'])
    await assert.rejects(sender.send({ topic, value: 'x'.repeat(6000) }), {
      code: 'MESSAGE_TOO_LARGE',
    })
    // A rejected record leaves no gap.
    await sender.send({ topic, value: 'still alive' })
  })

  it('waits for memory, and fails with the size after a time-out', async () => {
    const topic = await cluster().createTopic('memory')
    await using sender = producer({ bufferMemory: 20_000, lingerMs: 0 })
    const values = Array.from({ length: 100 }, (_, i) => `${i}`.padEnd(1000, '.'))
    const sending = values.map((value) => sender.send({ topic, value }))
    assert.ok(sender.bufferedBytes <= 20_000, `${sender.bufferedBytes} bytes`)
    await Promise.all(sending)
    assert.equal(sender.bufferedBytes, 0)
    assert.deepEqual((await readAll(cluster(), topic, 100)).map(text), values)
    // Lingering batches are sent if others wait for their memory.
    await using slow = producer({ bufferMemory: 3000, lingerMs: 60_000, maxBlockMs: 20_000 })
    await slow.partitionsFor(topic)
    const first = slow.send({ topic, value: 'x'.repeat(2000) })
    await Promise.all([first, slow.send({ topic, value: 'x'.repeat(2000) }), slow.flush()])
    await slow.flush()
  })

  it('flush sends lingering batches, and leaves nothing pending', async () => {
    const topic = await cluster().createTopic('flush')
    await using sender = producer({ lingerMs: 30_000 })
    let settled = 0
    for (let i = 0; i < 10; i++) {
      void sender.send({ topic, value: `${i}` }).then(() => settled++)
    }
    await sender.flush()
    assert.equal(settled, 10)
    assert.equal(sender.bufferedBytes, 0)
  })

  it('lingers for more records', async () => {
    const topic = await cluster().createTopic('linger')
    await using sender = producer({ lingerMs: 600 })
    await sender.partitionsFor(topic)
    const requests = await countRequests('Produce', async () => {
      const sends: Promise<unknown>[] = []
      for (let i = 0; i < 5; i++) {
        sends.push(sender.send({ topic, value: `${i}` }))
        await new Promise((resolve) => setTimeout(resolve, 5))
      }
      await Promise.all(sends)
    })
    assert.equal(requests, 1)
  })

  it('distributes records as its partitioner defines', async () => {
    const topic = await cluster().createTopic('partitioners', { partitions: 3 })
    const partitionsOf = async (options: Partial<ProducerOptions>, key?: string) => {
      await using sender = producer(options)
      const sent = await sender.send(
        Array.from({ length: 9 }, () => ({
          topic,
          value: 'x',
          ...(key === undefined ? {} : { key }),
        })),
      )
      return sent.map(({ partition }) => partition)
    }
    const expected = partitionForKey(Buffer.from('same'), 3)
    assert.deepEqual(await partitionsOf({}, 'same'), Array(9).fill(expected))
    assert.equal(new Set(await partitionsOf({})).size, 1)
    assert.equal(new Set(await partitionsOf({ partitioner: 'sticky' }, 'same')).size, 1)
    const dealt = await partitionsOf({ partitioner: 'roundRobin' }, 'same')
    assert.deepEqual(dealt.toSorted(), [0, 0, 0, 1, 1, 1, 2, 2, 2])
    assert.deepEqual(await partitionsOf({ partitioner: () => 2 }), Array(9).fill(2))
    await using wrong = producer({ partitioner: () => 3 })
    await assert.rejects(wrong.send({ topic, value: 'x' }), { code: 'MILLRACE_INVALID_PARTITION' })
  })

  it('cancels a send when its signal is aborted', async () => {
    const topic = await cluster().createTopic('abort')
    await using sender = producer({ lingerMs: 30_000 })
    const controller = new AbortController()
    const sending = sender.send({ topic, value: 'x' }, { signal: controller.signal })
    setTimeout(() => controller.abort(), 20)
    await assert.rejects(sending, { name: 'AbortError', code: 'ABORT_ERR' })
    await sender.close({ timeoutMs: 5000 })
  })

  it('close sends pending records, and a consumer finds them all', async () => {
    const topic = await cluster().createTopic('close')
    const sender = producer({ lingerMs: 10_000 })
    const sends = Array.from({ length: 50 }, (_, i) => sender.send({ topic, value: `${i}` }))
    await sender.close()
    await Promise.all(sends)
    assert.equal((await readAll(cluster(), topic, 50)).length, 50)
    await using consumer = new Consumer({ ...cluster().client })
    assert.deepEqual(await consumer.endOffsets([{ topic, partition: 0 }]), [50n])
  })
}
