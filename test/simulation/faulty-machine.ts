// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict'
import { type Clock, MemoryNetwork, nodeWorld } from '@millrace/base'
import { Broker } from '@millrace/broker'
import * as p from '@millrace/protocol'
import { type SimulatedDisk, seededRandom, WireClient } from '@millrace/testkit'

const PORT = 9092
const DIRECTORIES = ['/one', '/two']
const TRANSACTIONAL_ID = 'till'

/** A clock whose retry delays are nearly zero. */
const impatient: Clock = {
  ...nodeWorld.clock,
  setTimer: (delayMs, callback) =>
    nodeWorld.clock.setTimer(delayMs < 5000 ? Math.min(delayMs, 2) : delayMs, callback),
}

/** Results confirmed to a client, on which it relies. */
export class Promises {
  /** Values by `topic-partition`, each with the offset it was acknowledged at. */
  readonly acknowledged = new Map<string, Map<string, bigint>>()
  /** Values that the broker rejected, which must never be read. */
  readonly refused = new Set<string>()
  /** The newest acknowledged value by key in the compacted topic. */
  readonly state = new Map<string, string>()
  readonly topics = new Map<string, 'created' | 'deleted'>()
  /** Topics whose creation or deletion was refused or not answered. */
  readonly uncertain = new Set<string>()
  readonly committed = new Set<string>()
  readonly aborted = new Set<string>()
  committedOffset = -1n
  deletedBelow = 0n
  /** Whether a log directory failed: rejected records may have been written. */
  isOffline = false
}

/** A machine with two log directories, one of whose calls to the disk fails. */
export class FaultyMachine {
  readonly promises = new Promises()
  readonly failures: string[] = []
  readonly #seed: number
  disk: SimulatedDisk
  broker: Broker | undefined
  #network: MemoryNetwork | undefined
  #client: WireClient | undefined
  #producerId = -1n
  #producerEpoch = -1

  constructor(disk: SimulatedDisk, seed: number) {
    this.disk = disk
    this.#seed = seed
  }

  async start(): Promise<void> {
    const network = new MemoryNetwork()
    this.#network = network
    const world = {
      ...nodeWorld,
      clock: impatient,
      random: seededRandom(this.#seed),
      fileSystem: this.disk,
      network,
    }
    this.broker = await Broker.start({
      world,
      listen: `127.0.0.1:${PORT}`,
      config: {
        'log.dirs': DIRECTORIES.join(','),
        'offsets.topic.num.partitions': '1',
        'transaction.state.log.num.partitions': '1',
        'metadata.log.max.record.bytes.between.snapshots': '1500',
        'log.cleaner.backoff.ms': '86400000',
        'log.retention.check.interval.ms': '86400000',
      },
      onFailure: (error) => {
        this.promises.isOffline = true
        this.failures.push(error.message)
      },
    })
    this.#client = undefined
  }

  async #connection(): Promise<WireClient> {
    if (this.#client !== undefined && !this.#client.isClosed) return this.#client
    assert.ok(this.#network)
    const connection = await this.#network.connect({ port: PORT })
    const pipe = {
      write: (data: Buffer) => void connection.write([data]),
      close: () => connection.destroy(),
      onData(_chunk: Buffer) {},
      onClose() {},
    }
    connection.onData = (chunk) => pipe.onData(chunk)
    connection.onClose = () => pipe.onClose()
    this.#client = new WireClient(pipe)
    return this.#client
  }

  /** Undefined when the broker has stopped. Nothing else may close a connection. */
  async #ask<Q extends p.MessageSchema, S extends p.MessageSchema>(
    request: Q,
    response: S,
    message: p.MessageInput<Q>,
    version: number,
  ): Promise<p.MessageOf<S> | undefined> {
    if (this.failures.length > 0) return undefined
    try {
      const client = await this.#connection()
      return await client.request(request, response, message, version)
    } catch (error) {
      if (this.failures.length > 0) return undefined
      throw new Error(`${request.name}: ${(error as Error).message}`, { cause: error })
    }
  }

  async createTopics(
    topics: Readonly<
      Record<string, { readonly partitions?: number; readonly configs?: Record<string, string> }>
    >,
  ): Promise<void> {
    const reply = await this.#ask(
      p.CreateTopicsRequest,
      p.CreateTopicsResponse,
      {
        topics: Object.entries(topics).map(([name, { partitions = 1, configs = {} }]) => ({
          name,
          numPartitions: partitions,
          replicationFactor: 1,
          assignments: [],
          configs: Object.entries(configs).map(([key, value]) => ({ name: key, value })),
        })),
      },
      7,
    )
    if (reply === undefined) {
      for (const name of Object.keys(topics)) this.promises.uncertain.add(name)
    }
    for (const { name, errorCode, errorMessage } of reply?.topics ?? []) {
      if (errorCode === 0 || errorCode === p.ErrorCode.TOPIC_ALREADY_EXISTS) {
        this.promises.topics.set(name, 'created')
      } else {
        this.promises.uncertain.add(name)
        assert.equal(p.errorName(errorCode), 'KAFKA_STORAGE_ERROR', errorMessage ?? '')
        assert.doesNotMatch(errorMessage ?? '', /\n/)
        assert.match(errorMessage ?? '', /EIO|ENOSPC|offline/)
      }
    }
  }

