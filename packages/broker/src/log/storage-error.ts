// SPDX-License-Identifier: Apache-2.0
import { isSystemError } from '@millrace/base'
import { ProtocolError } from '@millrace/protocol'

/** The first line of the system's message. */
export function systemMessage(error: unknown): string {
  return (error instanceof Error ? error.message : String(error)).split('\n', 1)[0] ?? ''
}

/**
 * Converts a disk error to that for clients. Other errors, and converted ones, are returned
 * unchanged.
 */
export function storageError(what: string, error: unknown): unknown {
  if (error instanceof ProtocolError || !isSystemError(error)) return error
  return new ProtocolError('KAFKA_STORAGE_ERROR', `cannot ${what}: ${systemMessage(error)}`, {
    cause: error,
  })
}
