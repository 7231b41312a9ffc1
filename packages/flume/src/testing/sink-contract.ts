// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { nodeWorld, silentLogger } from '@millrace/base'
import type { Sink, SinkProcessor } from '../component.ts'
import { Event } from '../event.ts'
import { SinkRunner } from '../sink-runner.ts'
import { componentContext, type TestChannel, testChannel } from './context.ts'

/** A kind of sink that the contract suite tests. */
export interface SinkUnderTest {
  /** Name of the kind. */
  readonly name: string
  /** Creates a target and a sink for it, not started. */
  create(context: ReturnType<typeof componentContext>): Promise<{
    readonly sink: Sink
    /** Bodies that arrived, in order if the target keeps it. */
    received(): Promise<readonly string[]>
    /** Makes the target refuse everything, and accept it again. */
    readonly breakTarget?: () => Promise<void>
    readonly mendTarget?: () => Promise<void>
    close(): Promise<void>
  }>
  /** Whether the sink has no target, or the target keeps no bodies. */
  readonly keepsNothing?: boolean
  /** Whether a batch whose answer was lost may arrive twice. */
  readonly mayDouble?: boolean
}

const WAIT_MS = 15_000

/** Whether all events are delivered; flushes the sink. */
function isEmpty(channel: TestChannel, sink: Sink): () => Promise<boolean> {
  return async () => {
    await sink.flush?.()
    return channel.size === 0
  }
}

/** Tests of every sink. */
export function sinkContract(contract: SinkUnderTest): void {
  async function using(
    work: (
      made: Awaited<ReturnType<SinkUnderTest['create']>> & {
        readonly put: (...bodies: string[]) => Promise<void>
        readonly channel: ReturnType<typeof testChannel>
        readonly until: (condition: () => Promise<boolean>, what: string) => Promise<void>
        readonly stop: () => Promise<void>
        /** Number of batches that were not delivered. */
        readonly failures: () => number
      },
    ) => Promise<void>,
  ): Promise<void> {
    const made = await contract.create(componentContext('SINK', 'k1'))
    const { sink } = made
    const channel = testChannel()
    let failures = 0
    const processor: SinkProcessor = {
      get maxInFlight() {
        return sink.maxInFlight ?? 1
      },
      async process(batch) {
        try {
          const outcome = (await sink.process(batch)) ?? 'ready'
          if (outcome === 'rollback' || outcome === 'rollback-and-backoff') failures++
          return outcome
        } catch (error) {
          failures++
          throw error
        }
      },
    }
    const runner = new SinkRunner({
      name: 'k1',
      channel,
      processor,
      batchSize: sink.batchSize,
      world: nodeWorld,
      logger: silentLogger,
    })
    await sink.start?.()
    runner.start()
    let isStopped = false
    const stop = async (): Promise<void> => {
      if (isStopped) return
      isStopped = true
      await runner.stop(async () => sink.flush?.())
      await sink.stop?.()
    }
    try {
      await work({
        ...made,
        channel,
        stop,
        failures: () => failures,
        put: async (...bodies) => {
          await (await channel.put(bodies.map((body) => Event.text(body, { n: body })))).commit()
        },
        async until(condition, what) {
          const deadline = Date.now() + WAIT_MS
          while (!(await condition())) {
            assert.ok(Date.now() < deadline, `${what} within ${WAIT_MS} ms`)
            await sleep(10)
          }
        },
      })
    } finally {
      await stop()
      await made.close()
    }
  }

  const names = (from: number, count: number): string[] =>
    Array.from({ length: count }, (_, index) => `event ${String(from + index).padStart(4, '0')}`)

  describe(`sink ${contract.name}`, () => {
    it('delivers everything once, and empties its channel', () =>
      using(async ({ put, until, received, channel, sink, stop }) => {
        await put(...names(0, 250))
        await put('one more')
        await until(isEmpty(channel, sink), 'the channel is empty')
        await stop()
        if (contract.keepsNothing === true) return
        await until(async () => (await received()).length >= 251, 'all arrived')
        assert.deepEqual([...(await received())].sort(), [...names(0, 250), 'one more'].sort())
      }))

    it('can be stopped before it was given anything', () => using(async ({ stop }) => stop()))

    if (contract.keepsNothing === true) return
    it('keeps events in the channel while the target refuses them, and delivers them after', () =>
      using(async (made) => {
        const { put, until, received, channel, sink, breakTarget, mendTarget, stop } = made
        if (breakTarget === undefined || mendTarget === undefined) return
        await put(...names(0, 5))
        await until(isEmpty(channel, sink), 'the first arrived')
        await breakTarget()
        await put(...names(5, 20))
        const refused = async (): Promise<boolean> => {
          await sink.flush?.().catch(() => {})
          return made.failures() >= 2
        }
        await until(refused, 'two batches were refused')
        assert.equal(channel.size, 20)
        await mendTarget()
        await until(isEmpty(channel, sink), 'all were delivered')
        await stop()
        const arrived = await received()
        assert.deepEqual([...new Set(arrived)].sort(), names(0, 25))
        if (contract.mayDouble !== true) assert.equal(arrived.length, 25)
      }))
  })
}