  async deleteTopic(name: string): Promise<void> {
    const reply = await this.#ask(
      p.DeleteTopicsRequest,
      p.DeleteTopicsResponse,
      { topics: [{ name }], timeoutMs: 1000 },
      6,
    )
    if (reply?.responses[0]?.errorCode !== 0) {
      this.promises.uncertain.add(name)
      return
    }
    this.promises.topics.set(name, 'deleted')
    for (const key of [...this.promises.acknowledged.keys()]) {
      if (!key.startsWith(`${name}-`)) continue
      for (const value of this.promises.acknowledged.get(key)?.keys() ?? []) {
        this.promises.refused.add(value)
      }
      this.promises.acknowledged.delete(key)
    }
  }

  async produce(
    topic: string,
    partition: number,
    value: string,
    options: {
      readonly key?: string
      readonly batch?: Buffer
      readonly transactional?: boolean
    } = {},
  ): Promise<boolean> {
    const key = options.key === undefined ? null : Buffer.from(options.key)
    const records =
      options.batch ??
      p.buildBatch([{ timestamp: BigInt(Date.now()), key, value: Buffer.from(value) }])
    const reply = await this.#ask(
      p.ProduceRequest,
      p.ProduceResponse,
      {
        acks: -1,
        timeoutMs: 1000,
        transactionalId: options.transactional === true ? TRANSACTIONAL_ID : null,
        topicData: [{ name: topic, partitionData: [{ index: partition, records }] }],
      },
      12,
    )
    const [result] = reply?.responses[0]?.partitionResponses ?? []
    // A broker that stopped has not replied: the outcome is unknown.
    if (result === undefined) return false
    const name = `${topic}-${partition}`
    if (result.errorCode === 0) {
      const values = this.promises.acknowledged.get(name) ?? new Map<string, bigint>()
      values.set(value, result.baseOffset)
      this.promises.acknowledged.set(name, values)
      if (options.key !== undefined) this.promises.state.set(options.key, value)
      return true
    }
    const allowed = [
      'KAFKA_STORAGE_ERROR',
      'UNKNOWN_TOPIC_OR_PARTITION',
      'COORDINATOR_NOT_AVAILABLE',
      'NOT_COORDINATOR',
      'INVALID_TXN_STATE',
      'INVALID_PRODUCER_EPOCH',
      'TRANSACTION_ABORTABLE',
      'CONCURRENT_TRANSACTIONS',
    ]
    assert.ok(allowed.includes(p.errorName(result.errorCode) ?? ''), p.errorName(result.errorCode))
    this.promises.refused.add(value)
    return false
  }

  async transaction(values: readonly string[], isCommitted: boolean): Promise<void> {
    const init = await this.#ask(
      p.InitProducerIdRequest,
      p.InitProducerIdResponse,
      { transactionalId: TRANSACTIONAL_ID, transactionTimeoutMs: 60_000 },
      5,
    )
    if (init?.errorCode !== 0) return
    this.#producerId = init.producerId
    this.#producerEpoch = init.producerEpoch
    let isWhole = true
    for (const [i, value] of values.entries()) {
      const batch = p.buildBatch(
        [{ timestamp: BigInt(Date.now()), key: null, value: Buffer.from(value) }],
        {
          producerId: this.#producerId,
          producerEpoch: this.#producerEpoch,
          baseSequence: i,
          isTransactional: true,
        },
      )
      isWhole = (await this.produce('tx', 0, value, { batch, transactional: true })) && isWhole
      if (!isWhole) break
    }
    const end = await this.#ask(
      p.EndTxnRequest,
      p.EndTxnResponse,
      {
        transactionalId: TRANSACTIONAL_ID,
        producerId: this.#producerId,
        producerEpoch: this.#producerEpoch,
        committed: isCommitted && isWhole,
      },
      5,
    )
    if (end?.errorCode !== 0) return
    const target = isCommitted && isWhole ? this.promises.committed : this.promises.aborted
    for (const value of values) target.add(value)
  }

  async commitOffset(offset: bigint): Promise<void> {
    const reply = await this.#ask(
      p.OffsetCommitRequest,
      p.OffsetCommitResponse,
      {
        groupId: 'readers',
        topics: [
          {
            name: 'orders',
            partitions: [{ partitionIndex: 0, committedOffset: offset, committedMetadata: null }],
          },
        ],
      },
      8,
    )
    if (reply?.topics[0]?.partitions[0]?.errorCode === 0) this.promises.committedOffset = offset
  }

  async deleteRecords(topic: string, partitionIndex: number, offset: bigint): Promise<void> {
    const reply = await this.#ask(
      p.DeleteRecordsRequest,
      p.DeleteRecordsResponse,
      { topics: [{ name: topic, partitions: [{ partitionIndex, offset }] }], timeoutMs: 1000 },
      2,
    )
    if (reply?.topics[0]?.partitions[0]?.errorCode === 0) this.promises.deletedBelow = offset
  }

  /** Moves a partition to the directory where it is not. */
  async move(topic: string, partition: number): Promise<void> {
    const described = await this.#ask(
      p.DescribeLogDirsRequest,
      p.DescribeLogDirsResponse,
      { topics: [{ topic, partitions: [partition] }] },
      4,
    )
    const target = described?.results.find(({ topics }) => topics.length === 0)?.logDir
    if (target === undefined) return
    await this.#ask(
      p.AlterReplicaLogDirsRequest,
      p.AlterReplicaLogDirsResponse,
      { dirs: [{ path: target, topics: [{ name: topic, partitions: [partition] }] }] },
      2,
    )
  }

  async alterConfig(name: string, key: string, value: string): Promise<void> {
    await this.#ask(
      p.IncrementalAlterConfigsRequest,
      p.IncrementalAlterConfigsResponse,
      {
        resources: [
          {
            resourceType: 2,
            resourceName: name,
            configs: [{ name: key, configOperation: 0, value }],
          },
        ],
        validateOnly: false,
      },
      1,
    )
  }

  async read(
    topic: string,
    partition: number,
    isolationLevel = 0,
  ): Promise<Map<bigint, string> | undefined> {
    const found = new Map<bigint, string>()
    const start = await this.offsetOf(topic, partition, -2n)
    if (start === undefined) return undefined
    for (let fetchOffset = start; ; ) {
      const reply = await this.#ask(
        p.FetchRequest,
        p.FetchResponse,
        {
          maxWaitMs: 0,
          minBytes: 1,
          isolationLevel,
          topics: [{ topic, partitions: [{ partition, fetchOffset, partitionMaxBytes: 1 << 20 }] }],
          forgottenTopicsData: [],
        },
        12,
      )
      const result = reply?.responses[0]?.partitions[0]
      if (result?.errorCode !== 0) return undefined
      const batches = [...p.recordBatches(result.records ?? Buffer.alloc(0))]
      let next = fetchOffset
      const upcoming = [...(result.abortedTransactions ?? [])]
      const open = new Set<bigint>()
      for (const batch of batches) {
        assert.equal(batch.computeCrc(), batch.crc)
        next = batch.nextOffset
        for (const { producerId, firstOffset } of upcoming) {
          if (firstOffset <= batch.lastOffset) open.add(producerId)
        }
        if (batch.isControl) {
          for (let i = upcoming.length - 1; i >= 0; i--) {
            const aborted = upcoming[i]
            const isOver =
              aborted?.producerId === batch.producerId && aborted.firstOffset <= batch.lastOffset
            if (isOver) upcoming.splice(i, 1)
          }
          open.delete(batch.producerId)
          continue
        }
        if (batch.isTransactional && open.has(batch.producerId)) continue
        for (const { offset, value } of p.readRecords(batch)) {
          if (offset < fetchOffset) continue
          assert.ok(!found.has(offset), `${topic}-${partition} has offset ${offset} twice`)
          found.set(offset, String(value))
        }
      }
      if (next === fetchOffset) return found
      fetchOffset = next
    }
  }

  async offsetOf(topic: string, partitionIndex: number, timestamp: bigint) {
    const reply = await this.#ask(
      p.ListOffsetsRequest,
      p.ListOffsetsResponse,
      {
        replicaId: -1,
        isolationLevel: 0,
        topics: [{ name: topic, partitions: [{ partitionIndex, timestamp }] }],
      },
      7,
    )
    const result = reply?.topics[0]?.partitions[0]
    return result?.errorCode === 0 ? result.offset : undefined
  }

  async #noteOffline(): Promise<void> {
    const reply = await this.#ask(
      p.DescribeLogDirsRequest,
      p.DescribeLogDirsResponse,
      { topics: [] },
      4,
    )
    if (reply?.results.some(({ errorCode }) => errorCode !== 0)) this.promises.isOffline = true
  }

  /** Checks all promises to clients. A partition that cannot be read is offline. */
  async verify(options: { readonly mustBeOnline: boolean }): Promise<void> {
    await this.#noteOffline()
    if (options.mustBeOnline) assert.deepEqual(this.failures, [])
    const { acknowledged, refused, topics, state, isOffline, uncertain } = this.promises
    const isUncertain = (topic: string): boolean => isOffline && uncertain.has(topic)
    for (const [name, values] of acknowledged) {
      const dash = name.lastIndexOf('-')
      const topic = name.slice(0, dash)
      const partition = Number(name.slice(dash + 1))
      const found = await this.read(topic, partition)
      const start = await this.offsetOf(topic, partition, -2n)
      if (found === undefined || start === undefined) {
        assert.ok(!options.mustBeOnline || isUncertain(topic), `${name} cannot be read`)
        continue
      }
      if (topic !== 'state') {
        for (const [value, offset] of values) {
          if (offset >= start) assert.equal(found.get(offset), value, `${name}, offset ${offset}`)
        }
      }
      for (const [offset, value] of found) {
        const promised = values.get(value)
        if (promised !== undefined) assert.equal(offset, promised, `${name}: ${value}`)
        if (refused.has(value)) assert.ok(isOffline, `${name} has ${value}, which was refused`)
      }
    }
    await this.#verifyStart(options.mustBeOnline)
    if (!options.mustBeOnline) return
    const names = this.broker?.topicNames ?? []
    for (const [name, fate] of topics) {
      if (!isUncertain(name)) assert.equal(names.includes(name), fate === 'created', name)
    }
    const newest = new Map<string, string>()
    for (const value of (await this.read('state', 0))?.values() ?? []) {
      newest.set(value.split(' ')[0] ?? '', value)
    }
    for (const [key, value] of state) {
      const number = (text: string | undefined): number => Number(text?.split(' ')[1] ?? -1)
      assert.ok(number(newest.get(key)) >= number(value), `${key}: ${newest.get(key)}`)
    }
    await this.#verifyTransactions()
    await this.#verifyCommit()
  }

  async #verifyStart(mustBeOnline: boolean): Promise<void> {
    if (this.promises.deletedBelow === 0n) return
    const start = await this.offsetOf('orders', 1, -2n)
    if (start === undefined) assert.ok(!mustBeOnline)
    else assert.ok(start >= this.promises.deletedBelow, `deleted records are back: ${start}`)
  }

  async #verifyTransactions(): Promise<void> {
    if (this.promises.topics.get('tx') !== 'created') return
    // A transaction that a fault left open ends when its producer starts again.
    for (let attempt = 0; attempt < 100; attempt++) {
      const init = await this.#ask(
        p.InitProducerIdRequest,
        p.InitProducerIdResponse,
        { transactionalId: TRANSACTIONAL_ID, transactionTimeoutMs: 60_000 },
        5,
      )
      if (init?.errorCode === 0) break
      assert.equal(p.errorName(init?.errorCode ?? -1), 'CONCURRENT_TRANSACTIONS')
      await new Promise((resolve) => setTimeout(resolve, 5))
    }
    const visible = new Set((await this.read('tx', 0, 1))?.values())
    for (const value of this.promises.committed) assert.ok(visible.has(value), `${value} committed`)
    for (const value of this.promises.aborted) assert.ok(!visible.has(value), `${value} aborted`)
  }

  async #verifyCommit(): Promise<void> {
    const reply = await this.#ask(
      p.OffsetFetchRequest,
      p.OffsetFetchResponse,
      { groupId: 'readers', topics: [{ name: 'orders', partitionIndexes: [0] }] },
      7,
    )
    const offset = reply?.topics[0]?.partitions[0]?.committedOffset ?? -1n
    assert.ok(offset >= this.promises.committedOffset, `committed ${offset}`)
  }

  async close(): Promise<void> {
    const { broker } = this
    this.broker = undefined
    await broker?.close()
  }

  async abandon(): Promise<void> {
    const { broker } = this
    this.broker = undefined
    await broker?.abandon()
  }
}
