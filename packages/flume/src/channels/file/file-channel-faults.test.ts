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

/** Outcomes that callers have seen. */
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

const FAULTS: readonly DiskFault[] = ['ENOSPC', 'late', 'EIO', 'short']

function faultsOf({ kind }: DiskOperation): readonly DiskFault[] {
  if (kind === 'write') return ['ENOSPC', 'short', 'late', 'EIO']
  if (kind === 'create' || kind === 'rename' || kind === 'makeDirectory') {
    return ['ENOSPC', 'late', 'EIO']
  }
  return kind === 'truncate' || kind === 'sync' || kind === 'remove' || kind === 'syncDirectory'
    ? ['EIO', 'late']
    : ['EIO']
}

/** One call of the scenario and how it fails. */
interface Case {
  readonly at: number
  readonly fault: DiskFault
}

/** Runs the scenario with one failing call, then checks what a restart finds. */
async function run({ at, fault }: Case): Promise<void> {
  const disk = new SimulatedDisk()
  let count = 0
  let failed: DiskOperation | undefined
  disk.faultOf = (operation) => {
    if (count++ !== at) return undefined
    failed = operation
    return fault
  }
  const ledger = new Ledger()
  const where = (): string => `AT=${at} FAULT=${fault} (${failed?.kind} ${failed?.path})`
  const diesAtOnce = (at + FAULTS.indexOf(fault)) % 2 === 0
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
}

/** All disk calls of the scenario without a fault. */
async function record(): Promise<DiskOperation[]> {
  const operations: DiskOperation[] = []
  const disk = new SimulatedDisk()
  disk.faultOf = (operation) => {
    operations.push(operation)
    return undefined
  }
  await work(disk, new Ledger(), false)
  return operations
}

/** Every call with every fault of its kind. */
function allCases(operations: readonly DiskOperation[]): Case[] {
  return operations.flatMap((operation, at) => faultsOf(operation).map((fault) => ({ at, fault })))
}

/** Every fault of each kind of call to each kind of file, at its first and its last call. */
function someCases(operations: readonly DiskOperation[]): Case[] {
  const classOf = ({ kind, path }: DiskOperation): string =>
    `${kind} ${path.replaceAll(/\d+/g, 'N')}`
  const first = new Map<string, Case>()
  const last = new Map<string, Case>()
  for (const { at, fault } of allCases(operations)) {
    const operation = operations[at]
    if (operation === undefined) continue
    const name = `${classOf(operation)} ${fault}`
    if (!first.has(name)) first.set(name, { at, fault })
    last.set(name, { at, fault })
  }
  return [...new Set([...first.values(), ...last.values()])]
}

/** `AT` and `FAULT` run one case, as a failure names it; `DISK_FAULTS=all` runs them all. */
function casesToRun(operations: readonly DiskOperation[]): Case[] {
  const { AT, FAULT, DISK_FAULTS } = process.env
  if (AT !== undefined && FAULT !== undefined) {
    return [{ at: Number(AT), fault: FAULT as DiskFault }]
  }
  return DISK_FAULTS === 'all' ? allCases(operations) : someCases(operations)
}

describe('a file channel whose disk fails one call', () => {
  it('neither loses nor duplicates events, and rejected events do not reappear', async () => {
    // The channel retries with a timer that does not keep Node running by itself.
    const keepAlive = setInterval(() => {}, 1000)
    try {
      const operations = await record()
      assert.ok(operations.length > 100, `${operations.length} calls`)
      for (const each of casesToRun(operations)) await run(each)
    } finally {
      clearInterval(keepAlive)
    }
  })
})
