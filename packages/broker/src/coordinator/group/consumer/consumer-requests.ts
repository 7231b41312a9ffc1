// SPDX-License-Identifier: Apache-2.0
import type { TopicPartitions } from '../modern/assignment.ts'
import type { AssignedPartitions } from './consumer-member.ts'

/**
 * A ConsumerGroupHeartbeat request, independent of its wire format, with the metadata of its
 * client. Null means unchanged.
 */
export interface ConsumerHeartbeat {
  readonly groupId: string
  readonly memberId: string
  readonly memberEpoch: number
  readonly instanceId: string | null
  readonly rackId: string | null
  readonly clientId: string
  readonly clientHost: string
  /** -1 means unchanged. */
  readonly rebalanceTimeoutMs: number
  readonly subscribedTopicNames: readonly string[] | null
  readonly subscribedTopicRegex: string | null
  readonly serverAssignor: string | null
  readonly owned: readonly TopicPartitions[] | null
  /** Whether a pattern may find the topic. Default: any. */
  readonly mayDescribe?: (topic: string) => boolean
}

export interface ConsumerHeartbeatReply {
  readonly memberId: string
  readonly memberEpoch: number
  readonly heartbeatIntervalMs: number
  /** Undefined means unchanged. */
  readonly assignment: AssignedPartitions | undefined
}
