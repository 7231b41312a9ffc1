// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict'
import {
  appendFileSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, beforeEach, describe, it } from 'node:test'
import { Broker, type BrokerOptions } from '@millrace/broker'
import * as p from '@millrace/protocol'
import { WireClient } from '@millrace/testkit'

const roots: string[] = []

describe('the data directory', () => {
  let directory: string

  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), 'millrace-'))
    roots.push(directory)
  })
  after(() => {
    for (const root of roots) rmSync(root, { recursive: true, force: true })
  })

  async function withBroker<T>(
    use: (client: WireClient, broker: Broker) => Promise<T>,
    options: BrokerOptions = {},
  ): Promise<T> {
    await using broker = await Broker.start({ dataDirectory: directory, ...options })
    const client = await WireClient.connect(broker.address)
    try {
      return await use(client, broker)
    } finally {
      client.close()
    }
  }

  async function createTopic(
    client: WireClient,
    name: string,
    configs: Readonly<Record<string, string>> = {},
  ): Promise<void> {
    const reply = await client.request(p.CreateTopicsRequest, p.CreateTopicsResponse, {
      topics: [
        {
          name,
          numPartitions: 1,
          replicationFactor: 1,
          assignments: [],
          configs: Object.entries(configs).map(([key, value]) => ({ name: key, value })),
        },
      ],
    })
    assert.equal(reply.topics[0]?.errorCode, 0, reply.topics[0]?.errorMessage ?? '')
  }

  async function produce(
    client: WireClient,
    topic: string,
    records: readonly {
      readonly key?: string
      readonly value: string | null
      readonly timestamp?: number
    }[],
  ): Promise<bigint> {
    const reply = await client.request(
      p.ProduceRequest,
      p.ProduceResponse,
      {
        acks: -1,
        timeoutMs: 1000,
        topicData: [
          {
            name: topic,
            partitionData: [
              {
                index: 0,
                records: p.buildBatch(
                  records.map(({ key, value, timestamp }) => ({
                    timestamp: BigInt(timestamp ?? Date.now()),
                    key: key === undefined ? null : Buffer.from(key),
                    value: value === null ? null : Buffer.from(value),
                  })),
                ),
              },
            ],
          },
        ],
      },
      9,
    )
    const result = reply.responses[0]?.partitionResponses[0]
    assert.equal(result?.errorCode, 0)
    return result?.baseOffset ?? -1n
  }

  async function read(
    client: WireClient,
    topic: string,
    from = 0n,
  ): Promise<{ offset: bigint; key: string | null; value: string | null }[]> {
    const found: { offset: bigint; key: string | null; value: string | null }[] = []
    for (let fetchOffset = from; ; ) {
      const reply = await client.request(
        p.FetchRequest,
        p.FetchResponse,
        {
          maxWaitMs: 0,
          minBytes: 0,
          topics: [
            { topic, partitions: [{ partition: 0, fetchOffset, partitionMaxBytes: 1 << 20 }] },
          ],
          forgottenTopicsData: [],
        },
        12,
      )
      const partition = reply.responses[0]?.partitions[0]
      assert.equal(partition?.errorCode, 0)
      const records = [...p.recordBatches(partition?.records ?? Buffer.alloc(0))]
        .flatMap(p.readRecords)
        .filter(({ offset }) => offset >= fetchOffset)
      for (const { offset, key, value } of records) {
        found.push({ offset, key: key?.toString() ?? null, value: value?.toString() ?? null })
      }
      const last = records.at(-1)
      if (last === undefined) return found
      fetchOffset = last.offset + 1n
    }
  }

  async function earliest(client: WireClient, topic: string): Promise<bigint> {
    const reply = await client.request(p.ListOffsetsRequest, p.ListOffsetsResponse, {
      replicaId: -1,
      topics: [{ name: topic, partitions: [{ partitionIndex: 0, timestamp: -2n }] }],
    })
    return reply.topics[0]?.partitions[0]?.offset ?? -1n
  }

  const logFiles = (topic: string): string[] =>
    readdirSync(join(directory, `${topic}-0`))
      .filter((name) => name.endsWith('.log'))
      .sort()

  it('keeps topics, ids, records, configurations and the cluster id', async () => {
    const first = await withBroker(async (client, broker) => {
      await createTopic(client, 'kept', { 'retention.ms': '98765432' })
      await produce(client, 'kept', [{ value: 'a' }, { value: 'b' }])
      const metadata = await client.request(p.MetadataRequest, p.MetadataResponse, {
        topics: [{ name: 'kept' }],
      })
      return { id: metadata.topics[0]?.topicId, cluster: broker.clusterId }
    })
    await withBroker(async (client, broker) => {
      assert.equal(broker.clusterId, first.cluster)
      const metadata = await client.request(p.MetadataRequest, p.MetadataResponse, {
        topics: [{ name: 'kept' }],
      })
      assert.equal(metadata.topics[0]?.topicId, first.id)
      assert.deepEqual(
        (await read(client, 'kept')).map(({ value }) => value),
        ['a', 'b'],
      )
      assert.equal(await produce(client, 'kept', [{ value: 'c' }]), 2n)
      const configs = await client.request(p.DescribeConfigsRequest, p.DescribeConfigsResponse, {
        resources: [{ resourceType: 2, resourceName: 'kept', configurationKeys: ['retention.ms'] }],
      })
      assert.equal(configs.results[0]?.configs[0]?.value, '98765432')
    })
  })

  it('is truncated at a torn write, and continues from there', async () => {
    const broker = await Broker.start({ dataDirectory: directory })
    const client = await WireClient.connect(broker.address)
    await createTopic(client, 'torn')
    for (const value of ['a', 'b', 'c']) await produce(client, 'torn', [{ value }])
    client.close()
    await broker.abandon()
    const path = join(directory, 'torn-0', logFiles('torn')[0] as string)
    truncateSync(path, readFileSync(path).length - 3)
    await withBroker(async (again) => {
      assert.deepEqual(
        (await read(again, 'torn')).map(({ value }) => value),
        ['a', 'b'],
      )
      assert.equal(await produce(again, 'torn', [{ value: 'd' }]), 2n)
      const reply = await again.request(
        p.OffsetForLeaderEpochRequest,
        p.OffsetForLeaderEpochResponse,
        {
          topics: [{ topic: 'torn', partitions: [{ partition: 0, leaderEpoch: 0 }] }],
        },
      )
      assert.equal(
        reply.topics[0]?.partitions[0]?.endOffset,
        2n,
        'the leader epoch has increased, so that consumers detect lost records',
      )
    })
  })

  it('has garbage at the end of a log truncated', async () => {
    const broker = await Broker.start({ dataDirectory: directory })
    const client = await WireClient.connect(broker.address)
    await createTopic(client, 'garbled')
    await produce(client, 'garbled', [{ value: 'a' }])
    client.close()
    await broker.abandon()
    appendFileSync(
      join(directory, 'garbled-0', logFiles('garbled')[0] as string),
      Buffer.alloc(300, 7),
    )
    await withBroker(async (again) => {
      assert.equal((await read(again, 'garbled')).length, 1)
    })
  })

  it('rolls segments, and deletes the oldest by time and by size', async () => {
    await withBroker(async (client, broker) => {
      const small = { 'internal.segment.bytes': '300' }
      await createTopic(client, 'by-time', { ...small, 'retention.ms': '60000' })
      await createTopic(client, 'by-size', { ...small, 'retention.bytes': '700' })
      const old = Date.now() - 3_600_000
      for (let i = 0; i < 10; i++) {
        await produce(client, 'by-time', [
          { value: `value ${i}`.padEnd(100), timestamp: i < 8 ? old : Date.now() },
        ])
        await produce(client, 'by-size', [{ value: `value ${i}`.padEnd(100) }])
      }
      assert.equal(logFiles('by-time').length, 10 / 1)
      await broker.enforceRetention()
      assert.equal(await earliest(client, 'by-time'), 8n)
      assert.equal((await read(client, 'by-time', 8n)).length, 2)
      assert.ok((await earliest(client, 'by-size')) >= 5n)
      assert.ok(logFiles('by-size').length <= 5)
    })
    await withBroker(async (client) => assert.equal(await earliest(client, 'by-time'), 8n))
  })

  it('empties a log whose records have all expired, and continues its offsets', async () => {
    await withBroker(async (client, broker) => {
      await createTopic(client, 'expired', { 'retention.ms': '1000' })
      await produce(client, 'expired', [{ value: 'a', timestamp: 5 }])
      await broker.enforceRetention()
      assert.equal(await earliest(client, 'expired'), 1n)
      assert.equal(await produce(client, 'expired', [{ value: 'b' }]), 1n)
    })
    await withBroker(async (client) => assert.equal((await read(client, 'expired', 1n)).length, 1))
  })

  it('empties a log whose records were all deleted, and continues its offsets after a crash', async () => {
    const options = { config: { 'log.cleaner.enable': 'false' } }
    const broker = await Broker.start({ dataDirectory: directory, ...options })
    const client = await WireClient.connect(broker.address)
    const names = ['all', 'some', 'none'] as const
    for (const name of names) {
      await createTopic(client, name)
      for (const value of ['a', 'b', 'c']) await produce(client, name, [{ value }])
    }
    const offsets = { all: 3n, some: 2n, none: 0n }
    await client.request(p.DeleteRecordsRequest, p.DeleteRecordsResponse, {
      timeoutMs: 1000,
      topics: names.map((name) => ({
        name,
        partitions: [{ partitionIndex: 0, offset: offsets[name] }],
      })),
    })
    await broker.enforceRetention()
    assert.deepEqual(logFiles('all'), ['00000000000000000003.log'])
    // A record that remains keeps the segment, as in Kafka.
    for (const name of ['some', 'none']) {
      assert.deepEqual(logFiles(name), ['00000000000000000000.log'])
    }
    // An empty segment is not replaced again.
    await broker.enforceRetention()
    assert.deepEqual(logFiles('all'), ['00000000000000000003.log'])
    client.close()
    await broker.abandon()
    await withBroker(async (again) => {
      for (const name of names) {
        assert.equal(await earliest(again, name), offsets[name])
        assert.equal(await produce(again, name, [{ value: 'd' }]), 3n)
        assert.equal((await read(again, name, offsets[name])).length, Number(4n - offsets[name]))
      }
    }, options)
  })

  it('continues offsets after a crash that follows the expiry, whether the log was opened or not', async () => {
    const options = { config: { 'log.cleaner.enable': 'false' } }
    await withBroker(async (client) => {
      await createTopic(client, 'expired', { 'retention.ms': '1000' })
      await produce(client, 'expired', [{ value: 'a', timestamp: 5 }])
    }, options)
    const broker = await Broker.start({ dataDirectory: directory, ...options })
    await broker.enforceRetention()
    await broker.abandon()
    assert.deepEqual(logFiles('expired'), ['00000000000000000001.log'])
    await withBroker(async (client) => {
      assert.equal(await earliest(client, 'expired'), 1n)
      assert.equal(await produce(client, 'expired', [{ value: 'b' }]), 1n)
    }, options)
  })

  it('compacts: the newest value of each key keeps its offset, tombstones are removed later', async () => {
    const configs = {
      'cleanup.policy': 'compact',
      'internal.segment.bytes': '400',
      'min.cleanable.dirty.ratio': '0.01',
      'delete.retention.ms': '0',
    }
    await withBroker(
      async (client, broker) => {
        await createTopic(client, 'compacted', configs)
        for (let i = 0; i < 20; i++)
          await produce(client, 'compacted', [{ key: `k${i % 3}`, value: `${i}`.padEnd(60) }])
        await produce(client, 'compacted', [{ key: 'k0', value: null }])
        for (let i = 0; i < 4; i++)
          await produce(client, 'compacted', [{ key: `fill${i}`, value: 'x'.repeat(200) }])
        await broker.compact()
        const records = await read(client, 'compacted')
        const byKey = new Map(
          records.map(({ key, value, offset }) => [key, { value: value?.trim() ?? null, offset }]),
        )
        assert.deepEqual(byKey.get('k1'), { value: '19', offset: 19n })
        assert.deepEqual(byKey.get('k2'), { value: '17', offset: 17n })
        assert.equal(byKey.get('k0')?.value, null)
        assert.ok(records.filter(({ key }) => key === 'k1').length === 1)
        // The first pass sets the delete horizon of the tombstone; the next pass with work to do
        // removes it.
        for (let i = 0; i < 4; i++)
          await produce(client, 'compacted', [{ key: `fill${i}`, value: 'y'.repeat(200) }])
        await broker.compact()
        assert.ok(!(await read(client, 'compacted')).some(({ key }) => key === 'k0'))
      },
      { config: { 'log.cleaner.enable': 'false' } },
    )
    await withBroker(async (client) => {
      const values = (await read(client, 'compacted')).filter(({ key }) => key === 'k1')
      assert.deepEqual(
        values.map(({ offset }) => offset),
        [19n],
      )
    })
  })

  it('is rejected by a second broker', async () => {
    await withBroker(async () => {
      await assert.rejects(Broker.start({ dataDirectory: directory }), {
        code: 'MILLRACE_DIRECTORY_LOCKED',
      })
    })
  })

  it('is accepted after its owner has exited', async () => {
    writeFileSync(join(directory, '.lock'), '999999999 1\n')
    await withBroker(async (_client, broker) => assert.ok(broker.address))
  })

  it('is rejected if it belongs to another node', async () => {
    await withBroker(async () => {})
    await assert.rejects(
      Broker.start({ dataDirectory: directory, config: { 'node.id': '7' } }),
      /belongs to node 1, but node.id is 7/,
    )
  })

  it('has partitions of unknown topics renamed', async () => {
    await withBroker(async (client) => createTopic(client, 'owned'))
    const orphan = join(directory, 'orphan-0')
    await import('node:fs').then((fs) => fs.mkdirSync(orphan))
    writeFileSync(
      join(orphan, 'partition.metadata'),
      'version: 0\ntopic_id: AAAAAAAAAAAAAAAAAAAABg',
    )
    await withBroker(async () => {
      assert.ok(!existsSync(orphan))
      assert.ok(readdirSync(directory).some((name) => /^orphan-0\..*-stray$/.test(name)))
    })
  })

  it('deletes the files of a deleted topic, and a new topic of that name starts at offset 0', async () => {
    await withBroker(async (client) => {
      await createTopic(client, 'reborn')
      await produce(client, 'reborn', [{ value: 'old' }])
      await client.request(p.DeleteTopicsRequest, p.DeleteTopicsResponse, {
        topics: [{ name: 'reborn' }],
        timeoutMs: 1000,
      })
      assert.ok(!existsSync(join(directory, 'reborn-0')))
      await createTopic(client, 'reborn')
      assert.equal(await produce(client, 'reborn', [{ value: 'new' }]), 0n)
    })
    await withBroker(async (client) => {
      assert.deepEqual(
        (await read(client, 'reborn')).map(({ value }) => value),
        ['new'],
      )
    })
  })

  it('spans several log directories, between which partitions can be moved', async () => {
    const second = mkdtempSync(join(tmpdir(), 'millrace-'))
    roots.push(second)
    const options = { dataDirectory: `${directory},${second}` }
    await withBroker(async (client) => {
      await createTopic(client, 'mobile')
      await createTopic(client, 'other')
      await produce(client, 'mobile', [{ value: 'a' }])
      const where = async (topic: string) => {
        const reply = await client.request(p.DescribeLogDirsRequest, p.DescribeLogDirsResponse, {
          topics: null,
        })
        return reply.results.find(({ topics }) => topics.some(({ name }) => name === topic))?.logDir
      }
      const home = await where('mobile')
      assert.notEqual(
        home,
        await where('other'),
        'new partitions are placed in the directory with fewest',
      )
      const target = home === directory ? second : directory
      const reply = await client.request(
        p.AlterReplicaLogDirsRequest,
        p.AlterReplicaLogDirsResponse,
        {
          dirs: [{ path: target, topics: [{ name: 'mobile', partitions: [0] }] }],
        },
      )
      assert.equal(reply.results[0]?.partitions[0]?.errorCode, 0)
      assert.equal(await where('mobile'), target)
      assert.equal(await produce(client, 'mobile', [{ value: 'b' }]), 1n)
      assert.equal((await read(client, 'mobile')).length, 2)
    }, options)
    await withBroker(
      async (client) => assert.equal((await read(client, 'mobile')).length, 2),
      options,
    )
  })

  it('keeps the sequence numbers of an idempotent producer over a crash', async () => {
    const send = async (client: WireClient, baseSequence: number) => {
      const records = p.buildBatch(
        [{ timestamp: 1n, key: null, value: Buffer.from(`${baseSequence}`) }],
        {
          producerId: 5n,
          producerEpoch: 0,
          baseSequence,
        },
      )
      const reply = await client.request(
        p.ProduceRequest,
        p.ProduceResponse,
        {
          acks: -1,
          timeoutMs: 100,
          topicData: [{ name: 'sequenced', partitionData: [{ index: 0, records }] }],
        },
        9,
      )
      return reply.responses[0]?.partitionResponses[0]
    }
    const broker = await Broker.start({ dataDirectory: directory })
    const client = await WireClient.connect(broker.address)
    await createTopic(client, 'sequenced')
    for (let i = 0; i < 3; i++) await send(client, i)
    client.close()
    await broker.abandon()
    await withBroker(async (again) => {
      assert.equal((await send(again, 2))?.baseOffset, 2n, 'a retry after the crash is detected')
      assert.equal((await send(again, 7))?.errorCode, p.ErrorCode.OUT_OF_ORDER_SEQUENCE_NUMBER)
      assert.equal((await send(again, 3))?.baseOffset, 3n)
    })
  })

  it('opens ten thousand partitions quickly', async () => {
    await withBroker(async (client) => {
      for (let i = 0; i < 10; i++) {
        const reply = await client.request(p.CreateTopicsRequest, p.CreateTopicsResponse, {
          topics: Array.from({ length: 100 }, (_, j) => ({
            name: `many-${i * 100 + j}`,
            numPartitions: 10,
            replicationFactor: 1,
            assignments: [],
            configs: [],
          })),
        })
        assert.ok(reply.topics.every(({ errorCode }) => errorCode === 0))
      }
    })
    const began = performance.now()
    await withBroker(async (_client, broker) => {
      const tookMs = performance.now() - began
      assert.equal(broker.topicNames.length, 1000)
      // The goal of one second is measured in bench/; this only detects gross regressions.
      assert.ok(tookMs < 10_000, `${tookMs} ms`)
      console.log(`1,000 topics of 10 partitions opened in ${Math.round(tookMs)} ms`)
    })
  })
})
