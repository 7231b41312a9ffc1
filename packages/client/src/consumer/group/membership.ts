// SPDX-License-Identifier: Apache-2.0
import { MillraceError } from '@millrace/base'
import {
  ErrorCode,
  type MessageInput,
  type MessageOf,
  type MessageSchema,
} from '@millrace/protocol'
import type { Cluster } from '../../metadata/cluster.ts'
import type { RequestOptions } from '../../network/broker-connection.ts'
import type { TopicPartition } from '../../topic-partition.ts'

/** Identity of a member in its group. */
export interface Generation {
  /**
   * Generation of a classic group, epoch of a member of a consumer group; -1 outside of a group.
   */
  readonly generationId: number
  readonly memberId: string
  /** Name of a static member; null for dynamic members. */
  readonly groupInstanceId: string | null
}

export interface JoinSubscription {
  readonly topics: readonly string[]
  /** Partitions that are kept through the rebalance. */
  readonly owned: readonly TopicPartition[]
  /** Last assignment, for assignors that prefer to keep it. */
  readonly previous: readonly TopicPartition[]
}

export interface JoinResult {
  readonly assigned: readonly TopicPartition[]
  /**
   * Topics whose partition counts the assignment depends on, which the leader watches; undefined if
   * this member is not the leader.
   */
  readonly watched: ReadonlyMap<string, number> | undefined
}

/** Membership in a group, of either protocol. */
export interface Membership {
  readonly generation: Generation
  readonly isMember: boolean
  /** Whether partitions may be kept through a rebalance. */
  readonly isCooperative: boolean
  /** Set when the group has a new assignment, or this member a new subscription: `join` is due. */
  needsJoin: boolean
  /** Set when the partitions were assigned to others without this member's consent. */
  isLost: boolean
  /** Set when the membership cannot continue. */
  readonly fatal: Error | undefined
  /** When the application last made progress. */
  lastProgressMs: () => number
  /** Joins until the group is stable. Rejects with errors that a retry cannot resolve. */
  join(subscription: JoinSubscription): Promise<JoinResult>
  /**
   * Called when the assignment of `join` is applied; `tookAway` if partitions were revoked for it.
   */
  assignmentApplied(owned: readonly TopicPartition[], tookAway: boolean): void
  /** Rejoins with the next poll. */
  requestJoin(): void
  /** For callers that learn from another request that the group rebalanced without this member. */
  lose(): void
  /** Leaves the group, so that it does not wait for the session to expire. */
  leave(reason: string): Promise<void>
  close(): void
}

/** Errors of a broker that does not, or no longer, coordinate the group. */
export const coordinatorMoved: ReadonlySet<number> = new Set([
  ErrorCode.COORDINATOR_NOT_AVAILABLE,
  ErrorCode.NOT_COORDINATOR,
])

/** The coordinator of a group; looked up on first use and after it moved. */
export class GroupLink {
  readonly cluster: Cluster
  readonly groupId: string

  constructor(cluster: Cluster, groupId: string) {
    this.cluster = cluster
    this.groupId = groupId
  }

  async request<Q extends MessageSchema, S extends MessageSchema>(
    request: Q,
    response: S,
    message: MessageInput<Q> | ((version: number) => MessageInput<Q>),
    options?: RequestOptions,
  ): Promise<MessageOf<S>> {
    const node = await this.cluster.coordinator('group', this.groupId)
    try {
      const connection = await this.cluster.connect(node.id, 'coordinator')
      return await connection.request(request, response, message, options)
    } catch (error) {
      if (error instanceof MillraceError && error.retriable) this.forget()
      throw error
    }
  }

  forget(): void {
    this.cluster.forgetCoordinator('group', this.groupId)
  }
}
