// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { MemoryNetwork, nodeWorld, type World } from '@millrace/base'
import { effort, SimulatedDisk, seededRandom } from '@millrace/testkit'
import type { Channel } from '../../channel.ts'
import { Event } from '../../event.ts'
import { componentContext } from '../../testing/context.ts'
import { FileChannel, type FileChannelOptions } from './file-channel.ts'

const defaults: FileChannelOptions = {
  capacity: 100_000,
  transactionCapacity: 1000,
  keepAlive: 0,
  dataDirs: ['/data'],
  checkpointDir: '/checkpoint',
  backupCheckpointDir: undefined,
  checkpointIntervalMs: 30_000,
  checkpointOnClose: true,
  maxFileSize: 600,
  minimumRequiredSpace: 0,
  fsyncPerTransaction: true,
  fsyncIntervalMs: 5000,
  cacheSize: 0,
  cipher: undefined,
}

function worldOf(disk: SimulatedDisk, seed: number, nowMs?: number): World {
  return {
    clock: nowMs === undefined ? nodeWorld.clock : { ...nodeWorld.clock, now: () => nowMs },
    random: seededRandom(seed),
    fileSystem: disk,
    network: new MemoryNetwork(),
  }
}

async function openOn(
  disk: SimulatedDisk,
  seed: number,
  options: Partial<FileChannelOptions> = {},
  nowMs?: number,
): Promise<FileChannel> {
  const context = componentContext('CHANNEL', 'c1', { world: worldOf(disk, seed, nowMs) })
  const channel = new FileChannel({ ...defaults, ...options }, context)
  await channel.start()
  return channel
}

async function drain(channel: Channel): Promise<string[]> {
  const all: string[] = []
  for (;;) {
    const taken = await channel.take(1000, { waitMs: 0 })
    if (taken === undefined) return all
    all.push(...taken.events.map(({ body }) => body.toString()))
    await taken.commit()
  }
}

/** Inverts a byte: whatever the file contains, it is not the same afterwards. */
function damage(disk: SimulatedDisk, path: string, offset: number): void {
  const file = disk.open(path)
  const byte = Buffer.alloc(1)
  file.read(byte, 0, 1, offset)
  file.write([Buffer.from([byte.readUInt8() ^ 255])], offset)
  file.sync()
  file.close()
}

/** Outcomes that callers have seen. */
interface Ledger {
  readonly put: Set<string>
  readonly begun: Set<string>
  readonly delivered: Set<string>
  readonly maybeDelivered: Set<string>
}

/** Puts and takes until the power goes. */
async function work(channel: FileChannel, ledger: Ledger, seed: number): Promise<void> {
  const random = seededRandom(seed)
  let next = 0
  for (let step = 0; step < 60; step++) {
    // In the middle a restart, so that the second half begins with a checkpoint.
    if (step === 30) {
      await channel.stop()
      await channel.start()
    }
    // Now and then the log's end is written while what is before it is not settled, with a
    // checkpoint in between.
    if (step % 8 === 7) {
      const many = Array.from({ length: 6 }, () => `e${next++}`)
      await Promise.all(
        many.map(async (name) => {
          ledger.begun.add(name)
          const put = await channel.put([Event.text(name, { name, pad: 'x'.repeat(200) })])
          await put.commit()
          ledger.put.add(name)
          await new Promise((resolve) => setImmediate(resolve))
        }),
      )
    }
    const choice = random.integer(10)
    if (choice < 6) {
      const names = Array.from({ length: 1 + random.integer(5) }, () => `e${next++}`)
      for (const name of names) ledger.begun.add(name)
      // Much at a time is written in another way.
      const pad = next % 7 === 0 ? 'x'.repeat(70_000) : ''
      const put = await channel.put(names.map((name) => Event.text(name, { name, pad })))
      if (choice === 5) await put.rollback()
      else {
        await put.commit()
        for (const name of names) ledger.put.add(name)
      }
      if (choice === 5) for (const name of names) ledger.begun.delete(name)
    } else {
      const taken = await channel.take(1 + random.integer(6), { waitMs: 0 })
      if (taken === undefined) continue
      const names = taken.events.map(({ body }) => body.toString())
      if (choice === 9) await taken.rollback()
      else {
        for (const name of names) ledger.maybeDelivered.add(name)
        await taken.commit()
        for (const name of names) ledger.delivered.add(name)
      }
    }
  }
  await channel.stop()
}

