// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { FrameBuffers } from './frame-buffers.ts'
import { FrameReader } from './frame-reader.ts'

function framed(body: Uint8Array): Buffer {
  const size = Buffer.alloc(4)
  size.writeInt32BE(body.length)
  return Buffer.concat([size, body])
}

describe('FrameReader', () => {
  it('finds the same frames however the stream is chunked, also if memory is reused', () => {
    const sizes = fc.array(fc.oneof(fc.nat(20), fc.integer({ min: 0, max: 300_000 })), {
      maxLength: 6,
    })
    const cuts = fc.array(fc.oneof(fc.constant(1), fc.nat(9), fc.nat(100_000)), { minLength: 1 })
    fc.assert(
      fc.property(sizes, cuts, (lengths, steps) => {
        const bodies = lengths.map((length, i) => Buffer.alloc(length, i + 1))
        const stream = Buffer.concat(bodies.map(framed))
        const buffers = new FrameBuffers()
        const reader = new FrameReader(1_000_000, buffers)
        let found = 0
        const frames: Buffer[] = []
        let at = 0
        for (let i = 0; at < stream.length; i++) {
          const step = Math.max(1, steps[i % steps.length] as number)
          const chunk = Buffer.from(stream.subarray(at, at + step))
          const isViewed = reader.push(chunk, frames)
          if (!isViewed) chunk.fill(0xff)
          at += step
          // Two frames are in use at a time.
          while (frames.length > 2 || (at >= stream.length && frames.length > 0)) {
            const frame = frames.shift() ?? Buffer.alloc(0)
            assert.ok(frame.equals(bodies[found++] ?? Buffer.alloc(0)))
            buffers.give(frame)
            if (!isViewed) frame.fill(0xff)
          }
        }
        assert.equal(found, bodies.length)
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
