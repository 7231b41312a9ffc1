// SPDX-License-Identifier: Apache-2.0
import { MillraceError } from '@millrace/base'
import type { AmqpValue } from './codec/types.ts'
import type { ErrorCondition } from './definitions/messaging.ts'

/** Error conditions of AMQP 1.0 (part 2, sections 2.8.15 to 2.8.18, and part 4, section 4.5.8). */
export const Condition = {
  internalError: 'amqp:internal-error',
  notFound: 'amqp:not-found',
  unauthorizedAccess: 'amqp:unauthorized-access',
  decodeError: 'amqp:decode-error',
  resourceLimitExceeded: 'amqp:resource-limit-exceeded',
  notAllowed: 'amqp:not-allowed',
  invalidField: 'amqp:invalid-field',
  notImplemented: 'amqp:not-implemented',
  resourceLocked: 'amqp:resource-locked',
  preconditionFailed: 'amqp:precondition-failed',
  resourceDeleted: 'amqp:resource-deleted',
  illegalState: 'amqp:illegal-state',
  frameSizeTooSmall: 'amqp:frame-size-too-small',
  connectionForced: 'amqp:connection:forced',
  framingError: 'amqp:connection:framing-error',
  redirect: 'amqp:connection:redirect',
  windowViolation: 'amqp:session:window-violation',
  errantLink: 'amqp:session:errant-link',
  handleInUse: 'amqp:session:handle-in-use',
  unattachedHandle: 'amqp:session:unattached-handle',
  detachForced: 'amqp:link:detach-forced',
  transferLimitExceeded: 'amqp:link:transfer-limit-exceeded',
  messageSizeExceeded: 'amqp:link:message-size-exceeded',
  linkStolen: 'amqp:link:stolen',
  unknownTransaction: 'amqp:transaction:unknown-id',
  transactionRollback: 'amqp:transaction:rollback',
  transactionTimeout: 'amqp:transaction:timeout',
} as const

/** An AMQP error, raised locally or received from the peer. `code` is the AMQP error condition. */
export class AmqpError extends MillraceError {
  override readonly name = 'AmqpError'
  /** Details of the error condition. */
  readonly info: ReadonlyMap<string, AmqpValue> | undefined

  /** Creates the error; `condition` is an AMQP symbol such as `amqp:not-found`. */
  constructor(
    condition: string,
    message: string,
    options: { readonly info?: ReadonlyMap<string, AmqpValue>; readonly cause?: unknown } = {},
  ) {
    super(condition, message, { cause: options.cause })
    this.info = options.info
  }

  /** The error as it is encoded on the wire. */
  get condition(): ErrorCondition {
    return { kind: 'error', condition: this.code, description: this.message, info: this.info }
  }

  /** Creates an error from a condition that the peer sent. `what` prefixes the message. */
  static from(error: ErrorCondition, what: string): AmqpError {
    const text = `${what}: ${error.description ?? error.condition}`
    return new AmqpError(
      error.condition,
      text,
      error.info === undefined ? {} : { info: error.info },
    )
  }
}

/** Maps an error thrown while serving a request to the condition that is sent to the peer. */
export function conditionOf(error: unknown): ErrorCondition {
  if (error instanceof AmqpError) return error.condition
  return {
    kind: 'error',
    condition: Condition.internalError,
    description: error instanceof Error ? error.message : String(error),
  }
}
