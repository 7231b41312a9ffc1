// SPDX-License-Identifier: Apache-2.0
import { MillraceError } from '@millrace/base'
import type { DestinationKind } from '../state/state-record.ts'

/** Codes of errors that the engine throws on purpose. */
export const EngineError = {
  notFound: 'MILLRACE_DESTINATION_NOT_FOUND',
  inUse: 'MILLRACE_IN_USE',
  gone: 'MILLRACE_DESTINATION_GONE',
  noRoom: 'MILLRACE_NO_ROOM',
} as const

export function destinationNotFound(kind: DestinationKind, name: string): MillraceError {
  return new MillraceError(EngineError.notFound, `there is no ${kind} ${JSON.stringify(name)}`)
}

/** A destination was deleted that somebody still uses. */
export function destinationGone(kind: DestinationKind, name: string): MillraceError {
  return new MillraceError(EngineError.gone, `${kind} ${name} is gone`)
}

/** Whether an error says that a destination does not exist and may not be created. */
export function isNotFound(error: unknown): boolean {
  return error instanceof MillraceError && error.code === EngineError.notFound
}
