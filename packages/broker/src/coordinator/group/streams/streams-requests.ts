// SPDX-License-Identifier: Apache-2.0
import type { NewTopic } from '../../../metadata/topic-operations.ts'
import type { Endpoint, KeyValue } from './streams-member.ts'
import type { AssignedTasks, TargetTasks } from './tasks.ts'
import type { Status, Topology } from './topology.ts'

/**
 * A StreamsGroupHeartbeat request, independent of its wire format, with the metadata of its client.
 * Null means unchanged.
 */
export interface StreamsHeartbeat {
  readonly groupId: string
  readonly memberId: string
  readonly memberEpoch: number
  readonly endpointInformationEpoch: number
  readonly rackId: string | null
  readonly clientId: string
  readonly clientHost: string
  /** -1 means unchanged. */
  readonly rebalanceTimeoutMs: number
  readonly topology: Topology | null
  /** Undefined means unchanged. */
  readonly owned: TargetTasks | undefined
  readonly processId: string | null
  readonly userEndpoint: Endpoint | null
  readonly clientTags: readonly KeyValue[] | null
  readonly shutdownApplication: boolean
}

export interface StreamsHeartbeatReply {
  readonly memberId: string
  readonly memberEpoch: number
  readonly heartbeatIntervalMs: number
  readonly status: readonly Status[]
  /** Undefined means unchanged. */
  readonly assignment: AssignedTasks | undefined
  readonly endpointInformationEpoch: number
  /** Endpoint for interactive queries; undefined means unchanged. */
  readonly partitionsByEndpoint:
    | readonly {
        readonly userEndpoint: Endpoint
        readonly activePartitions: readonly TopicPartitions[]
        readonly standbyPartitions: readonly TopicPartitions[]
      }[]
    | undefined
  readonly topicsToCreate: readonly NewTopic[]
}

export interface TopicPartitions {
  readonly topic: string
  readonly partitions: readonly number[]
}
