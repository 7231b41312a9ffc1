// SPDX-License-Identifier: Apache-2.0
import { Consumer, type ConsumerOptions, type ConsumerRecord } from '@millrace/client'
import type { ClusterUnderTest } from './cluster-under-test.ts'

/**
 * Reads a topic from its beginning without a group, up to `count` records; fails if there are
 * fewer.
 */
export async function readAll(
  cluster: ClusterUnderTest,
  topic: string,
  count: number,
  options: Partial<ConsumerOptions> = {},
): Promise<ConsumerRecord[]> {
  await using consumer = new Consumer({
    ...cluster.client,
    autoOffsetReset: 'earliest',
    ...options,
  })
  const partitions = await consumer.partitionsFor(topic)
  consumer.assign(partitions.map(({ partition }) => ({ topic, partition })))
  const records: ConsumerRecord[] = []
  const deadline = Date.now() + 20_000
  while (records.length < count) {
    if (Date.now() > deadline) throw new Error(`${records.length} of ${count} records of ${topic}`)
    records.push(...((await consumer.poll(1000)) as ConsumerRecord[]))
  }
  // One more poll: too many records are an error, too.
  records.push(...((await consumer.poll(50)) as ConsumerRecord[]))
  if (records.length !== count) throw new Error(`${records.length} records, not ${count}`)
  return records
}
