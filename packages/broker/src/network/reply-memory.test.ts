// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict'
import { it } from 'node:test'
import { ReplyMemory } from './reply-memory.ts'

it('replies that are not read use memory up to a limit, for all connections together', () => {
  const memory = new ReplyMemory(100)
  const calls: string[] = []
  memory.onExhausted = () => calls.push('exhausted')
  memory.onOverflow = () => calls.push('overflow')
  const [a, b] = [{}, {}]
  /** What a writer holds, what all hold, the size of the next reply, and the calls so far. */
  const steps: readonly (readonly [
    writer: object,
    bytes: number,
    used: number,
    allowance: number,
    calls: string,
  ])[] = [
    // Half of what is left: some remains for others.
    [a, 20, 20, 40, ''],
    [b, 60, 80, 10, ''],
    // The last byte.
    [a, 40, 100, 0, 'exhausted'],
    // More of it is no news.
    [a, 41, 101, 0, 'exhausted'],
    [a, 20, 80, 10, 'exhausted'],
    [a, 41, 101, 0, 'exhausted exhausted'],
    // Twice the limit, with each further byte.
    [b, 159, 200, 0, 'exhausted exhausted overflow'],
    [b, 160, 201, 0, 'exhausted exhausted overflow overflow'],
    // Less is no overflow, even above the limit.
    [a, 40, 200, 0, 'exhausted exhausted overflow overflow'],
    [b, 160, 200, 0, 'exhausted exhausted overflow overflow'],
    // A connection that closes holds nothing.
    [b, 0, 40, 30, 'exhausted exhausted overflow overflow'],
    [a, 0, 0, 50, 'exhausted exhausted overflow overflow'],
  ]
  for (const [writer, bytes, used, allowance, expected] of steps) {
    memory.update(writer, bytes)
    const name = `${writer === a ? 'a' : 'b'} holds ${bytes}`
    assert.equal(memory.usedBy(writer), bytes, name)
    assert.equal(memory.used, used, name)
    assert.equal(memory.allowance, allowance, name)
    assert.equal(calls.join(' '), expected, name)
  }
})
