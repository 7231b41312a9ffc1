// SPDX-License-Identifier: Apache-2.0
import { ProtocolError } from '@millrace/protocol'
import type { RequestContext } from './handler.ts'

/** Throws `INVALID_REQUEST` for an empty string; null stands for one that is not given. */
export function throwIfEmpty(value: string | null, name: string): void {
  if (value !== null && value.trim() === '') {
    throw new ProtocolError('INVALID_REQUEST', `${name} can't be empty.`)
  }
}

/** As Kafka, ACLs are for clusters with an authorizer: keeping them without one would look like safety. */
export function throwIfNoAuthorizer({ broker }: RequestContext): void {
  if (broker.config.string('authorizer.class.name') === '') {
    throw new ProtocolError('SECURITY_DISABLED', 'No Authorizer is configured.')
  }
}
