// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { RequestMemory, type RequestReader } from './request-memory.ts'

const MB = 1024 * 1024

/** A connection that reads one request of `size` bytes as far as it may. */
class Reader implements RequestReader {
  readonly memory: RequestMemory
  readonly size: number
  received = 0
  calls = 0

  constructor(memory: RequestMemory, size: number) {
    this.memory = memory
    this.size = size
  }

  get missingBytes(): number | undefined {
    return this.received < this.size ? this.size - this.received : undefined
  }
  onMayRead(): void {
    this.calls++
  }

  /** Reads up to `bytes`, in chunks; returns how many it was allowed to read. */
  read(bytes: number): number {
    const from = this.received
    while (this.received < Math.min(from + bytes, this.size) && this.memory.mayRead(this)) {
      this.received = Math.min(this.received + MB / 16, this.size)
      this.memory.update(this, this.received)
    }
    return this.received - from
  }

  /** The request has completed. */
  finish(): void {
    this.received = this.size
    this.memory.update(this, 0)
  }
}

describe('RequestMemory', () => {
  it('bounds the bytes read by all connections, and admits small requests', () => {
    const memory = new RequestMemory(10 * MB)
    const readers = Array.from({ length: 50 }, () => new Reader(memory, 100 * MB))
    for (const reader of readers) reader.read(99 * MB)
    // One request is always read further, so that its memory is released.
    const held = readers.reduce((sum, { received }) => sum + received, 0)
    assert.ok(held <= 10 * MB + 100 * MB + 50 * (MB / 16), `${held} bytes`)
    const small = new Reader(memory, 1000)
    assert.equal(small.read(1000), 1000)
  })

  it('completes the request with the fewest missing bytes, then the next', () => {
    const memory = new RequestMemory(10 * MB)
    const large = new Reader(memory, 100 * MB)
    large.read(10 * MB)
    const middle = new Reader(memory, 2 * MB)
    assert.ok(middle.read(MB) >= MB)
    assert.equal(large.read(MB), 0, 'the larger one waits')
    const least = new Reader(memory, MB)
    least.read(MB / 2)
    assert.equal(middle.read(MB), 0, 'the one in the middle waits')
    const before = middle.calls
    least.read(MB)
    assert.equal(least.missingBytes, undefined)
    least.finish()
    assert.ok(middle.calls > before, 'the next one is notified')
    middle.read(2 * MB)
    assert.equal(middle.missingBytes, undefined)
    middle.finish()
    large.read(100 * MB)
    assert.equal(large.missingBytes, undefined)
    large.finish()
    assert.equal(memory.used, 0)
  })

  it('notifies waiting readers when memory is released, as far as it suffices', () => {
    const memory = new RequestMemory(4 * MB)
    const holder = new Reader(memory, 5 * MB)
    holder.read(5 * MB)
    holder.memory.stopWaiting(holder)
    const waiting = [3, 1, 2].map((size) => new Reader(memory, size * MB))
    for (const reader of waiting) reader.read(MB / 2)
    for (const reader of waiting) reader.calls = 0
    holder.finish()
    const [three, one, two] = waiting as [Reader, Reader, Reader]
    assert.deepEqual([one.calls > 0, two.calls > 0, three.calls > 0], [true, true, true])
  })

  it('removes a connection that is closed, and lets the next one continue', () => {
    const memory = new RequestMemory(MB)
    const first = new Reader(memory, 10 * MB)
    first.read(5 * MB)
    const second = new Reader(memory, 20 * MB)
    second.read(MB)
    assert.equal(second.read(MB), 0)
    memory.remove(first)
    assert.ok(second.calls > 0)
    assert.ok(second.read(MB) > 0)
  })
})
