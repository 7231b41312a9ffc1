// SPDX-License-Identifier: Apache-2.0
import { ErrorCode, ProtocolError } from '@millrace/protocol'
import { type AcknowledgementBatch, AcknowledgeType } from '../share/share-partition.ts'
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

/** What ShareFetch and ShareAcknowledge have in common: takes a member's word for records, and tells each partition's outcome. */
export function acknowledgeAll(
  partitions: readonly AcknowledgedPartition[],
  member: { readonly groupId: string; readonly memberId: string; readonly isRenewal: boolean },
  context: RequestContext,
): Promise<AcknowledgeOutcome[]> {
  const { sharePartitions } = context.broker
  return Promise.all(
    partitions.map(({ topicId, partition, batches }) =>
      attempt(
        context,
        async (): Promise<AcknowledgeOutcome> => {
          check(batches, { isRenewal: member.isRenewal, version: context.version })
          const live = await sharePartitions.get(member.groupId, topicId, partition)
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
