// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Source, SourceContext } from '../component.ts'
import { sourceContext, type TestChannel, testChannel } from './context.ts'

/** A kind of source that the contract suite tests. */
export interface SourceUnderTest {
  /** Name of the kind. */
  readonly name: string
  /** Creates a source and its input. */
  create(context: SourceContext): Promise<{
    readonly source: Source
    /** Sends bodies to the source, and retries refused ones. */
    feed(bodies: readonly string[]): Promise<void>
    close(): Promise<void>
  }>
  /** Whether what arrives while the channel is full may be lost, as with datagrams. */
  readonly mayLose?: boolean
  /** Whether a refused batch may be sent again and arrive twice. */
  readonly mayDouble?: boolean
  /** Whether the source creates its own events. */
  readonly feedsItself?: boolean
}

const WAIT_MS = 15_000

/** Tests of every source. */
export function sourceContract(contract: SourceUnderTest): void {
  async function using(
    work: (
      made: Awaited<ReturnType<SourceUnderTest['create']>> & {
        readonly channel: TestChannel
        readonly until: (condition: () => boolean, what: string) => Promise<void>
      },
    ) => Promise<void>,
  ): Promise<void> {
    const channel = testChannel()
    const made = await contract.create(sourceContext(channel))
    await made.source.start()
    try {
      await work({
        ...made,
        channel,
        async until(condition, what) {
          const deadline = Date.now() + WAIT_MS
          while (!condition()) {
            assert.ok(Date.now() < deadline, `${what} within ${WAIT_MS} ms`)
            await sleep(5)
          }
        },
      })
    } finally {
      await made.source.stop()
      await made.close()
    }
  }

  const names = (count: number): string[] =>
    Array.from({ length: count }, (_, index) => `event ${index}`)
  const bodies = (channel: TestChannel): string[] =>
    channel.committed.map(({ body }) => body.toString())

  describe(`source ${contract.name}`, () => {
    if (contract.feedsItself === true) {
      it('creates events, and continues after the channel has rejected some', () =>
        using(async ({ channel, until }) => {
          await until(() => channel.committed.length > 0, 'events come')
          const before = channel.committed.length
          channel.failPuts(2)
          await until(() => channel.committed.length > before + 2, 'events come again')
        }))
      return
    }

    it('puts what arrives, in order and once, within 50 ms when it is alone', () =>
      using(async ({ channel, feed, until }) => {
        await feed(names(30))
        await until(() => channel.committed.length >= 30, 'all arrived')
        assert.deepEqual(bodies(channel), names(30))
      }))

    it('loses nothing when the channel is full for a while', () =>
      using(async ({ channel, feed, until }) => {
        channel.failPuts(2)
        await feed(names(10))
        if (contract.mayLose === true) return
        await until(() => new Set(bodies(channel)).size >= 10, 'all arrived')
        assert.deepEqual([...new Set(bodies(channel))].sort(), names(10).sort())
        if (contract.mayDouble !== true) assert.equal(channel.committed.length, 10)
      }))

    it('loses nothing when a commit breaks', () =>
      using(async ({ channel, feed, until }) => {
        channel.failPuts(1, 'commit')
        await feed(names(10))
        if (contract.mayLose === true) return
        await until(() => new Set(bodies(channel)).size >= 10, 'all arrived')
        if (contract.mayDouble !== true) assert.equal(channel.committed.length, 10)
      }))

    it('can be stopped before anything arrived', () => using(async () => {}))
  })
}
