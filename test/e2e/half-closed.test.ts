// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict'
import { it } from 'node:test'
import { nodeWorld, type World } from '@millrace/base'
import { Broker } from '@millrace/broker'
import * as p from '@millrace/protocol'
import { WireClient } from '@millrace/testkit'

const SPEED = 100
const LONG_WAIT_MS = 1_000_000_000

/** The real world, with faster timers. */
const fastWorld: World = {
  ...nodeWorld,
  clock: {
    ...nodeWorld.clock,
    setTimer: (delayMs, callback, options) =>
      nodeWorld.clock.setTimer(delayMs / SPEED, callback, options),
  },
}

async function withTopic(use: (client: WireClient) => Promise<void>): Promise<void> {
  const broker = await Broker.start({ world: fastWorld })
  const client = await WireClient.connect(broker.address)
  try {
    const reply = await client.request(p.CreateTopicsRequest, p.CreateTopicsResponse, {
      topics: [{ name: 't', numPartitions: 1, replicationFactor: 1, assignments: [], configs: [] }],
    })
    assert.equal(reply.topics[0]?.errorCode, 0)
    await use(client)
  } finally {
    client.close()
    await broker.close()
  }
}

it('a waiting fetch ends soon after its client has closed its side', async () => {
  await withTopic(async (client) => {
    const fetched = client.request(
      p.FetchRequest,
      p.FetchResponse,
      {
        maxWaitMs: LONG_WAIT_MS,
        minBytes: 1,
        topics: [
          { topic: 't', partitions: [{ partition: 0, fetchOffset: 0n, partitionMaxBytes: 1000 }] },
        ],
      },
      12,
    )
    client.end()
    assert.equal((await fetched).responses[0]?.partitions[0]?.errorCode, 0)
    await client.closed
  })
})

it('a waiting share fetch ends soon after its client has closed its side', async () => {
  await withTopic(async (client) => {
    const groupId = 'g'
    const memberId = 'AAAAAAAAAAAAAAAAAAAAAQ'
    const described = await client.request(p.MetadataRequest, p.MetadataResponse, {
      topics: [{ name: 't' }],
    })
    const topicId = described.topics[0]?.topicId ?? ''
    await client.request(p.ShareGroupHeartbeatRequest, p.ShareGroupHeartbeatResponse, {
      groupId,
      memberId,
      memberEpoch: 0,
      subscribedTopicNames: ['t'],
    })
    const fetched = client.request(p.ShareFetchRequest, p.ShareFetchResponse, {
      groupId,
      memberId,
      shareSessionEpoch: 0,
      maxWaitMs: LONG_WAIT_MS,
      minBytes: 1,
      maxBytes: 1000,
      maxRecords: 10,
      batchSize: 10,
      topics: [{ topicId, partitions: [{ partitionIndex: 0, acknowledgementBatches: [] }] }],
      forgottenTopicsData: [],
    })
    client.end()
    assert.equal((await fetched).errorCode, 0)
    await client.closed
  })
})
