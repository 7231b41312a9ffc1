// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { javaHashOrder } from './java-hash-order.ts'

const words =
  'zz a q name id customerId orderId total_amount address street city zip country phone email ' +
  'createdAt updatedAt status items quantity price currency ä 日本 x1 x2 x3 x4 x5'

describe('the order of Java hash tables', () => {
  // Printed by OpenJDK 17 for the first words of the list above.
  const orders = [
    'zz a q',
    'zz a q name id',
    'zz zip a q address orderId total_amount city street name customerId id',
    'zz zip a country address orderId city q total_amount street name customerId id',
    'zz zip a country address quantity orderId city q createdAt total_amount phone street name ' +
      'customerId id items email updatedAt status',
    'zz country orderId city createdAt street price customerId currency id email updatedAt zip a ' +
      'address quantity ä 日本 q total_amount phone name x1 x2 x3 x4 items x5 status',
  ]
  for (const order of orders) {
    const expected = order.split(' ')
    it(`of ${expected.length} keys`, () => {
      const keys = words.split(' ').slice(0, expected.length)
      assert.deepEqual(javaHashOrder(keys), expected)
      // A table created for half of the keys grows to the same size.
      assert.deepEqual(javaHashOrder(keys, Math.floor(keys.length / 2)), expected)
    })
  }

  it('counts a key that occurs twice once', () => {
    assert.deepEqual(javaHashOrder(['b', 'a', 'b']), ['a', 'b'])
  })
})
