// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { silentLogger } from '@millrace/base'
import { SimulatedClock } from '@millrace/testkit'
import { type BudgetedConnection, MemoryBudget } from './memory-budget.ts'

const MEGABYTE = 1024 * 1024

class Client implements BudgetedConnection {
  readonly name: string
  readonly #world: World
  incomplete = 0
  attached = 0
  unread = 0
  isEnded = false

  constructor(world: World, name: string) {
    this.#world = world
    this.name = name
  }

  get unreadBytes(): number {
    return this.unread
  }

  closeForMemory(): void {
    this.isEnded = true
    this.#world.ended.push(this.name)
    this.hold({ incomplete: 0, attached: 0, unread: 0 })
  }

  hold(held: { incomplete?: number; attached?: number; unread?: number }): void {
    Object.assign(this, held)
    const { incomplete, attached, unread } = this
    this.#world.budget.update(this, { incomplete, attached, unread })
  }
}

class World {
  readonly clock = new SimulatedClock()
  readonly ended: string[] = []
  readonly budget = new MemoryBudget(
    { incomplete: 100 * MEGABYTE, unread: 10 * MEGABYTE },
    { clock: this.clock.process(), logger: silentLogger },
  )

  client(name: string): Client {
    return new Client(this, name)
  }

  pass(ms: number): Promise<void> {
    return this.clock.run(
      new Promise((resolve) => void this.clock.schedule(ms, resolve)),
      Number.MAX_SAFE_INTEGER,
    )
  }
}

describe('incomplete messages', () => {
  it('close stalled connections but not one that sends a large message', async () => {
    const world = new World()
    for (let i = 0; i < 99; i++) world.client(`stuck ${i}`).hold({ incomplete: MEGABYTE })
    await world.pass(3000)
    const honest = world.client('honest')
    for (let megabytes = 1; megabytes <= 80; megabytes++) {
      honest.hold({ incomplete: megabytes * MEGABYTE })
      await world.pass(20)
    }
    assert.equal(honest.isEnded, false)
    assert.ok(world.ended.length >= 79)
    assert.ok(world.budget.incomplete <= 100 * MEGABYTE)
  })

  it('close the slowest connection if none has stalled', async () => {
    const world = new World()
    const slow = Array.from({ length: 60 }, (_, i) => world.client(`slow ${i}`))
    for (let round = 1; round <= 20; round++) {
      for (const each of slow) each.hold({ incomplete: MEGABYTE + round })
      await world.pass(500)
    }
    const honest = world.client('honest')
    for (let megabytes = 1; megabytes <= 60; megabytes++) {
      for (const each of slow) if (!each.isEnded) each.hold({ incomplete: each.incomplete + 1 })
      honest.hold({ incomplete: megabytes * MEGABYTE })
      await world.pass(20)
    }
    assert.equal(honest.isEnded, false)
    assert.ok(world.ended.length > 15)
  })

  it('are limited separately from attach frames of links', async () => {
    const world = new World()
    world.client('many links').hold({ attached: 3 * MEGABYTE })
    await world.pass(60_000)
    for (let i = 0; i < 99; i++) world.client(`${i}`).hold({ incomplete: MEGABYTE })
    assert.ok(!world.ended.includes('many links'))
    assert.ok(world.ended.length > 0)
  })
})

describe('unread bytes', () => {
  it('close stalled clients, and the others continue to receive', async () => {
    const world = new World()
    const deaf = Array.from({ length: 20 }, (_, i) => world.client(`deaf ${i}`))
    for (const each of deaf) each.hold({ unread: MEGABYTE })
    const reading = world.client('reading')
    let woken = 0
    const wake = (): void => {
      woken++
    }
    // A client that reads everything receives more messages; one with unread bytes has to wait.
    assert.equal(world.budget.maySend(reading, wake), true)
    reading.hold({ unread: MEGABYTE })
    assert.equal(world.budget.maySend(reading, wake), false)
    reading.hold({ unread: 0 })
    assert.equal(world.budget.maySend(reading, wake), true)
    assert.equal(world.budget.maySend(deaf[0] as Client, wake), false)
    await world.pass(4000)
    assert.deepEqual(world.ended, [])
    await world.pass(15_000)
    assert.equal(world.budget.unread <= 10 * MEGABYTE, true)
    assert.equal(world.ended.length, 10)
    assert.ok(woken > 0)
  })

  it('do not close a client that reads a large message slowly', async () => {
    const world = new World()
    const slow = world.client('slow')
    slow.hold({ unread: 90 * MEGABYTE })
    const deaf = world.client('deaf')
    deaf.hold({ unread: 15 * MEGABYTE })
    for (let i = 0; i < 30; i++) {
      slow.unread -= MEGABYTE
      await world.pass(500)
    }
    assert.deepEqual(world.ended, ['deaf'])
  })
})
