// SPDX-License-Identifier: Apache-2.0
import { MillraceError } from '@millrace/base'
import { type ConfigProblem, problemText } from './config/problem.ts'

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

/** An agent cannot run as its configuration says. The message has one line for each problem. */
export class ConfigurationError extends MillraceError {
  override readonly name = 'ConfigurationError'
  /** All problems that were found. */
  readonly problems: readonly ConfigProblem[]
  /** Creates the error from all problems. */
  constructor(problems: readonly ConfigProblem[]) {
    super('MILLRACE_CONFIGURATION', problems.map(problemText).join('\n'))
    this.problems = problems
  }
}

/** A short text for an error of any kind. */
export function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
