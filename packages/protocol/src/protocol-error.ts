// SPDX-License-Identifier: Apache-2.0
import { MillraceError } from '@millrace/base'
import { ErrorCode, type ErrorName, isRetriable } from './error-codes.ts'

/** An error that has a Kafka error code; `message` is what a peer may be shown. */
export class ProtocolError extends MillraceError {
  override readonly name = 'ProtocolError'
  override readonly code: ErrorName
  /** Kafka's number of the error. */
  readonly errorCode: ErrorCode

  /** Creates the error; `name` is Kafka's name, as `INVALID_REQUEST`. */
  constructor(code: ErrorName, message: string, options: { readonly cause?: unknown } = {}) {
    super(code, message, { retriable: isRetriable(code), ...options })
    this.code = code
    this.errorCode = ErrorCode[code]
  }
}
