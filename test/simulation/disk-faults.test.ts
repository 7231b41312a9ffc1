// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { type DiskFault, type DiskOperation, SimulatedDisk, seededRandom } from '@millrace/testkit'
import { FaultyMachine } from './faulty-machine.ts'

const SMALL_SEGMENTS = { 'internal.segment.bytes': '600' }

/** Every operation for which a broker writes files, with a restart in between. */
async function work(machine: FaultyMachine): Promise<void> {
  await machine.start()
  await machine.createTopics({
    orders: { partitions: 2, configs: { ...SMALL_SEGMENTS, 'retention.bytes': '1500' } },
    state: {
      configs: {
        ...SMALL_SEGMENTS,
        'cleanup.policy': 'compact',
        'min.cleanable.dirty.ratio': '0.01',
      },
    },
    gone: {},
    tx: { configs: SMALL_SEGMENTS },
  })
  for (let i = 0; i < 10; i++) {
    await machine.produce('orders', 0, `a${i} ${'x'.repeat(120)}`)
    await machine.produce('orders', 1, `b${i} ${'x'.repeat(120)}`)
    await machine.produce('state', 0, `k${i % 3} ${i} ${'x'.repeat(100)}`, { key: `k${i % 3}` })
  }
  await machine.produce('gone', 0, 'first life')
  await machine.transaction(['t1', 't2'], true)
  await machine.transaction(['t3', 't4'], false)
  await machine.commitOffset(5n)
  await machine.broker?.compact()
  await machine.broker?.enforceRetention()
  await machine.deleteRecords('orders', 1, 8n)
  await machine.move('orders', 0)
  await machine.deleteTopic('gone')
  await machine.createTopics({ gone: {} })
  await machine.produce('gone', 0, 'second life')
  await machine.alterConfig('orders', 'retention.ms', '86400000')
  for (let i = 10; i < 13; i++) {
    await machine.produce('orders', 0, `a${i} ${'x'.repeat(120)}`)
    await machine.produce('orders', 1, `b${i} ${'x'.repeat(120)}`)
    await machine.produce('state', 0, `k${i % 3} ${i} ${'x'.repeat(100)}`, { key: `k${i % 3}` })
  }
  await machine.broker?.compact()
  await machine.verify({ mustBeOnline: false })
  await machine.close()
  await machine.start()
  await machine.produce('orders', 0, 'a13')
  await machine.produce('orders', 1, 'b13')
  await machine.transaction(['t5'], true)
  await machine.commitOffset(6n)
  await machine.verify({ mustBeOnline: false })
}

/** How a call of this kind can fail. */
function faultsOf({ kind }: DiskOperation): readonly DiskFault[] {
  switch (kind) {
    case 'write':
      return ['ENOSPC', 'short', 'late', 'EIO']
    case 'create':
    case 'makeDirectory':
    case 'rename':
      return ['ENOSPC', 'late', 'EIO']
    case 'truncate':
    case 'sync':
    case 'remove':
    case 'syncDirectory':
      return ['EIO', 'late']
    case 'open':
    case 'read':
    case 'size':
    case 'stat':
    case 'list':
      return ['EIO']
  }
}

/** One failing call, or all calls from one on: the disk is full, or a directory has failed. */
type Trouble =
  | { readonly kind: 'once'; readonly fault: DiskFault }
  | { readonly kind: 'full' }
  | { readonly kind: 'broken' }

function troublesOf(operation: DiskOperation): readonly Trouble[] {
  return faultsOf(operation).map((fault) => ({ kind: 'once', fault }))
}

function directoryOf(path: string): string {
  return path.split('/')[1] ?? ''
}

/** Makes calls fail from the n-th on. Returns a function that returns the first failed call. */
function arm(disk: SimulatedDisk, at: number, trouble: Trouble): () => DiskOperation | undefined {
  let count = 0
  let failed: DiskOperation | undefined
  disk.faultOf = (operation) => {
    const number = count++
    if (number < at) return undefined
    failed ??= operation
    switch (trouble.kind) {
      case 'once':
        return number === at ? trouble.fault : undefined
      case 'full':
        return /^(write|create|makeDirectory)$/.test(operation.kind) ? 'ENOSPC' : undefined
      case 'broken':
        return directoryOf(operation.path) === directoryOf(failed.path) ? 'EIO' : undefined
    }
  }
  return () => failed
}

/** An error for the user: a code, and one line. */
function assertClear(error: unknown): void {
  const { message, code, stack } = error as Error & { readonly code?: unknown }
  assert.equal(typeof code, 'string', String(stack))
  assert.doesNotMatch(message, /\n/)
}

/**
 * Runs the scenario with trouble, and what comes after on a sound disk; returns whether a directory
 * went offline.
 */
