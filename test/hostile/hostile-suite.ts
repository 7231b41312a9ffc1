// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict'
import { setTimeout as sleep } from 'node:timers/promises'
import type { ControlProcess } from './control-process.ts'
import { type Exchanges, exchangesDuring, periodOf } from './exchange-times.ts'
import { type Misbehaviour, misbehaviours, Sockets, type Target } from './misbehaviours.ts'
import { type Descriptors, runQueueMs, type ServerUnderTest } from './server-under-test.ts'

/** A protocol on a port of a server under test. */
export interface Protocol extends Target {
  readonly name: string
  /** Misbehaviours of clients of this protocol only, by name. Default: none. */
  readonly ownMisbehaviours?: Readonly<Record<string, Misbehaviour>>
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
/** Limit whatever the load of the machine. */
const MAX_LOADED_EXCHANGE_MS = 2000
const MAX_GROWN_MIB = 50
/** Growth by a repetition, MiB, and the largest growth by a first load. */
const MAX_REPEATED_MIB = 10
const MAX_FIRST_MIB = 150
const SETTLE_MS = 15_000

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
  control: ControlProcess,
): Promise<Outcome> {
  const sockets = new Sockets()
  const exchanges: Exchanges = {
    exchange,
    control: () => control.exchange(),
    queuedMs: () => server.queuedMs + runQueueMs('self'),
  }
  const usual = periodOf(await exchangesDuring(sleep(300), exchanges))
  const before = { memory: server.residentMiB, descriptors: server.descriptors }
  const act = misbehaviours[misbehaviour] ?? protocol.ownMisbehaviours?.[misbehaviour]
  assert.ok(act !== undefined)
  let slowestMs = Number.POSITIVE_INFINITY
  let longestMs = Number.POSITIVE_INFINITY
  const problems: string[] = []
  try {
    const times = await exchangesDuring(act(protocol, sockets), exchanges)
    ;({ slowestMs, longestMs } = periodOf(times, usual.controlMs))
  } catch (error) {
    problems.push(`the honest client failed: ${(error as Error).message}`)
  } finally {
    sockets.closeAll()
  }
  if (server.ended !== undefined) {
    problems.push(`the process exited: ${server.ended}`)
    return { protocol: protocol.name, misbehaviour, slowestMs, grownMiB: 0, problems }
  }
  const limit = Math.max(MAX_EXCHANGE_MS, 5 * usual.slowestMs)
  if (slowestMs > limit || longestMs > MAX_LOADED_EXCHANGE_MS) {
    const texts = [slowestMs, longestMs, usual.slowestMs].map((ms) => `${ms.toFixed(0)} ms`)
    problems.push(
      `an honest client waited ${texts[0]}, ${texts[1]} with the load of the machine, usually ${texts[2]}`,
    )
  }
  const grownMiB = (): number => server.residentMiB - before.memory
  const settle = async (limitMiB: number): Promise<void> => {
    const deadline = performance.now() + SETTLE_MS
    const isSettled = (): boolean =>
      grownMiB() <= limitMiB && leaks(before.descriptors, server.descriptors).length === 0
    while (!isSettled() && performance.now() < deadline) await sleep(100)
  }
  await settle(MAX_GROWN_MIB)
  const first = grownMiB()
  if (first > MAX_GROWN_MIB) {
    // A first load of its kind may enlarge the heap once; what leaks grows with each repetition.
    await act(protocol, sockets).finally(() => sockets.closeAll())
    const limitMiB = Math.min(first + MAX_REPEATED_MIB, MAX_FIRST_MIB)
    await settle(limitMiB)
    if (grownMiB() > limitMiB) {
      problems.push(
        `memory grew by ${first.toFixed(0)} MiB, with a repetition by ${grownMiB().toFixed(0)} MiB`,
      )
    }
  }
  problems.push(...leaks(before.descriptors, server.descriptors))
  problems.push(...(await leftovers()), ...server.newFaults())
  return { protocol: protocol.name, misbehaviour, slowestMs, grownMiB: grownMiB(), problems }
}
