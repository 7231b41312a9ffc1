// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { Broker, handlers } from '@millrace/broker'
import * as p from '@millrace/protocol'
import { seededRandom, WireClient } from '@millrace/testkit'

const { ErrorCode } = p
const ONE_PARTITION = { numPartitions: 1, replicationFactor: 1, assignments: [], configs: [] }

describe('the broker on the wire', () => {
  let broker: Broker
  let client: WireClient

  before(async () => {
    broker = await Broker.start({ config: { 'message.max.bytes': '20000' } })
    client = await WireClient.connect(broker.address)
  })
  after(async () => {
    client.close()
    await broker.close()
  })

  async function createTopic(
    name: string,
    configs: Readonly<Record<string, string>> = {},
    numPartitions = 1,
  ): Promise<string> {
    const reply = await client.request(p.CreateTopicsRequest, p.CreateTopicsResponse, {
      topics: [
        {
          ...ONE_PARTITION,
          name,
          numPartitions,
          configs: Object.entries(configs).map(([key, value]) => ({ name: key, value })),
        },
      ],
    })
    assert.equal(reply.topics[0]?.errorCode, 0, reply.topics[0]?.errorMessage ?? '')
    return reply.topics[0]?.topicId ?? ''
  }

  function record(value: string, options: { key?: string; timestamp?: bigint } = {}): p.NewRecord {
    return {
      timestamp: options.timestamp ?? BigInt(Date.now()),
      key: options.key === undefined ? null : Buffer.from(options.key),
      value: Buffer.from(value),
    }
  }

  async function produce(
    topic: string,
    records: Buffer,
    options: { acks?: number; version?: number; partition?: number } = {},
  ) {
    const reply = await client.request(
      p.ProduceRequest,
      p.ProduceResponse,
      {
        acks: options.acks ?? -1,
        timeoutMs: 1000,
        topicData: [{ name: topic, partitionData: [{ index: options.partition ?? 0, records }] }],
      },
      options.version ?? 12,
    )
    const result = reply.responses[0]?.partitionResponses[0]
    assert.ok(result)
    return result
  }

  async function fetch(
    topic: string,
    fetchOffset: bigint,
    options: { maxWaitMs?: number; minBytes?: number; maxBytes?: number } = {},
  ) {
    const reply = await client.request(
      p.FetchRequest,
      p.FetchResponse,
      {
        maxWaitMs: options.maxWaitMs ?? 0,
        minBytes: options.minBytes ?? 1,
        topics: [
          {
            topic,
            partitions: [
              { partition: 0, fetchOffset, partitionMaxBytes: options.maxBytes ?? 1 << 20 },
            ],
          },
        ],
        forgottenTopicsData: [],
      },
      12,
    )
    const partition = reply.responses[0]?.partitions[0]
    assert.ok(partition)
    const records = [...p.recordBatches(partition.records ?? Buffer.alloc(0))].flatMap(
      p.readRecords,
    )
    return { ...partition, values: records.map(({ value }) => String(value)), decoded: records }
  }

  describe('ApiVersions', () => {
    it('advertises the supported APIs, in the versions of Kafka 4.4', async () => {
      const reply = await client.request(p.ApiVersionsRequest, p.ApiVersionsResponse, {
        clientSoftwareName: 'test',
        clientSoftwareVersion: '1',
      })
      assert.deepEqual(
        reply.apiKeys.map(({ apiKey }) => apiKey),
        [...handlers.keys()].sort((a, b) => a - b),
      )
      const versions = new Map(
        reply.apiKeys.map((row) => [row.apiKey, [row.minVersion, row.maxVersion]]),
      )
      assert.deepEqual(versions.get(p.ApiKey.Produce), [0, 13], 'librdkafka looks for Produce 0')
      assert.deepEqual(versions.get(p.ApiKey.Fetch), [4, 18])
      assert.deepEqual(versions.get(p.ApiKey.InitProducerId), [0, 5], 'version 6 is not stable')
      assert.ok(reply.finalizedFeatures.some(({ name }) => name === 'metadata.version'))
    })

    it('replies to an unsupported ApiVersions version with version 0 and error 35', async () => {
      const api = p.apis.get(p.ApiKey.ApiVersions)
      assert.ok(api)
      const frame = await client.exchange(api, 99, Buffer.alloc(0))
      const reply = p.decodeMessage(p.ApiVersionsResponse, 0, frame.subarray(4))
      assert.equal(reply.errorCode, ErrorCode.UNSUPPORTED_VERSION)
      assert.deepEqual(reply.apiKeys, [{ apiKey: 18, minVersion: 0, maxVersion: 5 }])
    })

    it('returns REBOOTSTRAP_REQUIRED to a client of another cluster (KIP-1242)', async () => {
      const ask = (clusterId: string | null, nodeId: number) =>
        client.request(p.ApiVersionsRequest, p.ApiVersionsResponse, {
          clientSoftwareName: 'test',
          clientSoftwareVersion: '1',
          clusterId,
          nodeId,
        })
      assert.equal((await ask(broker.clusterId, broker.nodeId)).errorCode, 0)
      assert.equal(
        (await ask('some-other-cluster-idxx', -1)).errorCode,
        ErrorCode.REBOOTSTRAP_REQUIRED,
      )
      assert.equal((await ask(null, 77)).errorCode, ErrorCode.REBOOTSTRAP_REQUIRED)
    })
  })

  it('replies to every advertised API in every version', async () => {
    await createTopic('every-version')
    for (const [key, handler] of handlers) {
      const api = p.apis.get(key)
      assert.ok(api)
      const [first, last] = p.versionBounds(api.request.versions)
      for (
        let version = first;
        version <= (api.latestVersionUnstable ? last - 1 : last);
        version++
      ) {
        const reply = await client.request(
          handler.request,
          handler.response,
          minimalRequest(key),
          version,
        )
        assert.ok(typeof reply === 'object', `${api.name} v${version}`)
      }
    }
    assert.equal(client.isClosed, false)
  })

  /** Fields without a default; all others keep their defaults. */
  function minimalRequest(key: number): object {
    const group = { groupId: 'g', memberId: '', generationId: -1 }
    const forms: Readonly<Record<number, object>> = {
      [p.ApiKey.Produce]: { acks: 1, timeoutMs: 100, topicData: [] },
      [p.ApiKey.Fetch]: {
        maxWaitMs: 0,
        minBytes: 0,
        sessionEpoch: -1,
        topics: [],
        forgottenTopicsData: [],
      },
      [p.ApiKey.JoinGroup]: {
        ...group,
        sessionTimeoutMs: 1,
        protocolType: 'consumer',
        protocols: [],
      },
      [p.ApiKey.ApiVersions]: { clientSoftwareName: 'a', clientSoftwareVersion: '1' },
    }
    return forms[key] ?? {}
  }

  describe('Produce', () => {
    it('assigns offsets and returns records', async () => {
      await createTopic('numbered')
      assert.equal(
        (await produce('numbered', p.buildBatch([record('a'), record('b')]))).baseOffset,
        0n,
      )
      assert.equal((await produce('numbered', p.buildBatch([record('c')]))).baseOffset, 2n)
      const fetched = await fetch('numbered', 0n)
      assert.deepEqual(fetched.values, ['a', 'b', 'c'])
      assert.equal(fetched.highWatermark, 3n)
      assert.deepEqual((await fetch('numbered', 2n)).values, ['c'])
    })

    it('accepts min.insync.replicas above the number of replicas, as in Kafka', async () => {
      await createTopic('replicated', { 'min.insync.replicas': '2' })
      const reply = await produce('replicated', p.buildBatch([record('a')]))
      assert.equal(reply.errorCode, p.ErrorCode.NONE)
      assert.deepEqual((await fetch('replicated', 0n)).values, ['a'])
    })

    it('rejects invalid batches with the error codes of Kafka', async () => {
      await createTopic('refusing')
      await createTopic('compacted', { 'cleanup.policy': 'compact' })
      await createTopic('late', {
        'message.timestamp.before.max.ms': '1000',
        'message.timestamp.after.max.ms': '1000',
      })
      await client.request(p.FindCoordinatorRequest, p.FindCoordinatorResponse, {
        coordinatorKeys: ['g'],
      })
      const good = p.buildBatch([record('a')])
      const with_ = (change: (data: Buffer) => void): Buffer => {
        const data = Buffer.from(good)
        change(data)
        return data
      }
      const cases: readonly [string, Promise<{ readonly errorCode: number }>, p.ErrorName][] = [
        ['unknown topic', produce('nowhere', good), 'UNKNOWN_TOPIC_OR_PARTITION'],
        [
          'unknown partition',
          produce('refusing', good, { partition: 9 }),
          'UNKNOWN_TOPIC_OR_PARTITION',
        ],
        ['acks 2', produce('refusing', good, { acks: 2 }), 'INVALID_REQUIRED_ACKS'],
        [
          'bad checksum',
          produce(
            'refusing',
            with_((data) => data.writeUInt8(1, data.length - 1)),
          ),
          'CORRUPT_MESSAGE',
        ],
        ['truncated', produce('refusing', good.subarray(0, -1)), 'INVALID_RECORD'],
        [
          'old format',
          produce(
            'refusing',
            with_((data) => data.writeInt8(1, 16)),
          ),
          'INVALID_RECORD',
        ],
        ['two batches', produce('refusing', Buffer.concat([good, good])), 'INVALID_RECORD'],
        [
          'control batch',
          produce('refusing', p.buildBatch([record('a')], { isControl: true })),
          'INVALID_RECORD',
        ],
        [
          'too large',
          produce('refusing', p.buildBatch([record('x'.repeat(30_000))])),
          'MESSAGE_TOO_LARGE',
        ],
        ['no key in a compacted topic', produce('compacted', good), 'INVALID_RECORD'],
        [
          'too old',
          produce('late', p.buildBatch([record('a', { timestamp: 5n })])),
          'INVALID_TIMESTAMP',
        ],
        [
          'from the future',
          produce('late', p.buildBatch([record('a', { timestamp: BigInt(Date.now()) + 99_999n })])),
          'INVALID_TIMESTAMP',
        ],
        [
          'zstd in version 6',
          produce('refusing', p.buildBatch([record('a')], { compression: 'zstd' }), { version: 6 }),
          'UNSUPPORTED_COMPRESSION_TYPE',
        ],
        ['internal topic', produce('__consumer_offsets', good), 'INVALID_TOPIC_EXCEPTION'],
      ]
      for (const [what, result, expected] of cases) {
        assert.equal(p.errorName((await result).errorCode), expected, what)
      }
    })

    it('returns the invalid records (KIP-467)', async () => {
      await createTopic('blamed', { 'cleanup.policy': 'compact' })
      const result = await produce(
        'blamed',
        p.buildBatch([record('a', { key: 'k' }), record('b'), record('c')]),
      )
      assert.deepEqual(
        result.recordErrors.map(({ batchIndex }) => batchIndex),
        [1, 2],
      )
    })

    it('closes the connection if a request with acks=0 fails, and sends no reply otherwise', async () => {
      await createTopic('unacknowledged')
      const other = await WireClient.connect(broker.address)
      const send = (topic: string) =>
        other.request(
          p.ProduceRequest,
          p.ProduceResponse,
          {
            acks: 0,
            timeoutMs: 0,
            topicData: [
              { name: topic, partitionData: [{ index: 0, records: p.buildBatch([record('a')]) }] },
            ],
          },
          9,
        )
      void send('unacknowledged').catch(() => undefined)
      const { apiKeys } = await other.request(p.ApiVersionsRequest, p.ApiVersionsResponse, {}, 0)
      assert.ok(apiKeys.length > 0)
      assert.deepEqual((await fetch('unacknowledged', 0n)).values, ['a'])
      void send('nowhere').catch(() => undefined)
      await other.closed
    })

    it('sets timestamps and recompresses records as the topic is configured', async () => {
      await createTopic('stamped', {
        'message.timestamp.type': 'LogAppendTime',
        'compression.type': 'gzip',
      })
      const before = BigInt(Date.now())
      const result = await produce('stamped', p.buildBatch([record('a', { timestamp: 1n })]))
      assert.ok(result.logAppendTimeMs >= before)
      const fetched = await fetch('stamped', 0n)
      assert.equal(fetched.decoded[0]?.timestamp, result.logAppendTimeMs)
      const [batch] = [...p.recordBatches(fetched.records ?? Buffer.alloc(0))]
      assert.equal(batch?.compression, 'gzip')
      assert.equal(batch?.computeCrc(), batch?.crc)
    })

    it('detects retries, gaps and old epochs of an idempotent producer', async () => {
      await createTopic('sequenced')
      const { producerId } = await client.request(
        p.InitProducerIdRequest,
        p.InitProducerIdResponse,
        { transactionalId: null, transactionTimeoutMs: 0 },
        5,
      )
      const send = (baseSequence: number, producerEpoch = 0) =>
        produce(
          'sequenced',
          p.buildBatch([record(`${baseSequence}`)], { producerId, producerEpoch, baseSequence }),
        )
      assert.equal((await send(0)).baseOffset, 0n)
      assert.equal((await send(1)).baseOffset, 1n)
      assert.equal((await send(0)).baseOffset, 0n, 'a retry gets the original offset')
      assert.equal((await send(5)).errorCode, ErrorCode.OUT_OF_ORDER_SEQUENCE_NUMBER)
      assert.equal(
        (await send(1, 1)).errorCode,
        ErrorCode.OUT_OF_ORDER_SEQUENCE_NUMBER,
        'a new epoch starts at sequence 0',
      )
      assert.equal((await send(0, 1)).errorCode, 0)
      assert.equal((await send(2, 0)).errorCode, ErrorCode.INVALID_PRODUCER_EPOCH)
      const described = await client.request(
        p.DescribeProducersRequest,
        p.DescribeProducersResponse,
        {
          topics: [{ name: 'sequenced', partitionIndexes: [0] }],
        },
      )
      const [producer] = described.topics[0]?.partitions[0]?.activeProducers ?? []
      assert.equal(producer?.producerId, producerId)
      assert.equal(producer?.producerEpoch, 1)
    })

    it('accepts topic ids in version 13', async () => {
      const topicId = await createTopic('by-id')
      const send = async (id: string) => {
        const reply = await client.request(p.ProduceRequest, p.ProduceResponse, {
          acks: -1,
          timeoutMs: 1000,
          topicData: [
            { topicId: id, partitionData: [{ index: 0, records: p.buildBatch([record('a')]) }] },
          ],
        })
        return reply.responses[0]?.partitionResponses[0]?.errorCode
      }
      assert.equal(await send(topicId), 0)
      assert.equal(await send('AAAAAAAAAAAAAAAAAAAABg'), ErrorCode.UNKNOWN_TOPIC_ID)
    })
  })

  describe('Fetch', () => {
    it('waits for records, at most maxWaitMs', async () => {
      await createTopic('awaited')
      const began = performance.now()
      assert.deepEqual((await fetch('awaited', 0n, { maxWaitMs: 60 })).values, [])
      assert.ok(performance.now() - began >= 55)
      const other = await WireClient.connect(broker.address)
      const waiting = fetch('awaited', 0n, { maxWaitMs: 5000 })
      await other.request(
        p.ProduceRequest,
        p.ProduceResponse,
        {
          acks: -1,
          timeoutMs: 100,
          topicData: [
            {
              name: 'awaited',
              partitionData: [{ index: 0, records: p.buildBatch([record('a')]) }],
            },
          ],
        },
        9,
      )
      assert.deepEqual((await waiting).values, ['a'])
      other.close()
    })

    it('waits for minBytes', async () => {
      await createTopic('bulky')
      await produce('bulky', p.buildBatch([record('small')]))
      const other = await WireClient.connect(broker.address)
      let isAnswered = false
      // Far longer than the test may take: only the records can end the wait.
      const waiting = fetch('bulky', 0n, { maxWaitMs: 600_000, minBytes: 5000 }).then((reply) => {
        isAnswered = true
        return reply
      })
      await other.request(p.ApiVersionsRequest, p.ApiVersionsResponse, {
        clientSoftwareName: 'test',
        clientSoftwareVersion: '1',
      })
      assert.equal(isAnswered, false)
      await other.request(
        p.ProduceRequest,
        p.ProduceResponse,
        {
          acks: 1,
          timeoutMs: 100,
          topicData: [
            {
              name: 'bulky',
              partitionData: [{ index: 0, records: p.buildBatch([record('x'.repeat(6000))]) }],
            },
          ],
        },
        9,
      )
      assert.equal((await waiting).values.length, 2)
      other.close()
    })

    it('returns a batch that exceeds every limit, alone and whole', async () => {
      await createTopic('large')
      await produce('large', p.buildBatch([record('x'.repeat(9000))]))
      await produce('large', p.buildBatch([record('y'.repeat(9000))]))
      const { values } = await fetch('large', 0n, { maxBytes: 10 })
      assert.deepEqual(values, ['x'.repeat(9000)])
    })

    it('returns an error for an offset out of range', async () => {
      await createTopic('ranged')
      await produce('ranged', p.buildBatch([record('a')]))
      assert.equal((await fetch('ranged', 2n)).errorCode, ErrorCode.OFFSET_OUT_OF_RANGE)
      assert.equal((await fetch('ranged', 1n)).errorCode, 0)
      assert.equal((await fetch('nowhere', 0n)).errorCode, ErrorCode.UNKNOWN_TOPIC_OR_PARTITION)
    })

    it('keeps a session and returns only changes (KIP-227)', async () => {
      const topicId = await createTopic('session')
      const ask = (
        sessionId: number,
        sessionEpoch: number,
        topics: p.MessageInput<typeof p.FetchRequest>['topics'] = [],
      ) =>
        client.request(p.FetchRequest, p.FetchResponse, {
          maxWaitMs: 0,
          minBytes: 0,
          sessionId,
          sessionEpoch,
          topics,
          forgottenTopicsData: [],
        })
      const partition = { partition: 0, fetchOffset: 0n, partitionMaxBytes: 1000 }
      const opened = await ask(0, 0, [{ topicId, partitions: [partition] }])
      assert.notEqual(opened.sessionId, 0)
      assert.equal(opened.responses.length, 1)
      assert.equal((await ask(opened.sessionId, 1)).responses.length, 0, 'nothing changed')
      await produce('session', p.buildBatch([record('a')]))
      const changed = await ask(opened.sessionId, 2)
      assert.equal(changed.responses[0]?.topicId, topicId)
      assert.ok((changed.responses[0]?.partitions[0]?.records?.length ?? 0) > 0)
      assert.equal(
        (await ask(opened.sessionId, 2)).errorCode,
        ErrorCode.INVALID_FETCH_SESSION_EPOCH,
      )
      assert.equal(
        (await ask(opened.sessionId + 1, 1)).errorCode,
        ErrorCode.FETCH_SESSION_ID_NOT_FOUND,
      )
    })

    it('checks leader epochs (KIP-320)', async () => {
      await createTopic('epochs')
      await produce('epochs', p.buildBatch([record('a')]))
      const ask = async (currentLeaderEpoch: number) => {
        const reply = await client.request(
          p.OffsetForLeaderEpochRequest,
          p.OffsetForLeaderEpochResponse,
          {
            topics: [
              {
                topic: 'epochs',
                partitions: [{ partition: 0, currentLeaderEpoch, leaderEpoch: 0 }],
              },
            ],
          },
        )
        return reply.topics[0]?.partitions[0]
      }
      assert.equal((await ask(0))?.endOffset, 1n)
      assert.equal((await ask(7))?.errorCode, ErrorCode.UNKNOWN_LEADER_EPOCH)
    })
  })

  describe('ListOffsets', () => {
    it('finds offsets by position and by time', async () => {
      await createTopic('listed')
      for (const timestamp of [100n, 300n, 200n]) {
        await produce('listed', p.buildBatch([record(`${timestamp}`, { timestamp })]))
      }
      const ask = async (timestamp: bigint) => {
        const reply = await client.request(p.ListOffsetsRequest, p.ListOffsetsResponse, {
          replicaId: -1,
          topics: [{ name: 'listed', partitions: [{ partitionIndex: 0, timestamp }] }],
        })
        const [partition] = reply.topics[0]?.partitions ?? []
        return [partition?.offset, partition?.timestamp]
      }
      assert.deepEqual(await ask(-1n), [3n, -1n])
      assert.deepEqual(await ask(-2n), [0n, -1n])
      assert.deepEqual(await ask(-3n), [1n, 300n])
      assert.deepEqual(await ask(150n), [1n, 300n])
      assert.deepEqual(await ask(100n), [0n, 100n])
      assert.deepEqual(await ask(301n), [-1n, -1n])
    })
  })

  describe('topics', () => {
    it('are rejected with the error codes of Kafka', async () => {
      await createTopic('taken.name')
      const create = async (topic: object) => {
        const reply = await client.request(p.CreateTopicsRequest, p.CreateTopicsResponse, {
          topics: [{ ...ONE_PARTITION, name: 'refused', ...topic }],
        })
        return p.errorName(reply.topics[0]?.errorCode ?? 0)
      }
      assert.equal(await create({ name: 'taken.name' }), 'TOPIC_ALREADY_EXISTS')
      assert.equal(await create({ name: 'taken_name' }), 'INVALID_TOPIC_EXCEPTION')
      assert.equal(await create({ name: '' }), 'INVALID_TOPIC_EXCEPTION')
      assert.equal(await create({ name: 'with space' }), 'INVALID_TOPIC_EXCEPTION')
      assert.equal(await create({ numPartitions: 0 }), 'INVALID_PARTITIONS')
      assert.equal(await create({ replicationFactor: 3 }), 'INVALID_REPLICATION_FACTOR')
      assert.equal(
        await create({ configs: [{ name: 'retention.mss', value: '1' }] }),
        'INVALID_CONFIG',
      )
      assert.equal(
        await create({ configs: [{ name: 'retention.ms', value: 'soon' }] }),
        'INVALID_CONFIG',
      )
      assert.equal(
        await create({
          numPartitions: -1,
          replicationFactor: -1,
          assignments: [{ partitionIndex: 0, brokerIds: [9] }],
        }),
        'INVALID_REPLICA_ASSIGNMENT',
      )
    })

    it('are created by a Metadata request, if both sides allow it', async () => {
      const ask = async (name: string, allowAutoTopicCreation: boolean) => {
        const reply = await client.request(p.MetadataRequest, p.MetadataResponse, {
          topics: [{ name }],
          allowAutoTopicCreation,
        })
        return reply.topics[0]
      }
      assert.equal((await ask('unwanted', false))?.errorCode, ErrorCode.UNKNOWN_TOPIC_OR_PARTITION)
      assert.equal((await ask('wanted', true))?.partitions.length, 1)
      assert.equal((await ask('not/allowed', true))?.errorCode, ErrorCode.INVALID_TOPIC_EXCEPTION)
    })

    it('are described page by page', async () => {
      await createTopic('paged', {}, 5)
      const first = await client.request(
        p.DescribeTopicPartitionsRequest,
        p.DescribeTopicPartitionsResponse,
        {
          topics: [{ name: 'paged' }],
          responsePartitionLimit: 3,
        },
      )
      assert.equal(first.topics[0]?.partitions.length, 3)
      assert.deepEqual(first.nextCursor, { topicName: 'paged', partitionIndex: 3 })
      const second = await client.request(
        p.DescribeTopicPartitionsRequest,
        p.DescribeTopicPartitionsResponse,
        {
          topics: [{ name: 'paged' }],
          cursor: first.nextCursor,
        },
      )
      assert.deepEqual(
        second.topics[0]?.partitions.map(({ partitionIndex }) => partitionIndex),
        [3, 4],
      )
      assert.equal(second.nextCursor, null)
    })

    it('lose their records below an offset', async () => {
      await createTopic('shortened')
      await produce('shortened', p.buildBatch([record('a'), record('b'), record('c')]))
      const del = async (offset: bigint) => {
        const reply = await client.request(p.DeleteRecordsRequest, p.DeleteRecordsResponse, {
          timeoutMs: 1000,
          topics: [{ name: 'shortened', partitions: [{ partitionIndex: 0, offset }] }],
        })
        return reply.topics[0]?.partitions[0]
      }
      assert.equal((await del(2n))?.lowWatermark, 2n)
      assert.equal((await fetch('shortened', 1n)).errorCode, ErrorCode.OFFSET_OUT_OF_RANGE)
      assert.equal((await del(9n))?.errorCode, ErrorCode.OFFSET_OUT_OF_RANGE)
      assert.equal((await del(-1n))?.lowWatermark, 3n)
    })
  })

  describe('configurations', () => {
    it('are changed key by key and take effect', async () => {
      await createTopic('configured')
      const alter = async (
        configs: { name: string; configOperation: number; value: string | null }[],
      ) => {
        const reply = await client.request(
          p.IncrementalAlterConfigsRequest,
          p.IncrementalAlterConfigsResponse,
          {
            resources: [{ resourceType: 2, resourceName: 'configured', configs }],
            validateOnly: false,
          },
        )
        return p.errorName(reply.responses[0]?.errorCode ?? 0)
      }
      const value = async (name: string) => {
        const reply = await client.request(p.DescribeConfigsRequest, p.DescribeConfigsResponse, {
          resources: [{ resourceType: 2, resourceName: 'configured', configurationKeys: [name] }],
          includeSynonyms: true,
        })
        const [config] = reply.results[0]?.configs ?? []
        return [config?.value, config?.configSource]
      }
      assert.deepEqual(await value('retention.ms'), ['604800000', 5])
      assert.equal(
        await alter([{ name: 'retention.ms', configOperation: 0, value: '5000' }]),
        'NONE',
      )
      assert.deepEqual(await value('retention.ms'), ['5000', 1])
      assert.equal(
        await alter([{ name: 'cleanup.policy', configOperation: 2, value: 'compact' }]),
        'NONE',
      )
      assert.deepEqual(await value('cleanup.policy'), ['delete,compact', 1])
      assert.equal(await alter([{ name: 'retention.ms', configOperation: 1, value: null }]), 'NONE')
      assert.deepEqual(await value('retention.ms'), ['604800000', 5])
      assert.equal(
        await alter([{ name: 'retention.ms', configOperation: 0, value: 'x' }]),
        'INVALID_CONFIG',
      )
      assert.equal(
        await alter([{ name: 'max.message.bytes', configOperation: 0, value: '100' }]),
        'NONE',
      )
      const result = await produce(
        'configured',
        p.buildBatch([record('x'.repeat(200), { key: 'k' })]),
      )
      assert.equal(result.errorCode, ErrorCode.MESSAGE_TOO_LARGE)
    })

    it('of the broker are described with their source', async () => {
      const reply = await client.request(p.DescribeConfigsRequest, p.DescribeConfigsResponse, {
        resources: [
          { resourceType: 4, resourceName: String(broker.nodeId), configurationKeys: null },
        ],
      })
      const configs = new Map(reply.results[0]?.configs.map((config) => [config.name, config]))
      assert.equal(configs.get('message.max.bytes')?.value, '20000')
      assert.equal(configs.get('message.max.bytes')?.configSource, 4)
      assert.equal(configs.get('node.id')?.readOnly, true)
      assert.equal(configs.get('log.retention.ms')?.readOnly, false)
    })
  })

  describe('an invalid frame', () => {
    const frame = (hex: string): Buffer => Buffer.from(hex, 'hex')

    for (const [what, bytes] of [
      ['is larger than allowed', frame('7fffffff')],
      ['has a negative size', frame('ffffffff')],
      ['has an unknown API', frame('0000000a7fff000000000001ffff')],
      ['has an unknown version', frame('0000000a0003006300000001ffff')],
      ['ends in the middle of its body', frame('0000000c0003000500000001ffff0000')],
    ] as const) {
      it(`and ${what} closes only that connection`, async () => {
        const other = await WireClient.connect(broker.address)
        other.sendRaw(bytes)
        await other.closed
        const reply = await client.request(p.ApiVersionsRequest, p.ApiVersionsResponse, {}, 0)
        assert.equal(reply.errorCode, 0)
      })
    }

    it('never crashes the broker, whatever bytes it contains', async () => {
      const random = seededRandom(4)
      for (let round = 0; round < 150; round++) {
        const other = await WireClient.connect(broker.address)
        const keys = [...handlers.keys()]
        for (let i = 0; i < 4; i++) {
          const header = Buffer.alloc(10)
          header.writeInt16BE(keys[random.integer(keys.length)] ?? 0, 0)
          header.writeInt16BE(random.integer(14), 2)
          header.writeInt32BE(i, 4)
          header.writeInt16BE(-1, 8)
          const body = random.bytes(random.integer(80))
          const size = Buffer.alloc(4)
          size.writeInt32BE(header.length + body.length)
          other.sendRaw(Buffer.concat([size, header, body]))
        }
        other.close()
        await other.closed
      }
      const reply = await client.request(p.ApiVersionsRequest, p.ApiVersionsResponse, {}, 0)
      assert.equal(reply.errorCode, 0)
    })
  })
})
