// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { javaHashCode, partitionForKey } from './partition-for-key.ts'

describe('partitionForKey', () => {
  it('equals String.hashCode of Java', () => {
    assert.equal(javaHashCode(''), 0)
    assert.equal(javaHashCode('hello'), 99162322)
    assert.equal(javaHashCode('polygenelubricants'), -2147483648)
    assert.equal(partitionForKey('polygenelubricants', 50), 0)
    assert.equal(partitionForKey('hello', 50), 22)
  })
})
