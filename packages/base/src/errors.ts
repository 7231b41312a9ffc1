// SPDX-License-Identifier: Apache-2.0

/** Options of a `MillraceError`. */
export interface MillraceErrorOptions {
  /** Whether the same call may succeed if it is repeated. Default false. */
  readonly retriable?: boolean
  /** The error that caused this one. */
  readonly cause?: unknown
}

/** Base class of all errors thrown on purpose. Match on `code`, not on class or message. */
export class MillraceError extends Error {
  override readonly name: string = 'MillraceError'
  /** Kafka's error name for protocol errors, `MILLRACE_…` for all others. */
  readonly code: string
  /** Whether the same call may succeed if it is repeated. */
  readonly retriable: boolean

  /** Creates the error; `message` names the subject, the value and the accepted values. */
  constructor(code: string, message: string, options: MillraceErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause })
    this.code = code
    this.retriable = options.retriable ?? false
  }
}

/** Ends a `switch` over a union: reaching it is a programming error. */
export function assertNever(value: never): never {
  throw new TypeError(`unhandled variant: ${JSON.stringify(value)}`)
}

/**
 * Whether the operating system reported the error (`ENOENT`, `ENOSPC` …), not Node or a program.
 */
export function isSystemError(error: unknown): boolean {
  return /^E[A-Z0-9]+$/.test(systemErrorCode(error) ?? '')
}

/** The `code` of a Node system error (`ENOENT`, `ENOSPC` …), or undefined for anything else. */
export function systemErrorCode(error: unknown): string | undefined {
  if (error instanceof Error && 'code' in error && typeof error.code === 'string') return error.code
  return undefined
}
