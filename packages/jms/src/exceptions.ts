// SPDX-License-Identifier: Apache-2.0
import { AmqpError, Condition, type Detach, textOf } from '@millrace/amqp'
import { MillraceError, systemErrorCode } from '@millrace/base'

/** Root of the exceptions of the classic API (Jakarta Messaging 3.1, section 10). */
export class JMSException extends MillraceError {
  override readonly name: string = 'JMSException'

  /** Creates the exception with a reason, an error code and a cause. */
  constructor(reason: string, errorCode = 'JMS_ERROR', linked?: unknown) {
    super(errorCode, reason, linked === undefined ? {} : { cause: linked })
  }

  /** Error code: an AMQP condition, or a code that begins with `JMS_`. */
  getErrorCode(): string {
    return this.code
  }

  /** Cause of this exception, or undefined. */
  getLinkedException(): unknown {
    return this.cause
  }
}

/** A method was called in a state that does not allow it. */
export class IllegalStateException extends JMSException {
  override readonly name = 'IllegalStateException'
  /** Creates the exception with a reason, an error code and a cause. */
  constructor(reason: string, errorCode = 'JMS_ILLEGAL_STATE', linked?: unknown) {
    super(reason, errorCode, linked)
  }
}
/** A client id that is invalid or in use. */
export class InvalidClientIDException extends JMSException {
  override readonly name = 'InvalidClientIDException'
  /** Creates the exception with a reason, an error code and a cause. */
  constructor(reason: string, errorCode = 'JMS_INVALID_CLIENT_ID', linked?: unknown) {
    super(reason, errorCode, linked)
  }
}
/** A destination that is invalid or does not exist at the provider. */
export class InvalidDestinationException extends JMSException {
  override readonly name = 'InvalidDestinationException'
  /** Creates the exception with a reason, an error code and a cause. */
  constructor(reason: string, errorCode = 'JMS_INVALID_DESTINATION', linked?: unknown) {
    super(reason, errorCode, linked)
  }
}
/** A selector that cannot be parsed. */
export class InvalidSelectorException extends JMSException {
  override readonly name = 'InvalidSelectorException'
  /** Creates the exception with a reason, an error code and a cause. */
  constructor(reason: string, errorCode = 'JMS_INVALID_SELECTOR', linked?: unknown) {
    super(reason, errorCode, linked)
  }
}
/** Credentials or permissions that the provider rejected. */
export class JMSSecurityException extends JMSException {
  override readonly name = 'JMSSecurityException'
  /** Creates the exception with a reason, an error code and a cause. */
  constructor(reason: string, errorCode = 'JMS_SECURITY', linked?: unknown) {
    super(reason, errorCode, linked)
  }
}
/** A read past the end of a stream or bytes message. */
export class MessageEOFException extends JMSException {
  override readonly name = 'MessageEOFException'
  /** Creates the exception with a reason, an error code and a cause. */
  constructor(reason: string, errorCode = 'JMS_MESSAGE_EOF', linked?: unknown) {
    super(reason, errorCode, linked)
  }
}
/** A type that a message does not support, or a conversion that is not allowed. */
export class MessageFormatException extends JMSException {
  override readonly name = 'MessageFormatException'
  /** Creates the exception with a reason, an error code and a cause. */
  constructor(reason: string, errorCode = 'JMS_MESSAGE_FORMAT', linked?: unknown) {
    super(reason, errorCode, linked)
  }
}
/** A read from a write-only message. */
export class MessageNotReadableException extends JMSException {
  override readonly name = 'MessageNotReadableException'
  /** Creates the exception with a reason, an error code and a cause. */
  constructor(reason: string, errorCode = 'JMS_MESSAGE_NOT_READABLE', linked?: unknown) {
    super(reason, errorCode, linked)
  }
}
/** A write to a read-only message. */
export class MessageNotWriteableException extends JMSException {
  override readonly name = 'MessageNotWriteableException'
  /** Creates the exception with a reason, an error code and a cause. */
  constructor(reason: string, errorCode = 'JMS_MESSAGE_NOT_WRITEABLE', linked?: unknown) {
    super(reason, errorCode, linked)
  }
}
/** The provider refused to allocate a resource. */
export class ResourceAllocationException extends JMSException {
  override readonly name = 'ResourceAllocationException'
  /** Creates the exception with a reason, an error code and a cause. */
  constructor(reason: string, errorCode = 'JMS_RESOURCE_ALLOCATION', linked?: unknown) {
    super(reason, errorCode, linked)
  }
}
/** A call that is not allowed in a transaction. */
export class TransactionInProgressException extends JMSException {
  override readonly name = 'TransactionInProgressException'
  /** Creates the exception with a reason, an error code and a cause. */
  constructor(reason: string, errorCode = 'JMS_TRANSACTION_IN_PROGRESS', linked?: unknown) {
    super(reason, errorCode, linked)
  }
}
/** `commit` rolled the transaction back. */
export class TransactionRolledBackException extends JMSException {
  override readonly name = 'TransactionRolledBackException'
  /** Creates the exception with a reason, an error code and a cause. */
  constructor(reason: string, errorCode = 'JMS_TRANSACTION_ROLLED_BACK', linked?: unknown) {
    super(reason, errorCode, linked)
  }
}
/**
 * The outcome of `commit` is unknown: the connection was lost, or the provider did not answer in
 * time, so the transaction was either committed or rolled back. Messages received in it are
 * delivered again if it was rolled back. The transaction has ended; the session is ready for the
 * next one.
 */