async function run(at: number, trouble: Trouble): Promise<boolean> {
  const disk = new SimulatedDisk()
  const failed = arm(disk, at, trouble)
  const machine = new FaultyMachine(disk, 1)
  try {
    try {
      await work(machine)
    } catch (error) {
      if (machine.broker !== undefined || failed() === undefined) throw error
      // It did not start, or did not shut down cleanly.
      assertClear(error)
    }
    disk.faultOf = () => undefined
    const { isOffline } = machine.promises
    if (at % 3 === 0) await machine.close().catch(assertClear)
    else {
      await machine.abandon()
      machine.disk = at % 3 === 1 ? disk.afterKill() : disk.afterPowerCut(seededRandom(at))
    }
    machine.failures.length = 0
    await recover(machine)
    return isOffline
  } catch (error) {
    await machine.abandon()
    const what = `${failed()?.kind} ${failed()?.path}`
    throw new Error(
      `AT=${at} TROUBLE='${JSON.stringify(trouble)}' (${what}): ${(error as Error).message}`,
      { cause: error },
    )
  }
}

/** After the next starts all promises hold, and records are accepted again. */
async function recover(machine: FaultyMachine): Promise<void> {
  for (let life = 0; life < 2; life++) {
    await machine.start()
    await machine.verify({ mustBeOnline: true })
    for (const name of ['orders-0', 'orders-1', 'state-0', 'gone-0']) {
      const [topic = '', partition = ''] = name.split('-')
      if (machine.broker?.topicNames.includes(topic) !== true) continue
      const key = topic === 'state' ? { key: 'last' } : {}
      const value = `last ${life} ${name}`
      const isAccepted = await machine.produce(topic, Number(partition), value, key)
      assert.ok(isAccepted, `${name} accepts records again`)
    }
    await machine.verify({ mustBeOnline: true })
    await machine.close()
  }
}

/** All calls to the disk of the scenario without a fault. */
async function record(): Promise<DiskOperation[]> {
  const disk = new SimulatedDisk()
  const operations: DiskOperation[] = []
  disk.faultOf = (operation) => {
    operations.push(operation)
    return undefined
  }
  const machine = new FaultyMachine(disk, 1)
  await work(machine)
  disk.faultOf = () => undefined
  await recoverInOrder(machine)
  return operations
}

async function recoverInOrder(machine: FaultyMachine): Promise<void> {
  await machine.close()
  await recover(machine)
}

/** Calls of one class are the same operation on the same kind of file. */
function classOf({ kind, path }: DiskOperation): string {
  const file = path
    .replace(/^\/(one|two)/, '')
    .replace(/^\/(orders|state|gone|tx|__(consumer|transaction)\w+)-\d+/, '/partition')
    .replaceAll(/\d{20}/g, 'N')
    .replaceAll(/[0-9a-f]{32}/g, 'ID')
  return `${kind} ${file}`
}

interface Case {
  readonly at: number
  readonly trouble: Trouble
}

/** Every call with every fault of its kind, and permanent faults from every fifth call on. */
function allCases(operations: readonly DiskOperation[]): Case[] {
  return operations.flatMap((operation, at): Case[] => [
    ...troublesOf(operation).map((trouble) => ({ at, trouble })),
    ...(at % 5 === 0
      ? [
          { at, trouble: { kind: 'full' as const } },
          { at, trouble: { kind: 'broken' as const } },
        ]
      : []),
  ])
}

/**
 * Of each class of calls a first, with one of its faults, and the lasting troubles here and there.
 */
function someCases(operations: readonly DiskOperation[]): Case[] {
  const seen = new Set<string>()
  return operations.flatMap((operation, at): Case[] => {
    const cases: Case[] = []
    if (!seen.has(classOf(operation))) {
      seen.add(classOf(operation))
      const troubles = troublesOf(operation)
      const trouble = troubles[seen.size % troubles.length]
      if (trouble !== undefined) cases.push({ at, trouble })
    }
    if (at % 160 === 40) cases.push({ at, trouble: { kind: at % 320 === 40 ? 'full' : 'broken' } })
    return cases
  })
}

/**
 * `AT` and `TROUBLE` select one case, as printed by a failure; `DISK_FAULTS=all` runs all cases.
 */
function casesToRun(operations: readonly DiskOperation[]): Case[] {
  const { AT, TROUBLE, DISK_FAULTS } = process.env
  if (AT !== undefined && TROUBLE !== undefined) {
    return [{ at: Number(AT), trouble: JSON.parse(TROUBLE) as Trouble }]
  }
  return DISK_FAULTS === 'all' ? allCases(operations) : someCases(operations)
}

describe('a broker whose disk fails', () => {
  it('keeps its promises, never returns rejected records, and restarts', async () => {
    // Timers of the broker alone do not keep Node running.
    const keepAlive = setInterval(() => {}, 1000)
    try {
      const operations = await record()
      assert.ok(operations.length > 1000, `${operations.length} calls`)
      const cases = casesToRun(operations)
      let offlineCount = 0
      const failures: string[] = []
      for (const { at, trouble } of cases) {
        try {
          if (await run(at, trouble)) offlineCount++
        } catch (error) {
          failures.push((error as Error).message)
          if (failures.length === 10 || cases.length === 1) throw error
        }
      }
      assert.deepEqual(failures, [])
      // Most faults fail one request only.
      const isSweep = cases.length > 1
      assert.ok(!isSweep || offlineCount < cases.length / 4, `${offlineCount} went offline`)
    } finally {
      clearInterval(keepAlive)
    }
  })
})
