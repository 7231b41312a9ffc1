// SPDX-License-Identifier: Apache-2.0
// What a client sees of quotas and connection limits: throttle times, error codes, mute times and
// closed connections, step by step on Apache Kafka and on millrace.
import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import * as p from '@millrace/protocol'
import { WireClient } from '@millrace/testkit'
import { type Peer, startKafka, startMillrace } from './peers.ts'
import { brokerNames, startSecured } from './secured-brokers.ts'
import { createTopic, errorText, until } from './wire-steps.ts'

type Entity = Readonly<Record<string, string | null>>

/** One broker under test. */
interface Side {
  readonly peer: Peer
  readonly admin: WireClient
}

let sides: readonly Side[] = []
before(
  async () => {
    const peers = await Promise.all([startKafka(), startMillrace()])
    sides = await Promise.all(
      peers.map(async (peer) => ({ peer, admin: await WireClient.connect(peer.address) })),
    )
    for (const { admin } of sides)
      for (const name of ['q', 'r', 'f']) await createTopic(admin, name, 1)
  },
  { timeout: 180_000 },
)
after(async () => {
  for (const { peer } of sides) await peer[Symbol.asyncDispose]()
})

/** Compares the outcomes of a scenario on both brokers; throttle times may differ a little. */
async function same(scenario: (side: Side) => Promise<readonly (string | number | boolean)[]>) {
  const [kafka, ours] = await Promise.all(sides.map(scenario))
  assert.ok(kafka !== undefined && ours !== undefined)
  assert.equal(ours.length, kafka.length, `${ours.join(' ')}, Kafka: ${kafka.join(' ')}`)
  for (const [index, expected] of kafka.entries()) {
    const actual: string | number | boolean | undefined = ours[index]
    const isNear: boolean =
      typeof expected === 'number' &&
      typeof actual === 'number' &&
      Math.abs(actual - expected) <= Math.max(150, expected * 0.05)
    assert.ok(
      actual === expected || isNear,
      `step ${index}: ${ours.join(' ')}, Kafka: ${kafka.join(' ')}`,
    )
  }
}

/** Sets a quota; undefined removes it. Returns when the broker applies it. */
async function setQuota({ admin }: Side, entity: Entity, key: string, value: number | undefined) {
  const reply = await admin.request(p.AlterClientQuotasRequest, p.AlterClientQuotasResponse, {
    validateOnly: false,
    entries: [
      {
        entity: Object.entries(entity).map(([entityType, entityName]) => ({
          entityType,
          entityName,
        })),
        ops: [{ key, value: value ?? 0, remove: value === undefined }],
      },
    ],
  })
  const [entry] = reply.entries
  if (entry?.errorCode !== 0) return errorText(entry?.errorCode ?? -1)
  await until(async () => {
    const { entries } = await admin.request(
      p.DescribeClientQuotasRequest,
      p.DescribeClientQuotasResponse,
      {
        components: Object.entries(entity).map(([entityType, name]) =>
          name === null
            ? { entityType, matchType: 1, match: null }
            : { entityType, matchType: 0, match: name },
        ),
        strict: true,
      },
    )
    const found = entries?.flatMap(({ values }) => values).find((each) => each.key === key)
    return found?.value === value ? true : undefined
  })
  // Kafka describes the quota from its metadata, which the quota managers follow.
  await sleep(200)
  return 'NONE'
}

async function setBrokerConfig({ admin }: Side, name: string, value: string | null) {
  const reply = await admin.request(
    p.IncrementalAlterConfigsRequest,
    p.IncrementalAlterConfigsResponse,
    {
      resources: [
        {
          resourceType: 4,
          resourceName: '1',
          configs: [{ name, configOperation: value === null ? 1 : 0, value }],
        },
      ],
      validateOnly: false,
    },
  )
  assert.equal(reply.responses[0]?.errorCode, 0, reply.responses[0]?.errorMessage ?? '')
  await sleep(300)
}

async function clientOf({ peer }: Side, clientId: string, localAddress?: string) {
  const client = await WireClient.connect(peer.address, localAddress)
  client.clientId = clientId
  return client
}

