// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, describe, it } from 'node:test'
import { type Clock, createLogger, nodeWorld, type Timer } from '@millrace/base'
import { Broker, type BrokerOptions } from '@millrace/broker'
import * as p from '@millrace/protocol'
import { WireClient } from '@millrace/testkit'
import { eventually } from './until.ts'

/** A clock that advances on request. */
class ManualClock implements Clock {
  #nowMs = 1_700_000_000_000
  readonly #timers = new Set<{ readonly dueMs: number; readonly run: () => void }>()

  now(): number {
    return this.#nowMs
  }
  monotonic(): number {
    return this.#nowMs
  }
  setTimer(delayMs: number, run: () => void): Timer {
    const timer = { dueMs: this.#nowMs + delayMs, run }
    this.#timers.add(timer)
    return { cancel: () => void this.#timers.delete(timer) }
  }
  yield(): Promise<void> {
    return new Promise((resolve) => setImmediate(resolve))
  }
  async pass(ms: number): Promise<void> {
    this.#nowMs += ms
    for (const timer of this.#timers) {
      if (timer.dueMs > this.#nowMs) continue
      this.#timers.delete(timer)
      timer.run()
    }
    await this.yield()
  }
}

describe('a change of a running broker takes effect:', () => {
  const closing: (() => unknown)[] = []
  const connections: WireClient[] = []
  afterEach(async () => {
    connections.length = 0
    for (const close of closing.splice(0).reverse()) await close()
  })

  async function start(
    options: BrokerOptions = {},
  ): Promise<{ broker: Broker; client: WireClient }> {
    const broker = await Broker.start(options)
    closing.push(() => broker.close())
    return { broker, client: await connect(broker) }
  }

  async function connect(broker: Broker): Promise<WireClient> {
    const client = await WireClient.connect(broker.address)
    closing.push(() => client.close())
    connections.push(client)
    return client
  }

  async function change(client: WireClient, name: string, value: string): Promise<void> {
    const { responses } = await client.request(
      p.IncrementalAlterConfigsRequest,
      p.IncrementalAlterConfigsResponse,
      {
        resources: [
          { resourceType: 4, resourceName: '1', configs: [{ name, configOperation: 0, value }] },
        ],
        validateOnly: false,
      },
    )
    assert.equal(responses[0]?.errorCode, 0, responses[0]?.errorMessage ?? '')
  }

  async function create(client: WireClient, name: string): Promise<number | undefined> {
    const { topics } = await client.request(p.CreateTopicsRequest, p.CreateTopicsResponse, {
      topics: [{ name, numPartitions: 1, replicationFactor: 1, assignments: [], configs: [] }],
    })
    return topics[0]?.errorCode
  }

  async function produce(
    client: WireClient,
    name: string,
    records: Buffer,
  ): Promise<number | undefined> {
    const { responses } = await client.request(
      p.ProduceRequest,
      p.ProduceResponse,
      { acks: -1, timeoutMs: 1000, topicData: [{ name, partitionData: [{ index: 0, records }] }] },
      9,
    )
    return responses[0]?.partitionResponses[0]?.errorCode
  }

  /** Whether a new connection is accepted. */
  async function isServed(broker: Broker): Promise<boolean> {
    const client = await connect(broker)
    return client.request(p.ApiVersionsRequest, p.ApiVersionsResponse, {}, 0).then(
      () => true,
      () => false,
    )
  }

  it('maximum connections per address', async () => {
    const { broker, client } = await start()
    assert.ok(await isServed(broker))
    await change(client, 'max.connections.per.ip', '3')
    assert.ok(await isServed(broker))
    assert.equal(await isServed(broker), false)
    await change(client, 'max.connections.per.ip.overrides', '127.0.0.1:4')
    assert.ok(await isServed(broker))
    assert.equal(await isServed(broker), false)
  })

  it('maximum connections of one listener, and of all: others wait', async () => {
    const { broker, client } = await start()
    await change(client, 'listener.name.plaintext.max.connections', '2')
    assert.ok(await isServed(broker))
    const waiting = isServed(broker)
    let hasEnded = false
    void waiting.then(() => {
      hasEnded = true
    })
    for (let i = 0; i < 20; i++) {
      await client.request(p.ApiVersionsRequest, p.ApiVersionsResponse, {}, 0)
    }
    assert.equal(hasEnded, false)
    await change(client, 'listener.name.plaintext.max.connections', '5')
    assert.ok(await waiting)
    // Above a limit of the broker, the connections that were unused for longest are closed.
    await change(client, 'max.connections', '1')
    for (const other of connections.slice(1)) await other.closed
    await client.request(p.ApiVersionsRequest, p.ApiVersionsResponse, {}, 0)
    const late = isServed(broker)
    client.close()
    assert.ok(await late)
  })

  it('connection creation rate', async () => {
    const clock = new ManualClock()
    const { broker, client } = await start({
      world: { ...nodeWorld, clock },
      config: { 'quota.window.num': '2' },
    })
    await clock.pass(5000)
    await change(client, 'max.connection.creation.rate', '2')
    assert.ok(await isServed(broker))
    assert.ok(await isServed(broker))
    let isThirdServed = false
    const third = isServed(broker).then((served) => {
      isThirdServed = served
    })
    // Open connections are served in the meantime.
    for (let i = 0; i < 20; i++)
      await client.request(p.ApiVersionsRequest, p.ApiVersionsResponse, {}, 0)
    assert.equal(isThirdServed, false)
    await eventually(async () => {
      await clock.pass(500)
      assert.ok(isThirdServed)
    })
    await third
  })

  it('expiration of idle producers', async () => {
    const clock = new ManualClock()
    const { client } = await start({
      world: { ...nodeWorld, clock },
      config: { 'producer.id.expiration.check.interval.ms': '1000' },
    })
    await create(client, 'sequenced')
    const timestamp = BigInt(clock.now())
    const sequence = { producerId: 5n, producerEpoch: 0, baseSequence: 0 }
    const records = p.buildBatch([{ timestamp, key: null, value: Buffer.from('x') }], sequence)
    assert.equal(await produce(client, 'sequenced', records), 0)
    const producers = async (): Promise<number | undefined> => {
      const { topics } = await client.request(
        p.DescribeProducersRequest,
        p.DescribeProducersResponse,
        { topics: [{ name: 'sequenced', partitionIndexes: [0] }] },
      )
      return topics[0]?.partitions[0]?.activeProducers.length
    }
    await clock.pass(5000)
    assert.equal(await producers(), 1)
    await change(client, 'producer.id.expiration.ms', '4000')
    assert.equal(await producers(), 1, 'before the next check')
    await clock.pass(1000)
    await eventually(async () => assert.equal(await producers(), 0))
  })

  it('maximum batch size, for topics that set none', async () => {
    const { client } = await start()
    await create(client, 'large')
    const value = Buffer.alloc(2000)
    const records = p.buildBatch([{ timestamp: BigInt(Date.now()), key: null, value }])
    assert.equal(await produce(client, 'large', records), 0)
    await change(client, 'message.max.bytes', '1000')
    assert.equal(await produce(client, 'large', records), p.ErrorCode.MESSAGE_TOO_LARGE)
  })

  it('log directory of new partitions', async () => {
    const directory = mkdtempSync(join(tmpdir(), 'millrace-cordoned-'))
    closing.push(() => rmSync(directory, { recursive: true }))
    const [first, second] = [join(directory, 'a'), join(directory, 'b')]
    const { client } = await start({ config: { 'log.dirs': `${first},${second}` } })
    await change(client, 'cordoned.log.dirs', first)
    for (const name of ['t1', 't2', 't3']) assert.equal(await create(client, name), 0)
    const { results } = await client.request(p.DescribeLogDirsRequest, p.DescribeLogDirsResponse, {
      topics: null,
    })
    const counts = results.map(({ logDir, topics }) => [logDir, topics.length])
    assert.deepEqual(counts, [
      [first, 0],
      [second, 3],
    ])
    await change(client, 'cordoned.log.dirs', '*')
    assert.equal(await create(client, 't4'), p.ErrorCode.INVALID_REPLICATION_FACTOR)
    await change(client, 'cordoned.log.dirs', '')
    assert.equal(await create(client, 't4'), 0)
  })

  it('and secrets are never returned', async () => {
    const lines: string[] = []
    const logger = createLogger({
      level: 'debug',
      now: Date.now,
      write: (line) => lines.push(line),
    })
    const { client } = await start({ logger, config: { 'ssl.key.password': 'geheim' } })
    for (const name of [
      'listener.name.plaintext.ssl.key.password',
      'sasl.jaas.config',
      'my.plugin.key',
    ]) {
      await change(client, name, 'geheim')
    }
    const { results } = await client.request(p.DescribeConfigsRequest, p.DescribeConfigsResponse, {
      resources: [{ resourceType: 4, resourceName: '1', configurationKeys: null }],
      includeSynonyms: true,
    })
    const text = JSON.stringify(results)
    assert.match(text, /"my\.plugin\.key","value":null/)
    assert.doesNotMatch(text, /geheim/)
    assert.doesNotMatch(lines.join('\n'), /geheim/)
  })
})
