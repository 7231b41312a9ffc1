// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { ConsumedDelivery, MessageConsumer } from './consumer.ts'
import { Unacknowledged } from './unacknowledged.ts'

const [a, b] = ['a', 'b'] as unknown as [MessageConsumer, MessageConsumer]

function deliveries(log: string[]): [Unacknowledged, ConsumedDelivery[]] {
  const unacknowledged = new Unacknowledged()
  const all = [a, b, a].map(
    (consumer, i) =>
      // Cast: only the members of a delivery that are used.
      ({
        consumer,
        settle: ({ kind }: { readonly kind: string }) => log.push(`${i} ${kind}`),
      }) as unknown as ConsumedDelivery,
  )
  for (const each of all) unacknowledged.add(each)
  return [unacknowledged, all]
}

describe('unacknowledged deliveries', () => {
  it('are settled once, in delivery order', () => {
    const log: string[] = []
    const [unacknowledged] = deliveries(log)
    unacknowledged.settleAll({ kind: 'accepted' })
    unacknowledged.settleAll({ kind: 'released' })
    assert.deepEqual(log, ['0 accepted', '1 accepted', '2 accepted'])
  })

  it('are removed one by one, or those of a consumer', () => {
    const [unacknowledged, [first, second, third]] = deliveries([])
    unacknowledged.remove(first as ConsumedDelivery)
    unacknowledged.remove(first as ConsumedDelivery)
    assert.deepEqual(unacknowledged.all, [second, third])
    assert.equal(unacknowledged.has(first as ConsumedDelivery), false)
    assert.deepEqual(unacknowledged.takeOf(a), [third])
    assert.equal(unacknowledged.hasOf(a), false)
    assert.equal(unacknowledged.hasOf(b), true)
    assert.deepEqual(unacknowledged.takeAll(), [second])
    assert.deepEqual(unacknowledged.all, [])
  })
})
