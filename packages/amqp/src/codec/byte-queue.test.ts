// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { ByteQueue } from './byte-queue.ts'

describe('ByteQueue', () => {
  it('returns the same bytes, whatever the chunks they arrive in', () => {
    const step = fc.oneof(
      fc.record({
        push: fc.oneof(fc.integer({ min: 0, max: 50 }), fc.integer({ min: 10_000, max: 20_000 })),
      }),
      fc.record({ take: fc.integer({ min: 0, max: 30_000 }) }),
      fc.constant({ compact: true }),
    )
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        const queue = new ByteQueue()
        let next = 0
        let expected = Buffer.alloc(0)
        const taken: { readonly bytes: Buffer; readonly copy: Buffer }[] = []
        for (const each of steps) {
          if ('push' in each) {
            const bytes = Buffer.alloc(each.push)
            for (let i = 0; i < bytes.length; i++) bytes[i] = next++ & 0xff
            queue.push(bytes)
            expected = Buffer.concat([expected, bytes])
          } else if ('take' in each) {
            const count = Math.min(each.take, queue.size)
            if (count === 0) continue
            const bytes = queue.take(count)
            assert.ok(bytes.equals(expected.subarray(0, count)))
            taken.push({ bytes, copy: Buffer.from(bytes) })
            expected = expected.subarray(count)
          } else queue.compact()
          assert.equal(queue.size, expected.length)
        }
        // Bytes already returned do not change when more arrive.
        for (const { bytes, copy } of taken) assert.ok(bytes.equals(copy))
        assert.ok(queue.takeAll().equals(expected))
      }),
    )
  })

  it('uses little memory for a megabyte that arrives byte by byte or as tails of large reads', () => {
    const used = (): number => process.memoryUsage().arrayBuffers
    const before = used()
    const queue = new ByteQueue()
    for (let i = 0; i < 1 << 20; i++) queue.push(Buffer.from([i & 0xff]))
    assert.ok(used() - before < 4 << 20, `${used() - before}`)
    const rest = new ByteQueue()
    for (let i = 0; i < 100; i++) rest.push(Buffer.allocUnsafeSlow(64 * 1024).subarray(-10))
    rest.compact()
    assert.equal(rest.takeAll().length, 1000)
  })
})