describe('file channel', () => {
  it('loses and doubles nothing when the power goes at any disk operation', async () => {
    const whole = new SimulatedDisk()
    const empty = (): Ledger => ({
      put: new Set(),
      begun: new Set(),
      delivered: new Set(),
      maybeDelivered: new Set(),
    })
    await work(await openOn(whole, 1), empty(), 1)
    const total = whole.operations
    assert.ok(total > 100)
    // A step that is prime to the pattern of operations visits every kind of them.
    for (let cut = 1; cut < total; cut += effort(7, 1)) {
      const disk = new SimulatedDisk()
      disk.cutAt = cut
      const ledger = empty()
      const power = Promise.withResolvers<void>()
      disk.onCut = () => power.resolve()
      let dying: FileChannel | undefined
      const working = openOn(disk, 1)
        .then((channel) => {
          dying = channel
          return work(channel, ledger, 1)
        })
        .catch(() => {})
      // No code runs after a power failure, but a channel that retries would.
      await Promise.race([working, power.promise])
      await dying?.stop().catch(() => {})
      const after = disk.afterPowerCut(seededRandom(cut))
      const channel = await openOn(after, cut)
      const found = await drain(channel)
      const where = `cut at ${cut} of ${total}`
      assert.equal(new Set(found).size, found.length, `${where}: ${found}`)
      for (const name of found) {
        assert.ok(!ledger.delivered.has(name), `${where}: ${name} was delivered for good`)
        assert.ok(ledger.begun.has(name), `${where}: ${name} was never put`)
      }
      for (const name of ledger.put) {
        const isThere = found.includes(name) || ledger.maybeDelivered.has(name)
        assert.ok(isThere, `${where}: ${name} is lost`)
      }
      assert.equal(channel.size, 0, where)
      await channel.stop()
    }
  })

  it('keeps few events in memory and returns all in order', async () => {
    const channel = await openOn(new SimulatedDisk(), 3, { cacheSize: 500, maxFileSize: 20_000 })
    const names: string[] = []
    for (let batch = 0; batch < 100; batch++) {
      const batchNames = Array.from({ length: 10 }, (_, index) => `event ${batch * 10 + index}`)
      names.push(...batchNames)
      await (await channel.put(batchNames.map((name) => Event.text(name)))).commit()
    }
    assert.equal(channel.size, 1000)
    assert.deepEqual(await drain(channel), names)
    assert.equal(channel.size, 0)
    await channel.stop()
  })

  it('rejects puts while the disk is full, keeps its events, and continues once there is space', async () => {
    const disk = new SimulatedDisk()
    const channel = await openOn(disk, 4, { maxFileSize: 1_000_000 })
    const body = 'x'.repeat(500)
    await (await channel.put([Event.text(`${body}1`)])).commit()
    disk.capacityBytes = 1300
    const put = await channel.put([Event.text(`${body}2`), Event.text(body)])
    await assert.rejects(put.commit(), /disk is full/)
    assert.equal(channel.size, 1)
    disk.capacityBytes = Number.POSITIVE_INFINITY
    await (await channel.put([Event.text('3')])).commit()
    assert.deepEqual(await drain(channel), [`${body}1`, '3'])
    await channel.stop()
    const again = await openOn(disk, 5)
    assert.deepEqual(await drain(again), [])
    await again.stop()
  })

  it('removes segments whose events are gone', async () => {
    const disk = new SimulatedDisk()
    const channel = await openOn(disk, 6)
    for (let i = 0; i < 50; i++) await (await channel.put([Event.text('x'.repeat(100))])).commit()
    const full = disk.list('/data').length
    await drain(channel)
    await channel.stop()
    assert.ok(disk.list('/data').length < full / 3)
  })

  it('continues without the events of a damaged region, and does not wait for them', async () => {
    // Frames contain positions, and positions the time of the start: at the second time the byte
    // that is damaged is 255.
    const cells = (['first', 'middle', 'last'] as const).flatMap((place) =>
      [1_795_000_000_000, 1_795_000_110_500].map((nowMs) => ({ place, nowMs })),
    )
    for (const { place, nowMs } of cells) {
      const disk = new SimulatedDisk()
      const channel = await openOn(disk, 7, {}, nowMs)
      for (let i = 0; i < 110; i++) await (await channel.put([Event.text(`event ${i}`)])).commit()
      await channel.stop()
      const names = disk.list('/data').filter(({ name }) => name.endsWith('.wal'))
      names.sort((a, b) => (a.name < b.name ? -1 : 1))
      const index = { first: 0, middle: Math.floor(names.length / 2), last: names.length - 1 }[
        place
      ]
      damage(disk, `/data/${names[index]?.name}`, 12)
      const again = await openOn(disk, 8)
      assert.equal(again.size, 110)
      await (await again.put([Event.text('put before the damage is met')])).commit()
      const found = await drain(again)
      assert.equal(found.pop(), 'put before the damage is met', place)
      assert.ok(found.length >= 80 && found.length < 110, `${place}: ${found.length}`)
      assert.equal(again.size, 0, place)
      await (await again.put([Event.text('more')])).commit()
      assert.deepEqual(await drain(again), ['more'])
      await again.stop()
      assert.equal(disk.list('/data').filter(({ name }) => name.endsWith('.wal')).length, 1)
    }
  })

  it('recovers after a power failure without syncs', async () => {
    for (let seed = 1; seed <= effort(10, 60); seed++) {
      const disk = new SimulatedDisk()
      const options = { fsyncPerTransaction: false, fsyncIntervalMs: 1 }
      const channel = await openOn(disk, seed, options)
      const random = seededRandom(seed)
      for (let i = 0; i < 40; i++) {
        await (await channel.put([Event.text(`event ${i}`)])).commit()
        if (i % 3 === 0) await (await channel.take(2, { waitMs: 0 }))?.commit()
        if (random.integer(4) === 0) await new Promise((resolve) => setTimeout(resolve, 1))
      }
      const after = disk.afterPowerCut(random)
      const again = await openOn(after, seed + 100, options)
      const found = await drain(again)
      assert.equal(new Set(found).size, found.length)
      assert.equal(again.size, 0, `seed ${seed}`)
      await again.stop()
      await channel.stop()
    }
  })

  it('leaves the files of Apache Flume alone', async () => {
    const disk = new SimulatedDisk()
    disk.makeDirectory('/data')
    disk.writeFile('/data/log-1', 'theirs')
    await assert.rejects(openOn(disk, 9), /file channel of Apache Flume/)
  })
})
