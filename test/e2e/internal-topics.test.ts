// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, it } from 'node:test'
import { Broker } from '@millrace/broker'
import * as p from '@millrace/protocol'
import { seededRandom, WireClient } from '@millrace/testkit'

const internalTopics = ['__consumer_offsets', '__transaction_state', '__share_group_state']

describe('an internal topic', () => {
  let directory: string

  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), 'millrace-'))
  })
  afterEach(() => rmSync(directory, { recursive: true, force: true }))

  async function withBroker<T>(use: (client: WireClient) => Promise<T>): Promise<T> {
    await using broker = await Broker.start({
      dataDirectory: directory,
      config: {
        'offsets.topic.num.partitions': '1',
        'transaction.state.log.num.partitions': '1',
        'share.coordinator.state.topic.num.partitions': '1',
      },
    })
    const client = await WireClient.connect(broker.address)
    try {
      return await use(client)
    } finally {
      client.close()
    }
  }

  async function ensure(client: WireClient): Promise<void> {
    const topics = internalTopics.map((name) => ({ name }))
    const reply = await client.request(p.MetadataRequest, p.MetadataResponse, { topics }, 12)
    assert.deepEqual(
      reply.topics.map(({ errorCode }) => errorCode),
      [0, 0, 0],
    )
  }

  async function produce(client: WireClient, name: string, records: Buffer): Promise<number> {
    const reply = await client.request(
      p.ProduceRequest,
      p.ProduceResponse,
      {
        acks: -1,
        timeoutMs: 1000,
        topicData: [{ name, partitionData: [{ index: 0, records }] }],
      },
      9,
    )
    return reply.responses[0]?.partitionResponses[0]?.errorCode ?? -1
  }

  async function commit(client: WireClient, offset: bigint): Promise<void> {
    const reply = await client.request(
      p.OffsetCommitRequest,
      p.OffsetCommitResponse,
      {
        groupId: 'g',
        topics: [
          {
            name: '__consumer_offsets',
            partitions: [{ partitionIndex: 0, committedOffset: offset, committedMetadata: '' }],
          },
        ],
      },
      8,
    )
    assert.equal(reply.topics[0]?.partitions[0]?.errorCode, 0)
  }

  async function committed(client: WireClient): Promise<bigint | undefined> {
    const reply = await client.request(
      p.OffsetFetchRequest,
      p.OffsetFetchResponse,
      { groupId: 'g', topics: [{ name: '__consumer_offsets', partitionIndexes: [0] }] },
      7,
    )
    assert.equal(reply.errorCode, 0)
    return reply.topics[0]?.partitions[0]?.committedOffset
  }

  async function initProducer(client: WireClient, transactionalId: string): Promise<bigint> {
    for (;;) {
      const reply = await client.request(
        p.InitProducerIdRequest,
        p.InitProducerIdResponse,
        { transactionalId, transactionTimeoutMs: 10_000 },
        4,
      )
      if (reply.errorCode === p.ErrorCode.CONCURRENT_TRANSACTIONS) continue
      assert.equal(reply.errorCode, 0)
      return reply.producerId
    }
  }

  it('is closed to clients, except for the client id that Kafka reserves for its tools', async () => {
    await withBroker(async (client) => {
      await ensure(client)
      const records = p.buildBatch([{ timestamp: 1n, key: Buffer.from('k'), value: null }])
      for (const name of internalTopics) {
        client.clientId = 'kcat'
        assert.equal(await produce(client, name, records), p.ErrorCode.INVALID_TOPIC_EXCEPTION)
        client.clientId = '__admin_client'
        assert.equal(await produce(client, name, records), 0)
      }
    })
  })

  it('that contains garbage keeps its valid records and does not prevent the next start', async () => {
    const random = seededRandom(5)
    const producerId = await withBroker(async (client) => {
      await ensure(client)
      await commit(client, 41n)
      const id = await initProducer(client, 'tx')
      client.clientId = '__admin_client'
      for (let i = 0; i < 60; i++) {
        // Keys of all types followed by undecodable bytes; keys of unknown types; and truncated
        // keys.
        const key =
          i < 40
            ? Buffer.concat([Buffer.from([0, i % 20]), random.bytes(i % 9)])
            : random.bytes(i % 3)
        const value = i % 4 === 0 ? null : random.bytes(i % 30)
        const records = p.buildBatch([{ timestamp: 1n, key, value }])
        for (const name of internalTopics) {
          assert.equal(await produce(client, name, Buffer.from(records)), 0)
        }
      }
      await commit(client, 42n)
      return id
    })
    await withBroker(async (client) => {
      assert.equal(await committed(client), 42n)
      assert.equal(await initProducer(client, 'tx'), producerId)
      await commit(client, 43n)
      assert.equal(await committed(client), 43n)
    })
  })

  it('can be deleted, and is created again when needed', async () => {
    await withBroker(async (client) => {
      await ensure(client)
      await commit(client, 7n)
      await initProducer(client, 'tx')
      const reply = await client.request(
        p.DeleteTopicsRequest,
        p.DeleteTopicsResponse,
        { topics: internalTopics.map((name) => ({ name })), timeoutMs: 1000 },
        6,
      )
      assert.ok(reply.responses.every(({ errorCode }) => errorCode === 0))
      await ensure(client)
      assert.equal(await committed(client), -1n)
      await commit(client, 8n)
      assert.equal(await committed(client), 8n)
      await initProducer(client, 'tx')
    })
    await withBroker(async (client) => assert.equal(await committed(client), 8n))
  })
})
