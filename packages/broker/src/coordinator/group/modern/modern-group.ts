// SPDX-License-Identifier: Apache-2.0
import type { ErrorName } from '@millrace/protocol'
import type { CommitCheck, CommittedPartition, Committer } from '../group.ts'

/** What members of all three protocols with heartbeats have. */
export interface ModernMember {
  readonly memberId: string
  readonly memberEpoch: number
  readonly previousMemberEpoch: number
}

/**
 * State that groups of the three protocols with heartbeats have in common: members `M`, a target
 * assignment `T` for each, and the epochs of both. It changes only by replaying records.
 */
export abstract class ModernGroup<M extends ModernMember, T> {
  readonly groupId: string
  /** Increases with every change of the members, their subscriptions or the topics of these. */
  groupEpoch = 1
  metadataHash = 0n
  /** Epoch of the group that the target assignment was computed for. */
  assignmentEpoch = 1
  /** 0 before the first assignment. */
  assignmentTimestampMs = 0
  readonly members: Map<string, M>
  readonly targets: Map<string, T>
  /**
   * When the group last changed, which determines the heartbeat interval of its members; lost at a
   * restart.
   */
  changedMs = 0
  readonly #noTarget: T

  protected constructor(groupId: string, noTarget: T, source?: ModernGroup<M, T>) {
    this.groupId = groupId
    this.#noTarget = noTarget
    this.members = new Map(source?.members)
    this.targets = new Map(source?.targets)
    if (source === undefined) return
    this.groupEpoch = source.groupEpoch
    this.metadataHash = source.metadataHash
    this.assignmentEpoch = source.assignmentEpoch
    this.assignmentTimestampMs = source.assignmentTimestampMs
  }

  get isEmpty(): boolean {
    return this.members.size === 0
  }

  /** Target assignment of a member; that of none if there is none yet. */
  target(memberId: string): T {
    return this.targets.get(memberId) ?? this.#noTarget
  }

  /** A member that the caller knows to exist. */
  member(memberId: string): M {
    const member = this.members.get(memberId)
    if (member === undefined) throw new TypeError(`group ${this.groupId} has no member ${memberId}`)
    return member
  }

  /** Members whose target changes with a new assignment; `targets` has those that get something. */
  changedTargets(
    targets: ReadonlyMap<string, T>,
    isSame: (a: T, b: T) => boolean,
  ): { readonly memberId: string; readonly target: T }[] {
    return [...this.members.keys()].flatMap((memberId) => {
      const target = targets.get(memberId) ?? this.#noTarget
      const known = this.targets.get(memberId)
      return known !== undefined && isSame(known, target) ? [] : [{ memberId, target }]
    })
  }
}

/** How a kind of group checks the epoch of a commit. */
export interface CommitRules<M> {
  /** Error for an epoch that is not the member's. */
  stale(member: M): ErrorName
  /** First version of OffsetCommit that the member may use. */
  minVersion(member: M): number
  /** Epoch since which the member has had a partition; undefined if it does not have it. */
  ownedSince(member: M, partition: CommittedPartition): number | undefined
}

/**
 * Checks a commit to a group of members with epochs. It is valid from any client while the group is
 * empty, from a producer that does not identify itself, and from a member in its epoch. An earlier
 * epoch is valid for partitions that the member has had since then (KIP-1251).
 */
export function checkCommitOfMember<M extends ModernMember>(
  members: ReadonlyMap<string, M>,
  committer: Committer,
  rules: CommitRules<M>,
): CommitCheck {
  const { memberId, groupInstanceId, generationId, isTransactional, version } = committer
  if (generationId < 0 && members.size === 0) return 'NONE'
  const isUnidentified = generationId === -1 && memberId === '' && groupInstanceId === null
  if (isTransactional && isUnidentified) return 'NONE'
  const member = members.get(memberId)
  if (member === undefined) return 'UNKNOWN_MEMBER_ID'
  if (!isTransactional && version < rules.minVersion(member)) return 'UNSUPPORTED_VERSION'
  if (generationId === member.memberEpoch) return 'NONE'
  const stale = rules.stale(member)
  if (generationId > member.memberEpoch) return stale
  return (partition): ErrorName => {
    const since = rules.ownedSince(member, partition)
    return since === undefined || generationId < since ? stale : 'NONE'
  }
}

/**
 * Whether a member may read the group's offsets; `stale` is the error for an epoch that is not the
 * member's.
 */
export function checkFetchOfMember<M extends ModernMember>(
  members: ReadonlyMap<string, M>,
  { memberId, memberEpoch }: { readonly memberId: string | null; readonly memberEpoch: number },
  stale: (member: M) => ErrorName,
): ErrorName {
  if (memberId === null && memberEpoch < 0) return 'NONE'
  const member = members.get(memberId ?? '')
  if (member === undefined) return 'UNKNOWN_MEMBER_ID'
  return memberEpoch === member.memberEpoch ? 'NONE' : stale(member)
}
