// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { MemoryNetwork, nodeWorld, type World } from '@millrace/base'
import { Broker } from '@millrace/broker'
import {
  buildBatch,
  CreateTopicsRequest,
  CreateTopicsResponse,
  ErrorCode,
  FetchRequest,
  FetchResponse,
  InitProducerIdRequest,
  InitProducerIdResponse,
  OffsetCommitRequest,
  OffsetCommitResponse,
  OffsetFetchRequest,
  OffsetFetchResponse,
  ProduceRequest,
  ProduceResponse,
  readRecords,
  recordBatches,
} from '@millrace/protocol'
import { effort, SimulatedDisk, seededRandom, WireClient } from '@millrace/testkit'
import { failOnTimerFaults } from './timer-faults.ts'

const PORT = 9092
const BATCHES = 24

interface World2 {
  readonly world: World
  readonly network: MemoryNetwork
}

function worldOn(disk: SimulatedDisk, seed: number): World2 {
  const network = new MemoryNetwork()
  return { network, world: { ...nodeWorld, random: seededRandom(seed), fileSystem: disk, network } }
}

function start({ world }: World2): Promise<Broker> {
  return Broker.start({
    world,
    dataDirectory: '/data',
    logger: failOnTimerFaults,
    listen: `127.0.0.1:${PORT}`,
    config: { 'offsets.topic.num.partitions': '1', 'log.cleaner.enable': 'false' },
  })
}

/** Guarantees given to a client. */
interface Acknowledged {
  topic: boolean
  producerId: bigint
  /** Values of the records in `orders`, in order. */
  readonly values: string[]
  /** The newest value by key in `state`. */
  readonly state: Map<string, string>
  committedOffset: bigint
}

function batch(
  values: readonly string[],
  producer: { readonly id: bigint; readonly sequence: number },
): Buffer {
  return buildBatch(
    values.map((value) => ({
      timestamp: 1_700_000_000_000n,
      key: null,
      value: Buffer.from(value),
    })),
    { producerId: producer.id, producerEpoch: 0, baseSequence: producer.sequence },
  )
}

async function produce(client: WireClient, topic: string, records: Buffer): Promise<bigint> {
  const reply = await client.request(
    ProduceRequest,
    ProduceResponse,
    {
      acks: -1,
      timeoutMs: 1000,
      topicData: [{ name: topic, partitionData: [{ index: 0, records }] }],
    },
    11,
  )
  const result = reply.responses[0]?.partitionResponses[0]
  if (result?.errorCode !== 0) throw new Error(`produce failed: ${result?.errorCode}`)
  return result.baseOffset
}

/** Continues the workload where an earlier run was interrupted. */
async function work(client: WireClient, broker: Broker, acknowledged: Acknowledged): Promise<void> {
  if (!acknowledged.topic) {
    const configs = [{ name: 'internal.segment.bytes', value: '600' }]
    const compact = [
      ...configs,
      { name: 'cleanup.policy', value: 'compact' },
      { name: 'min.cleanable.dirty.ratio', value: '0.01' },
    ]
    const shape = { numPartitions: 1, replicationFactor: 1, assignments: [] }
    const created = await client.request(CreateTopicsRequest, CreateTopicsResponse, {
      topics: [
        { name: 'orders', ...shape, configs },
        { name: 'state', ...shape, configs: compact },
      ],
    })
    for (const { errorCode } of created.topics) {
      if (errorCode !== 0 && errorCode !== ErrorCode.TOPIC_ALREADY_EXISTS)
        throw new Error(`create failed: ${errorCode}`)
    }
    acknowledged.topic = true
  }
  if (acknowledged.producerId < 0n) {
    const reply = await client.request(
      InitProducerIdRequest,
      InitProducerIdResponse,
      {
        transactionalId: null,
        transactionTimeoutMs: 0,
      },
      5,
    )
    if (reply.errorCode !== 0) throw new Error('no producer id')
    acknowledged.producerId = reply.producerId
  }
  while (acknowledged.values.length < BATCHES * 2) {
    const sequence = acknowledged.values.length
    const values = [`order ${sequence}`, `order ${sequence + 1}`]
    // The same sequence number again after a power failure: the broker must know whether it has the
    // batch.
    await produce(client, 'orders', batch(values, { id: acknowledged.producerId, sequence }))
    acknowledged.values.push(...values)
    const key = `key ${sequence % 6}`
    await produce(
      client,
      'state',
      buildBatch([
        { timestamp: 1_700_000_000_000n, key: Buffer.from(key), value: Buffer.from(`${sequence}`) },
      ]),
    )
    acknowledged.state.set(key, `${sequence}`)
    if (sequence % 8 === 6) await broker.compact()
    if (sequence % 4 !== 2) continue
    const committedOffset = BigInt(sequence)
    const reply = await client.request(
      OffsetCommitRequest,
      OffsetCommitResponse,
      {
        groupId: 'readers',
        topics: [
          {
            name: 'orders',
            partitions: [{ partitionIndex: 0, committedOffset, committedMetadata: null }],
          },
        ],
      },
      8,
    )
    if (reply.topics[0]?.partitions[0]?.errorCode !== 0) throw new Error('commit failed')
    acknowledged.committedOffset = committedOffset
  }
}

