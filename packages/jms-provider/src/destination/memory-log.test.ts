// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { EncodedMessage, encodeMessage } from '@millrace/amqp'
import { type Clock, nodeWorld } from '@millrace/base'
import { StoredMessage } from '../mapping/stored-message.ts'
import { type NewRecord, toRecord } from '../mapping/to-record.ts'
import { MemoryLog, TemporaryMemory } from './memory-log.ts'
import { MessageCache } from './message-cache.ts'

const clock: Clock = { ...nodeWorld.clock, now: () => 77 }

function record(size = 10): NewRecord {
  const body = { kind: 'data', data: Buffer.alloc(size, 'x') } as const
  return toRecord(new EncodedMessage(encodeMessage({ body })), { nowMs: 0, origin: 0n })
}

/** Memory that the message takes: an encoded body of `size + 5` bytes, and 500. */
const memoryOf = (size: number): number => size + 5 + 500

describe('the log of a temporary destination', () => {
  function opened(maxBytes = 10_000) {
    const memory = new TemporaryMemory(maxBytes)
    const seen: number[] = []
    const log = new MemoryLog(clock, memory, (messages) => {
      for (const { offset } of messages) seen.push(offset)
    })
    return { memory, seen, log }
  }

  it('numbers messages from 0 and passes each on', async () => {
    const { log, seen } = opened()
    assert.deepEqual(await log.append(record()), { partition: 0, offset: 0, timestamp: 77 })
    const { offset } = await log.appendTogether([record(), record()])
    assert.deepEqual([offset, seen, await log.readTo()], [1, [0, 1, 2], 3])
    assert.equal((await log.appendTogether([])).offset, -1)
  })

  it('reads one message at a time', async () => {
    const { log } = opened()
    await log.append(record())
    assert.deepEqual(
      (await log.read(0, 0)).map(({ offset }) => offset),
      [0],
    )
    assert.deepEqual(await log.read(0, 1), [])
    assert.equal(log.messageAt(0)?.offset, 0)
  })

  it('has a copy of the bytes', async () => {
    const { log } = opened()
    const sent = record()
    await log.append(sent)
    for (const piece of sent.body) piece.fill(0)
    assert.ok(Buffer.concat([...(log.messageAt(0)?.body ?? [])]).includes('xxxxxxxxxx'))
  })

  it('counts the memory of all messages until they are trimmed', async () => {
    const { log, memory } = opened()
    for (let i = 0; i < 3; i++) await log.append(record())
    assert.equal(memory.bytes, 3 * memoryOf(10))
    log.trim(0, 2)
    log.trim(0, 1)
    assert.equal(memory.bytes, memoryOf(10))
    assert.equal(log.messageAt(1), undefined)
    log.close()
    assert.equal(memory.bytes, 0)
  })

  it('refuses a message beyond the limit of all of them', async () => {
    const { log, memory, seen } = opened(memoryOf(10) + memoryOf(20))
    await log.append(record(10))
    await assert.rejects(log.append(record(21)), /exceed amqp\.temporary\.max\.bytes=/)
    assert.deepEqual([memory.bytes, seen], [memoryOf(10), [0]])
    await log.append(record(20))
  })
})

describe('the cache of messages', () => {
  const message = (size: number): StoredMessage => {
    const { envelope, body } = record(size)
    return new StoredMessage({ partition: 0, offset: 0, timestamp: 0 }, envelope, body)
  }
  const one = message(100).size

  it('keeps new messages until it is full: older ones are needed first', () => {
    const cache = new MessageCache(2 * one)
    for (const key of ['a', 'b', 'c']) cache.offer(key, message(100))
    assert.deepEqual(
      ['a', 'b', 'c'].map((key) => cache.get(key) !== undefined),
      [true, true, false],
    )
    assert.ok(cache.isFull)
  })

  it('evicts the oldest for a message that is needed now', () => {
    const cache = new MessageCache(2 * one)
    for (const key of ['a', 'b', 'c']) cache.put(key, message(100))
    assert.deepEqual(
      ['a', 'b', 'c'].map((key) => cache.get(key) !== undefined),
      [false, true, true],
    )
    assert.equal(cache.size, 2 * one)
  })

  it('keeps a message that alone exceeds the budget', () => {
    const cache = new MessageCache(1)
    cache.put('a', message(100))
    assert.ok(cache.get('a') !== undefined)
    cache.put('b', message(100))
    assert.deepEqual([cache.get('a'), cache.get('b') !== undefined], [undefined, true])
  })

  it('counts a message that is replaced or deleted once', () => {
    const cache = new MessageCache(10 * one)
    cache.put('a', message(100))
    cache.put('a', message(100))
    assert.equal(cache.size, one)
    cache.delete('a')
    cache.delete('a')
    assert.equal(cache.size, 0)
  })

  it('evicts in order after many deletions', () => {
    const cache = new MessageCache(3 * one)
    const each = message(100)
    for (let i = 0; i < 5000; i++) {
      cache.put(`${i}`, each)
      if (i >= 1) cache.delete(`${i - 1}`)
    }
    assert.equal(cache.size, one)
    for (const key of ['x', 'y', 'z']) cache.put(key, message(100))
    assert.equal(cache.get('4999'), undefined)
    assert.ok(cache.get('x') !== undefined)
  })
})