function produce(client: WireClient, bytes: number, topic = 'q') {
  const records = p.buildBatch([
    { timestamp: 1_700_000_000_000n, key: null, value: Buffer.alloc(bytes) },
  ])
  const topicData = [{ name: topic, partitionData: [{ index: 0, records }] }]
  const message = { transactionalId: null, acks: -1, timeoutMs: 5000, topicData }
  return client.request(p.ProduceRequest, p.ProduceResponse, message, 12)
}

async function fetch(client: WireClient, fetchOffset: bigint) {
  const reply = await client.request(
    p.FetchRequest,
    p.FetchResponse,
    {
      maxWaitMs: 0,
      minBytes: 0,
      maxBytes: 10_000_000,
      topics: [
        { topic: 'f', partitions: [{ partition: 0, fetchOffset, partitionMaxBytes: 10_000_000 }] },
      ],
    },
    12,
  )
  const records = reply.responses[0]?.partitions[0]?.records?.length ?? 0
  return { records, throttleTimeMs: reply.throttleTimeMs }
}

async function create(client: WireClient, name: string, numPartitions: number, version: number) {
  const reply = await client.request(
    p.CreateTopicsRequest,
    p.CreateTopicsResponse,
    {
      timeoutMs: 5000,
      topics: [{ name, numPartitions, replicationFactor: 1, assignments: [], configs: [] }],
    },
    version,
  )
  return [errorText(reply.topics[0]?.errorCode ?? -1), reply.throttleTimeMs] as const
}

async function endOffset({ admin }: Side, topic: string): Promise<number> {
  const { topics } = await admin.request(p.ListOffsetsRequest, p.ListOffsetsResponse, {
    replicaId: -1,
    isolationLevel: 0,
    topics: [{ name: topic, partitions: [{ partitionIndex: 0, timestamp: -1n }] }],
  })
  return Number(topics[0]?.partitions[0]?.offset ?? -1n)
}

/** Whether a connection is served: it answers a request before it is closed. */
async function isServed(
  client: WireClient,
  withinMs = 3000,
): Promise<'served' | 'closed' | 'held'> {
  const message = { clientSoftwareName: 'x', clientSoftwareVersion: '1' }
  const answer = client
    .request(p.ApiVersionsRequest, p.ApiVersionsResponse, message, 3)
    .then(() => 'served' as const)
    .catch(() => 'closed' as const)
  return Promise.race([
    answer,
    client.closed.then(() => 'closed' as const),
    sleep(withinMs, 'held' as const, { ref: false }),
  ])
}

