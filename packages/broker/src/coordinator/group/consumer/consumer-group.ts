// SPDX-License-Identifier: Apache-2.0
import type { ErrorName } from '@millrace/protocol'
import type { CommitCheck, Committer, Group } from '../group.ts'
import type { GroupRecord, ReplayedGroupRecord } from '../group-record.ts'
import { type Assignment, assignmentOf, NO_ASSIGNMENT, partitionKey } from '../modern/assignment.ts'
import { checkCommitOfMember, checkFetchOfMember, ModernGroup } from '../modern/modern-group.ts'
import type { CommittedOffset } from '../offsets/committed-offsets.ts'
import {
  type ConsumerMember,
  isReconciledTo,
  NO_PARTITIONS,
  newMember,
  withCurrent,
  withMetadata,
} from './consumer-member.ts'

/** Topics that matched a pattern. */
export interface ResolvedRegex {
  readonly topics: readonly string[]
  /** Version of the topics that the pattern was resolved against. */
  readonly version: bigint
  readonly timestampMs: number
}

export type ConsumerGroupState = 'Empty' | 'Assigning' | 'Reconciling' | 'Stable'

/** A group of the consumer protocol (KIP-848). It changes only by replaying records. */
export class ConsumerGroup extends ModernGroup<ConsumerMember, Assignment> implements Group {
  readonly kind = 'consumer'
  readonly protocolType = 'consumer'
  /** Member ids by `group.instance.id`. */
  readonly staticMembers: Map<string, string>
  readonly regexes: Map<string, ResolvedRegex>
  /**
   * Version of the topics for which the group's metadata hash was last computed; lost at a restart.
   */
  checkedTopicsVersion = -1
  /** Owners of partitions, including members that have yet to revoke them. */
  readonly #owners: Map<string, string>

  constructor(groupId: string, source?: ConsumerGroup) {
    super(groupId, NO_ASSIGNMENT, source)
    this.staticMembers = new Map(source?.staticMembers)
    this.regexes = new Map(source?.regexes)
    this.#owners = new Map(source === undefined ? [] : source.#owners)
  }

  get state(): ConsumerGroupState {
    if (this.members.size === 0) return 'Empty'
    if (this.groupEpoch > this.assignmentEpoch) return 'Assigning'
    for (const member of this.members.values()) {
      if (!isReconciledTo(member, this.assignmentEpoch)) return 'Reconciling'
    }
    return 'Stable'
  }

  isOwnedByAnother(memberId: string, topicId: string, partition: number): boolean {
    const owner = this.#owners.get(partitionKey(topicId, partition))
    return owner !== undefined && owner !== memberId
  }

  staticMember(instanceId: string | null): ConsumerMember | undefined {
    const memberId = instanceId === null ? undefined : this.staticMembers.get(instanceId)
    return memberId === undefined ? undefined : this.members.get(memberId)
  }

  /** Topics that a member subscribes to, including those that match its pattern. */
  subscribedTopics(member: ConsumerMember): Set<string> {
    const matched = this.regexes.get(member.subscribedTopicRegex)?.topics ?? []
    return new Set([...member.subscribedTopicNames, ...matched])
  }

  get allSubscribedTopics(): Set<string> {
    const topics = new Set<string>()
    for (const member of this.members.values()) {
      for (const name of member.subscribedTopicNames) topics.add(name)
    }
    for (const { topics: matched } of this.regexes.values()) {
      for (const name of matched) topics.add(name)
    }
    return topics
  }

  /** Number of members that subscribe with a pattern. */
  regexUsers(regex: string): number {
    let count = 0
    for (const member of this.members.values()) if (member.subscribedTopicRegex === regex) count++
    return count
  }

  // ----------------------------------------------------------------------------------------------
  // Group interface

  checkCommit(committer: Committer): CommitCheck {
    return checkCommitOfMember(this.members, committer, {
      stale: staleError,
      minVersion: ({ classic }) => (classic === undefined ? 9 : 0),
      ownedSince: ({ assigned, pendingRevocation }, { topicId, partition }) =>
        assigned.get(topicId)?.get(partition) ?? pendingRevocation.get(topicId)?.get(partition),
    })
  }

  checkOffsetFetch(memberId: string | null, memberEpoch: number): ErrorName {
    return checkFetchOfMember(this.members, { memberId, memberEpoch }, staleError)
  }

  isSubscribed(topic: string): boolean {
    return this.allSubscribedTopics.has(topic)
  }

  expiresSince(topic: string, committed: CommittedOffset): bigint | undefined {
    return this.isSubscribed(topic) ? undefined : committed.commitTimestampMs
  }

