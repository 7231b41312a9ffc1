// SPDX-License-Identifier: Apache-2.0
import { ProtocolError } from '@millrace/protocol'
import type { ClassicCoordinator } from '../classic/classic-coordinator.ts'
import { groupMetadataRecord } from '../classic/classic-coordinator.ts'
import { ClassicGroup, ClassicGroupState } from '../classic/classic-group.ts'
import type { Group } from '../group.ts'
import type { GroupConfig } from '../group-config.ts'
import type { GroupEffects } from '../group-effects.ts'
import { topicPartitionsOf } from '../modern/assignment.ts'
import { NEVER_ASSIGNED_MS } from '../modern/assignment-due.ts'
import { GroupDraft } from '../modern/group-draft.ts'
import { metadataHash, type TopicsView } from '../modern/topics-view.ts'
import { epochRecord, targetEpochRecord, targetRecord } from './consumer-coordinator.ts'
import { ConsumerGroup } from './consumer-group.ts'
import {
  type ConsumerMember,
  currentRecord,
  MemberState,
  memberRecord,
  newMember,
  uniqueNames,
} from './consumer-member.ts'
import { readAssignment, readSubscription, writeAssignment } from './embedded-protocol.ts'

/**
 * Converts groups from the classic to the consumer protocol and back, while they are active
 * (KIP-848).
 */
export class GroupMigration {
  readonly #groups: Map<string, Group>
  readonly #config: GroupConfig
  readonly #topics: TopicsView
  readonly #classic: ClassicCoordinator

  constructor(options: {
    readonly groups: Map<string, Group>
    readonly config: GroupConfig
    readonly topics: TopicsView
    readonly classic: ClassicCoordinator
  }) {
    this.#groups = options.groups
    this.#config = options.config
    this.#topics = options.topics
    this.#classic = options.classic
  }

  /**
   * Creates a consumer group with the members of a classic one; undefined for other kinds of
   * groups.
   */
  convert(fx: GroupEffects, groupId: string, nowMs: number): ConsumerGroup | undefined {
    const classic = this.#groups.get(groupId)
    if (!(classic instanceof ClassicGroup)) return undefined
    if (classic.isEmpty) {
      fx.records.push(...classic.tombstones())
      return new ConsumerGroup(groupId)
    }
    this.#checkUpgrade(classic)
    const members = this.#convertedMembers(classic)
    fx.records.push(...classic.tombstones())
    this.#classic.dissolve(fx, classic)
    const draft = new GroupDraft(new ConsumerGroup(groupId), fx, (source) => source)
    draft.emit(...members.map(({ member }) => memberRecord(groupId, member)))
    const hash = metadataHash(draft.group.allSubscribedTopics, this.#topics)
    draft.emit(
      epochRecord(groupId, classic.generationId, hash),
      ...members.map(({ member, assignment }) =>
        targetRecord(groupId, member.memberId, topicPartitionsOf(assignment)),
      ),
      targetEpochRecord(groupId, classic.generationId, NEVER_ASSIGNED_MS),
      ...members.map(({ member }) => currentRecord(groupId, member)),
    )
    for (const { member } of members) {
      const { memberId } = member
      const dueMs = nowMs + (member.classic?.sessionTimeoutMs ?? 0)
      fx.setTimer(`consumer-session/${groupId}/${memberId}`, dueMs, {
        kind: 'consumerSession',
        groupId,
        memberId,
      })
    }
    return draft.group
  }

  #checkUpgrade(group: ClassicGroup): void {
    const { migrationPolicy, maxSize } = this.#config.consumer
    const refuse = (why: string): ProtocolError =>
      new ProtocolError(
        'GROUP_ID_NOT_FOUND',
        `Cannot upgrade classic group ${group.groupId} to consumer group because ${why}.`,
      )
    if (migrationPolicy !== 'bidirectional' && migrationPolicy !== 'upgrade') {
      throw refuse('online upgrade is disabled')
    }
    if (group.protocolType !== 'consumer') {
      throw refuse('the group does not use the consumer embedded protocol')
    }
    if (group.members.size > maxSize) {
      throw refuse('the group size exceeds the consumer group maximum size')
    }
  }

