// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { type Clock, MemoryNetwork, nodeWorld } from '@millrace/base'
import { type DiskFault, type DiskOperation, SimulatedDisk, seededRandom } from '@millrace/testkit'
import { Event } from '../../event.ts'
import { componentContext } from '../../testing/context.ts'
import { FileChannel } from './file-channel.ts'

/** Waits hardly at all: between its attempts to note a delivery the channel waits for a second. */
const impatient: Clock = {
  ...nodeWorld.clock,
  setTimer: (delayMs, callback) => nodeWorld.clock.setTimer(Math.min(delayMs, 1), callback),
}

async function openOn(disk: SimulatedDisk, seed: number): Promise<FileChannel> {
  const world = {
    clock: impatient,
    random: seededRandom(seed),
    fileSystem: disk,
    network: new MemoryNetwork(),
  }
  const context = componentContext('CHANNEL', 'c1', { world })
  const channel = new FileChannel(
    {
      capacity: 1000,
      transactionCapacity: 100,
      keepAlive: 0,
      dataDirs: ['/data'],
      checkpointDir: '/checkpoint',
      backupCheckpointDir: '/backup',
      checkpointIntervalMs: 30_000,
      checkpointOnClose: true,
      maxFileSize: 600,
      minimumRequiredSpace: 0,
      fsyncPerTransaction: true,
      fsyncIntervalMs: 5000,
      cacheSize: 0,
      cipher: undefined,
    },
    context,
  )
  await channel.start()
  return channel
}

/** What the outside was told. */
class Ledger {
  readonly put = new Set<string>()
  readonly refused = new Set<string>()
  readonly delivered = new Set<string>()
  readonly maybeDelivered = new Set<string>()
}

async function put(channel: FileChannel, ledger: Ledger, names: readonly string[]): Promise<void> {
  try {
    const transaction = await channel.put(
      names.map((name) => Event.text(name, { name, pad: 'x'.repeat(100) })),
    )
    await transaction.commit()
    for (const name of names) ledger.put.add(name)
  } catch (error) {
    assert.equal((error as Error).name, 'ChannelError', String((error as Error).stack))
    for (const name of names) ledger.refused.add(name)
  }
}

/** Events that are taken count as delivered before the channel has noted it. */
async function take(channel: FileChannel, ledger: Ledger, count: number): Promise<string[]> {
  const taken = await channel.take(count, { waitMs: 0 })
  if (taken === undefined) return []
  const names = taken.events.map(({ body }) => body.toString())
  for (const name of names) ledger.maybeDelivered.add(name)
  await taken.commit()
  for (const name of names) ledger.delivered.add(name)
  return names
}

/** The process dies. */
class Death extends Error {}

/** `diesAtOnce`: right after the first refusal. */
async function work(disk: SimulatedDisk, ledger: Ledger, diesAtOnce: boolean): Promise<void> {
  let channel = await openOn(disk, 1)
  try {
    let next = 0
    for (let step = 0; step < 24; step++) {
      if (step === 12) {
        await channel.stop()
        channel = await openOn(disk, 1)
      }
      const names = Array.from({ length: 1 + (step % 3) }, () => `e${next++}`)
      await put(channel, ledger, names)
      if (step % 4 === 3) {
        // Several at a time share one write.
        await Promise.all(Array.from({ length: 3 }, () => put(channel, ledger, [`e${next++}`])))
      }
      if (diesAtOnce && ledger.refused.size > 0) throw new Death()
      if (step % 2 === 1) await take(channel, ledger, 3)
    }
    await channel.stop()
  } catch (error) {
    if (!(error instanceof Death)) await channel.stop()
    throw error
  }
}

function faultsOf({ kind }: DiskOperation): readonly DiskFault[] {
  if (kind === 'write') return ['ENOSPC', 'short', 'late', 'EIO']
  if (kind === 'create' || kind === 'rename' || kind === 'makeDirectory') {
    return ['ENOSPC', 'late', 'EIO']
  }
  return kind === 'truncate' || kind === 'sync' || kind === 'remove' || kind === 'syncDirectory'
    ? ['EIO', 'late']
    : ['EIO']
}

/** Runs the scenario with its n-th call to the disk failing; false when there are not as many. */
async function run(at: number, variant: number): Promise<{ isOver: boolean; hasMore: boolean }> {
  const disk = new SimulatedDisk()
  let count = 0
  let failed: DiskOperation | undefined
  let hasMore = false
  disk.faultOf = (operation) => {
    if (count++ !== at) return undefined
    const faults = faultsOf(operation)
    failed = operation
    hasMore = variant + 1 < faults.length
    return faults[variant]
  }
  const ledger = new Ledger()
  const where = (): string => `AT=${at} VARIANT=${variant} (${failed?.kind} ${failed?.path})`
  const diesAtOnce = (at + variant) % 2 === 0
  try {
    await work(disk, ledger, diesAtOnce)
  } catch (error) {
    if (failed === undefined) throw error
    if (error instanceof Death) assert.ok(ledger.refused.size > 0)
    else assert.match((error as Error).message, /^[^\n]*(EIO|ENOSPC|full)[^\n]*$/, where())
  }
  disk.faultOf = () => undefined
  const after = at % 3 === 2 ? disk.afterPowerCut(seededRandom(at)) : disk.afterKill()
  const channel = await openOn(after, 2)
  const found: string[] = []
  for (;;) {
    const names = await take(channel, new Ledger(), 100)
    if (names.length === 0) break
    found.push(...names)
  }
  assert.equal(new Set(found).size, found.length, `${where()}: ${found}`)
  for (const name of found) {
    assert.ok(!ledger.delivered.has(name), `${where()}: ${name} was delivered for good`)
    assert.ok(!ledger.refused.has(name), `${where()}: ${name} was refused`)
  }
  for (const name of ledger.put) {
    const isThere = found.includes(name) || ledger.maybeDelivered.has(name)
    assert.ok(isThere, `${where()}: ${name} is lost`)
  }
  assert.equal(channel.size, 0, where())
  await channel.stop()
  return { isOver: failed === undefined, hasMore }
}

describe('a file channel whose disk fails one call', () => {
  it('loses and doubles nothing, and what it refused does not come back', async () => {
    // The channel waits between attempts to note a delivery, with a timer that alone does not keep
    // Node running.
    const keepAlive = setInterval(() => {}, 1000)
    try {
      let runs = 0
      const only = process.env.AT === undefined ? undefined : Number(process.env.AT)
      for (let at = only ?? 0; at <= (only ?? Number.POSITIVE_INFINITY); at++) {
        for (let variant = 0; ; variant++) {
          const { isOver, hasMore } = await run(at, variant)
          runs++
          if (isOver) {
            assert.ok(runs > 200, `${runs} runs`)
            return
          }
          if (!hasMore) break
        }
      }
    } finally {
      clearInterval(keepAlive)
    }
  })
})
