// SPDX-License-Identifier: Apache-2.0
import { MillraceError } from '@millrace/base'

/** A request that the registry refused, or that did not reach it. */
export class RegistryError extends MillraceError {
  override readonly name = 'RegistryError'
  /** Status of HTTP; 0 if there was no answer. */
  readonly status: number
  /** Confluent's error code, for example 40401; the status if the answer has none. */
  readonly errorCode: number

  /** Creates the error; `message` names the request. */
  constructor(
    message: string,
    options: {
      readonly status: number
      readonly errorCode?: number
      readonly retriable?: boolean
      readonly cause?: unknown
    },
  ) {
    const { status, errorCode = status, retriable = false, cause } = options
    super('MILLRACE_REGISTRY', message, { retriable, cause })
    this.status = status
    this.errorCode = errorCode
  }

  /** Whether the registry has no such subject, version or schema. */
  get isNotFound(): boolean {
    return this.status === 404
  }
}