  #convertedMembers(group: ClassicGroup) {
    const { groupId, generationId, protocolName } = group
    return [...group.members.values()].map((classic) => {
      try {
        const metadata = classic.protocols.find(({ name }) => name === protocolName)?.metadata
        const subscription = readSubscription(metadata ?? Buffer.alloc(0))
        const assignment = readAssignment(classic.assignment, this.#topics)
        if (assignment === undefined) {
          throw new ProtocolError(
            'GROUP_ID_NOT_FOUND',
            `Cannot upgrade classic group ${groupId} to consumer group because an unsupported custom assignor is in use. Please refer to the documentation or switch to a default assignor before re-attempting the upgrade.`,
          )
        }
        const member: ConsumerMember = {
          ...newMember(classic.memberId),
          instanceId: classic.groupInstanceId,
          rackId: subscription.rackId || null,
          clientId: classic.clientId,
          clientHost: classic.clientHost,
          subscribedTopicNames: uniqueNames(subscription.topics),
          rebalanceTimeoutMs: classic.rebalanceTimeoutMs,
          classic: {
            sessionTimeoutMs: classic.sessionTimeoutMs,
            supportedProtocols: classic.protocols,
          },
          memberEpoch: generationId,
          previousMemberEpoch: generationId,
          state: MemberState.Stable,
          assigned: new Map(
            [...assignment].map(([topicId, partitions]) => [
              topicId,
              new Map(partitions.map((partition) => [partition, generationId])),
            ]),
          ),
        }
        return { member, assignment }
      } catch (error) {
        if (error instanceof ProtocolError) throw error
        throw new ProtocolError(
          'GROUP_ID_NOT_FOUND',
          `Cannot upgrade classic group ${groupId} to consumer group because the embedded consumer protocol is malformed.`,
          { cause: error },
        )
      }
    })
  }

  /** Whether the group becomes classic when these members leave. */
  isLeftToClassic(group: ConsumerGroup, leaving: ReadonlySet<string>): boolean {
    const { size } = group.members
    return size > leaving.size && this.isReplacedByClassic(group, leaving)
  }

  /**
   * Whether the group becomes classic when static members are replaced by members of the classic
   * protocol: all others use it.
   */
  isReplacedByClassic(group: ConsumerGroup, replaced: ReadonlySet<string>): boolean {
    const { migrationPolicy } = this.#config.consumer
    if (migrationPolicy !== 'bidirectional' && migrationPolicy !== 'downgrade') return false
    let others = 0
    for (const { memberId, classic } of group.members.values()) {
      if (replaced.has(memberId)) continue
      if (classic === undefined) return false
      others++
    }
    return others <= this.#config.maxSize
  }

  /**
   * Creates a classic group from a consumer group whose remaining members all use the classic
   * protocol.
   */
  downgrade(
    fx: GroupEffects,
    group: ConsumerGroup,
    options: {
      readonly leaving: ReadonlySet<string>
      readonly rebalance: boolean
      readonly nowMs: number
    },
  ): ClassicGroup {
    const { leaving, rebalance, nowMs } = options
    const { groupId } = group
    fx.records.push(...group.tombstones())
    const classic = new ClassicGroup(groupId, nowMs)
    classic.generationId = group.groupEpoch
    for (const member of group.members.values()) {
      fx.cancelTimer(`consumer-session/${groupId}/${member.memberId}`)
      fx.cancelTimer(`consumer-rebalance/${groupId}/${member.memberId}`)
      if (leaving.has(member.memberId) || member.classic === undefined) continue
      const protocols = member.classic.supportedProtocols
      classic.add(
        {
          memberId: member.memberId,
          groupInstanceId: member.instanceId,
          clientId: member.clientId,
          clientHost: member.clientHost,
          rebalanceTimeoutMs: member.rebalanceTimeoutMs,
          sessionTimeoutMs: member.classic.sessionTimeoutMs,
          protocols,
          assignment: writeAssignment(
            group.target(member.memberId),
            this.#topics,
            readSubscription(protocols[0]?.metadata ?? Buffer.alloc(2)).version,
          ),
          awaitingJoin: undefined,
          awaitingSync: undefined,
          isNew: false,
        },
        'consumer',
      )
    }
    classic.protocolName = classic.selectProtocol()
    classic.transitionTo(ClassicGroupState.Stable, nowMs)
    fx.records.push(groupMetadataRecord(classic))
    this.#groups.set(groupId, classic)
    this.#classic.adopt(fx, classic, { rebalance, nowMs })
    return classic
  }
}
