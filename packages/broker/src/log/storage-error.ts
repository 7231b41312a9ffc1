// SPDX-License-Identifier: Apache-2.0
import { isSystemError } from '@millrace/base'
import { ProtocolError } from '@millrace/protocol'

/** The first line of what the system says. */
export function systemMessage(error: unknown): string {
  return (error instanceof Error ? error.message : String(error)).split('\n', 1)[0] ?? ''
}

/**
 * The disk's error as clients are told it. Other errors, and those that are told already, are left
 * as they are.
 */
export function storageError(what: string, error: unknown): unknown {
  if (error instanceof ProtocolError || !isSystemError(error)) return error
  return new ProtocolError('KAFKA_STORAGE_ERROR', `cannot ${what}: ${systemMessage(error)}`, {
    cause: error,
  })
}
