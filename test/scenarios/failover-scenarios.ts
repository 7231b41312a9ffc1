// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict'
import { it } from 'node:test'
import { Admin, Consumer, Producer } from '@millrace/client'
import type { ClusterUnderTest } from './cluster-under-test.ts'

export interface Failover {
  /** Kills the leader of a partition, and restarts it later. */
  loseLeader(topic: string, partition: number): Promise<void>
  readonly rounds: number
}

export function failoverScenarios(cluster: () => ClusterUnderTest, failover: () => Failover): void {
  it('loses and duplicates no record and preserves order while leaders crash', async () => {
    const topic = await cluster().createTopic('failover', { partitions: 3 })
    await using admin = new Admin(cluster().client)
    await using producer = new Producer({ ...cluster().client, deliveryTimeoutMs: 120_000 })
    const groupId = cluster().unique('failover')
    const consumer = new Consumer({
      ...cluster().client,
      groupId,
      topics: [topic],
      autoOffsetReset: 'earliest',
    })
    const seen: number[][] = [[], [], []]
    const reading = (async () => {
      for await (const { partition, value } of consumer) {
        seen[partition]?.push(Number(String(value)))
      }
    })()
    let isOver = false
    const acknowledged: bigint[][] = [[], [], []]
    const writers = [0, 1, 2].map(async (partition) => {
      const sending: Promise<unknown>[] = []
      for (let i = 0; !isOver; i++) {
        sending.push(
          producer.send({ topic, partition, value: `${i}` }).then(({ offset }) => {
            acknowledged[partition]?.push(offset)
          }),
        )
        if (i % 20 === 19) await new Promise((resolve) => setTimeout(resolve, 5))
      }
      await Promise.all(sending)
      return sending.length
    })
    for (let round = 0; round < failover().rounds; round++) {
      await new Promise((resolve) => setTimeout(resolve, 500))
      await failover().loseLeader(topic, round % 3)
    }
    await new Promise((resolve) => setTimeout(resolve, 500))
    isOver = true
    const counts = await Promise.all(writers)
    const deadline = Date.now() + 60_000
    while (seen.some((list, i) => list.length < (counts[i] as number)) && Date.now() < deadline) {
      await new Promise((resolve) => setTimeout(resolve, 50))
    }
    await consumer.close()
    await reading
    for (const partition of [0, 1, 2]) {
      const count = counts[partition] as number
      const expected = Array.from({ length: count }, (_, i) => i)
      assert.ok(count > 100, `only ${count} records were sent`)
      assert.deepEqual(seen[partition], expected, `partition ${partition}`)
      // Every resolved promise has the right offset.
      assert.deepEqual(acknowledged[partition], expected.map(BigInt))
    }
    const ends = await admin.listOffsets(
      [0, 1, 2].map((partition) => ({ topic, partition, spec: 'latest' as const })),
    )
    assert.deepEqual(
      ends.map(({ offset }) => offset),
      counts.map(BigInt),
    )
  })
}