export class TransactionInDoubtException extends JMSException {
  override readonly name = 'TransactionInDoubtException'
  /** Creates the exception with a reason, an error code and a cause. */
  constructor(reason: string, errorCode = 'JMS_TRANSACTION_IN_DOUBT', linked?: unknown) {
    super(reason, errorCode, linked)
  }
}

/** Root of the exceptions of the simplified API. Each wraps an exception of the classic API. */
export class JMSRuntimeException extends MillraceError {
  override readonly name: string = 'JMSRuntimeException'
  /** Creates the exception with a message, an error code and a cause. */
  constructor(detailMessage: string, errorCode = 'JMS_ERROR', cause?: unknown) {
    super(errorCode, detailMessage, cause === undefined ? {} : { cause })
  }

  /** Error code: an AMQP condition, or a code that begins with `JMS_`. */
  getErrorCode(): string {
    return this.code
  }
}
/** A call in a state that does not allow it (simplified API). */
export class IllegalStateRuntimeException extends JMSRuntimeException {
  override readonly name = 'IllegalStateRuntimeException'
}
/** A client id that is in use, empty, or set too late (simplified API). */
export class InvalidClientIDRuntimeException extends JMSRuntimeException {
  override readonly name = 'InvalidClientIDRuntimeException'
}
/** A destination that does not exist or cannot be used (simplified API). */
export class InvalidDestinationRuntimeException extends JMSRuntimeException {
  override readonly name = 'InvalidDestinationRuntimeException'
}
/** A selector that cannot be parsed (simplified API). */
export class InvalidSelectorRuntimeException extends JMSRuntimeException {
  override readonly name = 'InvalidSelectorRuntimeException'
}
/** Wrong credentials or a missing permission (simplified API). */
export class JMSSecurityRuntimeException extends JMSRuntimeException {
  override readonly name = 'JMSSecurityRuntimeException'
}
/** A value that cannot be converted (simplified API). */
export class MessageFormatRuntimeException extends JMSRuntimeException {
  override readonly name = 'MessageFormatRuntimeException'
}
/** A write to a read-only body or to read-only properties (simplified API). */
export class MessageNotWriteableRuntimeException extends JMSRuntimeException {
  override readonly name = 'MessageNotWriteableRuntimeException'
}
/** A resource that the provider refused to allocate (simplified API). */
export class ResourceAllocationRuntimeException extends JMSRuntimeException {
  override readonly name = 'ResourceAllocationRuntimeException'
}
/** A call that is not allowed in a transaction (simplified API). */
export class TransactionInProgressRuntimeException extends JMSRuntimeException {
  override readonly name = 'TransactionInProgressRuntimeException'
}
/** A transaction that was rolled back instead of committed (simplified API). */
export class TransactionRolledBackRuntimeException extends JMSRuntimeException {
  override readonly name = 'TransactionRolledBackRuntimeException'
}

const runtimeClasses: Readonly<
  Record<string, new (message: string, code: string, cause: unknown) => JMSRuntimeException>
> = {
  IllegalStateException: IllegalStateRuntimeException,
  InvalidClientIDException: InvalidClientIDRuntimeException,
  InvalidDestinationException: InvalidDestinationRuntimeException,
  InvalidSelectorException: InvalidSelectorRuntimeException,
  JMSSecurityException: JMSSecurityRuntimeException,
  MessageFormatException: MessageFormatRuntimeException,
  MessageNotWriteableException: MessageNotWriteableRuntimeException,
  ResourceAllocationException: ResourceAllocationRuntimeException,
  TransactionInProgressException: TransactionInProgressRuntimeException,
  TransactionRolledBackException: TransactionRolledBackRuntimeException,
}

/** Converts an exception of the classic API to that of the simplified API. */
export function runtimeException(error: unknown): unknown {
  if (!(error instanceof JMSException)) return error
  const Class = runtimeClasses[error.name] ?? JMSRuntimeException
  return new Class(error.message, error.code, error)
}

/** Runs work, and converts exceptions of the classic API to those of the simplified API. */
export function unchecked<T>(work: () => T): T {
  try {
    const result = work()
    if (result instanceof Promise) {
      return result.catch((error: unknown) => {
        throw runtimeException(error)
      }) as T
    }
    return result
  } catch (error) {
    throw runtimeException(error)
  }
}

/** The exception for a link that the provider ended. */
export function endedBy({ error }: Detach, what: string): JMSException {
  return error === undefined ? new JMSException(what) : jmsException(AmqpError.from(error, what))
}

/** Converts an error, such as an AMQP error, to the JMS exception for the program. */
export function jmsException(error: unknown, context = ''): JMSException {
  if (error instanceof JMSException) return error
  const told = error instanceof Error ? error.message : String(error)
  const text = context === '' ? told : `${context}: ${told}`
  if (!(error instanceof AmqpError)) {
    return new JMSException(text, systemErrorCode(error) ?? 'JMS_ERROR', error)
  }
  switch (error.code) {
    case Condition.notFound:
    case Condition.resourceDeleted:
      return new InvalidDestinationException(text, error.code, error)
    case Condition.unauthorizedAccess:
      return new JMSSecurityException(text, error.code, error)
    case Condition.resourceLimitExceeded:
      return new ResourceAllocationException(text, error.code, error)
    case Condition.transactionRollback:
    case Condition.unknownTransaction:
    case Condition.transactionTimeout:
      return new TransactionRolledBackException(text, error.code, error)
    case Condition.invalidField:
      return textOf(error.info?.get('invalid-field')) === 'container-id'
        ? new InvalidClientIDException(text, error.code, error)
        : new JMSException(text, error.code, error)
    default:
      return new JMSException(text, error.code, error)
  }
}
