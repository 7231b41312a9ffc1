// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict'
import { createConnection, type Socket } from 'node:net'
import { it } from 'node:test'
import { ByteWriter } from '@millrace/base'
import * as p from '@millrace/protocol'
import { WireClient } from '@millrace/testkit'
import { until } from '../e2e/until.ts'
import type { ClusterUnderTest } from './cluster-under-test.ts'

const EMBEDDED = Buffer.alloc(6)

/** How a broker handles the requests of a connection that ends, is ended, or does not read. */
export function connectionScenarios(cluster: () => ClusterUnderTest): void {
  const address = (): string => String(cluster().client.bootstrapServers).split(',')[0] as string
  const connect = (): Promise<WireClient> => WireClient.connect(address())

  /** Creates a topic and waits until its partition has a leader. */
  async function readableTopic(name: string): Promise<string> {
    const topic = await cluster().createTopic(name)
    const client = await connect()
    await until(async () => {
      const { responses } = await client.request(...fetchFrom(topic, {}))
      return responses[0]?.partitions[0]?.errorCode === 0
    })
    client.close()
    return topic
  }

  /** A topic, and a member of a classic group with one generation. */
  async function member(client: WireClient) {
    const topic = await readableTopic('ends')
    const groupId = cluster().unique('ends')
    const join = {
      groupId,
      sessionTimeoutMs: 30_000,
      rebalanceTimeoutMs: 30_000,
      protocolType: 'consumer',
      protocols: [{ name: 'range', metadata: EMBEDDED }],
    }
    // The coordinator of a new cluster is not available at once.
    await until(async () => {
      const found = await client.request(p.FindCoordinatorRequest, p.FindCoordinatorResponse, {
        keyType: 0,
        coordinatorKeys: [groupId],
      })
      return found.coordinators[0]?.errorCode === 0
    })
    let memberId = ''
    let generationId = -1
    await until(async () => {
      const joined = await client.request(p.JoinGroupRequest, p.JoinGroupResponse, {
        ...join,
        memberId,
      })
      memberId = joined.memberId
      generationId = joined.generationId
      return joined.errorCode === 0
    })
    const synced = await client.request(p.SyncGroupRequest, p.SyncGroupResponse, {
      groupId,
      generationId,
      memberId,
      protocolType: 'consumer',
      protocolName: 'range',
      assignments: [{ memberId, assignment: EMBEDDED }],
    })
    assert.equal(synced.errorCode, 0)
    return { topic, groupId, memberId, generationId }
  }

  type Member = Awaited<ReturnType<typeof member>>

  const commit = (client: WireClient, { topic, groupId, memberId, generationId }: Member) =>
    client.request(
      p.OffsetCommitRequest,
      p.OffsetCommitResponse,
      {
        groupId,
        memberId,
        generationIdOrMemberEpoch: generationId,
        topics: [
          {
            name: topic,
            partitions: [{ partitionIndex: 0, committedOffset: 7n, committedMetadata: '' }],
          },
        ],
      },
      9,
    )
  const leave = (client: WireClient, { groupId, memberId }: Member) =>
    client.request(p.LeaveGroupRequest, p.LeaveGroupResponse, {
      groupId,
      members: [{ memberId, groupInstanceId: null }],
    })

  async function hasLeft(groupId: string): Promise<boolean> {
    const client = await connect()
    const reply = await client.request(p.DescribeGroupsRequest, p.DescribeGroupsResponse, {
      groups: [groupId],
    })
    client.close()
    return reply.groups[0]?.groupState === 'Empty'
  }

  async function committed({ groupId, topic }: Member): Promise<bigint> {
    const client = await connect()
    const reply = await client.request(
      p.OffsetFetchRequest,
      p.OffsetFetchResponse,
      { groups: [{ groupId, topics: [{ name: topic, partitionIndexes: [0] }] }] },
      9,
    )
    client.close()
    return reply.groups[0]?.topics[0]?.partitions[0]?.committedOffset ?? -2n
  }

  it('executes and answers all requests sent before the client closed its side', async () => {
    const client = await connect()
    const of = await member(client)
    const replies = Promise.all([commit(client, of), leave(client, of)])
    client.end()
    const [first, second] = await replies
    assert.equal(first.topics[0]?.partitions[0]?.errorCode, 0)
    assert.equal(second.members[0]?.errorCode, 0)
    await client.closed
    assert.equal(await committed(of), 7n)
    assert.equal(await hasLeft(of.groupId), true)
  })

  it('executes requests sent before the client closed the connection, answered or not', async () => {
    const client = await connect()
    const of = await member(client)
    for (const sent of [commit(client, of), leave(client, of)]) sent.catch(() => {})
    await flushed(client)
    client.close()
    await until(() => hasLeft(of.groupId))
    assert.equal(await committed(of), 7n)
  })

  it('processes the leave request of a consumer group member before the close', async () => {
    const client = await connect()
    const topic = await readableTopic('ends')
    const groupId = cluster().unique('ends')
    const beat = (memberId: string, memberEpoch: number) =>
      client.request(p.ConsumerGroupHeartbeatRequest, p.ConsumerGroupHeartbeatResponse, {
        groupId,
        memberId,
        memberEpoch,
        instanceId: null,
        rackId: null,
        rebalanceTimeoutMs: 30_000,
        subscribedTopicNames: [topic],
        subscribedTopicRegex: null,
        serverAssignor: null,
        topicPartitions: memberEpoch === 0 ? [] : null,
      })
    const memberId = 'AAAAAAAAAAAAAAAAAAAABQ'
    await until(async () => (await beat(memberId, 0)).errorCode === 0)
    beat(memberId, -1).catch(() => {})
    await flushed(client)
    client.close()
    const other = await connect()
    await until(async () => {
      const reply = await other.request(
        p.ConsumerGroupDescribeRequest,
        p.ConsumerGroupDescribeResponse,
        { groupIds: [groupId], includeAuthorizedOperations: false },
      )
      return reply.groups[0]?.groupState === 'Empty'
    })
    other.close()
  })

  it('answers a waiting fetch with records that arrive after the client closed its side', async () => {
    const topic = await readableTopic('ends')
    const client = await connect()
    const reply = client.request(...fetchFrom(topic, { maxWaitMs: 20_000 }))
    client.end()
    const producer = await connect()
    await produce(producer, topic, 'late')
    producer.close()
    const { records } = (await reply).responses[0]?.partitions[0] ?? {}
    const values = [...p.recordBatches(records ?? Buffer.alloc(0))]
      .flatMap(p.readRecords)
      .map(({ value }) => String(value))
    assert.deepEqual(values, ['late'])
    await client.closed
  })

  it('closes a connection whose client has closed its side and has no request pending', async () => {
    const client = await connect()
    client.end()
    await client.closed
  })

  it('answers the requests before an invalid one, then closes', async () => {
    const topic = await readableTopic('ends')
    const client = await connect()
    const replies = [produce(client, topic, 'a'), client.request(...fetchFrom(topic, {}))] as const
    client.sendRaw(Buffer.from('GET / HTTP/1.1\r\n\r\n'))
    const [produced, fetched] = await Promise.all(replies)
    assert.equal(produced.responses[0]?.partitionResponses[0]?.errorCode, 0)
    assert.equal(fetched.responses[0]?.partitions[0]?.highWatermark, 1n)
    await client.closed
  })

  it('serves others while a client pipelines fetches without reading replies', async () => {
    const topic = await readableTopic('greedy')
    const small = await readableTopic('small')
    const client = await connect()
    const records = p.buildBatch([
      { timestamp: BigInt(Date.now()), key: null, value: Buffer.alloc(900_000, 'x') },
    ])
    for (let i = 0; i < 8; i++) await produceBatch(client, topic, records)
    const greedy = await unread(address(), fetchFrom(topic, { maxBytes: 8_000_000 }), 100)
    for (let i = 0; i < 20; i++) {
      const beganMs = performance.now()
      await produce(client, small, 'x')
      await client.request(...fetchFrom(small, {}))
      const tookMs = performance.now() - beganMs
      assert.ok(tookMs < 1000, `a record took ${Math.round(tookMs)} ms`)
    }
    greedy.destroy()
    client.close()
  })
}

