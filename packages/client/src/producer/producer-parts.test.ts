// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { seededRandom } from '@millrace/testkit'
import type { TopicMetadata } from '../metadata/metadata.ts'
import { BufferPool } from './buffer-pool.ts'
import { murmur2 } from './murmur2.ts'
import { PartitionQueue } from './partition-queue.ts'
import { partitionForKey, TopicPartitioner } from './partitioner.ts'
import { ProducerBatch } from './producer-batch.ts'
import { resolveProducerOptions } from './producer-options.ts'

describe('murmur2', () => {
  // Printed by org.apache.kafka.common.utils.Utils.murmur2 of Kafka 4.4.0; interop/ compares 5000
  // more.
  const known: readonly (readonly [Buffer, number])[] = [
    [Buffer.from(''), 275646681],
    [Buffer.from('a'), -1563381124],
    [Buffer.from('21'), -973932308],
    [Buffer.from('foobar'), -790332482],
    [Buffer.from('a-little-bit-long-string'), -985981536],
    [Buffer.from('Zürich'), -1551140815],
    [Buffer.from([255, 254, 0]), -632813884],
  ]
  it('equals that of Java', () => {
    for (const [key, hash] of known) assert.equal(murmur2(key), hash, key.toString())
    assert.equal(partitionForKey(Buffer.from('foobar'), 6), (-790332482 & 0x7fffffff) % 6)
  })
})

const topic = (leaders: readonly number[]): TopicMetadata => ({
  name: 't',
  id: '',
  isInternal: false,
  partitions: leaders.map((leader, partition) => ({
    partition,
    leader,
    leaderEpoch: 0,
    replicas: [],
    isr: [],
    offlineReplicas: [],
  })),
})

describe('partitioners', () => {
  it('keep a partition for 16 KiB, then switch to another that has a leader', () => {
    const partitioner = new TopicPartitioner('default', seededRandom(1))
    const metadata = topic([1, -1, 1, 1])
    const chosen: number[] = []
    for (let i = 0; i < 100; i++) chosen.push(partitioner.choose(metadata, null, 1024))
    assert.ok(!chosen.includes(1), 'partition 1 has no leader')
    const changes = chosen.filter((each, i) => i > 0 && each !== chosen[i - 1]).length
    assert.equal(changes, 6)
    const alone = new TopicPartitioner('sticky', seededRandom(1))
    assert.equal(alone.choose(topic([-1]), Buffer.from('k'), 1), 0)
  })

  it('assign round robin, including partitions without a leader', () => {
    const partitioner = new TopicPartitioner('roundRobin', seededRandom(1))
    const metadata = topic([1, -1, 1])
    const chosen = Array.from({ length: 4 }, () =>
      partitioner.choose(metadata, Buffer.from('k'), 1),
    )
    assert.deepEqual(chosen, [0, 2, 0, 2])
  })
})

