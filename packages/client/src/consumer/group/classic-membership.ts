// SPDX-License-Identifier: Apache-2.0
import { MillraceError } from '@millrace/base'
import type { Cluster } from '../../metadata/cluster.ts'
import type { TopicPartition } from '../../topic-partition.ts'
import type { Assignor, GroupMember } from './assignor.ts'
import { ClassicMember, type JoinedGroup } from './classic-member.ts'
import {
  decodeAssignment,
  decodeSubscription,
  encodeAssignment,
  encodeSubscription,
} from './consumer-protocol.ts'
import type {
  Generation,
  GroupLink,
  JoinResult,
  JoinSubscription,
  Membership,
} from './membership.ts'

export interface ClassicMembershipOptions {
  readonly groupId: string
  readonly groupInstanceId: string | undefined
  readonly sessionTimeoutMs: number
  readonly heartbeatIntervalMs: number
  readonly maxPollIntervalMs: number
  readonly assignors: readonly Assignor[]
  readonly rackId: string
}

/**
 * Membership of a consumer in a classic group. If the application is slower than
 * `maxPollIntervalMs`, the member leaves, as Java's does.
 */
export class ClassicMembership implements Membership {
  readonly #cluster: Cluster
  readonly #options: ClassicMembershipOptions
  readonly #member: ClassicMember
  #previousGenerationId = -1
  /** When the application last made progress. */
  lastProgressMs: () => number

  constructor(link: GroupLink, options: ClassicMembershipOptions, onChange: () => void) {
    const { cluster } = link
    this.#cluster = cluster
    this.#options = options
    this.#member = new ClassicMember(
      link,
      { ...options, protocolType: 'consumer', rebalanceTimeoutMs: options.maxPollIntervalMs },
      onChange,
    )
    this.#member.reasonToLeave = () => this.#reasonToLeave()
    this.lastProgressMs = () => cluster.clock.monotonic()
  }

  get generation(): Generation {
    return this.#member.generation
  }

  get isMember(): boolean {
    return this.#member.isMember
  }

  get needsJoin(): boolean {
    return this.#member.needsJoin
  }

  set needsJoin(value: boolean) {
    this.#member.needsJoin = value
  }

  get isLost(): boolean {
    return this.#member.isLost
  }

  set isLost(value: boolean) {
    this.#member.isLost = value
  }

  get fatal(): Error | undefined {
    return this.#member.fatal
  }

  /** Whether all offered assignors keep partitions through a rebalance. */
  get isCooperative(): boolean {
    return this.#options.assignors.every(({ protocols }) => protocols.includes('cooperative'))
  }

  assignmentApplied(_owned: readonly TopicPartition[], tookAway: boolean): void {
    // Revoked partitions are assigned to others in the rebalance that follows (KIP-429).
    if (tookAway) this.requestJoin()
  }

  /** Joins until the group is stable. Rejects with errors that a retry cannot resolve. */
  async join(subscription: JoinSubscription): Promise<JoinResult> {
    const { assignors, rackId } = this.#options
    let watched: ReadonlyMap<string, number> | undefined
    const { group, assignment } = await this.#member.join({
      protocols: () =>
        assignors.map((assignor) => ({
          name: assignor.name,
          metadata: encodeSubscription({
            topics: subscription.topics,
            owned: subscription.owned,
            generationId: this.#member.generation.generationId,
            rackId: rackId === '' ? null : rackId,
            userData:
              assignor.userData?.(subscription.previous, this.#previousGenerationId) ?? null,
          }),
        })),
      assign: async (joined) => {
        const { assignments, partitionCounts } = await this.#plan(joined)
        watched = partitionCounts
        return assignments
      },
    })
    this.#previousGenerationId = group.generationId
    return {
      assigned: decodeAssignment(assignment),
      watched: group.isLeader ? (watched ?? (await this.#countsFor(group))) : undefined,
    }
  }

  /** Assignment of all members, by the leader. */
  async #plan(group: JoinedGroup): Promise<{
    readonly assignments: { readonly memberId: string; readonly assignment: Buffer }[]
    readonly partitionCounts: ReadonlyMap<string, number>
  }> {
    const { protocolName } = group
    const assignor = this.#options.assignors.find(({ name }) => name === protocolName)
    if (assignor === undefined) {
      throw new MillraceError(
        'MILLRACE_UNKNOWN_ASSIGNOR',
        `group ${this.#options.groupId} chose assignor ${protocolName}, which was not offered`,
      )
    }
    const members = membersOf(group)
    const partitionCounts = await this.#countsFor(group)
    const { topics, nodes } = this.#cluster.metadata
    const plan = assignor.assign({
      members,
      partitionCounts,
      racks: ({ topic, partition }) =>
        (topics.get(topic)?.partitions[partition]?.replicas ?? []).flatMap((replica) => {
          const rack = nodes.get(replica)?.rack
          return rack === null || rack === undefined ? [] : [rack]
        }),
    })
    return {
      assignments: members.map(({ memberId }) => ({
        memberId,
        assignment: encodeAssignment(plan.get(memberId) ?? []),
      })),
      partitionCounts,
    }
  }

  /**
   * Partition counts of all subscribed topics; other members may subscribe to topics that this
   * client has never looked up.
   */
  async #countsFor(group: JoinedGroup): Promise<Map<string, number>> {
    const wanted = new Set(membersOf(group).flatMap(({ topics }) => topics))
    const { metadata } = this.#cluster
    const isNew = this.#cluster.track(wanted)
    if (isNew || [...wanted].some((topic) => !metadata.topics.has(topic))) {
      await this.#cluster.refresh()
    }
    const counts = new Map<string, number>()
    for (const topic of wanted) {
      const known = this.#cluster.metadata.topics.get(topic)
      if (known !== undefined) counts.set(topic, known.partitions.length)
    }
    return counts
  }

  #reasonToLeave(): string | undefined {
    const { maxPollIntervalMs, groupId } = this.#options
    if (this.#cluster.clock.monotonic() - this.lastProgressMs() <= maxPollIntervalMs)
      return undefined
    this.#cluster.options.logger.warn(
      'left the group: more than maxPollIntervalMs passed without a poll; handle fewer records at once or raise it',
      { groupId, maxPollIntervalMs },
    )
    return 'consumer poll timeout has expired'
  }

  /** Rejoins with the next poll. */
  requestJoin(): void {
    this.#member.requestJoin()
  }

  /** For callers that learn from another request that the group rebalanced without this member. */
  lose(): void {
    this.#member.lose()
  }

  /** Leaves the group. Static members just stop. */
  leave(reason: string): Promise<void> {
    return this.#member.leave(reason)
  }

  close(): void {
    this.#member.close()
  }
}

function membersOf({ members }: JoinedGroup): GroupMember[] {
  return members.map(({ memberId, groupInstanceId, metadata }) =>
    decodeSubscription(metadata, { memberId, groupInstanceId }),
  )
}
