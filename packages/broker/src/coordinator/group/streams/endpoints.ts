// SPDX-License-Identifier: Apache-2.0
import type { TopicsView } from '../modern/topics-view.ts'
import type { StreamsMember } from './streams-member.ts'
import type { StreamsHeartbeatReply, TopicPartitions } from './streams-requests.ts'
import type { ActiveTasks, Tasks } from './tasks.ts'
import { type ConfiguredTopology, sourceTopicsOf } from './topology.ts'

/**
 * Maps endpoints to the partitions they serve, so that a query for any key can be routed to the
 * right instance.
 */
export function endpointsOf(
  members: Iterable<StreamsMember>,
  { subtopologies }: ConfiguredTopology,
  topics: TopicsView,
): NonNullable<StreamsHeartbeatReply['partitionsByEndpoint']> {
  const partitionsOf = (tasks: Tasks | ActiveTasks): TopicPartitions[] =>
    [...tasks].flatMap(([id, partitions]) => {
      const configured = subtopologies?.get(id)
      if (configured === undefined) return []
      return sourceTopicsOf(configured.subtopology).flatMap((topic) => {
        const count = topics.byName(topic)?.partitionCount ?? 0
        const read = [...partitions.keys()].filter((partition) => partition < count)
        return read.length === 0 ? [] : [{ topic, partitions: read.sort((a, b) => a - b) }]
      })
    })
  return [...members].flatMap(({ userEndpoint, assigned }) =>
    userEndpoint === null
      ? []
      : [
          {
            userEndpoint,
            activePartitions: partitionsOf(assigned.active),
            standbyPartitions: partitionsOf(assigned.standby),
          },
        ],
  )
}
