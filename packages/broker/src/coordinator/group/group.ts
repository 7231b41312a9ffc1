// SPDX-License-Identifier: Apache-2.0
import type { ErrorName } from '@millrace/protocol'
import type { GroupRecord } from './group-record.ts'
import type { CommittedOffset } from './offsets/committed-offsets.ts'

export type GroupKind = 'classic' | 'consumer' | 'share' | 'streams'

/** Message of `GROUP_ID_NOT_FOUND`: the group does not exist, or is of another kind. */
export function groupNotFoundText(groupId: string, kind: GroupKind, exists: boolean): string {
  return exists ? `Group ${groupId} is not a ${kind} group.` : `Group ${groupId} not found.`
}

/** The committing client, as identified by its request. */
export interface Committer {
  readonly memberId: string
  readonly groupInstanceId: string | null
  /**
   * Generation of a classic group, else the member epoch; negative for clients outside of the
   * group.
   */
  readonly generationId: number
  readonly isTransactional: boolean
  /** Version of OffsetCommit, which decides the error code that older clients get. */
  readonly version: number
}

export interface CommittedPartition {
  readonly topic: string
  readonly topicId: string
  readonly partition: number
}

/** One error for the whole commit, or a check for each of its partitions. */
export type CommitCheck = ErrorName | ((partition: CommittedPartition) => ErrorName)

/** The common interface of all kinds of groups, for offsets, listing and deletion. */
export interface Group {
  readonly kind: GroupKind
  readonly groupId: string
  readonly state: string
  /** `consumer`, `share` and so on; members define the protocol type of a classic group. */
  readonly protocolType: string | undefined
  readonly isEmpty: boolean
  checkCommit(committer: Committer): CommitCheck
  /**
   * Whether a member may read the group's offsets (OffsetFetch 9 and later identify the member).
   */
  checkOffsetFetch(memberId: string | null, memberEpoch: number): ErrorName
  /** Undefined if unknown. */
  isSubscribed(topic: string): boolean | undefined
  /** Time from which an offset's retention is counted; undefined while it must be kept. */
  expiresSince(topic: string, committed: CommittedOffset): bigint | undefined
  /** Whether the group may be deleted once its offsets have expired. */
  isForgettable(nowMs: number, retentionMs: number, hadOffsets: boolean): boolean
  /** Records that delete the group from the log. */
  tombstones(): readonly GroupRecord[]
}
