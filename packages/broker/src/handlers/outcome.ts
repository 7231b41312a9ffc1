// SPDX-License-Identifier: Apache-2.0
import { MillraceError } from '@millrace/base'
import { ErrorCode, type ErrorName, ProtocolError } from '@millrace/protocol'
import type { RequestContext } from './handler.ts'

/** Converts an error to its response code; errors without a Kafka code are server errors. */
export function protocolError(error: unknown, context: RequestContext): ProtocolError {
  if (error instanceof ProtocolError) return error
  if (error instanceof MillraceError && error.code in ErrorCode) {
    return new ProtocolError(error.code as ErrorName, error.message, { cause: error })
  }
  context.broker.logger.error('request failed', { error, client: context.clientId })
  return new ProtocolError('UNKNOWN_SERVER_ERROR', 'The server experienced an unexpected error', {
    cause: error,
  })
}

/** Runs one part of a request; an exception becomes the error of that part. */
export async function attempt<T, F>(
  context: RequestContext,
  run: () => T | Promise<T>,
  onError: (error: ProtocolError) => F | Promise<F>,
): Promise<T | F> {
  try {
    return await run()
  } catch (error) {
    return await onError(protocolError(error, context))
  }
}

/** Error of one item of a batch request. */
export interface ItemOutcome {
  readonly errorCode: number
  readonly errorMessage: string | null
}

/** Runs one item of a batch request; errors are reported per item. */
export function itemOutcome(work: () => void): ItemOutcome {
  try {
    work()
    return { errorCode: ErrorCode.NONE, errorMessage: null }
  } catch (error) {
    if (!(error instanceof ProtocolError)) throw error
    return { errorCode: error.errorCode, errorMessage: error.message }
  }
}

/**
 * Items of a request whose records could not be written: those that succeeded have failed with it.
 */
export function refusedItems<T extends ItemOutcome>(
  items: readonly T[],
  error: ProtocolError,
): T[] {
  return items.map((item) =>
    item.errorCode === ErrorCode.NONE
      ? { ...item, errorCode: error.errorCode, errorMessage: error.message }
      : item,
  )
}

/** The message of an error, for replies in which Kafka returns none with a denial. */
export function textUnlessDenied({ code, message }: ProtocolError): string | null {
  return code.endsWith('_AUTHORIZATION_FAILED') ? null : message
}

/** The error that a check throws, for the reply; undefined if it passes. */
export function denialOf(check: () => void): ProtocolError | undefined {
  try {
    check()
    return undefined
  } catch (error) {
    if (!(error instanceof ProtocolError)) throw error
    return error
  }
}