// Before the quotas: Kafka counts the connections of throttled clients that have closed them.
describe('limits of connections, compared with Apache Kafka', () => {
  it('max.connections.per.ip and its overrides close a connection on arrival', () =>
    same(async (side) => {
      await setBrokerConfig(side, 'max.connections.per.ip.overrides', '127.0.0.3:1')
      await setBrokerConfig(side, 'max.connections.per.ip', '3')
      const found: string[] = []
      const clients: WireClient[] = []
      for (const address of ['127.0.0.2', '127.0.0.3']) {
        for (let i = 0; i < 4; i++) {
          const client = await clientOf(side, 'c', address)
          clients.push(client)
          found.push(await isServed(client))
        }
      }
      clients[0]?.close()
      await sleep(200)
      const again = await clientOf(side, 'c', '127.0.0.2')
      found.push(await isServed(again))
      for (const client of [...clients, again]) client.close()
      await setBrokerConfig(side, 'max.connections.per.ip', null)
      await setBrokerConfig(side, 'max.connections.per.ip.overrides', null)
      return found
    }))

  for (const key of ['listener.name.plaintext.max.connections', 'max.connections']) {
    it(`${key}: a connection above it is held until another leaves, or the limit is raised`, () =>
      same(async (side) => {
        await setBrokerConfig(side, key, '12')
        const clients: WireClient[] = []
        const found: string[] = []
        // One connection is the administrator's.
        for (let i = 0; i < 11; i++) {
          const client = await clientOf(side, 'c')
          clients.push(client)
          found.push(await isServed(client))
        }
        const first = await clientOf(side, 'c')
        found.push(await isServed(first, 1000))
        const second = await clientOf(side, 'c')
        found.push(await isServed(second, 1000))
        clients[3]?.close()
        found.push(await isServed(first), await isServed(second, 1000))
        await setBrokerConfig(side, key, '13')
        found.push(await isServed(second))
        for (const client of [...clients, first, second]) client.close()
        await setBrokerConfig(side, key, null)
        await sleep(300)
        const late = await clientOf(side, 'c')
        found.push(await isServed(late))
        late.close()
        return found
      }))
  }

  it('max.connections that is lowered closes the connections unused for longest', () =>
    same(async (side) => {
      const clients: WireClient[] = []
      for (let i = 0; i < 6; i++) {
        clients.push(await clientOf(side, 'c'))
        await isServed(clients[i] as WireClient)
        await sleep(50)
      }
      await isServed(clients[0] as WireClient)
      await setBrokerConfig(side, 'max.connections', '5')
      await sleep(3000)
      const states = clients.map(({ isClosed }) => isClosed)
      for (const client of clients) client.close()
      await setBrokerConfig(side, 'max.connections', null)
      return [`${states.filter((isClosed) => isClosed).length} closed`]
    }))

  for (const key of [
    'max.connection.creation.rate',
    'listener.name.plaintext.max.connection.creation.rate',
  ]) {
    it(`${key} delays connections once the window is used up`, () =>
      same(async (side) => {
        // Connections of earlier tests leave the window.
        await sleep(11_500)
        await setBrokerConfig(side, key, '2')
        const clients: WireClient[] = []
        for (let i = 0; i < 24; i++) clients.push(await clientOf(side, 'c'))
        const began = performance.now()
        const times = await Promise.all(
          clients.map(async (client) => {
            const state = await isServed(client, 30_000)
            return { state, afterMs: performance.now() - began }
          }),
        )
        for (const client of clients) client.close()
        await setBrokerConfig(side, key, null)
        const served = times.filter(({ state }) => state === 'served').length
        const atOnce = times.filter(({ afterMs }) => afterMs < 300).length
        return [`${served} served`, `${atOnce} at once`, times.at(-1)?.afterMs ?? 0]
      }))
  }

  it('connection_creation_rate closes connections of an address after a delay', () =>
    same(async (side) => {
      await setQuota(side, { ip: '127.0.0.4' }, 'connection_creation_rate', 1)
      const clients: WireClient[] = []
      const states: string[] = []
      for (let i = 0; i < 14; i++) clients.push(await clientOf(side, 'c', '127.0.0.4'))
      for (const client of clients) states.push(await isServed(client, 15_000))
      for (const client of clients) client.close()
      return [states.filter((state) => state === 'served').length, states.at(-1) ?? '']
    }))
})