/** Resolves when all sent bytes have left this process. */
function flushed(client: WireClient): Promise<void> {
  return new Promise((resolve) => client.whenFlushed(resolve))
}

function produceBatch(client: WireClient, name: string, records: Buffer) {
  return client.request(
    p.ProduceRequest,
    p.ProduceResponse,
    {
      acks: -1,
      timeoutMs: 1000,
      topicData: [{ name, partitionData: [{ index: 0, records }] }],
    },
    12,
  )
}

function produce(client: WireClient, topic: string, value: string) {
  const record = { timestamp: BigInt(Date.now()), key: null, value: Buffer.from(value) }
  return produceBatch(client, topic, p.buildBatch([record]))
}

type FetchCall = readonly [
  typeof p.FetchRequest,
  typeof p.FetchResponse,
  p.MessageInput<typeof p.FetchRequest>,
  number,
]

function fetchFrom(
  topic: string,
  options: { readonly maxWaitMs?: number; readonly maxBytes?: number },
): FetchCall {
  const partitionMaxBytes = options.maxBytes ?? 1 << 20
  return [
    p.FetchRequest,
    p.FetchResponse,
    {
      maxWaitMs: options.maxWaitMs ?? 0,
      minBytes: 1,
      topics: [{ topic, partitions: [{ partition: 0, fetchOffset: 0n, partitionMaxBytes }] }],
      forgottenTopicsData: [],
    },
    12,
  ]
}

/** A connection that has sent a request `count` times without reading. */
async function unread(
  address: string,
  [schema, , message, version]: FetchCall,
  count: number,
): Promise<Socket> {
  const writer = new ByteWriter()
  const api = p.apis.get(schema.apiKey) as p.Api
  p.writeRequestHeader(writer, api, { apiVersion: version, correlationId: 1, clientId: 'greedy' })
  p.codecOf(schema, version).encode(writer, message)
  const frame = writer.toBuffer()
  const size = Buffer.alloc(4)
  size.writeInt32BE(frame.length)
  const colon = address.lastIndexOf(':')
  const socket = createConnection({
    host: address.slice(0, colon),
    port: Number(address.slice(colon + 1)),
  })
  socket.pause()
  socket.on('error', () => {})
  const all = Buffer.concat(Array.from({ length: count }, () => [size, frame]).flat())
  await new Promise<void>((resolve) => socket.write(all, () => resolve()))
  return socket
}
