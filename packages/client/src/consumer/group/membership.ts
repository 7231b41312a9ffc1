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

/** A member's place in its group, as the group protocol names it. */
export interface Generation {
  /** Generation of a classic group, epoch of the member of a consumer group; -1 outside. */
  readonly generationId: number
  readonly memberId: string
  /** Null for dynamic members. */
  readonly groupInstanceId: string | null
}

export interface JoinSubscription {
  readonly topics: readonly string[]
  /** What we hold on to through the rebalance. */
  readonly owned: readonly TopicPartition[]
  /** What we had last, for assignors that would give it to us again. */
  readonly previous: readonly TopicPartition[]
}

export interface JoinResult {
  readonly assigned: readonly TopicPartition[]
  /** Topics whose partition counts the assignment rests on, for the leader to watch; undefined where that is not ours to do. */
  readonly watched: ReadonlyMap<string, number> | undefined
}

/** A consumer's place in its group, whichever protocol it speaks. */
export interface Membership {
  readonly generation: Generation
  readonly isMember: boolean
  /** Whether partitions may be kept through a rebalance. */
  readonly isCooperative: boolean
  /** Set when the group has something for us, or we for it: `join` is due. */
  needsJoin: boolean
  /** Set when what we had was given to others without asking us. */
  isLost: boolean
  /** Set when going on is impossible. */
  readonly fatal: Error | undefined
  /** When the application last showed that it is getting on. */
  lastProgressMs: () => number
  /** Joins until the group has agreed. Rejects with errors that another attempt cannot mend. */
  join(subscription: JoinSubscription): Promise<JoinResult>
  /** What `join` gave is in place; `tookAway` when that meant giving up something. */
  assignmentApplied(owned: readonly TopicPartition[], tookAway: boolean): void
  /** Joins again with the next poll. */
  requestJoin(): void
  /** For whoever learns from another request that the group went on without us. */
  lose(): void
  /** Tells the group that we go, so that it does not wait for our session to end. */
  leave(reason: string): Promise<void>
  close(): void
}

/** Refusals of a broker that does not coordinate the group, or not any more. */
export const coordinatorMoved: ReadonlySet<number> = new Set([
  ErrorCode.COORDINATOR_NOT_AVAILABLE,
  ErrorCode.NOT_COORDINATOR,
])

/** The broker that coordinates a group, looked for when it is first needed and after it moved. */
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