  isForgettable(): boolean {
    return this.isEmpty
  }

  tombstones(): readonly GroupRecord[] {
    const { groupId } = this
    const ids = [...this.members.keys()]
    return [
      ...ids.map((memberId): GroupRecord => tombstone('consumerMemberCurrent', groupId, memberId)),
      ...ids.map((memberId): GroupRecord => tombstone('consumerMemberTarget', groupId, memberId)),
      { kind: 'consumerTarget', key: { groupId }, value: null },
      ...ids.map((memberId): GroupRecord => tombstone('consumerMember', groupId, memberId)),
      ...[...this.regexes.keys()].map(
        (regularExpression): GroupRecord => ({
          kind: 'consumerRegex',
          key: { groupId, regularExpression },
          value: null,
        }),
      ),
      { kind: 'consumerGroupPartitions', key: { groupId }, value: null },
      { kind: 'consumerGroup', key: { groupId }, value: null },
    ]
  }

  // ----------------------------------------------------------------------------------------------
  // replay

  /** Replays one record; false if the group is now empty of state. */
  apply(record: ReplayedGroupRecord): void {
    switch (record.kind) {
      case 'consumerGroup':
        this.groupEpoch = record.value?.epoch ?? this.groupEpoch
        this.metadataHash = record.value?.metadataHash ?? 0n
        return
      case 'consumerMember':
        this.#setMember(
          record.key.memberId,
          record.value === null
            ? undefined
            : withMetadata(this.#knownOrNew(record.key.memberId), record.value),
        )
        return
      case 'consumerMemberCurrent': {
        const { memberId } = record.key
        const known = this.members.get(memberId)
        if (record.value !== null) {
          this.#setMember(memberId, withCurrent(known ?? newMember(memberId), record.value))
        } else if (known !== undefined) {
          const { memberEpoch, previousMemberEpoch, state } = newMember(memberId)
          this.#setMember(memberId, {
            ...known,
            memberEpoch,
            previousMemberEpoch,
            state,
            assigned: NO_PARTITIONS,
            pendingRevocation: NO_PARTITIONS,
          })
        }
        return
      }
      case 'consumerTarget':
        this.assignmentEpoch = record.value?.assignmentEpoch ?? this.assignmentEpoch
        this.assignmentTimestampMs = Number(record.value?.assignmentTimestamp ?? 0n)
        return
      case 'consumerMemberTarget':
        if (record.value === null) this.targets.delete(record.key.memberId)
        else this.targets.set(record.key.memberId, assignmentOf(record.value.topicPartitions))
        return
      case 'consumerRegex': {
        const { regularExpression } = record.key
        if (record.value === null) this.regexes.delete(regularExpression)
        else {
          this.regexes.set(regularExpression, {
            topics: [...record.value.topics].sort(),
            version: record.value.version,
            timestampMs: Number(record.value.timestamp),
          })
        }
        return
      }
      default:
    }
  }

  #knownOrNew(memberId: string): ConsumerMember {
    return this.members.get(memberId) ?? newMember(memberId)
  }

  #setMember(memberId: string, member: ConsumerMember | undefined): void {
    const old = this.members.get(memberId)
    if (old !== undefined) {
      for (const key of partitionKeys(old)) {
        if (this.#owners.get(key) === memberId) this.#owners.delete(key)
      }
      if (old.instanceId !== null && this.staticMembers.get(old.instanceId) === memberId) {
        this.staticMembers.delete(old.instanceId)
      }
    }
    if (member === undefined) {
      this.members.delete(memberId)
      return
    }
    this.members.set(memberId, member)
    for (const key of partitionKeys(member)) this.#owners.set(key, memberId)
    if (member.instanceId !== null) this.staticMembers.set(member.instanceId, memberId)
  }
}

/** Error of a request in another epoch than the member's. */
function staleError({ classic }: ConsumerMember): ErrorName {
  return classic === undefined ? 'STALE_MEMBER_EPOCH' : 'ILLEGAL_GENERATION'
}

function* partitionKeys(member: ConsumerMember): Generator<string> {
  for (const partitions of [member.assigned, member.pendingRevocation]) {
    for (const [topicId, epochs] of partitions) {
      for (const partition of epochs.keys()) yield partitionKey(topicId, partition)
    }
  }
}

export function tombstone<
  K extends 'consumerMember' | 'consumerMemberTarget' | 'consumerMemberCurrent',
>(kind: K, groupId: string, memberId: string): GroupRecord {
  return { kind, key: { groupId, memberId }, value: null } as GroupRecord
}
