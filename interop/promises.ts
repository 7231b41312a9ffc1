// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict'
import { Admin, Consumer, type ConsumerRecord, Producer, ShareConsumer } from '@millrace/client'
import { eventually } from '../test/e2e/until.ts'
import type { Peer } from './peers.ts'

const text = (record: ConsumerRecord): string => String(record.value)
const place = { topic: 'promises', partition: 0 }

/**
 * Committed, aborted and open transactions, a consumer group with offsets, and a share group with
 * records in progress.
 */
export async function leavePromises({ address: bootstrapServers }: Peer): Promise<Producer> {
  await using admin = new Admin({ bootstrapServers })
  await admin.createTopics([
    { name: 'promises', numPartitions: 1, replicationFactor: 1 },
    { name: 'jobs', numPartitions: 1, replicationFactor: 1 },
  ])
  await using mover = new Producer({ bootstrapServers, transactionalId: 'done' })
  await mover.transaction((tx) => tx.send({ ...place, value: 'committed' }))
  const undone = mover.transaction(async (tx) => {
    await tx.send({ ...place, value: 'aborted' })
    throw new Error('undo')
  })
  await assert.rejects(undone, /undo/)

  await using reader = new Consumer({
    bootstrapServers,
    groupId: 'modern',
    groupProtocol: 'consumer',
    topics: ['promises'],
    autoOffsetReset: 'earliest',
    enableAutoCommit: false,
    isolationLevel: 'read_committed',
  })
  let read: ConsumerRecord[] = []
  while (read.length === 0) read = await reader.poll(500)
  assert.deepEqual(read.map(text), ['committed'])
  await reader.commit()

  const changes = [{ name: 'share.auto.offset.reset', value: 'earliest' }]
  await admin.incrementalAlterConfigs([{ type: 'group', name: 'queue', changes }])
  await using sender = new Producer({ bootstrapServers })
  await sender.send(
    [1, 2, 3, 4, 5, 6].map((n) => ({ topic: 'jobs', partition: 0, value: `job ${n}` })),
  )
  const jobs: ConsumerRecord[] = []
  await using worker = new ShareConsumer({
    bootstrapServers,
    groupId: 'queue',
    topics: ['jobs'],
    acknowledgementMode: 'explicit',
  })
  while (jobs.length < 6) jobs.push(...(await worker.poll(500)))
  for (const job of jobs) {
    worker.acknowledge(job, job.offset === 1n ? 'reject' : job.offset < 4n ? 'accept' : 'release')
  }
  for (const { error } of await worker.commit()) assert.equal(error, undefined)

  const open = new Producer({ bootstrapServers, transactionalId: 'open' })
  await open.initTransactions()
  open.beginTransaction()
  await open.send({ ...place, value: 'in progress' })
  await open.sendOffsetsToTransaction([{ ...place, offset: 1n }], 'moved')
  return open
}

/** State as seen by the other broker. */
export async function keepPromises({ address: bootstrapServers }: Peer): Promise<void> {
  await using admin = new Admin({ bootstrapServers })
  await eventually(async () => {
    const described = (await admin.describeTransactions(['open'])).get('open')
    assert.equal(described?.state, 'Ongoing')
    const partitions = described?.partitions.map(({ topic }) => topic).sort()
    assert.deepEqual(partitions, ['__consumer_offsets', 'promises'])
  })
  const modern = (await admin.describeConsumerGroups(['modern'])).get('modern')
  assert.deepEqual([modern?.type, modern?.state], ['consumer', 'Empty'])
  const [committed] = (await admin.listConsumerGroupOffsets(['modern'])).get('modern') ?? []
  // Past the record and its marker.
  assert.ok((committed?.offset ?? 0n) >= 1n)

  await using next = new Producer({ bootstrapServers, transactionalId: 'open' })
  await next.transaction((tx) => tx.send({ ...place, value: 'after it' }))
  await using reader = new Consumer({
    bootstrapServers,
    groupId: 'modern',
    groupProtocol: 'consumer',
    topics: ['promises'],
    isolationLevel: 'read_committed',
    autoOffsetReset: 'none',
  })
  const read: ConsumerRecord[] = []
  while (read.length === 0) read.push(...(await reader.poll(500)))
  assert.deepEqual(read.map(text), ['after it'])
  assert.deepEqual((await admin.listConsumerGroupOffsets(['moved'])).get('moved') ?? [], [])

  await using worker = new ShareConsumer({
    bootstrapServers,
    groupId: 'queue',
    topics: ['jobs'],
  })
  const jobs: ConsumerRecord[] = []
  while (jobs.length < 2) jobs.push(...(await worker.poll(500)))
  assert.deepEqual(
    jobs.map((job) => [text(job), job.deliveryCount]),
    [
      ['job 5', 2],
      ['job 6', 2],
    ],
  )
}
