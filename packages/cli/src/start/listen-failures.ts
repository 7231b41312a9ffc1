// SPDX-License-Identifier: Apache-2.0
import { MillraceError, systemErrorCode } from '@millrace/base'
import { portHolder } from '../port-holder.ts'
import { UsageError } from '../usage-error.ts'

/** Whether an address is in use by another program. */
export function isTaken(error: unknown): boolean {
  return listenCode(error) === 'EADDRINUSE'
}

/** Node's code of a failed `listen`, also of one that was explained already. */
function listenCode(error: unknown): string | undefined {
  return systemErrorCode(
    error instanceof MillraceError && error.code === 'MILLRACE_LISTEN' ? error.cause : error,
  )
}

/** `cannot listen for AMQP on HOST:PORT: the address is in use by …`. */
export function inUseMessage(what: string, listener: string): string {
  const port = Number(/:(\d+)(?:[/,]|$)/.exec(listener)?.[1])
  const holder = portHolder(port)
  const by = holder === undefined ? '' : ` by ${holder}`
  return `cannot listen for ${what} on ${listener}: the address is in use${by}`
}

/** Adds advice to the error of an address that cannot be used; other errors stay. */
export function explainListen(
  error: unknown,
  what: string,
  listener: string,
  advice: string,
): unknown {
  if (isTaken(error)) return new UsageError(`${inUseMessage(what, listener)}; ${advice}`)
  const code = listenCode(error)
  if (code === 'EACCES' || code === 'EADDRNOTAVAIL') {
    return new UsageError(`cannot listen for ${what} on ${listener} (${code}); ${advice}`)
  }
  return error
}
