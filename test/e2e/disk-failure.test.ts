// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { type Clock, type Logger, MemoryNetwork, nodeWorld, silentLogger } from '@millrace/base'
import { Broker } from '@millrace/broker'
import { Producer } from '@millrace/client'
import { type Connection, ConnectionFactory } from '@millrace/jms'
import { JmsProvider } from '@millrace/jms-provider'
import * as p from '@millrace/protocol'
import { SimulatedDisk, WireClient } from '@millrace/testkit'

const PORT = 9092

class Node {
  readonly disk = new SimulatedDisk()
  readonly failures: string[] = []
  readonly errors: string[] = []
  #network = new MemoryNetwork()
  broker: Broker | undefined

  async start(directories = '/one,/two'): Promise<void> {
    this.#network = new MemoryNetwork()
    const logger: Logger = {
      ...silentLogger,
      error: (message, fields) => void this.errors.push(`${message} ${fields?.error ?? ''}`.trim()),
    }
    this.broker = await Broker.start({
      world: { ...nodeWorld, fileSystem: this.disk, network: this.#network },
      listen: `127.0.0.1:${PORT}`,
      config: {
        'log.dirs': directories,
        'offsets.topic.num.partitions': '1',
        'transaction.state.log.num.partitions': '1',
        'group.initial.rebalance.delay.ms': '0',
      },
      logger,
      onFailure: (error) => this.failures.push(error.message),
    })
  }

  get network(): MemoryNetwork {
    return this.#network
  }

  async connect(): Promise<WireClient> {
    const connection = await this.#network.connect({ port: PORT })
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

  /**
   * From now on every write, creation and truncation below a path fails, and nothing can be undone.
   */
  breakBelow(path: string): void {
    this.disk.faultOf = (operation) =>
      operation.path.startsWith(path) && operation.kind !== 'read' ? 'EIO' : undefined
  }

  repair(): void {
    this.disk.faultOf = () => undefined
  }
}

async function create(client: WireClient, name: string, numPartitions: number) {
  const reply = await client.request(p.CreateTopicsRequest, p.CreateTopicsResponse, {
    topics: [{ name, numPartitions, replicationFactor: 1, assignments: [], configs: [] }],
  })
  return reply.topics[0]
}

async function produce(client: WireClient, name: string, index: number, value: string) {
  const records = p.buildBatch([{ timestamp: -1n, key: null, value: Buffer.from(value) }])
  const reply = await client.request(
    p.ProduceRequest,
    p.ProduceResponse,
    { acks: -1, timeoutMs: 1000, topicData: [{ name, partitionData: [{ index, records }] }] },
    9,
  )
  return p.errorName(reply.responses[0]?.partitionResponses[0]?.errorCode ?? -1)
}

async function describeTopic(client: WireClient, name: string) {
  const { topics } = await client.request(
    p.MetadataRequest,
    p.MetadataResponse,
    { topics: [{ name }], allowAutoTopicCreation: false },
    12,
  )
  return topics[0]?.partitions ?? []
}

/** Partitions of the topic `t` by the directory they are in. */
function partitionsIn(disk: SimulatedDisk, path: string): number[] {
  return disk
    .list(path)
    .flatMap(({ name }) => (name.startsWith('t-') ? [Number(name.slice(2))] : []))
    .sort((a, b) => a - b)
}

describe('a log directory that fails', () => {
  it('goes offline with its partitions, and the others stay online', async () => {
    const node = new Node()
    await node.start()
    const client = await node.connect()
    await create(client, 't', 4)
    const allLost = partitionsIn(node.disk, '/two')
    const [lost = -1] = allLost
    const [kept = -1] = partitionsIn(node.disk, '/one')
    assert.equal(await produce(client, 't', lost, 'before'), 'NONE')
    node.breakBelow('/two')
    assert.equal(await produce(client, 't', lost, 'refused'), 'KAFKA_STORAGE_ERROR')
    assert.equal(await produce(client, 't', kept, 'kept'), 'NONE')
    assert.deepEqual(node.failures, [])
    assert.equal(node.errors.filter((line) => /\/two.* is offline/.test(line)).length, 1)

    const described = await describeTopic(client, 't')
    for (const partition of described) {
      const isLost = allLost.includes(partition.partitionIndex)
      assert.deepEqual(
        [partition.errorCode, partition.leaderId, partition.isrNodes, partition.offlineReplicas],
        isLost ? [p.ErrorCode.LEADER_NOT_AVAILABLE, -1, [], [1]] : [0, 1, [1], []],
      )
    }
    const { results } = await client.request(
      p.DescribeLogDirsRequest,
      p.DescribeLogDirsResponse,
      { topics: null },
      4,
    )
    assert.deepEqual(
      results.map(({ logDir, errorCode, totalBytes }) => [logDir, errorCode, totalBytes > 0n]),
      [
        ['/one', 0, true],
        ['/two', p.ErrorCode.KAFKA_STORAGE_ERROR, false],
      ],
    )
    // New topics are created in the remaining directories.
    assert.equal((await create(client, 'new', 2))?.errorCode, 0)
    assert.equal(await produce(client, 'new', 0, 'x'), 'NONE')
    assert.equal(await produce(client, 'new', 1, 'x'), 'NONE')

    const closed = await node.broker?.close().then(
      () => 'closed',
      (error: Error) => error.message,
    )
    assert.equal(closed, 'closed')
    node.repair()
    await node.start()
    const again = await node.connect()
    assert.equal(await produce(again, 't', lost, 'after'), 'NONE')
    const reply = await again.request(
      p.FetchRequest,
      p.FetchResponse,
      {
        maxWaitMs: 0,
        minBytes: 1,
        topics: [
          {
            topic: 't',
            partitions: [{ partition: lost, fetchOffset: 0n, partitionMaxBytes: 1e6 }],
          },
        ],
        forgottenTopicsData: [],
      },
      12,
    )
    const records = reply.responses[0]?.partitions[0]?.records ?? Buffer.alloc(0)
    const values = [...p.recordBatches(records)].flatMap((batch) =>
      p.readRecords(batch).map(({ value }) => String(value)),
    )
    assert.deepEqual(values, ['before', 'after'])
    await node.broker?.close()
  })

  it('keeps its partitions if it is missing at the start: no new ones are created', async () => {
    const node = new Node()
    await node.start()
    const client = await node.connect()
    await create(client, 't', 4)
    const [lost = -1] = partitionsIn(node.disk, '/two')
    await produce(client, 't', lost, 'before')
    await node.broker?.close()
    node.breakBelow('/two')
    await node.start()
    const second = await node.connect()
    assert.equal(await produce(second, 't', lost, 'refused'), 'KAFKA_STORAGE_ERROR')
    assert.ok(!partitionsIn(node.disk, '/one').includes(lost))
    await node.broker?.close()
    node.repair()
    await node.start()
    const third = await node.connect()
    assert.equal(await produce(third, 't', lost, 'after'), 'NONE')
    assert.deepEqual(node.failures, [])
    await node.broker?.close()
  })

  it('stops the broker if it is the last one or contains the metadata', async () => {
    for (const directories of ['/one', '/one,/two']) {
      const node = new Node()
      await node.start(directories)
      const client = await node.connect()
      await create(client, 't', 1)
      assert.equal(await produce(client, 't', 0, 'kept'), 'NONE')
      node.breakBelow('/one')
      const outcome = await produce(client, 't', 0, 'refused').catch(() => 'KAFKA_STORAGE_ERROR')
      assert.equal(outcome, 'KAFKA_STORAGE_ERROR')
      await client.closed
      assert.equal(node.failures.length, 1)
      assert.match(node.failures[0] ?? '', /^log directory \/one is offline: cannot [^\n]*EIO/)
      await node.broker?.close()
      node.repair()
      await node.start(directories)
      await node.broker?.close()
    }
  })

  it('prevents the start if it is the only one, with a one-line error', async () => {
    const node = new Node()
    node.breakBelow('/one')
    await assert.rejects(node.start('/one'), {
      code: 'KAFKA_STORAGE_ERROR',
      message: /^log directory \/one is offline: cannot open it: EIO: \/one[^\n]*$/,
    })
    assert.deepEqual(node.errors, [])
  })
})

describe('a full disk', () => {
  it('rejects a new topic with the reason, and accepts it once there is space', async () => {
    const node = new Node()
    await node.start('/one')
    const client = await node.connect()
    await create(client, 't', 1)
    node.disk.capacityBytes = node.disk.usedBytes
    const refused = await create(client, 'u', 3)
    assert.equal(p.errorName(refused?.errorCode ?? 0), 'KAFKA_STORAGE_ERROR')
    assert.match(refused?.errorMessage ?? '', /^cannot create u-0: ENOSPC[^\n]*$/)
    assert.equal(await produce(client, 't', 0, 'refused'), 'KAFKA_STORAGE_ERROR')
    assert.deepEqual(node.broker?.topicNames, ['t'])
    node.disk.capacityBytes = Number.POSITIVE_INFINITY
    assert.equal((await create(client, 'u', 3))?.errorCode, 0)
    assert.equal(await produce(client, 'u', 2, 'accepted'), 'NONE')
    assert.deepEqual(node.failures, [])
    await node.broker?.close()
  })

  it('is the reason reported by a producer whose delivery timeout expires', async () => {
    const node = new Node()
    await node.start('/one')
    await create(await node.connect(), 't', 1)
    await using producer = new Producer({
      bootstrapServers: `127.0.0.1:${PORT}`,
      network: node.network,
      deliveryTimeoutMs: 300,
      requestTimeoutMs: 200,
      retryBackoffMs: 10,
    })
    await producer.send({ topic: 't', value: 'accepted' })
    node.disk.capacityBytes = node.disk.usedBytes
    await assert.rejects(producer.send({ topic: 't', value: 'refused' }), {
      code: 'MILLRACE_DELIVERY_TIMEOUT',
      message: /within deliveryTimeoutMs 300 .*: 1 records for t-0 were refused: .*ENOSPC/,
    })
    node.disk.capacityBytes = Number.POSITIVE_INFINITY
    await producer.send({ topic: 't', value: 'accepted again' })
    await node.broker?.close()
  })

  it('does not prevent retention from deleting segments', async () => {
    const node = new Node()
    await node.start('/one')
    const client = await node.connect()
    await client.request(p.CreateTopicsRequest, p.CreateTopicsResponse, {
      topics: [
        {
          name: 't',
          numPartitions: 1,
          replicationFactor: 1,
          assignments: [],
          configs: [
            { name: 'internal.segment.bytes', value: '500' },
            { name: 'retention.ms', value: '1' },
          ],
        },
      ],
    })
    const old = p.buildBatch([{ timestamp: 1n, key: null, value: Buffer.alloc(300) }])
    for (let i = 0; i < 5; i++) {
      await client.request(
        p.ProduceRequest,
        p.ProduceResponse,
        {
          acks: -1,
          timeoutMs: 1000,
          topicData: [{ name: 't', partitionData: [{ index: 0, records: Buffer.from(old) }] }],
        },
        9,
      )
    }
    const before = node.disk.usedBytes
    node.disk.capacityBytes = before
    await node.broker?.enforceRetention()
    assert.ok(node.disk.usedBytes < before - 1000)
    assert.equal(await produce(client, 't', 0, 'there is space'), 'NONE')
    await node.broker?.close()
  })

  it('leaves a log that cannot be closed for recovery at the next start, and reports it in one line', async () => {
    const node = new Node()
    await node.start('/one')
    const client = await node.connect()
    await create(client, 't', 1)
    assert.equal(await produce(client, 't', 0, 'kept'), 'NONE')
    node.disk.capacityBytes = node.disk.usedBytes
    await assert.rejects(node.broker?.close() ?? Promise.resolve(), {
      code: 'KAFKA_STORAGE_ERROR',
      message: /^cannot close [^\n]*ENOSPC[^\n]*$/,
    })
    await assert.rejects(node.start('/one'), {
      code: 'KAFKA_STORAGE_ERROR',
      message: /^cannot [^\n]*ENOSPC[^\n]*$/,
    })
    node.disk.capacityBytes = Number.POSITIVE_INFINITY
    await node.start('/one')
    const again = await node.connect()
    assert.equal(await produce(again, 't', 0, 'again'), 'NONE')
    await node.broker?.close()
  })
})

/** A clock on which a second takes fifty milliseconds. */
const fast: Clock = {
  ...nodeWorld.clock,
  monotonic: () => nodeWorld.clock.monotonic() * 20,
  setTimer: (delayMs, callback, options) =>
    nodeWorld.clock.setTimer(delayMs / 20, callback, options),
}

/** The provider may still be taking over, and refuses clients until it has. */
async function connected(factory: ConnectionFactory): Promise<Connection> {
  for (let attempt = 1; ; attempt++) {
    const connection = await factory.createConnection()
    try {
      await connection.start()
      return connection
    } catch (error) {
      await connection.close()
      if (attempt === 20) throw error
    }
  }
}

describe('a JMS provider over a broker whose disk is full', () => {
  it('refuses clients with the reason, and serves them once there is space', async () => {
    const node = new Node()
    await node.start('/one')
    node.disk.capacityBytes = node.disk.usedBytes
    const provider = await JmsProvider.start({
      client: { bootstrapServers: `127.0.0.1:${PORT}`, network: node.network },
      config: { 'amqp.listener': '127.0.0.1:5672' },
      world: { ...nodeWorld, clock: fast, network: node.network },
      startsOnFirstUse: true,
    })
    const factory = new ConnectionFactory('amqp://127.0.0.1:5672', {
      world: { ...nodeWorld, network: node.network },
    })
    const refused = await factory.createConnection()
    await assert.rejects(
      refused.start(),
      /the JMS destinations are not available: .*cannot create __jms_state-0: ENOSPC[^\n]*$/,
    )
    node.disk.capacityBytes = Number.POSITIVE_INFINITY
    const connection = await connected(factory)
    const session = await connection.createSession()
    const producer = await session.createProducer(session.createQueue('orders'))
    await producer.send(session.createTextMessage('accepted'))
    await connection.close()
    await provider.close()
    await node.broker?.close()
  })
})
