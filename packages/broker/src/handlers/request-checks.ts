// SPDX-License-Identifier: Apache-2.0
import { ProtocolError } from '@millrace/protocol'
import type { Access } from '../security/access.ts'
import type { RequestContext } from './handler.ts'

/** Throws `INVALID_REQUEST` for an empty string; null means absent. */
export function throwIfEmpty(value: string | null, name: string): void {
  if (value !== null && value.trim() === '') {
    throw new ProtocolError('INVALID_REQUEST', `${name} can't be empty.`)
  }
}

/**
 * As in Kafka, ACLs need a cluster with an authorizer: storing them without one would suggest that
 * they are enforced.
 */
export function throwIfNoAuthorizer({ broker }: RequestContext): void {
  if (broker.config.string('authorizer.class.name') === '') {
    throw new ProtocolError('SECURITY_DISABLED', 'No Authorizer is configured.')
  }
}

/**
 * Throws `GROUP_AUTHORIZATION_FAILED` if the member is not authorized to read the group, and
 * `TOPIC_AUTHORIZATION_FAILED` if it subscribes to a topic that it is not authorized to describe.
 */
export function requireMembership(
  request: { readonly groupId: string; readonly subscribedTopicNames: readonly string[] | null },
  { access }: RequestContext,
): void {
  access.requireGroup(request.groupId)
  requireTopics(request.subscribedTopicNames ?? [], access)
}

/**
 * Throws `TOPIC_AUTHORIZATION_FAILED` unless the client is authorized to describe all of the
 * topics.
 */
export function requireTopics(names: Iterable<string>, access: Access): void {
  if (access.deniedTopics(names).size > 0) throw access.denial('topic')
}
