// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict'
import { setTimeout as sleep } from 'node:timers/promises'
import { misbehaviours, Sockets, type Target } from './misbehaviours.ts'
import type { ServerUnderTest } from './server-under-test.ts'

/** A protocol on a port of a server under test. */
export interface Protocol extends Target {
  readonly name: string
}

/** What is watched while clients misbehave. */
export interface Watched {
  readonly server: ServerUnderTest
  /** One exchange of an honest client on a new connection. */
  readonly exchange: () => Promise<void>
  /** What hostile clients left that should be gone; empty if nothing. */
  readonly leftovers: () => Promise<readonly string[]>
}

/** Outcome of one misbehaviour on one port. */
export interface Outcome {
  readonly protocol: string
  readonly misbehaviour: string
  /** Longest exchange of the honest client in the meantime, milliseconds. */
  readonly slowestMs: number
  /** Memory above that before, after things settled, MiB. */
  readonly grownMiB: number
  readonly problems: readonly string[]
}

const MAX_EXCHANGE_MS = 100
const MAX_GROWN_MIB = 50
const SETTLE_MS = 15_000

/** Durations of exchanges until the signal is aborted. */
async function watch(exchange: () => Promise<void>, signal: AbortSignal): Promise<number[]> {
  const took: number[] = []
  while (!signal.aborted) {
    const began = performance.now()
    await exchange()
    took.push(performance.now() - began)
    await sleep(10)
  }
  return took
}

async function slowest(exchange: () => Promise<void>, work: Promise<void>): Promise<number> {
  const end = new AbortController()
  const watching = watch(exchange, end.signal)
  await work
  end.abort()
  return Math.max(...(await watching))
}

/** Runs one misbehaviour while an honest client works, and reports what it changed. */
export async function misbehave(
  protocol: Protocol,
  misbehaviour: string,
  { server, exchange, leftovers }: Watched,
): Promise<Outcome> {
  const sockets = new Sockets()
  // The machine may be busy: what is slow without a hostile client is not the server's doing.
  const usual = await slowest(exchange, sleep(300))
  const before = { memory: server.residentMiB, descriptors: server.descriptors }
  const act = misbehaviours[misbehaviour]
  assert.ok(act !== undefined)
  let slowestMs = Number.POSITIVE_INFINITY
  const problems: string[] = []
  try {
    slowestMs = await slowest(exchange, act(protocol, sockets))
  } catch (error) {
    problems.push(`the honest client failed: ${(error as Error).message}`)
  } finally {
    sockets.closeAll()
  }
  if (server.ended !== undefined) {
    problems.push(`the process ended: ${server.ended}`)
    return { protocol: protocol.name, misbehaviour, slowestMs, grownMiB: 0, problems }
  }
  const limit = Math.max(MAX_EXCHANGE_MS, 5 * usual)
  if (slowestMs > limit) {
    problems.push(`an honest client waited ${slowestMs.toFixed(0)} ms, usually ${usual.toFixed(0)}`)
  }
  const grownMiB = (): number => server.residentMiB - before.memory
  const settled = (): boolean =>
    grownMiB() <= MAX_GROWN_MIB && server.descriptors <= before.descriptors
  const deadline = performance.now() + SETTLE_MS
  while (!settled() && performance.now() < deadline) await sleep(100)
  if (grownMiB() > MAX_GROWN_MIB) problems.push(`memory grew by ${grownMiB().toFixed(0)} MiB`)
  if (server.descriptors > before.descriptors) {
    problems.push(`${server.descriptors - before.descriptors} descriptors are left`)
  }
  problems.push(...(await leftovers()), ...server.newFaults())
  return { protocol: protocol.name, misbehaviour, slowestMs, grownMiB: grownMiB(), problems }
}