async function readAll(
  client: WireClient,
  topic: string,
): Promise<{ key: string; value: string; offset: bigint }[]> {
  const found: { key: string; value: string; offset: bigint }[] = []
  for (let fetchOffset = 0n; ; ) {
    const reply = await client.request(
      FetchRequest,
      FetchResponse,
      {
        maxWaitMs: 0,
        minBytes: 1,
        topics: [
          { topic, partitions: [{ partition: 0, fetchOffset, partitionMaxBytes: 1 << 20 }] },
        ],
        forgottenTopicsData: [],
      },
      12,
    )
    const partition = reply.responses[0]?.partitions[0]
    if (partition?.errorCode !== 0) throw new Error(`fetch failed: ${partition?.errorCode}`)
    const records = [...recordBatches(partition?.records ?? Buffer.alloc(0))].flatMap(readRecords)
    const fresh = records.filter((record) => record.offset >= fetchOffset)
    if (fresh.length === 0) return found
    for (const { key, value, offset } of fresh) {
      found.push({ key: String(key), value: String(value), offset })
    }
    fetchOffset = (fresh.at(-1)?.offset ?? 0n) + 1n
  }
}

/** No acknowledged record is lost or duplicated, and order is preserved. */
async function verify(client: WireClient, acknowledged: Acknowledged): Promise<void> {
  if (!acknowledged.topic) return
  const orders = await readAll(client, 'orders')
  assert.deepEqual(
    orders.map(({ offset }) => offset),
    orders.map((_, i) => BigInt(i)),
    'offsets without gaps',
  )
  const values = orders.map(({ value }) => value)
  assert.deepEqual(values.slice(0, acknowledged.values.length), acknowledged.values)
  assert.ok(
    values.length <= acknowledged.values.length + 2,
    'at most the batch in flight is present in addition',
  )
  assert.equal(new Set(values).size, values.length, 'no record is duplicated')
  const state = new Map((await readAll(client, 'state')).map(({ key, value }) => [key, value]))
  for (const [key, value] of acknowledged.state) {
    assert.ok(Number(state.get(key)) >= Number(value), `${key}: ${state.get(key)} after ${value}`)
  }
  const offsets = await client.request(
    OffsetFetchRequest,
    OffsetFetchResponse,
    { groupId: 'readers', topics: [{ name: 'orders', partitionIndexes: [0] }] },
    7,
  )
  if (offsets.errorCode !== 0) throw new Error(`offset fetch failed: ${offsets.errorCode}`)
  const committed = offsets.topics[0]?.partitions[0]?.committedOffset ?? -1n
  assert.ok(committed >= acknowledged.committedOffset, `committed ${committed}`)
}

async function connect({ network }: World2): Promise<WireClient> {
  const connection = await network.connect({ port: PORT })
  const pipe = {
    write: (data: Buffer) => void connection.write([data]),
    close: () => connection.destroy(),
    onData(_chunk: Buffer) {},
    onClose() {},
  }
  connection.onData = (chunk) => pipe.onData(chunk)
  connection.onClose = () => pipe.onClose()
  return new WireClient(pipe)
}

function nothing(): Acknowledged {
  return { topic: false, producerId: -1n, values: [], state: new Map(), committedOffset: -1n }
}

