// SPDX-License-Identifier: Apache-2.0
import { ProtocolError } from '@millrace/protocol'
import type { Access } from '../security/access.ts'
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

/**
 * Throws `GROUP_AUTHORIZATION_FAILED` for a member of a group that it may not read, and
 * `TOPIC_AUTHORIZATION_FAILED` if it subscribes to a topic that it may not describe.
 */
export function requireMembership(
  request: { readonly groupId: string; readonly subscribedTopicNames: readonly string[] | null },
  { access }: RequestContext,
): void {
  access.requireGroup(request.groupId)
  requireTopics(request.subscribedTopicNames ?? [], access)
}

/** Throws `TOPIC_AUTHORIZATION_FAILED` unless the client may describe all of the topics. */
export function requireTopics(names: Iterable<string>, access: Access): void {
  if (access.deniedTopics(names).size > 0) throw access.denial('topic')
}
