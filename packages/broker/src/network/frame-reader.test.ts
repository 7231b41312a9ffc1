// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { FrameReader } from './frame-reader.ts'

function framed(body: Uint8Array): Buffer {
  const size = Buffer.alloc(4)
  size.writeInt32BE(body.length)
  return Buffer.concat([size, body])
}

describe('FrameReader', () => {
  it('finds the same frames however the stream is chunked', () => {
    const sizes = fc.array(fc.oneof(fc.nat(20), fc.integer({ min: 0, max: 300_000 })), {
      maxLength: 6,
    })
    const cuts = fc.array(fc.oneof(fc.constant(1), fc.nat(9), fc.nat(100_000)), { minLength: 1 })
    fc.assert(
      fc.property(sizes, cuts, (lengths, steps) => {
        const bodies = lengths.map((length, i) => Buffer.alloc(length, i + 1))
        const stream = Buffer.concat(bodies.map(framed))
        const reader = new FrameReader(1_000_000)
        const frames: Buffer[] = []
        let at = 0
        for (let i = 0; at < stream.length; i++) {
          const step = Math.max(1, steps[i % steps.length] as number)
          reader.push(stream.subarray(at, at + step), frames)
          at += step
        }
        assert.equal(frames.length, bodies.length)
        for (const [i, body] of bodies.entries()) assert.ok(frames[i]?.equals(body))
        assert.equal(reader.partialBytes, 0)
      }),
      { numRuns: 50 },
    )
  })

  it('holds the received bytes of a frame, not the announced size, nor its chunks', () => {
    const reader = new FrameReader(100_000_000)
    const header = Buffer.alloc(4)
    header.writeInt32BE(100_000_000)
    const frames: Buffer[] = []
    const before = process.memoryUsage()
    reader.push(header, frames)
    assert.equal(reader.partialBytes, 0)
    for (let i = 0; i < 20_000; i++) reader.push(Buffer.from('x'), frames)
    assert.equal(reader.partialBytes, 20_000)
    assert.equal(reader.missingBytes, 100_000_000 - 20_000)
    const after = process.memoryUsage()
    const kept = after.arrayBuffers - before.arrayBuffers
    assert.ok(kept < 4_000_000, `${kept} bytes of buffers are held`)
  })

  it('throws for an invalid size, after the frames before it', () => {
    for (const size of [-1, 1001, 0x47455420]) {
      const reader = new FrameReader(1000)
      const header = Buffer.alloc(4)
      header.writeInt32BE(size)
      const frames: Buffer[] = []
      assert.throws(() => reader.push(Buffer.concat([framed(Buffer.from('ok')), header]), frames), {
        code: 'MILLRACE_MALFORMED_INPUT',
      })
      assert.deepEqual(frames.map(String), ['ok'])
    }
  })
})