describe('a partition queue', () => {
  function batch(records: number): ProducerBatch {
    const made = new ProducerBatch({ topic: 't', partition: 0, createdAt: 0, initialSize: 64 })
    for (let i = 0; i < records; i++) made.append(0, null, 'x', [])
    return made
  }

  it('numbers batches without gaps, and keeps the number of a retried batch', () => {
    const queue = new PartitionQueue('t', 0)
    const [first, second] = [batch(3), batch(2)]
    queue.identify(first, { producerId: 9n, producerEpoch: 0, isTransactional: false })
    queue.identify(second, { producerId: 9n, producerEpoch: 0, isTransactional: false })
    queue.identify(first, { producerId: 9n, producerEpoch: 0, isTransactional: false })
    assert.deepEqual(first.identity, {
      producerId: 9n,
      producerEpoch: 0,
      baseSequence: 0,
      isTransactional: false,
    })
    assert.deepEqual(second.identity, {
      producerId: 9n,
      producerEpoch: 0,
      baseSequence: 3,
      isTransactional: false,
    })
  })

  it('returns failed batches to the front, in the order of their sequence numbers', () => {
    const queue = new PartitionQueue('t', 0)
    const [first, second, third] = [batch(1), batch(1), batch(1)]
    for (const each of [first, second])
      queue.identify(each, { producerId: 9n, producerEpoch: 0, isTransactional: false })
    queue.waiting.push(third)
    queue.requeue(second)
    queue.requeue(first)
    assert.deepEqual(queue.waiting, [first, second, third])
    assert.equal(queue.isOldest(first), true)
    assert.equal(queue.isOldest(second), false)
  })

  it('compares sequence numbers across their wrap-around', () => {
    const queue = new PartitionQueue('t', 0)
    const [first, second] = [batch(1), batch(1)]
    first.identity = {
      producerId: 9n,
      producerEpoch: 0,
      baseSequence: 0x7fffffff,
      isTransactional: false,
    }
    second.identity = { producerId: 9n, producerEpoch: 0, baseSequence: 0, isTransactional: false }
    queue.requeue(second)
    queue.requeue(first)
    assert.deepEqual(queue.waiting, [first, second])
  })

  it('starts an epoch at sequence 0, and requests a new id when epochs are exhausted', () => {
    const queue = new PartitionQueue('t', 0)
    const first = batch(5)
    queue.identify(first, { producerId: 9n, producerEpoch: 0x7ffe, isTransactional: false })
    queue.waiting.push(first)
    assert.deepEqual(queue.startEpoch(), { newId: false })
    queue.identify(first, { producerId: 9n, producerEpoch: 0x7ffe, isTransactional: false })
    assert.deepEqual(first.identity, {
      producerId: 9n,
      producerEpoch: 0x7fff,
      baseSequence: 0,
      isTransactional: false,
    })
    assert.deepEqual(queue.startEpoch(), { newId: true })
    queue.identify(first, { producerId: 10n, producerEpoch: 0, isTransactional: false })
    assert.deepEqual(first.identity, {
      producerId: 10n,
      producerEpoch: 0,
      baseSequence: 0,
      isTransactional: false,
    })
  })
})

describe('a buffer pool', () => {
  it('reuses memory, within its limit', () => {
    const pool = new BufferPool(32_768, 65_536)
    const buffers = Array.from({ length: 3 }, () => pool.allocate(20_000))
    for (const buffer of buffers) pool.release(buffer)
    assert.equal(pool.allocate(20_000), buffers[1])
    assert.equal(pool.allocate(20_000), buffers[0])
    assert.ok(!buffers.includes(pool.allocate(20_000)))
    assert.equal(pool.allocate(100).length, 100)
    assert.equal(pool.allocate(50_000).length, 50_000)
  })
})

describe('options of a producer', () => {
  const bootstrapServers = 'localhost:9092'
  it('are idempotent unless acks prevent it', () => {
    assert.equal(resolveProducerOptions({ bootstrapServers }, 30_000).isIdempotent, true)
    assert.equal(resolveProducerOptions({ bootstrapServers, acks: 1 }, 30_000).isIdempotent, false)
  })

  it('are rejected with an error that names the option, the value and the expected values', () => {
    const cases: readonly (readonly [object, RegExp])[] = [
      [{ acks: 2 }, /invalid acks 2: expected 0, 1, "all"/],
      [{ acks: 1, enableIdempotence: true }, /invalid acks 1: expected 'all'/],
      [{ maxInFlightRequestsPerConnection: 6 }, /invalid maxInFlight.* 6: expected at most 5/],
      [{ lingerMs: -1 }, /invalid lingerMs -1: expected a number of 0/],
      [{ compression: 'brotli' }, /invalid compression "brotli": expected "none", "gzip"/],
      [{ compression: 'gzip', compressionLevel: 12 }, /compressionLevel 12: .* 1 to 9/],
      [{ compression: 'snappy', compressionLevel: 1 }, /snappy has no levels/],
      [{ partitioner: 'random' }, /invalid partitioner "random"/],
      [{ deliveryTimeoutMs: 10 }, /at least lingerMs \+ requestTimeoutMs/],
      [{ linger: 5 }, /unknown option linger; did you mean lingerMs/],
    ]
    for (const [options, message] of cases) {
      assert.throws(() => resolveProducerOptions({ bootstrapServers, ...options }, 30_000), message)
    }
  })
})
