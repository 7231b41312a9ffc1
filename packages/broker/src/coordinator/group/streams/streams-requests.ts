// SPDX-License-Identifier: Apache-2.0
import type { NewTopic } from '../../../metadata/topic-operations.ts'
import type { Endpoint, KeyValue } from './streams-member.ts'
import type { AssignedTasks, TargetTasks } from './tasks.ts'
import type { Status, Topology } from './topology.ts'

/** StreamsGroupHeartbeat without the wire, plus who asks. Null: as before. */
export interface StreamsHeartbeat {
  readonly groupId: string
  readonly memberId: string
  readonly memberEpoch: number
  readonly endpointInformationEpoch: number
  readonly rackId: string | null
  readonly clientId: string
  readonly clientHost: string
  /** -1: as before. */
  readonly rebalanceTimeoutMs: number
  readonly topology: Topology | null
  /** Undefined: as before. */
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
  /** Undefined: as before. */
  readonly assignment: AssignedTasks | undefined
  readonly endpointInformationEpoch: number
  /** Who answers for which partitions (interactive queries); undefined: as before. */
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
