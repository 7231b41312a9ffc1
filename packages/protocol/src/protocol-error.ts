// SPDX-License-Identifier: Apache-2.0
import { MillraceError } from '@millrace/base'
import { ErrorCode, type ErrorName, isRetriable } from './error-codes.ts'

/** An error with a Kafka error code; `message` may be sent to a peer. */
export class ProtocolError extends MillraceError {
  override readonly name = 'ProtocolError'
  override readonly code: ErrorName
  /** Kafka's error code. */
  readonly errorCode: ErrorCode

  /** Creates the error; `name` is Kafka's name, such as `INVALID_REQUEST`. */
  constructor(code: ErrorName, message: string, options: { readonly cause?: unknown } = {}) {
    super(code, message, { retriable: isRetriable(code), ...options })
    this.code = code
    this.errorCode = ErrorCode[code]
  }
}
