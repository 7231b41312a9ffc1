// SPDX-License-Identifier: Apache-2.0
import { MillraceError } from '@millrace/base'

/** A channel had no room for `keep-alive` seconds, or the batch is larger than it ever takes. */
export class ChannelFullError extends MillraceError {
  override readonly name = 'ChannelFullError'
  /** Creates the error; `message` names the channel and its capacity. */
  constructor(message: string) {
    super('MILLRACE_CHANNEL_FULL', message, { retriable: true })
  }
}

/** A channel could not keep or hand out events. */
export class ChannelError extends MillraceError {
  override readonly name: string = 'ChannelError'
  /** Creates the error, with the error that led to it. */
  constructor(message: string, cause?: unknown) {
    super('MILLRACE_CHANNEL', message, { retriable: true, cause })
  }
}

/** A sink could not deliver; its events go back to the channel. */
export class DeliveryError extends MillraceError {
  override readonly name = 'DeliveryError'
  /** Creates the error, with the error that led to it. */
  constructor(message: string, cause?: unknown) {
    super('MILLRACE_DELIVERY', message, { retriable: true, cause })
  }
}

/** A component could not be made or started. */
export class ComponentError extends MillraceError {
  override readonly name = 'ComponentError'
  /** Creates the error, with the error that led to it. */
  constructor(message: string, cause?: unknown) {
    super('MILLRACE_COMPONENT', message, { cause })
  }
}

/** A short text for an error of any kind. */
export function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
