// SPDX-License-Identifier: Apache-2.0
import type { ErrorName } from '@millrace/protocol'
import type { GroupRecord } from './group-record.ts'
import type { CommittedOffset } from './offsets/committed-offsets.ts'

export type GroupKind = 'classic' | 'consumer' | 'share' | 'streams'

/** Who commits, by what the request says. */
export interface Committer {
  readonly memberId: string
  readonly groupInstanceId: string | null
  /**
   * Generation of a classic group, epoch of a member elsewhere; negative for those outside of the
   * group.
   */
  readonly generationId: number
  readonly isTransactional: boolean
  /** Version of OffsetCommit: it decides what an older client is told. */
  readonly version: number
}

export interface CommittedPartition {
  readonly topic: string
  readonly topicId: string
  readonly partition: number
}

/** One error for the whole commit, or a check for each of its partitions. */
export type CommitCheck = ErrorName | ((partition: CommittedPartition) => ErrorName)

/** What a group of any kind is to offsets, to listings and to deletion. */
export interface Group {
  readonly kind: GroupKind
  readonly groupId: string
  readonly state: string
  /** `consumer`, `share` and the like; a classic group's members say what. */
  readonly protocolType: string | undefined
  readonly isEmpty: boolean
  checkCommit(committer: Committer): CommitCheck
  /** Whether a member may read the group's offsets (OffsetFetch 9 and up tell who asks). */
  checkOffsetFetch(memberId: string | null, memberEpoch: number): ErrorName
  /** Undefined when it cannot be told. */
  isSubscribed(topic: string): boolean | undefined
  /** From when on the retention of an offset counts; undefined while it must stay. */
  expiresSince(topic: string, committed: CommittedOffset): bigint | undefined
  /** Whether the group may be forgotten once its offsets have expired. */
  isForgettable(nowMs: number, retentionMs: number, hadOffsets: boolean): boolean
  /** Records that make the log forget the group itself. */
  tombstones(): readonly GroupRecord[]
}
