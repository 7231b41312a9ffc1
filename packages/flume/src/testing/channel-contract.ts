// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { Channel, TakeTransaction } from '../channel.ts'
import { ChannelFullError } from '../errors.ts'
import { Event } from '../event.ts'

/** A kind of channel that the contract suite tests. */
export interface ChannelUnderTest {
  /** Name of the kind. */
  readonly name: string
  /**
   * Creates a started, empty channel with a capacity of 100, a transaction capacity of 50 and a
   * keep-alive of at most a second.
   */
  create(): Promise<Channel>
  /** For durable channels: the started channel of a new process after this one was killed. */
  reopen?(killed: Channel): Promise<Channel>
  /** Whether its capacity is unlimited. */
  readonly isUnbounded?: boolean
  /** Longest time from put to take. Default 2000 ms. */
  readonly waitMs?: number
}

function events(...bodies: string[]): Event[] {
  return bodies.map((body) => Event.text(body, { body }))
}

function bodies({ events: taken }: { readonly events: readonly Event[] }): string[] {
  return taken.map(({ body }) => body.toString())
}

/** Tests of every channel. */
export function channelContract(channel: ChannelUnderTest): void {
  const waitMs = channel.waitMs ?? 2000

  async function put(to: Channel, ...texts: string[]): Promise<void> {
    await (await to.put(events(...texts))).commit()
  }

  async function take(from: Channel, count: number): Promise<TakeTransaction> {
    const taken = await from.take(count, { waitMs })
    assert.ok(taken !== undefined, 'the channel returns the events that were put')
    return taken
  }

  /** Takes `count` events, and what comes soon after them. */
  async function drain(from: Channel, count: number): Promise<string[]> {
    const all: string[] = []
    for (;;) {
      const taken = await from.take(50, { waitMs: all.length < count ? waitMs : 100 })
      if (taken === undefined) return all
      all.push(...bodies(taken))
      await taken.commit()
    }
  }

  async function using(work: (made: Channel) => Promise<void>): Promise<void> {
    const made = await channel.create()
    try {
      await work(made)
    } finally {
      await made.stop?.()
    }
  }

  describe(`channel ${channel.name}`, () => {
    it('returns events in order, headers and bytes unchanged', () =>
      using(async (made) => {
        const bytes = Buffer.from([0, 255, 10, 13, 128])
        const event = new Event(bytes, { a: '1', é: 'ü€😀', empty: '' })
        await (await made.put([event])).commit()
        await put(made, 'b', 'c')
        const taken: Event[] = []
        while (taken.length < 3) {
          const batch = await take(made, 10)
          taken.push(...batch.events)
          await batch.commit()
        }
        assert.deepEqual(taken[0]?.body, bytes)
        assert.deepEqual({ ...taken[0]?.headers }, { a: '1', é: 'ü€😀', empty: '' })
        assert.deepEqual(bodies({ events: taken.slice(1) }), ['b', 'c'])
      }))

    it('shows nothing before the commit, and nothing of what was rolled back', () =>
      using(async (made) => {
        const open = await made.put(events('a'))
        assert.equal(await made.take(1, { waitMs: 20 }), undefined)
        await open.rollback()
        await put(made, 'b')
        assert.deepEqual(await drain(made, 1), ['b'])
      }))

    it('gives events that were rolled back again, in their place', () =>
      using(async (made) => {
        await put(made, 'a', 'b', 'c')
        const first = await take(made, 2)
        await first.rollback()
        assert.deepEqual(await drain(made, 3), ['a', 'b', 'c'])
      }))

    it('lets several take at once, and gives each event to one', () =>
      using(async (made) => {
        await put(made, 'a', 'b', 'c', 'd')
        const one = await take(made, 2)
        const two = await take(made, 2)
        assert.deepEqual([...bodies(one), ...bodies(two)].sort(), ['a', 'b', 'c', 'd'])
        await two.commit()
        await one.rollback()
        assert.deepEqual(await drain(made, 2), bodies(one))
      }))

    it('returns an event immediately to a waiting take', () =>
      using(async (made) => {
        const waiting = made.take(10, { waitMs: 10_000 })
        await put(made, 'a')
        const taken = await waiting
        assert.deepEqual(bodies(taken as TakeTransaction), ['a'])
        await taken?.commit()
      }))

    it('ends waiting when it is aborted', () =>
      using(async (made) => {
        const stopping = new AbortController()
        const waiting = made.take(10, { waitMs: 60_000, signal: stopping.signal })
        stopping.abort()
        assert.equal(await waiting, undefined)
      }))

    if (channel.isUnbounded !== true) {
      it('rejects events that do not fit, and keeps its events', () =>
        using(async (made) => {
          const many = Array.from({ length: 50 }, (_, i) => String(i))
          await put(made, ...many)
          await put(made, ...many)
          await assert.rejects(made.put(events('x')), ChannelFullError)
          assert.equal(made.size, 100)
          const taken = await take(made, 10)
          await taken.commit()
          await put(made, 'y')
          assert.equal((await drain(made, 91)).length, 91)
        }))

      it('waits for room', () =>
        using(async (made) => {
          const many = Array.from({ length: 50 }, (_, i) => String(i))
          await put(made, ...many)
          await put(made, ...many)
          const waiting = made.put(events('x'))
          const taken = await take(made, 1)
          await taken.commit()
          await (await waiting).commit()
          assert.equal(made.size, 100)
        }))

      it('refuses a batch that is larger than a transaction', () =>
        using(async (made) => {
          const many = events(...Array.from({ length: 51 }, (_, i) => String(i)))
          await assert.rejects(made.put(many), /50 events in a transaction/)
        }))

      it('keeps once what comes twice from the same place', () =>
        using(async (made) => {
          const origin = { id: 'o', floor: 0, positions: [10, 11, 12] }
          await (await made.put(events('a', 'b', 'c'), { origin })).commit()
          const again = { id: 'o', floor: 0, positions: [11, 12, 13] }
          await (await made.put(events('b', 'c', 'd'), { origin: again })).commit()
          const lost = { id: 'o', floor: 0, positions: [14] }
          await (await made.put(events('x'), { origin: lost })).rollback()
          await (await made.put(events('e'), { origin: lost })).commit()
          assert.deepEqual(await drain(made, 5), ['a', 'b', 'c', 'd', 'e'])
        }))
    }

    const { reopen } = channel
    if (reopen === undefined) return

    it('has after a crash what was committed, and nothing else', async () => {
      const made = await channel.create()
      await put(made, 'a', 'b')
      await made.put(events('never'))
      const found = await reopen(made)
      assert.deepEqual(await drain(found, 2), ['a', 'b'])
      await found.stop?.()
    })

    it('gives again after a crash what was taken and not committed', async () => {
      const made = await channel.create()
      await put(made, 'a', 'b', 'c')
      await (await take(made, 1)).commit()
      await take(made, 1)
      const found = await reopen(made)
      assert.deepEqual(await drain(found, 2), ['b', 'c'])
      const again = await reopen(found)
      assert.deepEqual(await drain(again, 0), [])
      await again.stop?.()
    })

    it('knows after a crash what it had received', async () => {
      const made = await channel.create()
      const origin = { id: 'o', floor: 0, positions: [1, 2] }
      await (await made.put(events('a', 'b'), { origin })).commit()
      const found = await reopen(made)
      const again = { id: 'o', floor: 0, positions: [1, 2, 3] }
      await (await found.put(events('a', 'b', 'c'), { origin: again })).commit()
      assert.deepEqual(await drain(found, 3), ['a', 'b', 'c'])
      await found.stop?.()
    })

    it('keeps its contents over an orderly end', async () => {
      const made = await channel.create()
      await put(made, 'a')
      await made.stop?.()
      const found = await reopen(made)
      assert.deepEqual(await drain(found, 1), ['a'])
      await found.stop?.()
    })
  })
}
