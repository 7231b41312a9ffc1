// SPDX-License-Identifier: Apache-2.0
import type { TopicPartitions } from '../modern/assignment.ts'
import type { AssignedPartitions } from './consumer-member.ts'

/** ConsumerGroupHeartbeat without the wire, plus who asks. Null: as before. */
export interface ConsumerHeartbeat {
  readonly groupId: string
  readonly memberId: string
  readonly memberEpoch: number
  readonly instanceId: string | null
  readonly rackId: string | null
  readonly clientId: string
  readonly clientHost: string
  /** -1: as before. */
  readonly rebalanceTimeoutMs: number
  readonly subscribedTopicNames: readonly string[] | null
  readonly subscribedTopicRegex: string | null
  readonly serverAssignor: string | null
  readonly owned: readonly TopicPartitions[] | null
}

export interface ConsumerHeartbeatReply {
  readonly memberId: string
  readonly memberEpoch: number
  readonly heartbeatIntervalMs: number
  /** Undefined: as before. */
  readonly assignment: AssignedPartitions | undefined
}