describe('quotas, compared with Apache Kafka', () => {
  it('of bytes, at each of the eight levels of precedence', () =>
    same(async (side) => {
      const ids = Array.from({ length: 8 }, (_, level) => `level-${level}`)
      const user = 'ANONYMOUS'
      const levels: readonly ((clientId: string) => Entity)[] = [
        (id) => ({ user, 'client-id': id }),
        () => ({ user, 'client-id': null }),
        () => ({ user }),
        (id) => ({ user: null, 'client-id': id }),
        () => ({ user: null, 'client-id': null }),
        () => ({ user: null }),
        (id) => ({ 'client-id': id }),
        () => ({ 'client-id': null }),
      ]
      const rate = (level: number): number => 2000 + level * 500
      const set = async (level: number, id: string, isSet: boolean) =>
        setQuota(
          side,
          levels[level]?.(id) ?? {},
          'producer_byte_rate',
          isSet ? rate(level) : undefined,
        )
      for (const [level] of levels.entries()) {
        for (const id of ids.slice(0, level + 1)) {
          const isNamed = 'client-id' in (levels[level]?.(id) ?? {}) && [0, 3, 6].includes(level)
          if (isNamed || id === ids[0]) await set(level, id, true)
        }
      }
      const found: (number | string)[] = []
      for (const [level, id] of ids.entries()) {
        const client = await clientOf(side, id)
        found.push((await produce(client, 100_000)).throttleTimeMs)
        client.close()
        if (levels[level] !== undefined && ![0, 3, 6].includes(level)) await set(level, id, false)
      }
      for (const level of [3, 6]) {
        for (const id of ids.slice(0, level + 1)) await set(level, id, false)
      }
      return found
    }))

  it('of produced bytes: the reply comes at once, the next request waits', () =>
    same(async (side) => {
      await setQuota(side, { 'client-id': 'muted' }, 'producer_byte_rate', 10_000)
      const client = await clientOf(side, 'muted')
      const found: (number | boolean)[] = []
      found.push((await produce(client, 50_000)).throttleTimeMs)
      const began = performance.now()
      const { throttleTimeMs } = await produce(client, 65_000)
      found.push(performance.now() - began < throttleTimeMs, throttleTimeMs)
      await isServed(client, 60_000)
      found.push(performance.now() - began >= throttleTimeMs - 100)
      client.close()
      return found
    }))

  it('of fetched bytes', () =>
    same(async (side) => {
      await setQuota(side, { 'client-id': 'fetcher' }, 'consumer_byte_rate', 12_000)
      const client = await clientOf(side, 'fetcher')
      // Less than Kafka's limit of one fetch, 120,000: it would return part of a batch.
      await produce(side.admin, 70_000, 'f')
      const found: number[] = []
      for (let i = 0; i < 2; i++) {
        const { records, throttleTimeMs } = await fetch(client, 0n)
        found.push(records, throttleTimeMs)
        if (throttleTimeMs > 3000) break
      }
      client.close()
      return found
    }))

  it('of request time: throttled, for at most a second for each request', () =>
    same(async (side) => {
      await setQuota(side, { 'client-id': 'busy' }, 'request_percentage', 0.01)
      const client = await clientOf(side, 'busy')
      let most = 0
      // How long a request takes differs: what counts is that some request is the first above it.
      for (let i = 0; i < 5000 && most === 0; i++) most = (await fetch(client, 0n)).throttleTimeMs
      for (let i = 0; i < 2; i++) most = Math.max(most, (await fetch(client, 0n)).throttleTimeMs)
      client.close()
      return [most > 0, most <= 1000]
    }))

  it('of changes of topics, for clients that know the error and others', () =>
    same(async (side) => {
      await setQuota(side, { 'client-id': 'creator' }, 'controller_mutation_rate', 2)
      const client = await clientOf(side, 'creator')
      const found = []
      found.push(...(await create(client, 'm1', 15, 7)))
      found.push(...(await create(client, 'm2', 12, 7)))
      client.close()
      const second = await clientOf(side, 'creator')
      found.push(...(await create(second, 'm3', 1, 7)))
      second.close()
      const old = await clientOf(side, 'creator')
      found.push(...(await create(old, 'm4', 1, 5)))
      old.close()
      return found
    }))

  it('are not evaded by a client that closes while it is throttled', () =>
    same(async (side) => {
      await setQuota(side, { 'client-id': 'leaver' }, 'producer_byte_rate', 5000)
      const client = await clientOf(side, 'leaver')
      const { throttleTimeMs } = await produce(client, 100_000, 'r')
      for (let i = 0; i < 20; i++) produce(client, 10_000, 'r').catch(() => {})
      await sleep(50)
      client.close()
      // None of the queued requests is executed before the time is over.
      await sleep(1000)
      return [throttleTimeMs, await endOffset(side, 'r')]
    }))
})

describe('max.connections with a listener between brokers', () => {
  for (const name of brokerNames) {
    it(`${name}: it is served above the limit, and others lose connections`, async () => {
      await using broker = await startSecured(name, {
        listeners: { INSIDE: 'PLAINTEXT', PUBLIC: 'PLAINTEXT' },
        settings: [
          'inter.broker.listener.name=INSIDE',
          'max.connections=10',
          'listener.name.inside.max.connections=20',
          // The controller counts its connections separately.
          'listener.name.controller.max.connections=100',
        ],
      })
      const open = async (listener: string): Promise<WireClient> => {
        const client = await WireClient.connect(broker.address(listener))
        await isServed(client, 1000)
        return client
      }
      const outside: WireClient[] = []
      for (let i = 0; i < 10; i++) outside.push(await open('PUBLIC'))
      const held = await open('PUBLIC')
      assert.equal(await isServed(held, 500), 'held')
      const inside: WireClient[] = []
      for (let i = 0; i < 3; i++) {
        const client = await open('INSIDE')
        inside.push(client)
        assert.equal(await isServed(client), 'served', `inside ${i}`)
      }
      await sleep(1500)
      assert.equal(outside.filter(({ isClosed }) => isClosed).length, 3)
      assert.equal(held.isClosed, false)
      for (const client of inside) assert.equal(await isServed(client), 'served')
      for (const client of [...outside, ...inside, held]) client.close()
    })
  }
})
