// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { Broker } from '@millrace/broker'
import { Admin, Consumer, Producer } from '@millrace/client'

const SETTINGS = {
  'group.initial.rebalance.delay.ms': '0',
  'group.max.size': '1',
  'group.consumer.max.size': '1',
}

describe('a group that rejected a member', () => {
  for (const groupProtocol of ['classic', 'consumer'] as const) {
    it(`accepts it with a later poll, protocol ${groupProtocol}`, async () => {
      await using broker = await Broker.start({ config: SETTINGS })
      const bootstrapServers = broker.address
      await using admin = new Admin({ bootstrapServers })
      await admin.createTopics([{ name: 't', numPartitions: 1 }])
      await using producer = new Producer({ bootstrapServers })
      await producer.send([{ topic: 't', value: 'a' }])
      const member = () =>
        new Consumer({
          bootstrapServers,
          groupId: 'g',
          groupProtocol,
          topics: ['t'],
          autoOffsetReset: 'earliest',
          enableAutoCommit: false,
        })
      await using first = member()
      while (first.assignment.length === 0) await first.poll(100)
      await using second = member()
      await assert.rejects(second.poll(10_000), { code: 'GROUP_MAX_SIZE_REACHED' })
      await first.close()
      const records = await second.poll(10_000)
      assert.deepEqual(
        records.map(({ value }) => String(value)),
        ['a'],
      )
    })
  }
})
