// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { type Logger, nodeWorld, silentLogger } from '@millrace/base'
import { buildBatch, RecordBatch, readRecords } from '@millrace/protocol'
import type { LogConfig } from '../log/log-config.ts'
import type { Partition, Topic, Topics } from '../topics.ts'
import { DeadLetterQueue } from './dead-letter-queue.ts'

const settings = { topicName: 'dlq.orders', copiesRecord: true }

/** A queue whose topic has these settings, and a source with records of the given sizes. */
function queueWith(
  config: { readonly maxMessageBytes: number; readonly isCompacted?: boolean },
  records: readonly { readonly key: string | null; readonly size: number }[],
) {
  const appended: RecordBatch[] = []
  const warnings: string[] = []
  const logger: Logger = { ...silentLogger, warn: (message) => void warnings.push(message) }
  const target = {
    name: 'dlq.orders-0',
    leaderEpoch: 0,
    log: {
      append(batches: readonly RecordBatch[]) {
        appended.push(...batches)
        return { lastOffset: 0n }
      },
      acknowledged: () => undefined,
    },
    topic: {
      name: 'dlq.orders',
      config: {
        cleanupPolicy: { compact: config.isCompacted ?? false, delete: true },
        compressionType: 'producer',
        maxMessageBytes: config.maxMessageBytes,
        maxDecompressedMessageBytes: 0x7fffffff,
        messageTimestampAfterMaxMs: 3_600_000,
        messageTimestampBeforeMaxMs: Number.MAX_SAFE_INTEGER,
        messageTimestampType: 'CreateTime',
        segmentBytes: 1 << 30,
      } as LogConfig,
    },
  }
  const batch = new RecordBatch(
    buildBatch(
      records.map(({ key, size }) => ({
        timestamp: 1n,
        key: key === null ? null : Buffer.from(key),
        value: Buffer.alloc(size),
      })),
    ),
  )
  const source = {
    index: 0,
    topic: { name: 'orders' },
    log: { batches: () => [batch] },
  } as unknown as Partition
  const topics = {
    get: () => ({ name: 'dlq.orders', partitions: [target] }) as unknown as Topic,
    overrides: () => new Map([['errors.deadletterqueue.group.enable', 'true']]),
  } as unknown as Topics
  const queue = new DeadLetterQueue({
    topics,
    clock: nodeWorld.clock,
    logger,
    prefix: () => 'dlq.',
    creates: () => false,
    createTopic: () => Promise.reject(new Error('not requested')),
    topicDefaults: { numPartitions: 1, replicationFactor: 1, assignments: [] },
  })
  const undeliverable = [
    { first: 0, last: records.length - 1, deliveryCount: 5, cause: 'limit' as const },
  ]
  return { appended, warnings, write: () => queue.write(source, 'group', undeliverable, settings) }
}

function offsetsIn(batches: readonly RecordBatch[]): string[] {
  return batches.flatMap((batch) =>
    readRecords(batch).map(({ headers }) =>
      String(headers.find(({ key }) => key === '__dlq.errors.offset')?.value),
    ),
  )
}

describe('DeadLetterQueue', () => {
  it('writes one batch when the topic accepts it', async () => {
    const queue = queueWith({ maxMessageBytes: 1_000_000 }, [
      { key: 'a', size: 10 },
      { key: null, size: 10 },
    ])
    await queue.write()
    assert.equal(queue.appended.length, 1)
    assert.deepEqual(offsetsIn(queue.appended), ['0', '1'])
  })

  it('splits a batch that is too large, preserves the order, and omits single records that are too large', async () => {
    const sizes = [400, 400, 5000, 400, 400]
    const queue = queueWith(
      { maxMessageBytes: 2000 },
      sizes.map((size) => ({ key: 'k', size })),
    )
    await queue.write()
    assert.deepEqual(offsetsIn(queue.appended), ['0', '1', '3', '4'])
    assert.ok(queue.appended.every((batch) => batch.size <= 2000))
    assert.equal(queue.warnings.length, 1)
  })

  it('leaves out records without a key when the topic is compacted', async () => {
    const queue = queueWith({ maxMessageBytes: 1_000_000, isCompacted: true }, [
      { key: 'a', size: 10 },
      { key: null, size: 10 },
      { key: 'b', size: 10 },
    ])
    await queue.write()
    assert.deepEqual(offsetsIn(queue.appended), ['0', '2'])
    assert.equal(queue.warnings.length, 1)
  })
})
