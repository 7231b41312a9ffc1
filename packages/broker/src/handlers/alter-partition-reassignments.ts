// SPDX-License-Identifier: Apache-2.0
import {
  AlterPartitionReassignmentsRequest,
  AlterPartitionReassignmentsResponse,
  ErrorCode,
  type ErrorName,
} from '@millrace/protocol'
import type { BrokerServices } from '../broker-services.ts'
import { defineHandler } from './handler.ts'
import { denialOf } from './outcome.ts'

/**
 * AlterPartitionReassignments (key 45): on a single node only the current assignment can be
 * requested.
 */
export const alterPartitionReassignments = defineHandler(
  AlterPartitionReassignmentsRequest,
  AlterPartitionReassignmentsResponse,
  (request, context) => {
    const { broker, access } = context
    const denial = denialOf(() => access.requireClusterByName())
    return {
      throttleTimeMs: 0,
      errorCode: denial?.errorCode ?? ErrorCode.NONE,
      errorMessage: denial?.message ?? null,
      allowReplicationFactorChange: request.allowReplicationFactorChange,
      responses: request.topics.map(({ name, partitions }) => ({
        name,
        partitions: partitions.map(({ partitionIndex, replicas }) => {
          const [error, errorMessage] =
            denial === undefined
              ? judge(broker, { name, partitionIndex, replicas })
              : [denial.code, denial.message]
          return { partitionIndex, errorCode: ErrorCode[error], errorMessage }
        }),
      })),
    }
  },
)

function judge(
  broker: BrokerServices,
  asked: {
    readonly name: string
    readonly partitionIndex: number
    readonly replicas: readonly number[] | null
  },
): readonly [ErrorName, string | null] {
  const { name, partitionIndex, replicas } = asked
  const topic = broker.topics.get(name)
  if (topic === undefined) {
    return ['UNKNOWN_TOPIC_OR_PARTITION', `Unable to find a topic named ${name}.`]
  }
  if (topic.partitions[partitionIndex] === undefined) {
    return ['UNKNOWN_TOPIC_OR_PARTITION', `Unable to find partition ${name}:${partitionIndex}.`]
  }
  if (replicas === null) {
    return ['NO_REASSIGNMENT_IN_PROGRESS', 'No partition reassignment is in progress.']
  }
  if (replicas.length === 0) {
    return [
      'INVALID_REPLICA_ASSIGNMENT',
      'The manual partition assignment includes an empty replica list.',
    ]
  }
  if (new Set(replicas).size !== replicas.length) {
    return [
      'INVALID_REPLICA_ASSIGNMENT',
      'The manual partition assignment includes a broker more than once.',
    ]
  }
  const unknown = replicas.find((id) => id !== broker.nodeId)
  if (unknown !== undefined) {
    return [
      'INVALID_REPLICA_ASSIGNMENT',
      `The manual partition assignment includes broker ${unknown}, but no such broker is registered.`,
    ]
  }
  return ['NONE', null]
}
