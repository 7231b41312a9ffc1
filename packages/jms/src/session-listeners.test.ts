// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { setImmediate } from 'node:timers/promises'
import type { MessageConsumer } from './consumer.ts'
import { SessionListeners } from './session-listeners.ts'

/** A session whose consumers have some messages for their listeners. */
class Bench {
  readonly log: string[] = []
  readonly consumers = new Set<MessageConsumer>()
  isStarted = true
  readonly errors: unknown[] = []
  readonly listeners = new SessionListeners(this.consumers, {
    mayDispatch: () => this.isStarted,
    onError: (error) => this.errors.push(error),
  })

  consumer(name: string, count: number): void {
    let left = count
    const { log, listeners } = this
    const fake = {
      get hasWork() {
        return left > 0
      },
      dispatchOne: () =>
        listeners.run(async () => {
          left--
          log.push(`${name} starts`)
          await setImmediate()
          log.push(`${name} ends`)
        }),
    }
    // Cast: only the members of a consumer that the dispatch uses.
    this.consumers.add(fake as unknown as MessageConsumer)
  }
}

describe('listeners of a session', () => {
  it('run one at a time, consumers in turn', async () => {
    const bench = new Bench()
    bench.consumer('a', 2)
    bench.consumer('b', 1)
    bench.listeners.schedule()
    bench.listeners.schedule()
    assert.deepEqual(bench.log, [], 'not within the call')
    await bench.listeners.settled()
    assert.deepEqual(bench.log.join(), 'a starts,a ends,b starts,b ends,a starts,a ends')
  })

  it('are called although an earlier delivery could not be settled', async () => {
    const bench = new Bench()
    const failure = new Error('the link has ended')
    let hasWork = true
    // Cast: only the members of a consumer that the dispatch uses.
    bench.consumers.add({
      get hasWork() {
        return hasWork
      },
      async dispatchOne() {
        hasWork = false
        throw failure
      },
    } as unknown as MessageConsumer)
    bench.consumer('b', 1)
    bench.listeners.schedule()
    await bench.listeners.settled()
    assert.deepEqual(bench.log, ['b starts', 'b ends'])
    assert.deepEqual(bench.errors, [failure])
  })

  it('are not called while the session is stopped', async () => {
    const bench = new Bench()
    bench.isStarted = false
    bench.consumer('a', 1)
    await bench.listeners.settled()
    assert.deepEqual(bench.log, [])
  })

  it('are recognized as callers, and do not wait for themselves', async () => {
    const { listeners } = new Bench()
    listeners.checkNotCaller('close')
    await listeners.run(async () => {
      assert.equal(listeners.isCaller, true)
      assert.equal(new Bench().listeners.isCaller, false, 'another session')
      assert.throws(() => listeners.checkNotCaller('close'), {
        name: 'IllegalStateException',
        message: 'a listener cannot close its own session or connection',
      })
      await listeners.settled()
    })
    assert.equal(listeners.isCaller, false)
  })

  it('are awaited, also if they fail', async () => {
    const { listeners } = new Bench()
    let isDone = false
    const failing = listeners.run(async () => {
      await setImmediate()
      isDone = true
      throw new Error('boom')
    })
    failing.catch(() => undefined)
    await listeners.settled()
    assert.equal(isDone, true)
    await assert.rejects(failing, /boom/)
  })
})
