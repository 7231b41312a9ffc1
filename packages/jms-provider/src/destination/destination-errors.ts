// SPDX-License-Identifier: Apache-2.0
import { MillraceError } from '@millrace/base'
import type { DestinationKind } from '../state/state-record.ts'

/** Codes of the errors that the engine throws. */
export const EngineError = {
  /** The name contains a wildcard. */
  invalidName: 'MILLRACE_INVALID_DESTINATION_NAME',
  notFound: 'MILLRACE_DESTINATION_NOT_FOUND',
  inUse: 'MILLRACE_IN_USE',
  gone: 'MILLRACE_DESTINATION_GONE',
  memoryExceeded: 'MILLRACE_TEMPORARY_MEMORY_EXCEEDED',
} as const

export function destinationNotFound(kind: DestinationKind, name: string): MillraceError {
  return new MillraceError(EngineError.notFound, `${kind} ${JSON.stringify(name)} does not exist`)
}

/** Creates the error for a destination that was deleted while in use. */
export function destinationGone(kind: DestinationKind, name: string): MillraceError {
  return new MillraceError(EngineError.gone, `${kind} ${name} was deleted`)
}

/** Whether an error reports that a destination does not exist and may not be created. */
export function isNotFound(error: unknown): boolean {
  return error instanceof MillraceError && error.code === EngineError.notFound
}
