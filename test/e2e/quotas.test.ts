// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { MemoryNetwork, nodeWorld } from '@millrace/base'
import { Broker } from '@millrace/broker'
import * as p from '@millrace/protocol'
import {
  type Pipe,
  SimulatedClock,
  SimulatedDisk,
  seededRandom,
  WireClient,
} from '@millrace/testkit'
import { pipeOf } from '../scenarios/restricted-broker.ts'

const LIMIT_MS = 600_000

/** Runs a scenario with a broker in simulated time. */
async function withBroker(
  scenario: (peer: {
    connect(address?: string): Promise<WireClient>
    elapsedMs(): number
    sleep(delayMs: number): Promise<void>
  }) => Promise<void>,
  config: Readonly<Record<string, string>> = {},
): Promise<void> {
  const clock = new SimulatedClock()
  const network = new MemoryNetwork()
  const fileSystem = new SimulatedDisk()
  fileSystem.syncTime = () => new Promise((resolve) => clock.schedule(1, resolve))
  const world = {
    ...nodeWorld,
    random: seededRandom(1),
    network,
    fileSystem,
    clock: clock.process(),
  }
  const broker = await clock.run(Broker.start({ dataDirectory: '/data', world, config }), LIMIT_MS)
  const port = Number(broker.address.split(':').at(-1))
  const peer = {
    connect: async (clientAddress = '127.0.0.1') =>
      new WireClient(joined(pipeOf(await network.connect({ port, clientAddress })))),
    elapsedMs: () => clock.elapsedMs,
    sleep: (delayMs: number) =>
      new Promise<void>((resolve) => {
        clock.schedule(delayMs, resolve)
      }),
  }
  await clock.run(scenario(peer), LIMIT_MS)
  await clock.run(broker.close(), LIMIT_MS)
}

/** Requests that are sent in one turn arrive together. */
function joined(pipe: Pipe): Pipe {
  const write = pipe.write.bind(pipe)
  let waiting: Buffer[] = []
  pipe.write = (data) => {
    waiting.push(data)
    if (waiting.length > 1) return
    queueMicrotask(() => {
      write(Buffer.concat(waiting))
      waiting = []
    })
  }
  return pipe
}

async function setQuota(
  client: WireClient,
  entity: Readonly<Record<string, string | null>>,
  key: string,
  value: number,
): Promise<void> {
  const reply = await client.request(p.AlterClientQuotasRequest, p.AlterClientQuotasResponse, {
    validateOnly: false,
    entries: [
      {
        entity: Object.entries(entity).map(([entityType, entityName]) => ({
          entityType,
          entityName,
        })),
        ops: [{ key, value, remove: value === 0 }],
      },
    ],
  })
  assert.equal(reply.entries[0]?.errorCode, 0, reply.entries[0]?.errorMessage ?? '')
}

async function createTopic(client: WireClient, name: string, numPartitions = 1, version = 7) {
  const reply = await client.request(
    p.CreateTopicsRequest,
    p.CreateTopicsResponse,
    {
      timeoutMs: 1000,
      topics: [{ name, numPartitions, replicationFactor: 1, assignments: [], configs: [] }],
    },
    version,
  )
  return { ...reply.topics[0], throttleTimeMs: reply.throttleTimeMs }
}

function produce(client: WireClient, bytes: number) {
  const records = p.buildBatch([
    { timestamp: 1_700_000_000_000n, key: null, value: Buffer.alloc(bytes) },
  ])
  return client.request(
    p.ProduceRequest,
    p.ProduceResponse,
    {
      transactionalId: null,
      acks: -1,
      timeoutMs: 1000,
      topicData: [{ name: 't', partitionData: [{ index: 0, records }] }],
    },
    12,
  )
}

function fetch(client: WireClient, fetchOffset: bigint) {
  return client.request(
    p.FetchRequest,
    p.FetchResponse,
    {
      maxWaitMs: 0,
      minBytes: 0,
      maxBytes: 10_000_000,
      topics: [
        { topic: 't', partitions: [{ partition: 0, fetchOffset, partitionMaxBytes: 10_000_000 }] },
      ],
    },
    12,
  )
}

/** A sync of the disk takes a millisecond. */
function near(actual: number, expected: number): void {
  assert.ok(Math.abs(actual - expected) <= 20, `${actual}, not ${expected}`)
}

