// SPDX-License-Identifier: Apache-2.0
import { MillraceError } from '@millrace/base'

/** A channel was full for `keep-alive` seconds, or a batch exceeds its transaction capacity. */
export class ChannelFullError extends MillraceError {
  override readonly name = 'ChannelFullError'
  /** Creates the error; `message` names the channel and its capacity. */
  constructor(message: string) {
    super('MILLRACE_CHANNEL_FULL', message, { retriable: true })
  }
}

/** A channel could not store or return events. */
export class ChannelError extends MillraceError {
  override readonly name: string = 'ChannelError'
  /** Creates the error, with the error that led to it. */
  constructor(message: string, cause?: unknown) {
    super('MILLRACE_CHANNEL', message, { retriable: true, cause })
  }
}

/** A sink could not deliver a batch; its events return to the channel. */
export class DeliveryError extends MillraceError {
  override readonly name = 'DeliveryError'
  /** Creates the error, with the error that led to it. */
  constructor(message: string, cause?: unknown) {
    super('MILLRACE_DELIVERY', message, { retriable: true, cause })
  }
}

/** A component could not be created or started. */
export class ComponentError extends MillraceError {
  override readonly name = 'ComponentError'
  /** Creates the error, with the error that led to it. */
  constructor(message: string, cause?: unknown) {
    super('MILLRACE_COMPONENT', message, { cause })
  }
}

/** The message of an error, or the text of any other thrown value. */
export function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
