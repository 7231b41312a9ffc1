// SPDX-License-Identifier: Apache-2.0
import { MillraceError, systemErrorCode } from './errors.ts'

const reasons: Readonly<Record<string, string>> = {
  EADDRINUSE: 'the port is taken by another program',
  EACCES: 'ports below 1024 need permission',
  EADDRNOTAVAIL: 'this machine has no such address',
  ENOTFOUND: 'this machine has no such address',
}

/**
 * The error of a failed `listen`: `MILLRACE_LISTEN` with the address and the reason if it is a
 * known one, else the error itself. `cause` is Node's error.
 */
export function listenError(host: string, port: number, error: unknown): unknown {
  const reason = reasons[systemErrorCode(error) ?? '']
  if (reason === undefined) return error
  return new MillraceError('MILLRACE_LISTEN', `cannot listen on ${host}:${port}: ${reason}`, {
    cause: error,
    retriable: true,
  })
}