describe('quotas', () => {
  it('allow a burst, then limit a producer to its rate', () =>
    withBroker(async ({ connect, elapsedMs }) => {
      const client = await connect()
      await createTopic(client, 't')
      await setQuota(client, { user: 'ANONYMOUS' }, 'producer_byte_rate', 20_000)
      let burst = 0
      let throttleMs = 0
      while (throttleMs === 0) {
        const reply = await produce(client, 10_000)
        throttleMs = reply.throttleTimeMs
        burst += 10_000
      }
      // Ten seconds' worth.
      assert.ok(burst >= 190_000 && burst <= 220_000, String(burst))
      const start = elapsedMs()
      await produce(client, 10)
      // Answered immediately, but the next request is processed only after the throttle time.
      assert.ok(elapsedMs() - start >= throttleMs - 1, `${elapsedMs() - start} of ${throttleMs}`)
      // The rate now limits.
      const before = elapsedMs()
      for (let i = 0; i < 40; i++) await produce(client, 10_000)
      const rate = 400_000 / ((elapsedMs() - before) / 1000)
      assert.ok(rate > 15_000 && rate < 25_000, String(rate))
    }))

  it('apply to connected clients immediately, and end immediately', () =>
    withBroker(async ({ connect, elapsedMs }) => {
      const client = await connect()
      await createTopic(client, 't')
      await produce(client, 500_000)
      await setQuota(client, { 'client-id': null }, 'producer_byte_rate', 1000)
      assert.ok((await produce(client, 50_000)).throttleTimeMs > 0)
      // Another client has a separate quota.
      const other = await connect()
      other.clientId = 'other'
      assert.equal((await produce(other, 5000)).throttleTimeMs, 0)
      await setQuota(other, { 'client-id': null }, 'producer_byte_rate', 0)
      const start = elapsedMs()
      assert.equal((await produce(other, 500_000)).throttleTimeMs, 0)
      assert.ok(elapsedMs() - start < 1000)
    }))

  it('return no records above the rate to a fetch, and all of them later', () =>
    withBroker(async ({ connect, elapsedMs }) => {
      const client = await connect()
      await createTopic(client, 't')
      for (let i = 0; i < 10; i++) await produce(client, 20_000)
      await setQuota(client, { user: 'ANONYMOUS' }, 'consumer_byte_rate', 5000)
      const first = await fetch(client, 0n)
      // The first reply contains no more than the window allows.
      const firstBytes = first.responses[0]?.partitions[0]?.records?.length ?? 0
      assert.ok(firstBytes > 0 && firstBytes <= 60_000, String(firstBytes))
      assert.equal(first.throttleTimeMs, 0)
      const second = await fetch(client, 2n)
      assert.ok(second.throttleTimeMs > 0)
      assert.deepEqual(second.responses, [])
      const start = elapsedMs()
      let offset = 2n
      while (offset < 10n) {
        const { responses } = await fetch(client, offset)
        const records = responses[0]?.partitions[0]?.records
        if (records === undefined || records === null || records.length === 0) continue
        for (const batch of p.recordBatches(records)) offset = batch.lastOffset + 1n
      }
      // 160 kB at 5 kB in a second, less what the window still allowed.
      const seconds = (elapsedMs() - start) / 1000
      assert.ok(seconds > 15 && seconds < 60, String(seconds))
    }))

  it('reject topic changes of clients that support the throttling error', () =>
    withBroker(async ({ connect, sleep }) => {
      const client = await connect()
      await setQuota(client, { user: 'ANONYMOUS' }, 'controller_mutation_rate', 5)
      assert.equal((await createTopic(client, 'a', 30)).errorCode, 0)
      // It used up the quota; only what is refused makes a client wait.
      assert.equal((await createTopic(client, 'b', 30)).throttleTimeMs, 0)
      const other = await connect()
      const refused = await createTopic(other, 'c', 1)
      assert.equal(refused.errorCode, p.ErrorCode.THROTTLING_QUOTA_EXCEEDED)
      assert.equal(refused.errorMessage, 'The throttling quota has been exceeded.')
      near(refused.throttleTimeMs, 1000)
      // An older client only waits.
      const old = await connect()
      const late = await createTopic(old, 'd', 1, 5)
      assert.equal(late.errorCode, 0)
      near(late.throttleTimeMs, 1200)
      await sleep(3000)
      assert.equal((await createTopic(other, 'c', 1)).errorCode, 0)
    }))

  it('are not evaded by a client that closes while it is throttled', () =>
    withBroker(async ({ connect, sleep, elapsedMs }) => {
      const admin = await connect()
      assert.equal((await createTopic(admin, 't')).errorCode, 0)
      await setQuota(admin, { 'client-id': 'leaver' }, 'producer_byte_rate', 5000)
      const client = await connect()
      client.clientId = 'leaver'
      // All at once, so that the broker has them when it throttles the client.
      const first = produce(client, 60_000)
      for (let i = 0; i < 10; i++) produce(client, 10_000).catch(() => {})
      const { throttleTimeMs } = await first
      assert.ok(throttleTimeMs > 2000 && throttleTimeMs < 2100, String(throttleTimeMs))
      const start = elapsedMs()
      client.close()
      const count = async (): Promise<number> => {
        const { topics } = await admin.request(p.ListOffsetsRequest, p.ListOffsetsResponse, {
          replicaId: -1,
          isolationLevel: 0,
          topics: [{ name: 't', partitions: [{ partitionIndex: 0, timestamp: -1n }] }],
        })
        return Number(topics[0]?.partitions[0]?.offset)
      }
      await sleep(1000)
      assert.equal(await count(), 1)
      // Those that had arrived follow at the rate of the quota: 10 kB at 5 kB in a second.
      while ((await count()) < 11) await sleep(100)
      assert.ok(elapsedMs() - start >= 8000, String(elapsedMs() - start))
    }))

  it('do not keep requests of a client that has closed beyond connections.max.idle.ms', () =>
    withBroker(
      async ({ connect, sleep }) => {
        const admin = await connect()
        assert.equal((await createTopic(admin, 't')).errorCode, 0)
        await setQuota(admin, { 'client-id': 'leaver' }, 'producer_byte_rate', 1000)
        const client = await connect()
        client.clientId = 'leaver'
        const first = produce(client, 60_000)
        for (let i = 0; i < 3; i++) produce(client, 10_000).catch(() => {})
        const { throttleTimeMs } = await first
        assert.ok(throttleTimeMs > 40_000, String(throttleTimeMs))
        client.close()
        await sleep(throttleTimeMs + 60_000)
        const other = await connect()
        const { topics } = await other.request(p.ListOffsetsRequest, p.ListOffsetsResponse, {
          replicaId: -1,
          isolationLevel: 0,
          topics: [{ name: 't', partitions: [{ partitionIndex: 0, timestamp: -1n }] }],
        })
        assert.equal(topics[0]?.partitions[0]?.offset, 1n)
      },
      { 'connections.max.idle.ms': '10000' },
    ))

  for (const [what, limit, count] of [
    ['drop requests of a client that has closed when others need their memory', '100000', 1n],
    ['execute requests of a client that has closed while there is memory', '10000000', 4n],
  ] as const) {
    it(what, () =>
      withBroker(
        async ({ connect, sleep }) => {
          const admin = await connect()
          assert.equal((await createTopic(admin, 't')).errorCode, 0)
          await setQuota(admin, { 'client-id': 'leaver' }, 'producer_byte_rate', 1000)
          const client = await connect()
          client.clientId = 'leaver'
          const first = produce(client, 60_000)
          for (let i = 0; i < 3; i++) produce(client, 60_000).catch(() => {})
          assert.ok((await first).throttleTimeMs > 40_000)
          client.close()
          await sleep(400_000)
          const { topics } = await admin.request(p.ListOffsetsRequest, p.ListOffsetsResponse, {
            replicaId: -1,
            isolationLevel: 0,
            topics: [{ name: 't', partitions: [{ partitionIndex: 0, timestamp: -1n }] }],
          })
          assert.equal(topics[0]?.partitions[0]?.offset, count)
        },
        {
          'connections.max.idle.ms': '-1',
          'socket.request.max.bytes': '100000',
          'queued.max.request.bytes': limit,
        },
      ),
    )
  }

  it('close connections of an address that opens too many', () =>
    withBroker(async ({ connect, sleep, elapsedMs }) => {
      const client = await connect('10.0.0.1')
      await setQuota(client, { ip: '10.0.0.2' }, 'connection_creation_rate', 1)
      const served: WireClient[] = []
      for (let i = 0; i < 10; i++) served.push(await connect('10.0.0.2'))
      const refused = await connect('10.0.0.2')
      const start = elapsedMs()
      await refused.closed
      assert.ok(elapsedMs() - start >= 500, String(elapsedMs() - start))
      assert.ok(served.every(({ isClosed }) => !isClosed))
      assert.ok(!(await connect('10.0.0.1')).isClosed)
      await sleep(12_000)
      const later = await connect('10.0.0.2')
      const reply = await later.request(
        p.ApiVersionsRequest,
        p.ApiVersionsResponse,
        {
          clientSoftwareName: 'x',
          clientSoftwareVersion: '1',
        },
        3,
      )
      assert.equal(reply.errorCode, 0)
    }))
})
