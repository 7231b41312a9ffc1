// SPDX-License-Identifier: Apache-2.0
import { randomInt } from 'node:crypto'
import { createServer } from 'node:net'

/** Below the ephemeral port ranges of Linux (from 32768) and macOS (from 49152). */
const FIRST = 10_000
const LAST = 32_767
const given = new Set<number>()

/**
 * A TCP port of 127.0.0.1 for a server that is started later, in this process or another. It is
 * outside of the system's ephemeral range, and never returned twice.
 */
export async function freePort(): Promise<number> {
  for (;;) {
    const port = randomInt(FIRST, LAST + 1)
    if (given.has(port) || !(await isFree(port))) continue
    given.add(port)
    return port
  }
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer()
    server.once('error', () => resolve(false))
    server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)))
  })
}
