// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict'
import { setTimeout as sleep } from 'node:timers/promises'
import { misbehaviours, Sockets, type Target } from './misbehaviours.ts'
import { type Descriptors, runQueueMs, type ServerUnderTest } from './server-under-test.ts'

/** A protocol on a port of a server under test. */
export interface Protocol extends Target {
  readonly name: string
}

/** Measurements taken while clients misbehave. */
export interface Watched {
  readonly server: ServerUnderTest
  /** One exchange of an honest client on a new connection. */
  readonly exchange: () => Promise<void>
  /** Resources of hostile clients that were not released; empty if there are none. */
  readonly leftovers: () => Promise<readonly string[]>
}

/** Outcome of one misbehaviour on one port. */
export interface Outcome {
  readonly protocol: string
  readonly misbehaviour: string
  /** Longest exchange of the honest client in the meantime, milliseconds. */
  readonly slowestMs: number
  /** Memory growth after the server has settled, MiB. */
  readonly grownMiB: number
  readonly problems: readonly string[]
}

const MAX_EXCHANGE_MS = 100
const MAX_GROWN_MIB = 50
const SETTLE_MS = 15_000

/**
 * Measures exchanges until the signal is aborted. Time in which this process or the server was
 * runnable but had no processor is not counted: it depends on the load of the machine.
 */
async function watch(
  exchange: () => Promise<void>,
  server: ServerUnderTest,
  signal: AbortSignal,
): Promise<number[]> {
  const queuedMs = (): number => server.queuedMs + runQueueMs('self')
  const took: number[] = []
  while (!signal.aborted) {
    const queuedBefore = queuedMs()
    const began = performance.now()
    await exchange()
    const elapsedMs = performance.now() - began
    took.push(Math.max(0, elapsedMs - (queuedMs() - queuedBefore)))
    await sleep(10)
  }
  return took
}

async function slowest(
  exchange: () => Promise<void>,
  server: ServerUnderTest,
  work: Promise<void>,
): Promise<number> {
  const end = new AbortController()
  const watching = watch(exchange, server, end.signal)
  await work
  end.abort()
  return Math.max(...(await watching))
}

/** Open resources that should be closed. */
function leaks(before: Descriptors, after: Descriptors): string[] {
  const found: string[] = []
  const sockets = after.sockets.length - before.sockets.length
  if (sockets > 0) found.push(`${sockets} sockets are left open`)
  const doubled = after.logFiles.filter((file, i) => after.logFiles.indexOf(file) !== i)
  if (doubled.length > 0) found.push(`log files are open twice: ${doubled.join(', ')}`)
  if (after.others.length > before.others.length) {
    const known = new Set(before.others)
    const more = after.others.filter((target) => !known.has(target))
    found.push(`other descriptors are left open: ${more.join(', ')}`)
  }
  return found
}

/**
 * Puts a server under load before its memory is measured: under its first load a process grows by
 * the young generation of its heap (three times 16 MiB) and by compiled code, and keeps them.
 */
export async function warmUp(protocol: Protocol): Promise<void> {
  const sockets = new Sockets()
  try {
    await misbehaviours['never reads']?.(protocol, sockets)
  } finally {
    sockets.closeAll()
  }
}

/** Runs one misbehaviour while an honest client works, and reports what it changed. */
export async function misbehave(
  protocol: Protocol,
  misbehaviour: string,
  { server, exchange, leftovers }: Watched,
): Promise<Outcome> {
  const sockets = new Sockets()
  const usual = await slowest(exchange, server, sleep(300))
  const before = { memory: server.residentMiB, descriptors: server.descriptors }
  const act = misbehaviours[misbehaviour]
  assert.ok(act !== undefined)
  let slowestMs = Number.POSITIVE_INFINITY
  const problems: string[] = []
  try {
    slowestMs = await slowest(exchange, server, act(protocol, sockets))
  } catch (error) {
    problems.push(`the honest client failed: ${(error as Error).message}`)
  } finally {
    sockets.closeAll()
  }
  if (server.ended !== undefined) {
    problems.push(`the process exited: ${server.ended}`)
    return { protocol: protocol.name, misbehaviour, slowestMs, grownMiB: 0, problems }
  }
  const limit = Math.max(MAX_EXCHANGE_MS, 5 * usual)
  if (slowestMs > limit) {
    problems.push(`an honest client waited ${slowestMs.toFixed(0)} ms, usually ${usual.toFixed(0)}`)
  }
  const grownMiB = (): number => server.residentMiB - before.memory
  const settled = (): boolean =>
    grownMiB() <= MAX_GROWN_MIB && leaks(before.descriptors, server.descriptors).length === 0
  const deadline = performance.now() + SETTLE_MS
  while (!settled() && performance.now() < deadline) await sleep(100)
  if (grownMiB() > MAX_GROWN_MIB) problems.push(`memory grew by ${grownMiB().toFixed(0)} MiB`)
  problems.push(...leaks(before.descriptors, server.descriptors))
  problems.push(...(await leftovers()), ...server.newFaults())
  return { protocol: protocol.name, misbehaviour, slowestMs, grownMiB: grownMiB(), problems }
}
