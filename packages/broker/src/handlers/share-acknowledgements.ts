// SPDX-License-Identifier: Apache-2.0
import { ErrorCode, ProtocolError } from '@millrace/protocol'
import { type AcknowledgementBatch, AcknowledgeType } from '../share/acknowledgement.ts'
import type { ShareSession } from '../share/share-sessions.ts'
import type { RequestContext } from './handler.ts'
import { attempt } from './outcome.ts'

export interface AcknowledgedPartition {
  readonly topicId: string
  readonly partition: number
  readonly batches: readonly AcknowledgementBatch[]
}

export interface AcknowledgeOutcome {
  readonly topicId: string
  readonly partition: number
  readonly errorCode: number
  readonly errorMessage: string | null
}

const MAX_MEMBER_ID_LENGTH = 36

/** Throws `INVALID_REQUEST` for an invalid group id or member id. */
export function requireMember(groupId: string | null, memberId: string | null): void {
  if (groupId === null) {
    throw new ProtocolError('INVALID_REQUEST', 'Invalid group id in the request.')
  }
  if (memberId === null || memberId === '' || memberId.length > MAX_MEMBER_ID_LENGTH) {
    throw new ProtocolError('INVALID_REQUEST', 'Invalid member id in the request.')
  }
}

/**
 * Throws `TOPIC_AUTHORIZATION_FAILED` for an existing topic that the client is not authorized to
 * read.
 */
export function requireReadable(topicId: string, { broker, access }: RequestContext): void {
  const name = broker.topics.byId(topicId)?.name
  if (name !== undefined) access.requireTopic(name)
}

/**
 * Ends a session and releases the records of its member; a group without sessions may be unloaded.
 */
export async function endSession(
  session: ShareSession,
  { broker }: Pick<RequestContext, 'broker'>,
): Promise<void> {
  const { shareSessions, sharePartitions } = broker
  if (!shareSessions.end(session)) return
  const { groupId, memberId } = session
  await sharePartitions.release(groupId, memberId)
  if (shareSessions.hasGroup(groupId)) return
  await sharePartitions.retire(groupId, (each) => shareSessions.hasGroup(each))
}

/**
 * Common part of ShareFetch and ShareAcknowledge: applies acknowledgements, and returns each
 * partition's outcome.
 */
export function acknowledgeAll(
  partitions: readonly AcknowledgedPartition[],
  member: { readonly groupId: string; readonly memberId: string; readonly isRenewal: boolean },
  context: RequestContext,
): Promise<AcknowledgeOutcome[]> {
  const { sharePartitions, topics } = context.broker
  return Promise.all(
    partitions.map(({ topicId, partition, batches }) =>
      attempt(
        context,
        async (): Promise<AcknowledgeOutcome> => {
          check(batches, { isRenewal: member.isRenewal, version: context.version })
          requireReadable(topicId, context)
          topics.partitionById(topicId, partition)
          if (batches.length === 0)
            return { topicId, partition, errorCode: ErrorCode.NONE, errorMessage: null }
          const live = sharePartitions.loaded(member.groupId, topicId, partition)
          if (live === undefined) {
            throw new ProtocolError(
              'UNKNOWN_TOPIC_OR_PARTITION',
              `share group ${member.groupId} has acquired no records of partition ${partition}`,
            )
          }
          await sharePartitions.acknowledge(live, member.memberId, batches)
          return { topicId, partition, errorCode: ErrorCode.NONE, errorMessage: null }
        },
        ({ errorCode, message }) => ({ topicId, partition, errorCode, errorMessage: message }),
      ),
    ),
  )
}

function check(
  batches: readonly AcknowledgementBatch[],
  { isRenewal, version }: { readonly isRenewal: boolean; readonly version: number },
): void {
  const newest = version >= 2 ? AcknowledgeType.renew : AcknowledgeType.reject
  let previousEnd = -1n
  for (const { firstOffset, lastOffset, acknowledgeTypes } of batches) {
    const count = acknowledgeTypes.length
    const isWrong =
      firstOffset > lastOffset ||
      firstOffset < previousEnd ||
      count === 0 ||
      (count > 1 && lastOffset - firstOffset !== BigInt(count - 1)) ||
      acknowledgeTypes.some((type) => type < 0 || type > newest) ||
      (!isRenewal && acknowledgeTypes.includes(AcknowledgeType.renew))
    if (isWrong) {
      throw new ProtocolError(
        'INVALID_REQUEST',
        `invalid acknowledgement of ${firstOffset} to ${lastOffset}: ${acknowledgeTypes.join()}`,
      )
    }
    previousEnd = lastOffset
  }
}