/** Runs the workload until the power fails; returns true if it completed before. */
async function runUntilCut(
  disk: SimulatedDisk,
  seed: number,
  acknowledged: Acknowledged,
): Promise<boolean> {
  const world = worldOn(disk, seed)
  let broker: Broker | undefined
  try {
    broker = await start(world)
    const client = await connect(world)
    await verify(client, acknowledged)
    await work(client, broker, acknowledged)
    await broker.close()
    return true
  } catch (error) {
    if (error instanceof assert.AssertionError) throw error
    if (disk.operations < disk.cutAt) throw error
    return false
  } finally {
    await broker?.abandon().catch(() => undefined)
  }
}

async function countOperations(): Promise<number> {
  const disk = new SimulatedDisk()
  assert.ok(await runUntilCut(disk, 1, nothing()))
  return disk.operations
}

describe('a power failure at any write', () => {
  it('loses and duplicates no acknowledged record, and leaves a log that opens', async () => {
    const total = await countOperations()
    assert.ok(total > 200, `${total} operations`)
    for (let cutAt = 1; cutAt <= total; cutAt += effort(3, 1)) {
      const acknowledged = nothing()
      let disk = new SimulatedDisk()
      disk.cutAt = cutAt
      try {
        const done = await runUntilCut(disk, cutAt, acknowledged)
        if (done) continue
        disk = disk.afterPowerCut(seededRandom(cutAt))
        // In half of the runs the power fails again during recovery.
        if (cutAt % 2 === 0) {
          disk.cutAt = 1 + (cutAt % 40)
          if (!(await runUntilCut(disk, cutAt + 1, acknowledged))) {
            disk = disk.afterPowerCut(seededRandom(cutAt + 1))
          } else disk = disk.afterKill()
        }
        disk.cutAt = Number.POSITIVE_INFINITY
        assert.ok(await runUntilCut(disk, cutAt + 2, acknowledged))
      } catch (error) {
        throw new Error(`seed and cut ${cutAt}: ${(error as Error).message}`, { cause: error })
      }
    }
  })

  it('is survived like a process crash, at every tenth write', async () => {
    const total = await countOperations()
    for (let cutAt = 1; cutAt <= total; cutAt += 10) {
      const acknowledged = nothing()
      const disk = new SimulatedDisk()
      disk.cutAt = cutAt
      if (await runUntilCut(disk, cutAt, acknowledged)) continue
      const survivor = disk.afterKill()
      assert.ok(await runUntilCut(survivor, cutAt + 1, acknowledged), `cut ${cutAt}`)
    }
  })
})

describe('a disk', () => {
  it('that is full fails the write and continues once there is space', async () => {
    const disk = new SimulatedDisk()
    const world = worldOn(disk, 7)
    await using broker = await start(world)
    const client = await connect(world)
    const acknowledged = nothing()
    const used = await (async () => {
      disk.capacityBytes = disk.usedBytes + 3_000
      await assert.rejects(
        work(client, broker, { ...acknowledged, state: new Map() }),
        /produce failed|commit failed|create failed/,
      )
      disk.capacityBytes = Number.POSITIVE_INFINITY
      return disk.operations
    })()
    assert.ok(used > 0)
    const again = nothing()
    again.topic = true
    const before = (await readAll(client, 'orders')).length
    await produce(
      client,
      'orders',
      buildBatch([{ timestamp: 1n, key: null, value: Buffer.from('room again') }]),
    )
    const orders = await readAll(client, 'orders')
    assert.equal(orders.length, before + 1)
    assert.equal(orders.at(-1)?.value, 'room again')
  })

  it('whose sync fails drops what was not durable', async () => {
    const disk = new SimulatedDisk()
    const world = worldOn(disk, 8)
    await using broker = await start(world)
    const client = await connect(world)
    await client.request(CreateTopicsRequest, CreateTopicsResponse, {
      topics: [
        { name: 'orders', numPartitions: 1, replicationFactor: 1, assignments: [], configs: [] },
      ],
    })
    const one = (value: string) =>
      buildBatch([{ timestamp: 1n, key: null, value: Buffer.from(value) }])
    await produce(client, 'orders', one('kept'))
    disk.failSyncs = true
    await assert.rejects(produce(client, 'orders', one('refused')), /produce failed: 56/)
    disk.failSyncs = false
    assert.equal(await produce(client, 'orders', one('after')), 1n)
    assert.deepEqual(
      (await readAll(client, 'orders')).map(({ value }) => value),
      ['kept', 'after'],
    )
    assert.ok(broker.topicNames.includes('orders'))
  })
})
